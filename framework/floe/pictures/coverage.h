// How much of each pixel a pen or an area covers, the same to the bit on every machine and in every build.
#pragma once

#include <cstdint>
#include <vector>

#include <floe/pictures/stroke_font.h>

namespace floe {

// Places are in hundredths of a pixel, y down.
constexpr std::int64_t pixel = 100;

// Down, and to the nearest whole number, both alike on each side of zero; the divisor is positive.
constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t by) { return (a >= 0 ? a : a - by + 1) / by; }
constexpr std::int64_t round_divide(std::int64_t a, std::int64_t by) { return floor_divide(a + by / 2, by); }
constexpr std::int64_t whole_pixels(std::int64_t length) { return round_divide(length, pixel) * pixel; }

// How much of each pixel is covered, of 255, in a part of a picture.
struct Mask {
  std::int64_t left, top, right, bottom;  // in pixels; the last two are the first ones outside
  std::vector<std::uint8_t> levels;       // row by row

  std::uint8_t& at(std::int64_t x, std::int64_t y) {
    return levels[static_cast<std::size_t>((y - top) * (right - left) + x - left)];
  }
};

// By a round pen of this width along the strands, within a picture of this many pixels. Places up to 1,000,000 pixels
// away; nobody checks.
Mask cover_strokes(const std::vector<Strand>& strands, std::int64_t pen, std::int64_t width, std::int64_t height);

// By the inside of a strand that is closed from its end to its start: whatever it runs round, however often.
Mask cover_area(const Strand& border, std::int64_t width, std::int64_t height);

}  // namespace floe
