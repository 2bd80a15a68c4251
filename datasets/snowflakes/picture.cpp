// Pixels as means of point samples, each of which takes the value of the hexagon it lies in.
#include "picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <floe/backend/parallel.h>
#include <floe/tensor/error.h>

#include "snowflakes.h"

namespace floe::snowflakes {
namespace {

constexpr int largest_side = 8192;
constexpr double most_cells = 1e6;
constexpr double samples_per_cell = 1.5;               // along an axis
constexpr int fewest_samples = 4, most_samples = 128;  // in a pixel, along an axis
constexpr double root3 = 1.7320508075688772;

using Colour = std::array<double, 3>;

// ColorBrewer's BuPu in nine colours, from dark to light; between them colours are mixed.
constexpr std::array<Colour, 9> colours = {{{77, 0, 75},
                                            {129, 15, 124},
                                            {136, 65, 157},
                                            {140, 107, 177},
                                            {140, 150, 198},
                                            {158, 188, 218},
                                            {191, 211, 230},
                                            {224, 236, 244},
                                            {247, 252, 253}}};

Colour colour_of(double value) {
  double place = std::clamp(value, 0.0, 1.0) * (colours.size() - 1);
  std::size_t below = std::min(static_cast<std::size_t>(place), colours.size() - 2);
  Colour colour;
  for (std::size_t i = 0; i < 3; ++i) {
    colour[i] = colours[below][i] + (place - static_cast<double>(below)) * (colours[below + 1][i] - colours[below][i]);
  }
  return colour;
}

void require(int side, double cells) {
  if (side < 1 || side > largest_side) {
    throw ValueError(fmt::format("picture: side is {} pixels; expected 1 to {}", side, largest_side));
  }
  if (!(cells >= 1 && cells <= most_cells)) {
    throw ValueError(fmt::format("picture: the side shows {} cells; expected 1 to {}", cells, most_cells));
  }
}

// The hexagon that holds the point: u cells along the axis of q, v cells upwards at a right angle to it.
Cell cell_at(double u, double v) {
  double r = v * (2 / root3), q = u - r / 2;
  double a = std::nearbyint(q), b = std::nearbyint(r), c = std::nearbyint(-q - r);
  double da = std::abs(a - q), db = std::abs(b - r), dc = std::abs(c + q + r);
  if (da > db && da > dc)
    a = -b - c;
  else if (db > dc)
    b = -a - c;
  return {static_cast<int>(a), static_cast<int>(b)};
}

// How much crystal there is in a cell, against the flake's own spread from the 2nd to the 98th of 100.
class Thickness {
 public:
  explicit Thickness(const GravnerGriffeath& flake) {
    std::vector<double> masses;
    flake.each_cell([&](int q, int r) {
      if (flake.attached(q, r)) masses.push_back(flake.crystal_mass(q, r));
    });
    auto at = [&](double share) {
      auto place = masses.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(masses.size() - 1));
      std::nth_element(masses.begin(), place, masses.end());
      return *place;
    };
    least_ = at(0.02);
    most_ = at(0.98);
  }

  double operator()(double mass) const {
    return most_ > least_ ? std::clamp((mass - least_) / (most_ - least_), 0.0, 1.0) : 1.0;
  }

 private:
  double least_, most_;
};

double most_vapour(const GravnerGriffeath& flake) {
  double most = 0;
  flake.each_cell([&](int q, int r) { most = std::max(most, flake.vapour(q, r)); });
  return most;
}

// The mean of value(cell) over every pixel, row by row.
template <class Value>
std::vector<double> means(int side, double cells, Value value) {
  double per_pixel = cells / side;
  int samples = std::clamp(static_cast<int>(std::ceil(samples_per_cell * per_pixel)), fewest_samples, most_samples);
  std::vector<double> pixels(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  double step = per_pixel / samples, first = (step - cells) / 2;
  parallel_queue(side, 8, [&](std::int64_t top, std::int64_t bottom) {
    double* pixel = pixels.data() + top * side;
    for (int y = static_cast<int>(top); y < bottom; ++y) {
      for (int x = 0; x < side; ++x) {
        double sum = 0;
        for (int j = 0; j < samples; ++j) {
          for (int i = 0; i < samples; ++i) {
            // The axis of q points up.
            sum += value(cell_at(-(first + step * (y * samples + j)), first + step * (x * samples + i)));
          }
        }
        *pixel++ = sum / (samples * samples);
      }
    }
  });
  return pixels;
}

bool inside(const GravnerGriffeath& flake, Cell cell) {
  return std::max({std::abs(cell.q), std::abs(cell.r), std::abs(cell.q + cell.r)}) <= flake.radius();
}

}  // namespace

Tensor grey_picture(const GravnerGriffeath& flake, int side, double cells) {
  require(side, cells);
  Thickness thickness(flake);
  constexpr double thinnest = 150;
  std::vector<double> pixels = means(side, cells, [&](Cell cell) {
    if (!inside(flake, cell) || !flake.attached(cell.q, cell.r)) return 0.0;
    return thinnest + (255 - thinnest) * thickness(flake.crystal_mass(cell.q, cell.r));
  });
  Tensor image({side, side, 1}, DType::uint8);
  std::uint8_t* out = image.mutable_data<std::uint8_t>();
  for (double pixel : pixels) *out++ = static_cast<std::uint8_t>(std::lround(pixel));
  return image;
}

Tensor colour_picture(const GravnerGriffeath& flake, int side, double cells) {
  require(side, cells);
  Thickness thickness(flake);
  constexpr double halo = 0.45, thinnest = 0.6;
  double untouched = most_vapour(flake);
  std::vector<double> pixels = means(side, cells, [&](Cell cell) {
    if (!inside(flake, cell)) return 0.0;
    if (!flake.attached(cell.q, cell.r)) return halo * (1 - flake.vapour(cell.q, cell.r) / untouched);
    return thinnest + (1 - thinnest) * thickness(flake.crystal_mass(cell.q, cell.r));
  });
  Tensor image({side, side, 3}, DType::uint8);
  std::uint8_t* out = image.mutable_data<std::uint8_t>();
  for (double pixel : pixels) {
    for (double part : colour_of(pixel)) *out++ = static_cast<std::uint8_t>(std::lround(part));
  }
  return image;
}

Tensor in_colour(const Tensor& images) {
  Tensor coloured({images.dim(0), images.dim(1), images.dim(2), 3}, DType::uint8);
  std::uint8_t* out = coloured.mutable_data<std::uint8_t>();
  for (float value : images.span<float>()) {
    for (double part : colour_of(value)) *out++ = static_cast<std::uint8_t>(std::lround(part));
  }
  return coloured;
}

}  // namespace floe::snowflakes
