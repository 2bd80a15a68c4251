// Where Floe keeps what it made once and can make again.
#include <floe/files/cache.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace floe {

std::filesystem::path cache_folder() {
  auto from = [](const char* variable) {
    const char* value = std::getenv(variable);
    return std::filesystem::path(value ? value : "");
  };
  if (auto folder = from("XDG_CACHE_HOME"); folder.is_absolute()) return folder / "floe";
  if (auto home = from("HOME"); home.is_absolute()) return home / ".cache" / "floe";
  return std::filesystem::temp_directory_path() / "floe";
}

void tell_made_again(const FileError& damaged) {
  std::fputs((std::string(damaged.what()) + "; it is made again\n").c_str(), stderr);
}

}  // namespace floe
