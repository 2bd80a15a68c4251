// The training set: whole, varied, repeatable, and kept.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include <omp.h>

#include <gtest/gtest.h>

#include <floe/files/cache.h>
#include <floe/tensor/error.h>
#include <support/own_cache.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

#include "datasets/snowflakes/growths.h"
#include "datasets/snowflakes/snowflakes.h"

namespace floe::snowflakes {
namespace {

namespace fs = std::filesystem;
using test::OwnCache;

void expect_equal(const Flakes& found, const Flakes& expected) {
  EXPECT_TRUE(test::same_bits(found.images28, expected.images28));
  EXPECT_TRUE(test::same_bits(found.images64, expected.images64));
  EXPECT_TRUE(test::same_bits(found.kinds, expected.kinds));
}

// The height of what is not black, against the side of the picture.
double share_of_frame(const Tensor& images, std::int64_t image) {
  std::int64_t side = images.dim(1), top = side, bottom = -1;
  const std::uint8_t* pixels = images.data<std::uint8_t>() + image * side * side;
  for (std::int64_t i = 0; i < side * side; ++i) {
    if (pixels[i] > 10) top = std::min(top, i / side), bottom = std::max(bottom, i / side);
  }
  return static_cast<double>(bottom - top + 1) / static_cast<double>(side);
}

TEST(GrowFlakes, GivesBothSizesAndEveryKindInTurn) {
  OwnCache cache;
  Flakes flakes = grow(9, 1);
  EXPECT_EQ(flakes.images28.shape(), (Shape{9, 28, 28, 1}));
  EXPECT_EQ(flakes.images64.shape(), (Shape{9, 64, 64, 1}));
  EXPECT_EQ(flakes.kinds.shape(), (Shape{9}));
  EXPECT_EQ(flakes.images28.dtype(), DType::uint8);
  EXPECT_EQ(flakes.images64.dtype(), DType::uint8);
  EXPECT_EQ(flakes.kinds.dtype(), DType::int32);
  EXPECT_EQ(kind_names().size(), 9u);
  for (std::int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(flakes.kinds.data<std::int32_t>()[i], i);
    EXPECT_GT(share_of_frame(flakes.images64, i), 0.45);
    EXPECT_LT(share_of_frame(flakes.images64, i), 0.99);
  }
}

TEST(GrowFlakes, DependOnTheSeedAloneAndNotOnCountOrThreads) {
  int before = omp_get_max_threads();
  Flakes expected, found, other, more;
  {
    OwnCache cache;
    omp_set_num_threads(1);
    expected = grow(3, 4);
    other = grow(3, 5);
    more = grow(5, 4);
  }
  for (int threads : {2, 3}) {
    OwnCache cache;
    omp_set_num_threads(threads);
    expect_equal(grow(3, 4), expected);
  }
  omp_set_num_threads(before);
  EXPECT_FALSE(test::same_bits(other.images64, expected.images64));
  EXPECT_EQ(std::memcmp(more.images64.raw(), expected.images64.raw(), 3 * 64 * 64), 0);
}

TEST(GrowFlakes, AreReadFromTheCacheAndGrownAgainIfThatIsDamaged) {
  OwnCache cache;
  Flakes expected = grow(2, 6);
  EXPECT_EQ(cache.file().filename(), "snowflakes-v" + std::to_string(generator_version) + "-2-seed6.safetensors");
  std::string bytes = test::read_bytes(cache.file());
  auto written = fs::last_write_time(cache.file());
  expect_equal(grow(2, 6), expected);
  EXPECT_EQ(fs::last_write_time(cache.file()), written);

  fs::resize_file(cache.file(), bytes.size() / 2);
  expect_equal(grow(2, 6), expected);
  EXPECT_EQ(test::read_bytes(cache.file()), bytes);
}

// Nothing about a changed pixel looks wrong: only the checksums tell.
TEST(GrowFlakes, AreGrownAgainIfABitOfTheCacheChanged) {
  OwnCache cache;
  Flakes expected = grow(1, 6);
  std::string bytes = test::read_bytes(cache.file()), path = cache.file().string();
  for (std::size_t i : {std::size_t{0}, std::size_t{60}, bytes.size() / 2, bytes.size() - 1}) {
    cache.change_bit(8 * i + i % 8);
    testing::internal::CaptureStderr();
    expect_equal(grow(1, 6), expected);
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(said.starts_with(path + ": ")) << said;
    EXPECT_TRUE(said.ends_with("; it is made again\n")) << said;
    EXPECT_EQ(test::read_bytes(cache.file()), bytes);
  }
  testing::internal::CaptureStderr();
  expect_equal(grow(1, 6), expected);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(GrowFlakes, RefuseACountBelowOne) {
  EXPECT_EQ(test::error_of<ValueError>([] { grow(0); }), "grow: count is 0; expected 1 or more");
}

TEST(DrawGrowth, RefusesAKindThatIsNone) {
  Rng rng(1);
  EXPECT_EQ(test::error_of<ValueError>([&] { draw_growth(9, rng); }), "draw_growth: kind is 9; expected 0 to 8");
}

TEST(GrowFlakesSlow, AreAllDistinctAndOfManySizes) {
  OwnCache cache;
  Flakes flakes = grow();
  std::int64_t count = flakes.kinds.dim(0);
  EXPECT_GE(count, 2000);
  for (const Tensor& images : {flakes.images28, flakes.images64}) {
    std::size_t size = static_cast<std::size_t>(images.dim(1) * images.dim(2));
    std::set<std::string> seen;
    int small = 0, large = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const char* image = static_cast<const char*>(images.raw()) + static_cast<std::size_t>(i) * size;
      EXPECT_TRUE(seen.insert(std::string(image, size)).second) << "flake " << i << " of side " << images.dim(1);
      double share = share_of_frame(images, i);
      small += share < 0.7;
      large += share > 0.85;
    }
    EXPECT_GT(small, count / 10);
    EXPECT_GT(large, count / 5);
  }
}

TEST(Snowflakes, AreTheSameSixTimesAsFarAsASquareGridAllows) {
  Tensor bar = zeros({1, 65, 65, 1}), disc = zeros({1, 65, 65, 1});
  for (int i = 0; i < 65; ++i) {
    for (int j = 0; j < 65; ++j) {
      bar.mutable_data<float>()[i * 65 + j] = std::abs(i - 32) < 4;
      disc.mutable_data<float>()[i * 65 + j] = (i - 32) * (i - 32) + (j - 32) * (j - 32) < 400;
    }
  }
  EXPECT_LT(snowflakes::asymmetry(disc), 0.05);
  EXPECT_GT(snowflakes::asymmetry(bar), 1);
}

}  // namespace
}  // namespace floe::snowflakes
