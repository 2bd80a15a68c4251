// The small programs behind the pages of the site: each a function with a name, which runs and prints.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include <fmt/core.h>

#include <floe/floe.h>

namespace pages {

// All examples of this folder, by name: PAGE.WHAT. What is before the dot is the program that an error names.
inline std::map<std::string, std::function<void()>>& examples() {
  static std::map<std::string, std::function<void()>> all;
  return all;
}

// Where an example may leave a picture: the second argument of the program.
inline std::filesystem::path& out() {
  static std::filesystem::path folder = "out";
  return folder;
}

// Enters an example: `static Example shape("start.shape", [] { ... });`
struct Example {
  Example(const std::string& name, std::function<void()> run) { examples()[name] = std::move(run); }
};

}  // namespace pages
