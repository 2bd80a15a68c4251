// What does the work on the CPU, in words.
#pragma once

#include <string>

namespace floe::cpu {

std::string name();  // "oneDNN 2.6.3 and Eigen 3.4.0, 2 threads"

}  // namespace floe::cpu
