// Pictures of flakes: upright, hexagonal, antialiased, in two styles.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include <omp.h>

#include <gtest/gtest.h>

#include <floe/tensor/error.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

#include "datasets/snowflakes/growths.h"
#include "datasets/snowflakes/picture.h"

namespace floe::snowflakes {
namespace {

GravnerGriffeath grown(std::string_view name, int cells) {
  GravnerGriffeath flake(growth_named(name), cells);
  EXPECT_TRUE(flake.grow(cells, 100'000));
  return flake;
}

int pixel(const Tensor& image, int y, int x, int channel = 0) {
  std::int64_t channels = image.dim(2);
  return image.data<std::uint8_t>()[(y * image.dim(1) + x) * channels + channel];
}

TEST(GreyPicture, HasAnArmStraightUpAndTheSizeAskedFor) {
  GravnerGriffeath flake = grown("simple_star", 61);
  Tensor image = grey_picture(flake, 122, 122);  // one pixel a cell
  EXPECT_EQ(image.shape(), (Shape{122, 122, 1}));
  EXPECT_EQ(image.dtype(), DType::uint8);
  int top = 122, bottom = -1, left = 122, right = -1;
  for (int y = 0; y < 122; ++y) {
    for (int x = 0; x < 122; ++x) {
      if (pixel(image, y, x) < 75) continue;
      top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x), right = std::max(right, x);
    }
  }
  EXPECT_NEAR(bottom - top + 1, 61, 2);
  EXPECT_NEAR(right - left + 1, 61 * std::sqrt(3.0) / 2, 3);  // the arms at 30 degrees reach less far to the sides
  EXPECT_NEAR(top + bottom, 121, 1);
  EXPECT_NEAR(left + right, 121, 1);
  EXPECT_GT(pixel(image, 40, 61), 140);  // on the arm
  EXPECT_EQ(pixel(image, 61, 85), 0);    // between two
}

TEST(GreyPicture, HasTheSixFoldSymmetryOfTheFlake) {
  GravnerGriffeath flake = grown("fern", 61);
  constexpr int side = 201;
  Tensor image = grey_picture(flake, side, 70);
  int differing = 0, bright = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      EXPECT_NEAR(pixel(image, y, x), pixel(image, y, side - 1 - x), 30);
      EXPECT_NEAR(pixel(image, y, x), pixel(image, side - 1 - y, x), 30);
      // Turned by 60 degrees, to the nearest pixel.
      double dy = y - 100, dx = x - 100, c = 0.5, s = std::sqrt(3.0) / 2;
      int y2 = static_cast<int>(std::lround(100 + s * dx + c * dy)),
          x2 = static_cast<int>(std::lround(100 + c * dx - s * dy));
      if (x2 < 0 || y2 < 0 || x2 >= side || y2 >= side) continue;
      bright += pixel(image, y, x) > 128;
      differing += std::abs(pixel(image, y, x) - pixel(image, y2, x2)) > 128;
    }
  }
  EXPECT_GT(bright, 1000);
  EXPECT_LT(differing, bright / 50);
}

TEST(GreyPicture, KeepsItsMeanAtEverySize) {
  GravnerGriffeath flake = grown("stellar_dendrite", 61);
  auto mean = [&](int side) {
    Tensor image = grey_picture(flake, side, 80);
    double sum = 0;
    for (std::uint8_t value : image.span<std::uint8_t>()) sum += value;
    return sum / static_cast<double>(image.elements());
  };
  double fine = mean(400);
  EXPECT_GT(fine, 10);
  for (int side : {1, 7, 28, 64, 150}) EXPECT_NEAR(mean(side), fine, 0.01 * fine + 0.5) << side;
}

TEST(GreyPicture, IsBlackBeyondTheHexagon) {
  GravnerGriffeath flake = grown("fern", 21);
  Tensor image = grey_picture(flake, 50, 1000);
  EXPECT_EQ(pixel(image, 0, 0), 0);
  EXPECT_EQ(pixel(image, 49, 25), 0);
  EXPECT_GT(pixel(image, 25, 25), 0);
}

TEST(ColourPicture, GoesFromPurpleOverAHaloToTheCrystal) {
  GravnerGriffeath flake = grown("simple_star", 101);
  Tensor image = colour_picture(flake, 200, 200);
  EXPECT_EQ(image.shape(), (Shape{200, 200, 3}));
  auto grey = [&](int y, int x) { return pixel(image, y, x, 0) + pixel(image, y, x, 1) + pixel(image, y, x, 2); };
  EXPECT_NEAR(pixel(image, 0, 0, 0), 0x4D, 8);  // #4D004B
  EXPECT_NEAR(pixel(image, 0, 0, 1), 0, 8);
  EXPECT_NEAR(pixel(image, 0, 0, 2), 0x4B, 8);
  EXPECT_GT(grey(100, 118), grey(0, 0) + 50);     // the halo between two arms
  EXPECT_GT(grey(75, 100), grey(100, 118) + 50);  // an arm
}

TEST(Pictures, HaveTheSameBitsForAnyNumberOfThreads) {
  GravnerGriffeath flake = grown("fern", 41);
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  Tensor expected = colour_picture(flake, 90, 50);
  for (int threads : {2, 3}) {
    omp_set_num_threads(threads);
    EXPECT_TRUE(test::same_bits(colour_picture(flake, 90, 50), expected));
  }
  omp_set_num_threads(before);
}

TEST(Pictures, RefuseSizesOutOfTheirRange) {
  GravnerGriffeath flake(growth_named("fern"), 10);
  auto refusal = [&](int side, double cells) {
    return test::error_of<ValueError>([&] { grey_picture(flake, side, cells); });
  };
  EXPECT_EQ(refusal(0, 10), "picture: side is 0 pixels; expected 1 to 8192");
  EXPECT_EQ(refusal(9000, 10), "picture: side is 9000 pixels; expected 1 to 8192");
  EXPECT_EQ(refusal(10, 0), "picture: the side shows 0 cells; expected 1 to 1000000");
  EXPECT_EQ(refusal(10, NAN), "picture: the side shows nan cells; expected 1 to 1000000");
}

}  // namespace
}  // namespace floe::snowflakes
