// The operating system, through the calls of POSIX, and of Linux where POSIX has none.
#include <floe/files/system.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace floe::os {
namespace {

// Linux moves at most this much in one call.
constexpr std::size_t most_per_call = 0x7ffff000;

std::error_code last_error() { return {errno, std::generic_category()}; }

std::filesystem::file_type type_of(mode_t mode) {
  if (S_ISREG(mode)) return std::filesystem::file_type::regular;
  if (S_ISDIR(mode)) return std::filesystem::file_type::directory;
  if (S_ISFIFO(mode)) return std::filesystem::file_type::fifo;
  return std::filesystem::file_type::unknown;
}

std::error_code write_all(int handle, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t done = write(handle, bytes.data(), std::min(bytes.size(), most_per_call));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return last_error();
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

}  // namespace

// --- Files -----------------------------------------------------------------------------------------------------------

File open_file(const std::filesystem::path& path, std::error_code& error) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  error = file ? std::error_code() : last_error();
  return file;
}

File create_file(const std::filesystem::path& path, std::error_code& error) {
  File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
  error = file ? std::error_code() : last_error();
  return file;
}

void File::close() {
  if (handle_ != none) ::close(std::exchange(handle_, none));
}

Status File::status(std::error_code& error) const {
  struct stat status;
  error = fstat(handle_, &status) == 0 ? std::error_code() : last_error();
  if (error) return {};
  return {type_of(status.st_mode), static_cast<std::uint64_t>(status.st_size)};
}

std::size_t File::read(std::uint64_t offset, std::span<std::byte> into, std::error_code& error) const {
  ssize_t done;
  do {
    done = pread(handle_, into.data(), std::min(into.size(), most_per_call), static_cast<off_t>(offset));
  } while (done < 0 && errno == EINTR);
  error = done < 0 ? last_error() : std::error_code();
  return done < 0 ? 0 : static_cast<std::size_t>(done);
}

std::error_code File::append(std::span<const std::byte> bytes) { return write_all(handle_, bytes); }

std::error_code File::cut(std::uint64_t bytes) {
  return ftruncate(handle_, static_cast<off_t>(bytes)) == 0 ? std::error_code() : last_error();
}

std::error_code File::flush() { return fsync(handle_) == 0 ? std::error_code() : last_error(); }

void File::copy_permissions(const std::filesystem::path& from) {
  struct stat status;
  if (stat(from.c_str(), &status) == 0) fchmod(handle_, status.st_mode & 07777);
}

bool File::lock() {
  struct stat status;
  bool taken = flock(handle_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return !taken && fstat(handle_, &status) == 0 && status.st_nlink > 0;
}

bool File::is_at(const std::filesystem::path& path) const {
  struct stat mine, named;
  return fstat(handle_, &mine) == 0 && stat(path.c_str(), &named) == 0 && mine.st_dev == named.st_dev &&
         mine.st_ino == named.st_ino;
}

void remove_unless_locked(const std::filesystem::path& path) {
  int handle = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (handle < 0) return;
  if (flock(handle, LOCK_EX | LOCK_NB) == 0) unlink(path.c_str());
  close(handle);
}

std::error_code may_write(const std::filesystem::path& path) {
  return access(path.c_str(), W_OK) == 0 ? std::error_code() : last_error();
}

std::error_code flush_folder(const std::filesystem::path& folder) {
  int handle = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return {};  // a folder one may write to but not list
  std::error_code error = fsync(handle) == 0 ? std::error_code() : last_error();
  close(handle);
  return error == std::errc::invalid_argument ? std::error_code() : error;  // a file system without such a promise
}

bool says_full(std::error_code error) {
  return error == std::errc::no_space_on_device || error == std::error_code(EDQUOT, error.category());
}

// --- What is printed -------------------------------------------------------------------------------------------------

namespace {

// stdout or stderr, as the stream that takes its place sees it.
struct Channel {
  int handle;
  std::error_code lost{};  // why, the first time
};

Channel channels[] = {{STDOUT_FILENO}, {STDERR_FILENO}};

// Whoever prints is never told of an error: most would throw it in the middle of their work.
ssize_t write_or_lose(void* to, const char* text, std::size_t bytes) {
  auto& channel = *static_cast<Channel*>(to);
  std::error_code error = write_all(channel.handle, std::as_bytes(std::span(text, bytes)));
  if (error && !channel.lost) channel.lost = error;
  return static_cast<ssize_t>(bytes);
}

// The GNU C library lets a program put other streams in place of its own.
void replace_stream(std::FILE*& stream, Channel& channel, int buffering) {
  std::fflush(stream);
  std::FILE* lasting =
      fopencookie(&channel, "w", {.read = nullptr, .write = write_or_lose, .seek = nullptr, .close = nullptr});
  if (!lasting) return;
  std::setvbuf(stream, nullptr, buffering, BUFSIZ);  // for whoever still has the old one, such as std::cout
  std::setvbuf(lasting, nullptr, buffering, BUFSIZ);
  stream = lasting;
}

// A stream that took the place of stdout or stderr has no descriptor of its own.
int descriptor_of(std::FILE* stream) {
  if (stream == stdout) return STDOUT_FILENO;
  return stream == stderr ? STDERR_FILENO : fileno(stream);
}

}  // namespace

void open_channels() {
  static const bool once = [] {
    int handle;
    do handle = open("/dev/null", O_RDWR);  // each open takes the lowest number that is free
    while (handle >= 0 && handle <= STDERR_FILENO);
    if (handle >= 0) close(handle);
    std::signal(SIGPIPE, SIG_IGN);
    replace_stream(stdout, channels[0], _IOLBF);
    replace_stream(stderr, channels[1], _IONBF);
    return true;
  }();
  static_cast<void>(once);
}

std::error_code output_lost() {
  std::fflush(stdout);
  return channels[0].lost;
}

// --- The terminal ----------------------------------------------------------------------------------------------------

bool is_terminal(std::FILE* stream) { return isatty(descriptor_of(stream)) == 1; }

int terminal_columns(std::FILE* stream) {
  winsize size{};
  return ioctl(descriptor_of(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// --- Programs --------------------------------------------------------------------------------------------------------

std::string program_name() { return program_invocation_short_name; }

std::filesystem::path program_folder() { return std::filesystem::canonical("/proc/self/exe").parent_path(); }

int process_id() { return getpid(); }

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

int run_command(const std::string& line) {
  int status = std::system(line.c_str());
  if (status == -1) return 127;  // as a shell returns for what it cannot run
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace floe::os
