// Captions: where the text and the image lie.
#include <floe/pictures/caption.h>

#include <gtest/gtest.h>

#include <floe/ops/shape_ops.h>
#include <floe/pictures/png.h>
#include <support/tensors.h>

namespace floe {
namespace {

TEST(Caption, StandsAboveTheImageAndChangesNoPixelOfIt) {
  Tensor image = full({5, 60, 3}, 7, DType::uint8);
  Tensor picture = caption(image, "epoch 3", {.size = 12});
  ASSERT_EQ(picture.shape(), (Shape{20, 60, 3}));
  EXPECT_EQ(slice(picture, 0, 15).to_vector<std::uint8_t>(), image.to_vector<std::uint8_t>());
  std::vector<std::uint8_t> band = slice(picture, 0, 0, 15).to_vector<std::uint8_t>();
  EXPECT_LT(*std::min_element(band.begin(), band.end()), 100);  // ink
  EXPECT_EQ(band.front(), 255);                                 // on white
}

TEST(Caption, MakesRoomForATextThatIsWiderThanTheImage) {
  Tensor picture = caption(full({4, 4, 1}, 1.0), "much wider than four pixels", {.size = 16});
  EXPECT_GT(picture.dim(1), 100);
  EXPECT_EQ(picture.dim(0), 24);
}

}  // namespace
}  // namespace floe
