// Where Floe keeps what it made once and can make again.
#pragma once

#include <filesystem>

namespace floe {

// $XDG_CACHE_HOME/floe, else $HOME/.cache/floe, else floe in the system's folder for temporary files. Not created here.
std::filesystem::path cache_folder();

}  // namespace floe
