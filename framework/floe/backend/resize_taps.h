// Where a resized image looks into the one it was made from, along one axis, for both backends.
#pragma once

#include <cstdint>

#include <floe/tensor/device.h>

namespace floe {

// Output i is (1 - share) * input[lower] + share * input[upper].
struct Tap {
  std::int64_t lower, upper;  // neighbours, or the same
  double share;               // of the upper one
};

// Half-pixel centres: output i looks at (i + 0.5) * in / out, here in exact integers.
struct NearestTaps {
  FLOE_HOST_DEVICE Tap operator()(std::int64_t i) const {
    std::int64_t source = (2 * i + 1) * in / (2 * out);
    if (source > in - 1) source = in - 1;
    return {source, source, 0};
  }
  std::int64_t in, out;  // sizes
};

// The same centres, between the two that are next to them.
struct BilinearTaps {
  FLOE_HOST_DEVICE Tap operator()(std::int64_t i) const {
    std::int64_t numerator = (2 * i + 1) * in - out, most = (in - 1) * 2 * out;
    numerator = numerator < 0 ? 0 : numerator > most ? most : numerator;
    std::int64_t lower = numerator / (2 * out), rest = numerator % (2 * out);
    return {lower, rest == 0 ? lower : lower + 1, static_cast<double>(rest) / static_cast<double>(2 * out)};
  }
  std::int64_t in, out;  // sizes
};

}  // namespace floe
