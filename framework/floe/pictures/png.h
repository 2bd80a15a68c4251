// Pictures: tensors as PNG files, grids of them, and animations.
// Formats: w3.org/TR/png, and its third edition for animations (APNG).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe {

// An image is (height, width), (height, width, 1), (height, width, 3) for RGB or (height, width, 4) for RGB and
// opacity, with at least one pixel and at most 256 MiB. uint8 is stored as it is; float32 and float64 have -1 for 0 and
// 1 for 255, rounded, with values beyond clamped and NaN as 0, so that a training that diverged still leaves its
// picture. ShapeError and DTypeError refuse the rest, ValueError a tensor without a value. Files are written atomically
// (FileError if they cannot be), hold no time, and are equal for equal images.

// Writes one image.
void save_png(const std::filesystem::path& path, const Tensor& image);
std::string encode_png(const Tensor& image);  // the bytes of such a file
Tensor to_pixels(const Tensor& image, std::string_view op = "to_pixels");  // what is stored: uint8 of its shape

// How images are placed side by side, by name: {.columns = 5, .scale = 3}.
struct GridOptions {
  int columns = 0;          // images in a row; 0 makes the grid as square as it can be
  int padding = 1;          // pixels around and between the images
  double background = 0.5;  // of the padding, and of places without an image: 0 is black, 1 is white
  int scale = 1;            // the side of the square that a pixel of an image becomes
};

// Images (count, height, width) or (count, height, width, channels), one or more, row by row in one (grid height, grid
// width, channels) of the same dtype. With r rows of images, the grid height is r * (scale * height + padding) +
// padding; widths likewise. ValueError for options out of range.
Tensor make_grid(const Tensor& images, const GridOptions& options = {});
void save_grid(const std::filesystem::path& path, const Tensor& images, const GridOptions& options = {});

// Each pixel as a square of scale x scale: (height, width, channels) of any dtype becomes (scale * height, scale *
// width, channels). ValueError for a scale below 1, ShapeError for another rank.
Tensor enlarge(const Tensor& image, int scale);

// The frames, of one shape, each shown for 1 to 65,535 milliseconds, over and over. Viewers of still pictures show
// the first. ValueError without frames or for another time, ShapeError for frames that differ.
void save_animation(const std::filesystem::path& path, const std::vector<Tensor>& frames, int milliseconds);

}  // namespace floe
