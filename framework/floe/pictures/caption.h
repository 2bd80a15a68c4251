// Captions: pictures with their names in them.
#pragma once

#include <string_view>

#include <floe/pictures/draw.h>
#include <floe/tensor/tensor.h>

namespace floe {

// How a caption looks, by name.
struct CaptionOptions {
  double size = 16;  // from line to line, in pixels; see TextOptions
  Colour colour = {40, 40, 40};
  Colour background = {255, 255, 255};
};

// The image below a line of text, with the background around it where the text is wider: uint8 (height + 1.25 size, width, 3).
// An image as save_png() takes it, and its errors; ValueError for a size out of range.
Tensor caption(const Tensor& image, std::string_view text, const CaptionOptions& options = {});

}  // namespace floe
