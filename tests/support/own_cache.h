// A cache folder of its own for one test, and damage to what is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <floe/files/cache.h>
#include <support/temp_folder.h>

namespace floe::test {

// A cache folder of its own for one test.
class OwnCache {
 public:
  OwnCache() {
    if (const char* old = std::getenv("XDG_CACHE_HOME")) old_ = old;
    setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  OwnCache(const OwnCache&) = delete;
  OwnCache& operator=(const OwnCache&) = delete;
  ~OwnCache() {
    if (old_.empty())
      unsetenv("XDG_CACHE_HOME");
    else
      setenv("XDG_CACHE_HOME", old_.c_str(), 1);
  }
  std::filesystem::path file() const {
    std::filesystem::directory_iterator first(cache_folder()), last;
    return first == last ? std::filesystem::path() : first->path();
  }
  void change_bit(std::size_t bit) const {
    std::string bytes = read_bytes(file());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    std::ofstream(file(), std::ios::binary) << bytes;
  }

 private:
  TempFolder folder_;
  std::string old_;
};

}  // namespace floe::test
