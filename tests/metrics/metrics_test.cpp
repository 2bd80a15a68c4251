// Metrics: means and accuracies over batches.
#include <floe/metrics/metrics.h>

#include <cmath>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/reduce.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;

std::string without_place(std::string message) { return message.substr(0, message.find("\n  at ")); }

template <class E, class Action>
std::string refusal(Action&& action) {
  return without_place(error_of<E>(action));
}

TEST(Mean, IsThatOfAllValuesSoFar) {
  Mean mean;
  EXPECT_TRUE(std::isnan(mean.result()));
  mean.update(0);
  mean.update(5);
  EXPECT_EQ(mean.result(), 2.5);
  mean.update(8);
  mean.update(9);
  EXPECT_EQ(mean.result(), 5.5);
  mean.reset();
  EXPECT_TRUE(std::isnan(mean.result()));
}

TEST(Mean, WeighsValues) {
  Mean mean;
  mean.update(1, 3);
  mean.update(5, 1);
  EXPECT_EQ(mean.result(), 2);
}

TEST(Mean, WhatWeighsNothingMayBeAnything) {
  Mean mean;
  mean.update(3, 2);
  for (double value : {HUGE_VAL, std::nan("")}) mean.update(value, 0);
  EXPECT_EQ(mean.result(), 3);
}

TEST(Mean, CountsEachElementOfATensor) {
  Mean mean;
  mean.update(tensor({1.f, 2.f, 3.f}));
  mean.update(tensor(10));
  EXPECT_EQ(mean.result(), 4);
  mean.update(zeros({0, 3}));
  EXPECT_EQ(mean.result(), 4);
  mean.update(tensor({true, false}));
  EXPECT_EQ(mean.result(), 17. / 6);
}

TEST(Mean, KnowsWhichUpdateMadeItNotFinite) {
  for (double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    Mean mean;
    mean.update(tensor({1., 2.}));
    mean.update(3);
    EXPECT_EQ(mean.not_finite_since(), std::nullopt);
    mean.update(tensor({1., odd}));
    mean.update(odd);
    EXPECT_EQ(mean.not_finite_since(), 2);
    mean.reset();
    EXPECT_EQ(mean.not_finite_since(), std::nullopt);
    mean.update(odd);
    mean.update(1);
    EXPECT_EQ(mean.not_finite_since(), 0);
  }
}

TEST(Mean, TakesAVariable) {
  Variable weights("weights", tensor({1.f, 2.f}));
  Mean mean;
  mean.update(weights);
  EXPECT_EQ(mean.result(), 1.5);
}

TEST(Mean, KeepsPrecisionOverManyValues) {
  Mean mean;
  Tensor values = full({1 << 20}, 0.1f);
  for (int i = 0; i < 8; ++i) mean.update(values);
  EXPECT_NEAR(mean.result(), 0.1f, 1e-12);
}

TEST(Mean, RefusesATensorWithoutAValue) {
  Mean mean;
  EXPECT_EQ(refusal<ValueError>([&] { mean.update(Tensor{}); }), "mean: the tensor has no value yet");
}

TEST(Accuracy, CountsTheLargestLogit) {
  Accuracy accuracy;
  EXPECT_TRUE(std::isnan(accuracy.result()));
  accuracy.update(tensor({2, 0, 1}), tensor({{0.f, 1.f, 2.f}, {-1.f, 3.f, 0.f}, {4.f, 4.f, 4.f}}));
  EXPECT_DOUBLE_EQ(accuracy.result(), 1. / 3);
  accuracy.update(tensor({0}), tensor({{1.f, 1.f}}));
  EXPECT_EQ(accuracy.result(), 0.5);
  accuracy.reset();
  EXPECT_TRUE(std::isnan(accuracy.result()));
}

TEST(Accuracy, ComparesLabelsOfAnyWholeType) {
  Accuracy accuracy;
  accuracy.update(tensor(std::vector<std::uint8_t>{1, 2, 3, 4}, {4}),
                  tensor(std::vector<std::int64_t>{1, 2, 0, 4}, {4}));
  EXPECT_EQ(accuracy.result(), 0.75);
  accuracy.update(zeros({0}, DType::int32), zeros({0, 10}));
  EXPECT_EQ(accuracy.result(), 0.75);
}

TEST(Accuracy, RefusesWhatCannotBeCompared) {
  Accuracy accuracy;
  EXPECT_EQ(refusal<ShapeError>([&] { accuracy.update(tensor({1, 2}), zeros({3, 10})); }),
            "accuracy: 2 labels for 3 predictions\n"
            "  labels       (2,)      int32   batch\n"
            "  predictions  (3, 10)   batch, classes");
  EXPECT_EQ(refusal<ShapeError>([&] { accuracy.update(tensor({{1}}), zeros({1, 10})); }),
            "accuracy: labels needs rank 1 but has rank 2\n"
            "  labels  (1, 1)   int32   batch");
  EXPECT_EQ(refusal<DTypeError>([&] { accuracy.update(zeros({3}), zeros({3, 10})); }),
            "accuracy: labels are int32, int64 or uint8, not float32\n"
            "  labels  (3,)   batch");
  EXPECT_EQ(refusal<DTypeError>([&] { accuracy.update(tensor({1, 2}), tensor({1.f, 2.f})); }),
            "accuracy: predictions are int32, int64 or uint8, not float32\n"
            "  predictions  (2,)   batch");
  EXPECT_TRUE(std::isnan(accuracy.result()));
}

TEST(Metrics, LeaveNothingOnATape) {
  GradientTape tape;
  Variable weights("weights", tensor({{1.f, 2.f}}));
  Tensor logits = weights * 2;
  Tensor labels = tensor({1});
  std::size_t before = memory_in_use();
  Accuracy accuracy;
  Mean mean;
  accuracy.update(labels, logits);
  mean.update(logits);
  EXPECT_EQ(memory_in_use(), before);
  EXPECT_EQ(accuracy.result(), 1);
}

}  // namespace
}  // namespace floe
