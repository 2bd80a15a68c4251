// A number for each channel, added to rows that were just made.
#pragma once

#include <floe/backend/cpu/pointwise.h>

namespace floe::cpu {

// y[row][channel] += bias[channel], unless bias is null.
template <class T>
void add_bias(std::int64_t rows, std::int64_t channels, const T* bias, T* y) {
  if (!bias) return;
  auto sum = [](auto a, auto b) { return a + b; };
  for (std::int64_t row = 0; row < rows; ++row, y += channels) {
    packet_row<T>(false, channels, sum, y, std::pair{static_cast<const T*>(y), std::int64_t{1}},
                  std::pair{bias, std::int64_t{1}});
  }
}

}  // namespace floe::cpu
