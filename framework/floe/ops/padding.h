// Strides, dilation and padding: how a window moves over (batch, height, width, channels).
#pragma once

#include <cstdint>
#include <string>

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

// For an axis of `in` elements and a window that covers `reach`; out is 0 or less if the window does not fit.
inline WindowAxis window_axis(std::int64_t in, std::int64_t reach, std::int64_t stride, Padding::Kind kind,
                              std::int64_t before, std::int64_t after) {
  if (kind == Padding::Kind::same) {
    std::int64_t out = (in + stride - 1) / stride;
    std::int64_t total = out > 0 ? (out - 1) * stride + reach - in : 0;
    if (total < 0) total = 0;
    return {out, total / 2, total - total / 2};
  }
  if (kind == Padding::Kind::valid) before = after = 0;
  std::int64_t room = in + before + after - reach;
  return {room < 0 ? 0 : room / stride + 1, before, after};
}

}  // namespace floe
