// The drawn penguins as a set: kept, and drawn again when what was kept is damaged.
#include <gtest/gtest.h>

#include <support/own_cache.h>
#include <support/tensors.h>

#include "datasets/penguins/penguin.h"
#include "datasets/penguins/penguins.h"

namespace floe::penguins {
namespace {

TEST(DrawPenguins, AreReadFromTheCache) {
  test::OwnCache cache;
  Tensor expected = draw(3, 5);
  EXPECT_EQ(expected.shape(), (Shape{3, 28, 28, 1}));
  EXPECT_EQ(cache.file().filename(), "penguins-v" + std::to_string(generator_version) + "-3-seed5.safetensors");
  auto written = std::filesystem::last_write_time(cache.file());
  EXPECT_TRUE(test::same_bits(draw(3, 5), expected));
  EXPECT_EQ(std::filesystem::last_write_time(cache.file()), written);
}

// Nothing about a changed pixel looks wrong: only the checksums tell.
TEST(DrawPenguins, AreDrawnAgainIfABitOfTheCacheChanged) {
  test::OwnCache cache;
  Tensor expected = draw(1, 5);
  std::string bytes = test::read_bytes(cache.file()), path = cache.file().string();
  for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 89) {
    cache.change_bit(bit);
    testing::internal::CaptureStderr();
    EXPECT_TRUE(test::same_bits(draw(1, 5), expected)) << bit;
    std::string said = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(said.starts_with(path + ": ") && said.ends_with("; it is made again\n")) << bit << ": " << said;
    ASSERT_EQ(test::read_bytes(cache.file()), bytes);
  }
}

}  // namespace
}  // namespace floe::penguins
