// show: a picture where the program prints, for a look in between.
#pragma once

#include <filesystem>
#include <string>

#include <floe/tensor/tensor.h>

namespace floe {

// Where and how wide, by name.
struct ShowOptions {
  std::filesystem::path path = "show.png";  // what is written where a terminal cannot show it
  int columns = 0;                          // characters in a line, at most; 0: as many as the terminal has
};

// An image as pictures/png.h takes it, or a batch (count, height, width, channels) as a grid, to stdout. On a terminal with
// half_blocks(), made smaller by a whole number if it is too wide. Elsewhere, and where colours are not wanted
// (NO_COLOR is set, or TERM is dumb), as a PNG file, whose path is printed. Errors as in save_png(); ValueError for
// negative columns.
void show(const Tensor& image, const ShowOptions& options = {});

// Two rows of pixels in a line of text: each character is the upper half of a block, with the upper pixel as its colour
// and the lower as its background, in 24 bits (ECMA-48, SGR 38 and 48). Opacity is that before black. An image as
// pictures/png.h takes it, with its errors.
std::string half_blocks(const Tensor& image);

}  // namespace floe
