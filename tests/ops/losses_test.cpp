// Losses: against plain loops, gradients of two orders, sure answers, masks and refusals.
#include <floe/ops/losses.h>

#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

// The mean of term(index) over a shape.
template <class Term>
Tensor mean_over(const Shape& shape, Term term) {
  double sum = 0;
  for_each_index(shape, [&](const Index& i) { sum += term(i); });
  return full({}, sum / static_cast<double>(shape.elements()), DType::float64);
}

double softplus_of(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double bce_of(double logit, double label) { return label * softplus_of(-logit) + (1 - label) * softplus_of(logit); }

double surprise_of(const Tensor& logits, const Tensor& labels, const Index& i) {
  Index j = i;
  double sum = 0;
  j.push_back(0);
  for (; j.back() < logits.dim(-1); ++j.back()) sum += std::exp(at(logits, j));
  j.back() = static_cast<std::int64_t>(at(labels, i));
  return std::log(sum) - at(logits, j);
}

Tensor labels_for(const Shape& shape, int classes) { return cast(uniform(shape, 0, classes, 9), DType::int32); }

OpCases cases() {
  OpCases all;
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{2, 3}, Shape{17, 1}}) {
    std::string at_shape = " " + to_string(shape);
    for (double label : {0.0, 1.0, 0.9}) {
      all.push_back({"binary cross-entropy of all " + std::to_string(label) + at_shape,
                     {normal(shape)},
                     [=](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], label); },
                     [=](const Tensors& x) {
                       return mean_over(shape, [&](const Index& i) { return bce_of(at(x[0], i), label); });
                     }});
    }
    all.push_back({"binary cross-entropy" + at_shape,
                   {normal(shape, 1), uniform(shape, 0, 1, 2)},
                   [](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], x[1]); },
                   [=](const Tensors& x) {
                     return mean_over(shape, [&](const Index& i) { return bce_of(at(x[0], i), at(x[1], i)); });
                   }});
    all.push_back({"squared error" + at_shape,
                   {normal(shape, 1), normal(shape, 2)},
                   [](const Tensors& x) { return mean_squared_error(x[0], x[1]); },
                   [=](const Tensors& x) {
                     return mean_over(shape, [&](const Index& i) { return std::pow(at(x[0], i) - at(x[1], i), 2); });
                   }});
    all.push_back({"absolute error" + at_shape,
                   {distinct(shape, 1), distinct(shape, 3) + 0.05},
                   [](const Tensors& x) { return mean_absolute_error(x[0], x[1]); },
                   [=](const Tensors& x) {
                     return mean_over(shape, [&](const Index& i) { return std::abs(at(x[0], i) - at(x[1], i)); });
                   }});
    all.push_back({"squared error from a number" + at_shape,
                   {normal(shape, 1)},
                   [](const Tensors& x) { return mean_squared_error(x[0], 0.5); },
                   [=](const Tensors& x) {
                     return mean_over(shape, [&](const Index& i) { return std::pow(at(x[0], i) - 0.5, 2); });
                   }});
  }
  all.push_back({"binary cross-entropy, one label for each row",
                 {normal({3, 4}, 1), uniform({3, 1}, 0, 1, 2)},
                 [](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], x[1]); },
                 [](const Tensors& x) {
                   return mean_over({3, 4}, [&](const Index& i) { return bce_of(at(x[0], i), at(x[1], i)); });
                 }});
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{2, 3}, Shape{2, 1, 2}}) {
    Shape logits = shape;
    logits.append(4);
    for (DType dtype : {DType::int32, DType::int64}) {
      all.push_back({"cross-entropy " + to_string(logits),
                     {normal(logits), cast(labels_for(shape, 4), dtype)},
                     [](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], x[1]); },
                     [=](const Tensors& x) {
                       return mean_over(shape, [&](const Index& i) { return surprise_of(x[0], x[1], i); });
                     }});
    }
    Tensor mask = made(
        shape, [](const Index& i) { return i.empty() || i.back() % 2 == 0; }, DType::boolean);
    all.push_back({"masked cross-entropy " + to_string(logits),
                   {normal(logits), labels_for(shape, 4), mask},
                   [](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], x[1], x[2]); },
                   [=](const Tensors& x) {
                     double sum = 0, count = 0;
                     for_each_index(shape, [&](const Index& i) {
                       sum += at(x[2], i) * surprise_of(x[0], x[1], i), count += at(x[2], i);
                     });
                     return full({}, sum / std::max(count, 1.0), DType::float64);
                   }});
  }
  return all;
}

TEST(Losses, MatchPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Losses, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Losses, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Losses, RecordedGradientsEqualTheKernels) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Losses, Float32IsWithinSixtyFourUlp) { for_each_case(cases(), expect_float32); }

TEST(Losses, GiveTheSameBitsForAnyNumberOfThreads) {
  Tensor labels = cast(uniform({12001}, 0, 10, 9), DType::int32);
  expect_same_bits_for_any_threads(
      {"", {normal({12001, 10}), labels}, [](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], x[1]); }});
  expect_same_bits_for_any_threads({"", {normal({300, 401}), uniform({300, 401}, 0, 1)}, [](const Tensors& x) {
                                      return binary_cross_entropy_with_logits(x[0], x[1]);
                                    }});
  expect_same_bits_for_any_threads({"", {normal({300, 401}, 1), normal({300, 401}, 2)}, [](const Tensors& x) {
                                      return mean_squared_error(x[0], x[1]);
                                    }});
}

TEST(BinaryCrossEntropy, KeepsTheDigitsOfSureAnswers) {
  double expected = std::log1p(std::exp(-20.0));  // 2.06e-9
  for (DType dtype : {DType::float32, DType::float64}) {
    double tolerance = expected * (dtype == DType::float32 ? 1e-6 : 1e-15);
    EXPECT_NEAR(binary_cross_entropy_with_logits(full({3}, 20, dtype), 1).item(), expected, tolerance);
    EXPECT_NEAR(binary_cross_entropy_with_logits(full({3}, -20, dtype), 0).item(), expected, tolerance);
    EXPECT_NEAR(binary_cross_entropy_with_logits(full({3}, 20, dtype), ones({3}, dtype)).item(), expected, tolerance);
    EXPECT_NEAR(binary_cross_entropy_with_logits(full({3}, -20, dtype), zeros({3}, dtype)).item(), expected, tolerance);
  }
  EXPECT_EQ(binary_cross_entropy_with_logits(tensor({1000.0}), 0).item(), 1000);
  EXPECT_EQ(binary_cross_entropy_with_logits(tensor({1000.0}), 1).item(), 0);
}

TEST(SparseSoftmaxCrossEntropy, TakesLabelsOfEveryIntegerType) {
  Tensor logits = test::normal({4, 3}), labels = tensor({2, 0, 1, 1});
  Tensor expected = sparse_softmax_cross_entropy(logits, labels);
  for (DType dtype : {DType::int64, DType::uint8})
    EXPECT_TRUE(same_bits(sparse_softmax_cross_entropy(logits, cast(labels, dtype)), expected));
}

TEST(SparseSoftmaxCrossEntropy, IsZeroIfNoPositionCounts) {
  Tensor logits = normal({2, 3}), labels = tensor({0, 2});
  auto [value, gradients] = value_and_gradients(
      [&](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], labels, zeros({2}, DType::float64)); },
      {logits});
  EXPECT_EQ(value.item(), 0);
  EXPECT_TRUE(close(gradients[0], zeros({2, 3}), 0));
}

// The value and gradient of a loss of float64 logits, and the gradient of its gradient's sum.
struct Orders {
  Tensor value, first, second;
};
Orders orders_of(const Function& loss, Tensor logits) {
  GradientTape tape(persistent);
  tape.watch(logits);
  Tensor value = loss({logits}), first = tape.gradient(value, logits, {.differentiable = true});
  return {value.detached(), first.detached(), tape.gradient(first, logits)};
}

TEST(SparseSoftmaxCrossEntropy, WhatIsMaskedMayBeAnything) {
  Tensor labels = tensor({0, 2, 1}), mask = tensor({true, false, true});
  Tensor sound = normal({3, 3});
  Orders expected = orders_of(
      [&](const Tensors& x) {
        return sparse_softmax_cross_entropy(gather(x[0], tensor({0, 2})), gather(labels, tensor({0, 2})));
      },
      sound);
  for (double value : {-infinity, infinity, nan}) {
    Tensor broken = where(expand_dims(mask, -1), sound, value);
    for (const Tensor& counts : {mask, cast(mask, DType::float64)}) {
      Orders found =
          orders_of([&](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], labels, counts); }, broken);
      EXPECT_TRUE(close(found.value, expected.value, 1e-15));
      EXPECT_TRUE(close(found.first, expected.first, 1e-15));
      EXPECT_TRUE(close(found.second, expected.second, 1e-15));
    }
  }
}

TEST(SparseSoftmaxCrossEntropy, AnImpossibleClassCountsForNothing) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor logits = cast(tensor(std::vector<double>{1, -infinity, 1}, {1, 3}), dtype);
    Orders found = orders_of([](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], tensor({0})); }, logits);
    EXPECT_NEAR(found.value.item(), std::numbers::ln2, 1e-6);
    EXPECT_TRUE(close(found.first, cast(tensor({{-0.5, 0.0, 0.5}}), dtype), 1e-6));
    EXPECT_TRUE(close(found.second, zeros_like(logits), 1e-6));
  }
}

TEST(BinaryCrossEntropy, InfiniteLogitsThatAreRightCostNothing) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor logits = cast(tensor(std::vector<double>{infinity, -infinity}, {2}), dtype);
    Tensor right = cast(tensor({1.0, 0.0}), dtype), wrong = 1.0 - right;
    auto loss = [](const Tensor& labels) -> Function {
      return [=](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], labels); };
    };
    Orders good = orders_of(loss(right), logits), bad = orders_of(loss(wrong), logits);
    EXPECT_EQ(good.value.item(), 0);
    EXPECT_TRUE(close(good.first, zeros({2}, dtype), 0));
    EXPECT_TRUE(close(good.second, zeros({2}, dtype), 0));
    EXPECT_EQ(bad.value.item(), infinity);
    EXPECT_TRUE(close(bad.first, cast(tensor({0.5, -0.5}), dtype), 0)) << "the slopes are those far out";
    EXPECT_TRUE(close(bad.second, zeros({2}, dtype), 0));
    EXPECT_EQ(binary_cross_entropy_with_logits(full({2}, infinity, dtype), 1).item(), 0);
    EXPECT_EQ(binary_cross_entropy_with_logits(full({2}, -infinity, dtype), 0).item(), 0);
  }
}

TEST(Losses, OfAnEmptyBatchAreNanWithEmptyGradients) {
  Tensor none({0, 3}, DType::float64), labels({0}, DType::int32);
  for (const Function& op : std::vector<Function>{
           [](const Tensors& x) { return binary_cross_entropy_with_logits(x[0], 1); },
           [&](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], labels); },
           [](const Tensors& x) { return mean_squared_error(x[0], x[0]); },
           [](const Tensors& x) { return mean_absolute_error(x[0], 1); },
       }) {
    auto [value, gradients] = value_and_gradients(op, {none});
    EXPECT_TRUE(std::isnan(value.item()));
    EXPECT_EQ(gradients[0].shape(), none.shape());
  }
}

TEST(Losses, RefuseWhatDoesNotFit) {
  Tensor logits({2, 3}), labels = tensor({0, 3}), good = tensor({0, 2}), reals({2}), whole({2, 3}, DType::int32),
                         wide({2, 3}, DType::float64), none;
  std::string name = "sparse_softmax_cross_entropy: ",
              shown = "\n  logits  (2, 3)   ..., classes\n  labels  (2,)     int32   ...";
  EXPECT_MESSAGE(ValueError, sparse_softmax_cross_entropy(logits, labels), name + "label 3 is outside 0 .. 2" + shown);
  EXPECT_MESSAGE(
      DTypeError, sparse_softmax_cross_entropy(logits, reals),
      name + "labels must be int32, int64 or uint8\n  logits  (2, 3)   ..., classes\n  labels  (2,)     ...");
  EXPECT_MESSAGE(ShapeError, sparse_softmax_cross_entropy(logits, tensor({0, 1, 2})),
                 name +
                     "labels must have the shape of the logits without classes\n  logits  (2, 3)   ..., classes\n  "
                     "labels  (3,)     int32   ...");
  EXPECT_MESSAGE(DTypeError, sparse_softmax_cross_entropy(whole, good),
                 name + "needs float32 or float64; cast() converts\n  logits  (2, 3)   int32");
  EXPECT_MESSAGE(ShapeError, sparse_softmax_cross_entropy(logits, good, Tensor({3})),
                 name + "the mask must have the labels' shape\n  mask    (3,)\n  labels  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, sparse_softmax_cross_entropy(logits, good, good),
                 name + "the mask must be bool or of the logits' dtype\n  logits  (2, 3)\n  mask    (2,)     int32");
  EXPECT_MESSAGE(ValueError, sparse_softmax_cross_entropy(logits, good, none), name + "mask has no value yet");
  EXPECT_MESSAGE(
      DTypeError, binary_cross_entropy_with_logits(whole, 1),
      "binary_cross_entropy_with_logits: needs float32 or float64; cast() converts\n  logits  (2, 3)   int32");
  EXPECT_MESSAGE(DTypeError, binary_cross_entropy_with_logits(logits, whole),
                 "binary_cross_entropy_with_logits: logits is float32 but labels is int32; cast() converts\n  logits  "
                 "(2, 3)\n  labels  (2, 3)   int32");
  EXPECT_MESSAGE(DTypeError, mean_squared_error(logits, wide),
                 "mean_squared_error: prediction is float32 but target is float64; cast() converts\n  prediction  (2, "
                 "3)\n  target      (2, 3)   float64");
  Tensor column({4, 1}), row({4});
  EXPECT_MESSAGE(ShapeError, mean_squared_error(column, row),
                 "mean_squared_error: target does not broadcast to the shape of prediction\n  prediction  (4, 1)\n  "
                 "target      (4,)");
  EXPECT_MESSAGE(ShapeError, mean_absolute_error(row, column),
                 "mean_absolute_error: target does not broadcast to the shape of prediction\n  prediction  (4,)\n  "
                 "target      (4, 1)");
  EXPECT_MESSAGE(ShapeError, binary_cross_entropy_with_logits(column, row),
                 "binary_cross_entropy_with_logits: labels does not broadcast to the shape of logits\n  logits  (4, "
                 "1)\n  labels  (4,)");
  EXPECT_MESSAGE(DTypeError, mean_absolute_error(whole, 1),
                 "mean_absolute_error: needs float32 or float64; cast() converts\n  prediction  (2, 3)   int32");
}

}  // namespace
}  // namespace floe
