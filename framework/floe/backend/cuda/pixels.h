// Where the elements of images, (batch, height, width, channels), are.
#pragma once

#include <floe/backend/cuda/launch.h>

namespace floe::cuda {

struct Pixels {
  Pixels(std::int64_t height, std::int64_t width, std::int64_t channels)
      : height(height), width(width), channels(channels) {}
  explicit Pixels(const Tensor& x) : Pixels(x.dim(1), x.dim(2), x.dim(3)) {}

  struct Place {
    std::int64_t image, row, column, channel;
  };
  __device__ Place find(std::int64_t index) const {
    std::int64_t pixel = channels.divide(index), line = width.divide(pixel), image = height.divide(line);
    return {image, line - image * height.number, pixel - line * width.number, index - pixel * channels.number};
  }
  __device__ std::int64_t offset(std::int64_t image, std::int64_t row, std::int64_t column,
                                 std::int64_t channel) const {
    return ((image * height.number + row) * width.number + column) * channels.number + channel;
  }

  Divisor height, width, channels;
};

}  // namespace floe::cuda
