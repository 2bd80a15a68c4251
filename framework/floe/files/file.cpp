// Checked reading and atomic writing.
#include <floe/files/file.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cctype>
#include <system_error>

#include <fmt/format.h>

#include <floe/tensor/size.h>

namespace floe {
namespace {

static_assert(std::endian::native == std::endian::little, "floe: files hold little-endian numbers, so memory must too");

const char* kind_in_words(std::filesystem::file_type type) {
  if (type == std::filesystem::file_type::directory) return "a folder";
  if (type == std::filesystem::file_type::fifo) return "a pipe";
  return "a device";
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

std::string in_words(std::error_code error) {
  if (error == std::errc::no_such_file_or_directory) return "there is no such file";
  if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted)
    return "permission is denied";
  if (os::says_full(error)) return "no space is left on the device";
  if (error == std::errc::broken_pipe) return "nobody reads the pipe any more";
  return error.message();
}

// --- Reading ---------------------------------------------------------------------------------------------------------

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code error;
  file_ = os::open_file(path_, error);
  std::error_code ignored;
  if (error == std::errc::no_such_file_or_directory && std::filesystem::is_symlink(path_, ignored)) {
    refuse("", fmt::format("cannot be read: it is a link to {}, which does not exist",
                           std::filesystem::read_symlink(path_, ignored).string()));
  }

  os::Status status;
  if (!error) status = file_.status(error);
  if (error) refuse("", "cannot be read: " + in_words(error));
  if (status.type != std::filesystem::file_type::regular) {
    refuse("", fmt::format("cannot be read: it is {}, not a file", kind_in_words(status.type)));
  }
  size_ = status.bytes;
}

void InputFile::expect_bytes(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  if (offset <= size_ && bytes <= size_ - offset) return;
  refuse(at_offset(offset), fmt::format("expected {} ({} byte{}), the file ends after {}", what, bytes,
                                        bytes == 1 ? "" : "s", count(static_cast<long long>(size_), "byte")));
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> into, std::string_view what) const {
  expect_bytes(offset, into.size(), what);
  for (std::size_t done = 0; done < into.size();) {
    std::error_code error;
    std::size_t now = file_.read(offset + done, into.subspan(done), error);
    if (error) refuse(at_offset(offset + done), "cannot be read: " + in_words(error));
    if (now == 0) refuse(at_offset(offset + done), fmt::format("expected {}, the file became shorter meanwhile", what));
    done += now;
  }
}

std::string InputFile::read_text(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  expect_bytes(offset, bytes, what);
  std::string text(to_size(bytes), '\0');
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
  std::uint64_t bytes = tensor_bytes(at_offset(offset), shape, item_size(dtype));
  expect_bytes(offset, bytes, what);
  Tensor result(shape, dtype);
  read_values(offset, {static_cast<std::byte*>(result.raw_mutable()), to_size(bytes)}, dtype, what);
  return result;
}

std::uint64_t InputFile::tensor_bytes(std::string_view where, const Shape& shape, std::size_t item_bytes) const {
  std::optional<std::uint64_t> bytes = byte_count(shape, item_bytes);
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

std::optional<std::uint64_t> byte_count(const Shape& shape, std::size_t item_bytes) {
  std::int64_t bytes = 0;
  bool overflow = __builtin_mul_overflow(shape.elements(), static_cast<std::int64_t>(item_bytes), &bytes);
  if (overflow || !shape.countable()) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void refuse_writing(const std::filesystem::path& path, std::error_code error) {
  throw FileError(path, "", "cannot be written: " + in_words(error));
}

[[noreturn]] void refuse_creating(const std::filesystem::path& path, const std::filesystem::path& target,
                                  std::error_code error) {
  if (error != std::errc::no_such_file_or_directory) refuse_writing(path, error);
  throw FileError(path, "", "cannot be written: there is no folder " + folder_of(target).string());
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
      name_ += fmt::format(".{}.{}.tmp", os::process_id(), number.fetch_add(1));
      std::error_code error;
      file_ = os::create_file(name_, error);
      if (error && error != std::errc::file_exists) refuse_creating(path_, target_, error);
    } while (!file_ || !file_.lock());  // another process's sweep may come between the two
  }

  ~Temporary() {
    std::error_code ignored;
    if (file_) std::filesystem::remove(name_, ignored);
  }

  os::File& file() { return file_; }

  void replace_target() {
    file_.copy_permissions(target_);
    std::error_code error = file_.flush();
    if (!error) std::filesystem::rename(name_, target_, error);
    if (error) refuse_writing(path_, error);
    file_.close();

    // The new name reaches the disk with the folder.
    error = os::flush_folder(folder_of(target_));
    if (error) refuse_writing(path_, error);
  }

 private:
  const std::filesystem::path& path_;
  const std::filesystem::path& target_;
  std::filesystem::path name_;
  os::File file_;
};

}  // namespace

void Writer::write(std::span<const std::byte> bytes) {
  if (std::error_code error = file_.append(bytes)) refuse_writing(path_, error);
}

// A writer holds a lock on its temporary, which ends with its process. A process number would not do: it may be in
// use again, or mean another process on the other side of a container's wall.
void sweep_orphans(const std::filesystem::path& target) {
  std::error_code error;
  std::filesystem::directory_iterator at(folder_of(target), error), end;
  for (; !error && at != end; at.increment(error)) {
    const std::filesystem::path& path = at->path();
    if (is_temporary_of(target, path.filename().string())) os::remove_unless_locked(path);
  }
}

void write_atomically(const std::filesystem::path& path, const std::function<void(Writer&)>& fill) {
  std::error_code error;
  std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  if (error) refuse_writing(path, error);

  std::filesystem::file_status old = std::filesystem::status(target, error);
  if (std::filesystem::exists(old)) {
    if (!std::filesystem::is_regular_file(old)) {
      throw FileError(path, "", fmt::format("cannot be written: it is {}, not a file", kind_in_words(old.type())));
    }
    error = os::may_write(target);  // a rename would not check
    if (error) refuse_writing(path, error);
  }

  sweep_orphans(target);
  Temporary temporary(path, target);
  Writer writer(path, temporary.file());
  fill(writer);
  temporary.replace_target();
}

GrowingFile::GrowingFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code error;
  file_ = os::create_file(path_, error);
  if (error) refuse_creating(path_, path_, error);
}

void GrowingFile::append(std::string_view bytes) {
  if (std::error_code error = file_.append(std::as_bytes(std::span(bytes)))) {
    file_.cut(size_);  // if that fails too, the first error is still the one to report
    refuse_writing(path_, error);
  }
  size_ += bytes.size();
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_regular_file(folder, error)) throw FileError(folder, "", "is a file, not a folder");
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError(folder, "", "cannot be made: " + in_words(error));
}

void require_value(std::string_view op, const Tensor& tensor) {
  if (!tensor.defined()) throw ValueError(fmt::format("{}: the tensor has no value yet", op));
}

Tensor to_write(std::string_view op, const Tensor& tensor) {
  require_value(op, tensor);
  return tensor.on(Device{});
}

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), to_size(*byte_count(tensor.shape(), tensor.dtype()))};
}

}  // namespace floe
