// Checked reading and atomic writing with the calls of POSIX.
#include <floe/files/file.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cctype>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace floe {
namespace {

static_assert(std::endian::native == std::endian::little, "floe: files hold little-endian numbers, so memory must too");

// Linux moves at most this much in one call.
constexpr std::size_t most_per_call = 0x7ffff000;

std::string in_words(int error) {
  switch (error) {
    case ENOENT: return "there is no such file";
    case EACCES:
    case EPERM: return "permission is denied";
    case ENOSPC:
    case EDQUOT: return "no space is left on the device";
    default: return std::generic_category().message(error);
  }
}

const char* kind_in_words(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  return "a device";
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

// --- Reading ---------------------------------------------------------------------------------------------------------

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);  // a pipe would wait for a writer
  if (descriptor_ < 0) {
    int error = errno;
    std::error_code ignored;
    if (error == ENOENT && std::filesystem::is_symlink(path_, ignored)) {
      refuse("", fmt::format("cannot be read: it is a link to {}, which does not exist",
                             std::filesystem::read_symlink(path_, ignored).string()));
    }
    refuse("", "cannot be read: " + in_words(error));
  }

  struct stat status;
  int error = fstat(descriptor_, &status) != 0 ? errno : 0;
  if (error || !S_ISREG(status.st_mode)) {
    close(descriptor_);
    if (error) refuse("", "cannot be read: " + in_words(error));
    refuse("", fmt::format("cannot be read: it is {}, not a file", kind_in_words(status.st_mode)));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void InputFile::expect_bytes(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  if (offset <= size_ && bytes <= size_ - offset) return;
  refuse(at_offset(offset), fmt::format("expected {} ({} byte{}), the file ends after {}", what, bytes,
                                        bytes == 1 ? "" : "s", count(static_cast<long long>(size_), "byte")));
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> into, std::string_view what) const {
  expect_bytes(offset, into.size(), what);
  for (std::size_t done = 0; done < into.size();) {
    ssize_t now = pread(descriptor_, into.data() + done, std::min(into.size() - done, most_per_call),
                        static_cast<off_t>(offset + done));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) refuse(at_offset(offset + done), "cannot be read: " + in_words(errno));
    if (now == 0) refuse(at_offset(offset + done), fmt::format("expected {}, the file became shorter meanwhile", what));
    done += static_cast<std::size_t>(now);
  }
}

std::string InputFile::read_text(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  expect_bytes(offset, bytes, what);
  std::string text(bytes, '\0');
  read(offset, std::as_writable_bytes(std::span(text)), what);
  return text;
}

void InputFile::read_values(std::uint64_t offset, std::span<std::byte> into, DType dtype, std::string_view what) const {
  read(offset, into, what);
  if (dtype != DType::boolean) return;

  // Any other byte in a C++ bool is undefined behaviour.
  auto bad = std::find_if(into.begin(), into.end(), [](std::byte byte) { return byte > std::byte{1}; });
  if (bad == into.end()) return;
  refuse(at_offset(offset + static_cast<std::uint64_t>(bad - into.begin())),
         fmt::format("a bool is 0 or 1, found {}", std::to_integer<int>(*bad)));
}

Tensor InputFile::read_tensor(std::uint64_t offset, const Shape& shape, DType dtype, std::string_view what) const {
  std::uint64_t bytes = tensor_bytes(at_offset(offset), shape, dtype);
  expect_bytes(offset, bytes, what);
  Tensor result(shape, dtype);
  read_values(offset, {static_cast<std::byte*>(result.raw_mutable()), bytes}, dtype, what);
  return result;
}

std::uint64_t InputFile::tensor_bytes(std::string_view where, const Shape& shape, DType dtype) const {
  std::optional<std::uint64_t> bytes = byte_count(shape, dtype);
  if (!bytes) refuse(where, fmt::format("shape {} has more elements than can be counted", to_string(shape)));
  return *bytes;
}

void InputFile::expect_end(std::uint64_t offset) const {
  if (size_ == offset) return;
  refuse(at_offset(offset), fmt::format("expected the end of the file, found {} more",
                                        count(static_cast<long long>(size_ - offset), "byte")));
}

std::string InputFile::impostor() const {
  std::string start = read_text(0, std::min<std::uint64_t>(size_, 64), "the first bytes");
  std::string lower = start;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  lower.erase(0, lower.find_first_not_of(" \t\r\n"));

  if (lower.starts_with("<!doctype html") || lower.starts_with("<html")) return "an HTML page (a failed download?)";
  if (lower.starts_with("version https://git-lfs")) return "a Git LFS pointer ('git lfs pull' fetches the data)";
  if (start.starts_with("PK\x03\x04")) return "a zip archive";
  if (start.starts_with("\x1f\x8b")) return "a gzip archive";
  return in_quotes(std::string_view(start).substr(0, 8));
}

std::string at_offset(std::uint64_t offset) { return fmt::format("offset {}", offset); }

std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (char c : text.substr(0, 60)) {
    if (c >= ' ' && c <= '~') result += c;
    else result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return result + (text.size() > 60 ? "...'" : "'");
}

std::optional<std::uint64_t> byte_count(const Shape& shape, DType dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(dtype));
  for (std::int64_t size : shape) {
    if (size != 0 && __builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void refuse_writing(const std::filesystem::path& path, int error) {
  throw FileError(path, "", "cannot be written: " + in_words(error));
}

[[noreturn]] void refuse_creating(const std::filesystem::path& path, const std::filesystem::path& target, int error) {
  if (error != ENOENT) refuse_writing(path, error);
  throw FileError(path, "", "cannot be written: there is no folder " + folder_of(target).string());
}

// 0, or the error after which some of the bytes may be written.
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t now = write(descriptor, bytes.data(), std::min(bytes.size(), most_per_call));
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(now));
  }
  return 0;
}

// NAME.PID.NUMBER.tmp
bool is_temporary_of(const std::filesystem::path& target, std::string name) {
  std::string start = target.filename().string() + ".";
  if (!name.starts_with(start) || !name.ends_with(".tmp") || name.size() < start.size() + 4) return false;
  std::string numbers = name.substr(start.size(), name.size() - start.size() - 4);
  return std::count(numbers.begin(), numbers.end(), '.') == 1 && numbers.front() != '.' && numbers.back() != '.' &&
         numbers.find_first_not_of(".0123456789") == std::string::npos;
}

// The new file until it is complete.
class Temporary {
 public:
  Temporary(const std::filesystem::path& path, const std::filesystem::path& target) : path_(path), target_(target) {
    static std::atomic<unsigned> number{0};
    do {
      name_ = target_;
      name_ += fmt::format(".{}.{}.tmp", getpid(), number.fetch_add(1));
      descriptor_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && errno != EEXIST) refuse_creating(path_, target_, errno);
    } while (descriptor_ < 0 || !lock());
  }

  ~Temporary() {
    if (descriptor_ < 0) return;
    unlink(name_.c_str());
    close(descriptor_);
  }

  int descriptor() const { return descriptor_; }

  void replace_target() {
    struct stat old;
    if (stat(target_.c_str(), &old) == 0) fchmod(descriptor_, old.st_mode & 07777);
    if (fsync(descriptor_) != 0 || rename(name_.c_str(), target_.c_str()) != 0) refuse_writing(path_, errno);
    close(std::exchange(descriptor_, -1));

    // The new name reaches the disk with the folder.
    int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;  // a folder one may write to but not list
    int error = fsync(folder) != 0 ? errno : 0;
    close(folder);
    if (error && error != EINVAL) refuse_writing(path_, error);  // EINVAL: a file system without such a promise
  }

 private:
  // False if another process's sweep came between creating the file and locking it.
  bool lock() {
    struct stat status;
    bool taken = flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && fstat(descriptor_, &status) == 0 && status.st_nlink > 0) return true;
    close(std::exchange(descriptor_, -1));
    return false;
  }

  const std::filesystem::path& path_;
  const std::filesystem::path& target_;
  std::filesystem::path name_;
  int descriptor_ = -1;
};

}  // namespace

void Writer::write(std::span<const std::byte> bytes) {
  if (int error = write_all(descriptor_, bytes)) refuse_writing(path_, error);
}

// A writer holds a lock on its temporary, which ends with its process. A process number would not tell: it may be in
// use again, or mean another process on the other side of a container's wall.
void sweep_orphans(const std::filesystem::path& target) {
  std::error_code error;
  std::filesystem::directory_iterator at(folder_of(target), error), end;
  for (; !error && at != end; at.increment(error)) {
    const std::filesystem::path& path = at->path();
    if (!is_temporary_of(target, path.filename().string())) continue;
    int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlink(path.c_str());
    close(descriptor);
  }
}

void write_atomically(const std::filesystem::path& path, const std::function<void(Writer&)>& fill) {
  std::error_code error;
  std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  if (error) refuse_writing(path, error.value());

  struct stat old;
  if (stat(target.c_str(), &old) == 0) {
    if (!S_ISREG(old.st_mode)) {
      throw FileError(path, "", fmt::format("cannot be written: it is {}, not a file", kind_in_words(old.st_mode)));
    }
    if (access(target.c_str(), W_OK) != 0) refuse_writing(path, errno);  // a rename would not ask
  }

  sweep_orphans(target);
  Temporary temporary(path, target);
  Writer writer(path, temporary.descriptor());
  fill(writer);
  temporary.replace_target();
}

GrowingFile::GrowingFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) refuse_creating(path_, path_, errno);
}

GrowingFile::~GrowingFile() { close(descriptor_); }

void GrowingFile::append(std::string_view bytes) {
  if (int error = write_all(descriptor_, std::as_bytes(std::span(bytes)))) {
    (void)!ftruncate(descriptor_, size_);  // if that fails too, the first error is still the one to tell
    refuse_writing(path_, error);
  }
  size_ += static_cast<std::int64_t>(bytes.size());
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_regular_file(folder, error)) throw FileError(folder, "", "is a file, not a folder");
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError(folder, "", "cannot be made: " + in_words(error.value()));
}

void require_value(std::string_view op, const Tensor& tensor) {
  if (!tensor.defined()) throw ValueError(fmt::format("{}: the tensor has no value yet", op));
}

Tensor to_write(std::string_view op, const Tensor& tensor) {
  require_value(op, tensor);
  return tensor.on(Device{});
}

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), *byte_count(tensor.shape(), tensor.dtype())};
}

}  // namespace floe
