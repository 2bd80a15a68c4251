// A drawing as strokes of a pen, and its picture exactly as the Quick, Draw! bitmaps show it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace floe::penguins {

inline constexpr int image_side = 28;
inline constexpr int image_size = image_side * image_side;

// One line drawn without lifting the pen: x[i], y[i] is its i-th point, x to the right and y downwards.
// Both lists have the same length, at least 1; a stroke of a single point, or of one point repeated, is a dot.
struct Stroke {
  std::vector<float> x, y;
};

// The strokes in the order they were drawn. As in Quick, Draw!'s simplified files the smallest x and the smallest y
// are 0 and the larger of width and height is 255.
using Drawing = std::vector<Stroke>;

// Paints `drawing` on `image`: 28 x 28, row-major, 0 is background and 255 is fully covered by a stroke.
// The recipe of the published bitmaps: a round pen 16 wide on a canvas of 304 x 304, the drawing centred on it, each
// pixel the mean of its 304/28 square. (github.com/googlecreativelab/quickdraw-dataset, issue 19.)
// No stroke at all is an empty image; what lies outside the canvas is cut off. Throws nothing, allocates nothing.
void rasterise(const Drawing& drawing, std::span<std::uint8_t, image_size> image);

}  // namespace floe::penguins
