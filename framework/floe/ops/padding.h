// Strides, dilation and padding: how a window moves over (batch, height, width, channels).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <floe/tensor/size.h>

namespace floe {

// Height and width.
struct Size2 {
  // One number means both.
  constexpr Size2(std::int64_t both) : height(both), width(both) {}
  constexpr Size2(std::int64_t down, std::int64_t across) : height(down), width(across) {}
  bool operator==(const Size2&) const = default;

  std::int64_t height, width;  // elements down and across
};

// Padding::same: as in TensorFlow, out = ceil(in / stride), the odd pixel below and to the right. Padding::valid: none.
// Padding::of: this many pixels on each side. Both of these: out = floor((in + before + after - reach) / stride) + 1,
// where a window of `size` taps reaches over (size - 1) * dilation + 1 pixels.
struct Padding {
  enum class Kind { same, valid, explicit_pads };

  static const Padding same, valid;
  // This many pixels on each side.
  static Padding of(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) {
    return {Kind::explicit_pads, top, bottom, left, right};
  }
  static Padding of(std::int64_t all) { return of(all, all, all, all); }  // the same on all four sides

  Kind kind;
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;  // pixels, for Padding::of
};

inline const Padding Padding::same{Padding::Kind::same};
inline const Padding Padding::valid{Padding::Kind::valid};

// One axis of a window's path: how often it fits, and the padding at either end.
struct WindowAxis {
  std::int64_t out, before, after;
};

// How many elements a window of `taps` covers, from its first to its last; Uncountable beyond 63 bits.
inline std::int64_t window_reach(std::int64_t taps, std::int64_t dilation) {
  return ((Counted(taps) - 1) * dilation + 1).value();
}

// For an axis of `in` elements and a window that covers `reach`; out is 0 or less if the window does not fit.
// Uncountable beyond 63 bits.
inline WindowAxis window_axis(std::int64_t in, std::int64_t reach, std::int64_t stride, Padding::Kind kind,
                              std::int64_t before, std::int64_t after) {
  if (kind == Padding::Kind::same) {
    std::int64_t out = in / stride + (in % stride != 0);
    std::int64_t last = in - (out - 1) * stride;  // what is left of the axis for the last window
    std::int64_t total = out > 0 ? std::max<std::int64_t>(reach - last, 0) : 0;
    return {out, total / 2, total - total / 2};
  }
  if (kind == Padding::Kind::valid) before = after = 0;
  std::int64_t room = (Counted(in) + before + after - reach).value();
  return {room < 0 ? 0 : room / stride + 1, before, after};
}

}  // namespace floe
