// How far a flake is from being the same six times.
#include <cmath>

#include "snowflakes.h"

namespace floe::snowflakes {
namespace {

// The value of an image at a place between its pixels.
float between(const float* image, int size, double row, double column) {
  int top = static_cast<int>(std::floor(row)), left = static_cast<int>(std::floor(column));
  auto at = [&](int i, int j) { return i < 0 || j < 0 || i >= size || j >= size ? 0.f : image[i * size + j]; };
  auto down = static_cast<float>(row - top), right = static_cast<float>(column - left);
  return (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
         down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
}

}  // namespace

double asymmetry(const Tensor& images) {
  int size = static_cast<int>(images.dim(1));
  double centre = (size - 1) / 2.0, cosine = 0.5, sine = std::sqrt(0.75), difference = 0, total = 0;
  for (std::int64_t n = 0; n < images.dim(0); ++n) {
    const float* image = images.data<float>() + n * size * size;
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) {
        double down = i - centre, right = j - centre;
        if (down * down + right * right > centre * centre) continue;
        float turned = between(image, size, centre + cosine * down + sine * right, centre + cosine * right - sine * down);
        difference += std::abs(turned - image[i * size + j]);
        total += image[i * size + j];
      }
    }
  }
  return difference / total;
}

}  // namespace floe::snowflakes
