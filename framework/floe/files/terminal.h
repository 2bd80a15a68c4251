// The terminal behind a stream, if there is one.
#pragma once

#include <cstdio>

namespace floe {

bool is_terminal(std::FILE* stream);
int terminal_columns(std::FILE* stream);  // characters in a line; 80 if the terminal does not say

}  // namespace floe
