// Resizing: against TensorFlow 2's definition in plain loops, gradients and refusals.
#include <floe/ops/resize.h>

#include <algorithm>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

struct Sizes {
  Shape x;
  Size2 size;
};

const std::vector<Sizes> sizes = {
    {{1, 1, 1, 1}, 1},      {{1, 1, 1, 2}, {3, 2}},  {{2, 2, 3, 2}, {4, 6}}, {{1, 3, 2, 1}, {5, 7}},
    {{1, 6, 4, 2}, {3, 2}}, {{1, 7, 5, 1}, {3, 4}},  {{1, 3, 4, 3}, {3, 4}}, {{1, 5, 1, 2}, {1, 4}},
    {{1, 8, 8, 1}, 3},      {{1, 2, 2, 17}, {3, 5}}, {{0, 3, 4, 2}, 5},      {{2, 3, 4, 0}, 5},
};

// The place in the input that output i looks at, pixels having their centres at halves.
double source_of(std::int64_t i, std::int64_t in, std::int64_t out) {
  return (static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out);
}

Tensor plain_nearest(const Tensor& x, Size2 size) {
  auto nearest = [](std::int64_t i, std::int64_t in, std::int64_t out) {
    return std::min(static_cast<std::int64_t>(std::floor(source_of(i, in, out))), in - 1);
  };
  return made({x.dim(0), size.height, size.width, x.dim(3)}, [&](const Index& i) {
    return at(x, {i[0], nearest(i[1], x.dim(1), size.height), nearest(i[2], x.dim(2), size.width), i[3]});
  });
}

Tensor plain_bilinear(const Tensor& x, Size2 size) {
  return made({x.dim(0), size.height, size.width, x.dim(3)}, [&](const Index& i) {
    double row = source_of(i[1], x.dim(1), size.height) - 0.5, column = source_of(i[2], x.dim(2), size.width) - 0.5,
           sum = 0;
    for (int below : {0, 1}) {
      for (int right : {0, 1}) {
        double y = std::floor(row) + below, z = std::floor(column) + right;
        double weight = (1 - std::abs(row - y)) * (1 - std::abs(column - z));
        Index from{i[0], std::clamp<std::int64_t>(static_cast<std::int64_t>(y), 0, x.dim(1) - 1),
                   std::clamp<std::int64_t>(static_cast<std::int64_t>(z), 0, x.dim(2) - 1), i[3]};
        sum += weight * at(x, from);
      }
    }
    return sum;
  });
}

OpCases cases() {
  OpCases all;
  for (const Sizes& s : sizes) {
    std::string sizes = to_string(s.x) + " to " + std::to_string(s.size.height) + " by " + std::to_string(s.size.width);
    all.push_back({"resize_nearest " + sizes,
                   {normal(s.x)},
                   [=](const Tensors& x) { return resize_nearest(x[0], s.size); },
                   [=](const Tensors& x) { return plain_nearest(x[0], s.size); }});
    all.push_back({"resize_bilinear " + sizes,
                   {normal(s.x)},
                   [=](const Tensors& x) { return resize_bilinear(x[0], s.size); },
                   [=](const Tensors& x) { return plain_bilinear(x[0], s.size); }});
  }
  return all;
}

TEST(Resize, MatchesPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Resize, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Resize, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Resize, RecordedGradientsEqualTheFirst) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Resize, Float32IsWithinSixtyFourUlp) { for_each_case(cases(), expect_float32); }

TEST(Resize, EverySmallSizeMatchesPlainLoops) {
  for (std::int64_t in = 1; in <= 9; ++in) {
    for (std::int64_t out = 1; out <= 9; ++out) {
      Tensor x = normal({1, in, 10 - in, 1});
      EXPECT_TRUE(close(resize_nearest(x, {out, 10 - out}), plain_nearest(x, {out, 10 - out}), 0))
          << in << " to " << out;
      EXPECT_TRUE(close(resize_bilinear(x, {out, 10 - out}), plain_bilinear(x, {out, 10 - out}), 1e-14))
          << in << " to " << out;
    }
  }
}

TEST(Resize, GivesTheSameBitsForAnyNumberOfThreads) {
  for (Size2 size : {Size2(28), Size2(9, 11)}) {
    expect_same_bits_for_any_threads(
        {"", {normal({70, 14, 14, 16})}, [=](const Tensors& x) { return resize_nearest(x[0], size); }});
    expect_same_bits_for_any_threads(
        {"", {normal({70, 14, 14, 16})}, [=](const Tensors& x) { return resize_bilinear(x[0], size); }});
  }
}

TEST(Resize, RefusesWhatDoesNotFit) {
  Tensor x({2, 4, 5, 3}), flat({4, 5, 3}), nothing({2, 0, 5, 3}), whole({2, 4, 5, 3}, DType::int32);
  EXPECT_MESSAGE(ShapeError, resize_nearest(flat, 2),
                 "resize_nearest: x needs rank 4 but has rank 3\n  x  (4, 5, 3)   batch, height, width, channels");
  EXPECT_MESSAGE(DTypeError, resize_bilinear(whole, 2),
                 "resize_bilinear: needs float32 or float64; cast() converts\n  x  (2, 4, 5, 3)   int32");
  EXPECT_MESSAGE(
      ShapeError, resize_bilinear(x, {0, 3}),
      "resize_bilinear: cannot resize 4 by 5 pixels to 0 by 3\n  x  (2, 4, 5, 3)   batch, height, width, channels");
  EXPECT_MESSAGE(
      ShapeError, resize_nearest(nothing, 3),
      "resize_nearest: cannot resize 0 by 5 pixels to 3 by 3\n  x  (2, 0, 5, 3)   batch, height, width, channels");
}

}  // namespace
}  // namespace floe
