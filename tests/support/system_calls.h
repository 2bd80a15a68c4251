// The calls with which this program changes files, recorded in order, and failing where a test says so. A program's own
// functions stand before those of the C library: include this in one source of a test program.
#pragma once

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fmt/format.h>

namespace floe::test {

// Records what happens to files in one folder while it lives: "create file.tmp", "write 3 to file.tmp", "flush .".
class SystemCalls {
 public:
  // `fails` gives the error number with which a call is to fail instead of being made, or 0.
  explicit SystemCalls(std::filesystem::path folder, std::function<int(const std::string& call)> fails = {})
      : folder_(std::filesystem::canonical(folder)), fails_(std::move(fails)) {
    now = this;
  }
  SystemCalls(const SystemCalls&) = delete;
  SystemCalls& operator=(const SystemCalls&) = delete;
  ~SystemCalls() { now = nullptr; }

  std::vector<std::string> made;         // or tried
  std::size_t longest_write = SIZE_MAX;  // a disk may take less of a write than it was given
  static inline SystemCalls* now = nullptr;

  // Notes a call on a path down; a file in another folder is none of our business. Should it be made?
  bool path(const char* verb, const char* path) {
    std::string name = name_of(path);
    return name.empty() || note(fmt::format("{} {}", verb, name));
  }

  bool rename(const char* from, const char* to) {
    return name_of(from).empty() || note(fmt::format("rename {} to {}", name_of(from), name_of(to)));
  }

  // The same for an open file.
  bool file(const std::string& words, int handle) {
    auto found = open_.find(handle);
    return found == open_.end() || note(fmt::format("{} {}", words, found->second));
  }

  bool knows(int handle) const { return open_.contains(handle); }
  void opened(const char* path, int handle) {
    if (handle >= 0 && !name_of(path).empty()) open_[handle] = name_of(path);
  }
  void closed(int handle) { open_.erase(handle); }

 private:
  // Its place in the folder, without the numbers in the names of temporaries; empty outside.
  std::string name_of(const std::filesystem::path& path) const {
    std::error_code ignored;
    std::filesystem::path whole = std::filesystem::weakly_canonical(path, ignored);
    std::string name = whole.lexically_relative(folder_).string();
    return name.starts_with("..") ? "" : std::regex_replace(name, std::regex("\\.[0-9]+\\.[0-9]+\\.tmp$"), ".tmp");
  }

  bool note(const std::string& call) {
    made.push_back(call);
    int error = fails_ ? fails_(call) : 0;
    if (error != 0) errno = error;
    return error == 0;
  }

  std::filesystem::path folder_;
  std::function<int(const std::string& call)> fails_;
  std::map<int, std::string> open_;
};

}  // namespace floe::test

// Each notes itself down, and goes on through a sibling that does the same.
extern "C" {

inline floe::test::SystemCalls* recorder() { return floe::test::SystemCalls::now; }

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? static_cast<mode_t>(va_arg(rest, unsigned)) : 0;
  va_end(rest);
  if (recorder() && !recorder()->path(flags & O_CREAT ? "create" : "open", path)) return -1;
  int handle = openat(AT_FDCWD, path, flags, mode);
  if (recorder()) recorder()->opened(path, handle);
  return handle;
}

ssize_t write(int handle, const void* from, size_t bytes) {
  if (recorder() && recorder()->knows(handle)) {
    if (!recorder()->file("write " + std::to_string(bytes) + " to", handle)) return -1;
    bytes = std::min(bytes, recorder()->longest_write);
  }
  iovec piece{const_cast<void*>(from), bytes};
  return writev(handle, &piece, 1);
}

int fsync(int handle) {
  if (recorder() && !recorder()->file("flush", handle)) return -1;
  return static_cast<int>(syscall(SYS_fsync, handle));
}

int ftruncate(int handle, off_t bytes) noexcept {
  if (recorder() && !recorder()->file("cut to " + std::to_string(bytes), handle)) return -1;
  return static_cast<int>(syscall(SYS_ftruncate, handle, bytes));
}

int close(int handle) {
  if (recorder() && recorder()->knows(handle)) recorder()->file("close", handle), recorder()->closed(handle);
  return static_cast<int>(syscall(SYS_close, handle));
}

int rename(const char* from, const char* to) noexcept {
  if (recorder() && !recorder()->rename(from, to)) return -1;
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char* path) noexcept {
  if (recorder() && !recorder()->path("remove", path)) return -1;
  return unlinkat(AT_FDCWD, path, 0);
}

int remove(const char* path) noexcept {
  if (recorder() && !recorder()->path("remove", path)) return -1;
  int done = unlinkat(AT_FDCWD, path, 0);
  return done != 0 && errno == EISDIR ? unlinkat(AT_FDCWD, path, AT_REMOVEDIR) : done;
}
}
