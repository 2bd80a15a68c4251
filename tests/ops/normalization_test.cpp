// Batch normalisation: against plain loops, gradients of two orders, long and constant columns, and refusals.
#include <floe/ops/normalization.h>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

const std::vector<Shape> shapes = {{2, 1},        {5, 3},  {3, 2, 2}, {2, 2, 3, 4}, {5, 1},
                                   {4, 1, 1, 17}, {7, 16}, {0, 3},    {3, 0},       {0, 2, 2, 1}};

Tensor plain_mean(const Tensor& x) {
  std::int64_t channels = x.dim(-1), rows = channels ? x.elements() / channels : 0;
  return made({channels}, [&](const Index& i) {
    double sum = 0;
    for (std::int64_t row = 0; row < rows; ++row) sum += element(x, row * channels + i[0]);
    return rows ? sum / static_cast<double>(rows) : 0;
  });
}

Tensor plain_variance(const Tensor& x) {
  Tensor mean = plain_mean(x);
  return plain_mean(made(x.shape(), [&](const Index& i) { return std::pow(at(x, i) - at(mean, {i.back()}), 2); }));
}

Tensor plain(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean, const Tensor& variance,
             double epsilon) {
  return made(x.shape(), [&](const Index& i) {
    Index c{i.back()};
    return at(gamma, c) * (at(x, i) - at(mean, c)) / std::sqrt(at(variance, c) + epsilon) + at(beta, c);
  });
}

OpCases training_cases() {
  OpCases all;
  for (const Shape& shape : shapes) {
    Shape channels{shape[shape.rank() - 1]};
    for (double epsilon : {1e-3, 1e-5}) {
      all.push_back(
          {"training " + to_string(shape),
           {normal(shape), uniform(channels, 0.5, 1.5, 2), normal(channels, 3)},
           [=](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2], epsilon).y; },
           [=](const Tensors& x) { return plain(x[0], x[1], x[2], plain_mean(x[0]), plain_variance(x[0]), epsilon); }});
    }
  }
  return all;
}

OpCases inference_cases() {
  OpCases all;
  for (const Shape& shape : shapes) {
    Shape channels{shape[shape.rank() - 1]};
    all.push_back({"inference " + to_string(shape),
                   {normal(shape), uniform(channels, 0.5, 1.5, 2), normal(channels, 3), normal(channels, 4),
                    uniform(channels, 0.5, 2, 5)},
                   [](const Tensors& x) { return batch_normalization(x[0], x[1], x[2], x[3], x[4]); },
                   [](const Tensors& x) { return plain(x[0], x[1], x[2], x[3], x[4], 1e-3); }});
  }
  return all;
}

// With two rows the gradient to x cancels but for epsilon: what is left is rounding in any float32.
OpCases cases_that_do_not_cancel() {
  OpCases all = training_cases();
  std::erase_if(all, [](const OpCase& one) {
    return one.inputs[0].dim(-1) > 0 && one.inputs[0].elements() / one.inputs[0].dim(-1) == 2;
  });
  return all;
}

TEST(BatchNormalization, MatchesPlainLoops) {
  for_each_case(training_cases(), expect_reference);
  for_each_case(inference_cases(), expect_reference);
}
TEST(BatchNormalization, GradientsMatchCentralDifferences) {
  for_each_case(training_cases(), expect_gradients);
  for_each_case(inference_cases(), expect_gradients);
}
TEST(BatchNormalization, SecondOrderMatchesCentralDifferences) {
  for_each_case(training_cases(), expect_second_order);
  for_each_case(inference_cases(), expect_second_order);
}
TEST(BatchNormalization, RecordedGradientsEqualTheKernel) {
  for_each_case(training_cases(), expect_recorded_gradients_alike);
  for_each_case(inference_cases(), expect_recorded_gradients_alike);
}
TEST(BatchNormalization, Float32IsWithinSixtyFourUlp) {
  for_each_case(cases_that_do_not_cancel(), expect_float32);
  for_each_case(inference_cases(), expect_float32);
  for (const Shape& shape : {Shape{20011, 3}, Shape{33, 7, 7, 17}, Shape{65, 4, 4, 64}, Shape{3, 3000}}) {
    Shape channels{shape[shape.rank() - 1]};
    expect_float32({"", {normal(shape), uniform(channels, 0.5, 1.5, 2), normal(channels, 3)}, [](const Tensors& x) {
                      return batch_normalization_training(x[0], x[1], x[2]).y;
                    }});
  }
}

TEST(BatchNormalization, GivesTheStatisticsOfTheBatch) {
  for (const Shape& shape : {Shape{1, 3}, Shape{5, 3}, Shape{2, 2, 3, 4}, Shape{30011, 5}, Shape{7, 2049}}) {
    Tensor x = cast(normal(shape), DType::float32) + 100.0, ones_by_channel = ones({shape[shape.rank() - 1]});
    Normalized result = batch_normalization_training(x, ones_by_channel, ones_by_channel);
    EXPECT_TRUE(close(result.mean, plain_mean(x), 64 * ulp_of_largest(plain_mean(x))));
    EXPECT_TRUE(close(result.variance, plain_variance(x), 64 * ulp_of_largest(plain_variance(x))));
  }
}

TEST(BatchNormalization, OfOneRowOrConstantColumnsIsBeta) {
  for (const Shape& shape : {Shape{1, 3}, Shape{6, 3}}) {
    Tensor x = full(shape, 5), gamma = tensor({1.0, 2.0, 3.0}), beta = tensor({-1.0, 0.0, 1.0});
    EXPECT_TRUE(same_bits(batch_normalization_training(x, gamma, beta).y, broadcast_to(beta, shape)));
    auto [y, gradients] = value_and_gradients(
        [](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2]).y; }, {x, gamma, beta});
    for (const Tensor& gradient : gradients)
      EXPECT_TRUE(std::isfinite(largest(gradient)) &&
                  same_bits(isfinite(gradient), cast(ones(gradient.shape()), DType::boolean)));
  }
}

TEST(BatchNormalization, OfNoRowsHasZeroStatistics) {
  Normalized result = batch_normalization_training(zeros({0, 3}), ones({3}), zeros({3}));
  EXPECT_TRUE(same_bits(result.mean, zeros({3})));
  EXPECT_TRUE(same_bits(result.variance, zeros({3})));
}

TEST(BatchNormalization, StatisticsAreConstantsToTheTape) {
  Tensor x = cast(normal({4, 3}), DType::float32), gamma = ones({3});
  GradientTape tape(persistent);
  tape.watch(x);
  Normalized result = batch_normalization_training(x, gamma, gamma);
  EXPECT_TRUE(same_bits(tape.gradient(reduce_sum(result.mean * result.variance), x, {.missing = Missing::zero}),
                        zeros({4, 3})));
}

TEST(BatchNormalization, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Shape& shape : {Shape{70, 14, 14, 16}, Shape{64, 7, 7, 64}, Shape{100003, 1}, Shape{40, 4000}}) {
    Shape channels{shape[shape.rank() - 1]};
    Tensors inputs{normal(shape), uniform(channels, 0.5, 1.5, 2), normal(channels, 3)};
    expect_same_bits_for_any_threads(
        {"", inputs, [](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2]).y; }});
    expect_same_bits_for_any_threads(
        {"", inputs, [](const Tensors& x) { return batch_normalization(x[0], x[1], x[2], x[2], x[1]); }});
  }
}

TEST(BatchNormalization, RefusesWhatDoesNotFit) {
  Tensor x({4, 5, 3}), good({3}), bad({5}), wide({3}, DType::float64), vector({3}), whole({4, 3}, DType::int32), none;
  EXPECT_MESSAGE(ShapeError, batch_normalization_training(x, bad, good),
                 "batch_normalization: gamma needs one number for each of 3 channels\n  x      (4, 5, 3)   ..., "
                 "channels\n  gamma  (5,)        channels");
  EXPECT_MESSAGE(ShapeError, batch_normalization(x, good, good, good, bad),
                 "batch_normalization: variance needs one number for each of 3 channels\n  x         (4, 5, 3)   ..., "
                 "channels\n  variance  (5,)        channels");
  EXPECT_MESSAGE(ShapeError, batch_normalization_training(vector, good, good),
                 "batch_normalization: needs a batch axis and channels\n  x  (3,)");
  EXPECT_MESSAGE(DTypeError, batch_normalization_training(x, good, wide),
                 "batch_normalization: x is float32 but beta is float64; cast() converts\n  x     (4, 5, 3)\n  beta  "
                 "(3,)        float64");
  EXPECT_MESSAGE(DTypeError, batch_normalization_training(whole, good, good),
                 "batch_normalization: needs float32 or float64; cast() converts\n  x  (4, 3)   int32");
  EXPECT_MESSAGE(ValueError, batch_normalization_training(x, none, good),
                 "batch_normalization: gamma has no value yet");
}

}  // namespace
}  // namespace floe
