// What Floe asks of the operating system: files that outlive a crash, the terminal, this process and other programs.
// system_posix.cpp answers for POSIX; another system needs another source, and no other file of Floe knows which it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace floe::os {

// --- Files -----------------------------------------------------------------------------------------------------------

// What kind of thing was opened, and its size.
struct Status {
  std::filesystem::file_type type = std::filesystem::file_type::none;  // regular, directory, fifo, ...
  std::uint64_t bytes = 0;                                             // of a regular file
};

// An open file, which is closed when this object goes. Its functions may run in several threads.
class File {
 public:
  File() = default;  // none
  File(File&& other) noexcept : handle_(std::exchange(other.handle_, none)) {}
  File& operator=(File&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~File() { close(); }

  explicit operator bool() const { return handle_ != none; }  // is one open?
  void close();                                               // which also releases the lock

  Status status(std::error_code& error) const;

  // Reads from byte `offset` on and returns how much: not always all that was wanted, and 0 at the end of the file.
  std::size_t read(std::uint64_t offset, std::span<std::byte> into, std::error_code& error) const;

  // Writes all of the bytes after what is there; after an error some of them may be.
  std::error_code append(std::span<const std::byte> bytes);
  std::error_code cut(std::uint64_t bytes);  // keeps the first of them
  std::error_code flush();                   // returns when all of it is on the disk

  void copy_permissions(const std::filesystem::path& from);  // if there is such a file

  // Locks it until it is closed or this process ends. False if another process has locked it, or has removed it before
  // this one could. Where there are no locks everyone gets one.
  bool lock();
  bool is_at(const std::filesystem::path& path) const;  // is it what this path names now?

 private:
  friend File open_file(const std::filesystem::path&, std::error_code&);
  friend File create_file(const std::filesystem::path&, std::error_code&);
  static constexpr int none = -1;

  explicit File(int handle) : handle_(handle) {}

  int handle_ = none;
};

// To read, or to lock a folder, whatever it is, without waiting for the other end of a pipe. None if there is an error.
File open_file(const std::filesystem::path& path, std::error_code& error);
// To write, empty; std::errc::file_exists if the name is taken.
File create_file(const std::filesystem::path& path, std::error_code& error);

void remove_unless_locked(const std::filesystem::path& path);       // see File::lock; one that cannot be removed stays
std::error_code may_write(const std::filesystem::path& path);       // why not, for a file that is there
std::error_code flush_folder(const std::filesystem::path& folder);  // returns when its names are on the disk
bool says_full(std::error_code error);                              // no room on the disk, or in a user's share

// --- What is printed -------------------------------------------------------------------------------------------------

// The first thing a program does: before it opens a file, which would get the number of a closed stdout and then what
// is meant for that. Opens what is closed of stdin, stdout and stderr on nothing. From then on stdout and stderr take
// whatever is printed, line by line, and lose what cannot be written: full disks and pipes that nobody reads any more
// (SIGPIPE is ignored) cost no program its work. Calls after the first do nothing.
void open_channels();
std::error_code output_lost();  // why something printed to stdout since then could not be written, the first time

// --- The terminal ----------------------------------------------------------------------------------------------------

bool is_terminal(std::FILE* stream);
int terminal_columns(std::FILE* stream);  // characters in a line; 80 if the terminal does not say

// --- Programs --------------------------------------------------------------------------------------------------------

std::string program_name();              // of this process's program, without its folder: "penguins"
std::filesystem::path program_folder();  // where that program is, links followed
int process_id();                        // a number that no other living process of this machine has
std::string host_name();                 // the machine's name, up to 255 characters

// Runs a line of the system's shell and waits for it: its exit status; 128 + number for a signal, as shells report it.
int run_command(const std::string& line);

}  // namespace floe::os
