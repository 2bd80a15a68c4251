// The terminal behind a stream, asked by the calls of POSIX.
#include <floe/files/terminal.h>

#include <sys/ioctl.h>
#include <unistd.h>

namespace floe {

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

int terminal_columns(std::FILE* stream) {
  winsize size{};
  return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace floe
