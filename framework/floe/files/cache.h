// Where Floe keeps what it made once and can make again.
#pragma once

#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include <floe/tensor/error.h>

namespace floe {

// $XDG_CACHE_HOME/floe, else $HOME/.cache/floe, else floe in the system's folder for temporary files. Not created here.
std::filesystem::path cache_folder();

void tell_made_again(const FileError& damaged);  // "PATH: offset 80: ...: it is made again", on stderr

// The result of load(path) for the file of this name in the cache folder: an optional, empty if the file is not what
// is wanted. If it is empty, or there is no file, or it is damaged (FileError, told in a line on stderr), that of make(),
// which save(path, value) then keeps there. A cache saves time and is not needed, so one that cannot be written is not an
// error. The format has to find a changed bit by itself, as safetensors do.
template <class Load, class Make, class Save>
auto cached(const std::string& name, Load load, Make make, Save save) {
  std::filesystem::path path = cache_folder() / name;
  std::error_code absent;
  if (std::filesystem::is_regular_file(path, absent)) {
    try {
      if (auto value = load(path)) return *value;
    } catch (const FileError& damaged) { tell_made_again(damaged); }
  }
  auto value = make();
  try {
    std::filesystem::create_directories(path.parent_path());
    save(path, value);
  } catch (const std::exception&) {
  }
  return value;
}

}  // namespace floe
