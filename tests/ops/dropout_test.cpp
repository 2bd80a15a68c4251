// Dropout: what it keeps, scales and lets through, reproducibly; and its refusals.
#include <floe/ops/dropout.h>

#include <limits>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

Function dropped(double rate) {
  return [=](const Tensors& x) {
    Rng rng(3);
    return dropout(x[0], rate, rng);
  };
}

OpCases cases() {
  OpCases all;
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{0, 3}, Shape{2, 3}, Shape{3, 11}}) {
    for (double rate : {0.0, 0.25, 0.9})
      all.push_back({to_string(shape) + " rate " + std::to_string(rate), {uniform(shape, 0.5, 2)}, dropped(rate)});
  }
  return all;
}

TEST(Dropout, IsDifferentiable) { for_each_case(cases(), expect_differentiable); }

TEST(Dropout, KeepsSomeElementsScaledAndNoOthers) {
  for (double rate : {0.0, 0.25, 0.5, 0.9}) {
    Tensor x = uniform({100000}, 0.5, 2), y = dropped(rate)({x});
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      if (element(y, i) == 0) continue;
      ++kept;
      ASSERT_NEAR(element(y, i), element(x, i) / (1 - rate), 1e-14);
    }
    double expected = 100000 * (1 - rate), deviation = std::sqrt(100000 * rate * (1 - rate));
    EXPECT_LE(std::abs(static_cast<double>(kept) - expected), 5 * deviation) << "rate " << rate;
  }
}

TEST(Dropout, TheGradientGoesWhereTheValueWent) {
  auto [y, gradients] = value_and_gradients(dropped(0.5), {ones({1000}, DType::float64)});
  EXPECT_TRUE(close(gradients[0], y * weights_for(y), 0));
}

TEST(Dropout, WhatIsDroppedIsZeroEvenIfItIsNotFinite) {
  for (double value : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    Tensor x = full({1000}, value, DType::float64), y = dropped(0.5)({x}), slopes;
    {
      GradientTape tape;
      tape.watch(x);
      slopes = tape.gradient(dropped(0.5)({x}), x, {.output_gradient = full({1000}, value, DType::float64)});
    }
    std::int64_t dropped = 0;
    for (std::int64_t i = 0; i < 1000; ++i) {
      dropped += element(y, i) == 0;
      ASSERT_EQ(element(y, i) == 0, element(slopes, i) == 0);
    }
    EXPECT_TRUE(dropped > 400 && dropped < 600) << dropped;
  }
}

TEST(Dropout, FollowsTheGeneratorAlone) {
  Tensor x = ones({1000});
  Rng rng(3);
  Tensor first = dropout(x, 0.5, rng), second = dropout(x, 0.5, rng);
  EXPECT_TRUE(same_bits(first, dropped(0.5)({x})));
  EXPECT_FALSE(same_bits(first, second));
  expect_same_bits_for_any_threads({"", {normal({300, 401})}, dropped(0.3)});
}

TEST(Dropout, RefusesWhatDoesNotFit) {
  Rng rng;
  Tensor x({2}), whole({2}, DType::int32);
  EXPECT_MESSAGE(ValueError, dropout(x, 1, rng),
                 "dropout: the rate must be from 0 to less than 1, but is 1\n  x  (2,)");
  EXPECT_MESSAGE(ValueError, dropout(x, -0.5, rng),
                 "dropout: the rate must be from 0 to less than 1, but is -0.5\n  x  (2,)");
  EXPECT_MESSAGE(DTypeError, dropout(whole, 0.5, rng),
                 "dropout: needs float32 or float64; cast() converts\n  x  (2,)   int32");
}

}  // namespace
}  // namespace floe
