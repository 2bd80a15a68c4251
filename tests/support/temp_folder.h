// A folder for the files of one test, their bytes, and the message of what a test provokes.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <floe/tensor/error.h>

namespace floe::test {

// A new empty folder that other users may read, removed with all that is in it at the end of the scope.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "floe-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder can be made at " + name);
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::filesystem::remove(path_ / name);  // ext4 waits for the disk when a file is cut to nothing and written anew
    std::ofstream(path_ / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path_ / name;
  }

  int file_count() const {
    std::filesystem::directory_iterator first(path_), last;
    return static_cast<int>(std::distance(first, last));
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The message of the E that `action` throws; "no error" if it throws nothing. Other exceptions pass.
template <class E = Error, class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

// The same for a message about the file at `path`, without "PATH: ".
template <class Action>
std::string file_error_of(const std::filesystem::path& path, Action&& action) {
  std::string message = error_of<FileError>(action), start = path.string() + ": ";
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

}  // namespace floe::test
