// Normalisation: against plain loops, gradients of two orders, long and constant columns, how the kinds are related,
// and refusals.
#include <floe/ops/normalization.h>

#include <map>
#include <utility>

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

// --- Over the last axes, groups and images ---------------------------------------------------------------------------

// Normalised by the mean and variance of the elements with the same `statistic` of their place in x.
template <class Statistic>
Tensor plain_by(const Tensors& x, double epsilon, Statistic statistic) {
  struct Sums {
    double count = 0, total = 0, squares = 0;
  };
  std::map<std::int64_t, Sums> all;
  std::int64_t elements = x[0].elements(), columns = x[1].elements();
  for (std::int64_t i = 0; i < elements; ++i) all[statistic(i)].count += 1, all[statistic(i)].total += element(x[0], i);
  auto away = [&](std::int64_t i, const Sums& of) { return element(x[0], i) - of.total / of.count; };
  for (std::int64_t i = 0; i < elements; ++i) all[statistic(i)].squares += std::pow(away(i, all[statistic(i)]), 2);
  Tensor y(x[0].shape(), DType::float64);
  for (std::int64_t i = 0; i < elements; ++i) {
    const Sums& of = all[statistic(i)];
    y.mutable_data<double>()[i] =
        element(x[1], i % columns) * away(i, of) / std::sqrt(of.squares / of.count + epsilon) +
        element(x[2], i % columns);
  }
  return y;
}

Tensors inputs_for(const Shape& shape, const Shape& affine) {
  return {normal(shape), uniform(affine, 0.5, 1.5, 2), normal(affine, 3)};
}

// Over the last `axes` axes of the shape.
OpCase layer_case(const Shape& shape, int axes = 1, double epsilon = 1e-3) {
  Shape affine(std::span(shape.end() - axes, shape.end()));
  return {"layer " + to_string(shape) + " over " + std::to_string(axes), inputs_for(shape, affine),
          [=](const Tensors& x) { return layer_normalization(x[0], x[1], x[2], epsilon); },
          [=](const Tensors& x) {
            return plain_by(x, epsilon, [&](std::int64_t place) { return place / x[1].elements(); });
          }};
}

Tensor plain_groups(const Tensors& x, std::int64_t groups, double epsilon) {
  std::int64_t channels = x[0].dim(-1), image = x[0].dim(0) ? x[0].elements() / x[0].dim(0) : 0;
  return plain_by(x, epsilon,
                  [=](std::int64_t place) { return place / image * groups + place % channels / (channels / groups); });
}

OpCase group_case(const Shape& shape, std::int64_t groups, double epsilon = 1e-3) {
  return {"group " + to_string(shape) + " in " + std::to_string(groups), inputs_for(shape, {shape[shape.rank() - 1]}),
          [=](const Tensors& x) { return group_normalization(x[0], groups, x[1], x[2], epsilon); },
          [=](const Tensors& x) { return plain_groups(x, groups, epsilon); }};
}

OpCase instance_case(const Shape& shape, double epsilon = 1e-5) {
  return {"instance " + to_string(shape), inputs_for(shape, {shape[shape.rank() - 1]}),
          [=](const Tensors& x) { return instance_normalization(x[0], x[1], x[2], epsilon); },
          [=](const Tensors& x) { return plain_groups(x, x[0].dim(-1), epsilon); }};
}

// Odd sizes, sizes of 1 and of 0, and the sizes of a packet and beside them.
OpCases small_cases() {
  OpCases all;
  for (auto [shape, axes] : {std::pair{Shape{5, 3}, 1},
                             {{1, 1}, 1},
                             {{3, 1}, 1},
                             {{2, 3, 4}, 1},
                             {{3, 2, 2}, 2},
                             {{2, 2, 3, 4}, 3},
                             {{2, 1, 3, 1}, 2},
                             {{6}, 1},
                             {{0, 3}, 1},
                             {{3, 0}, 1},
                             {{0, 2, 2, 1}, 3}})
    all.push_back(layer_case(shape, axes));
  for (std::int64_t features : {7, 8, 9, 15, 16, 17, 31, 33}) all.push_back(layer_case({3, features}));
  all.push_back(layer_case({4, 6}, 1, 1e-5));
  for (auto [shape, groups] : {std::pair{Shape{2, 1, 2, 4}, 2},
                               {{3, 2, 2, 6}, 1},
                               {{3, 2, 2, 6}, 2},
                               {{3, 2, 2, 6}, 3},
                               {{1, 3, 1, 6}, 6},
                               {{2, 5, 4}, 2},
                               {{4, 6}, 3},
                               {{3, 4}, 4},
                               {{2, 34}, 2},
                               {{2, 3, 17}, 1},
                               {{0, 2, 2, 4}, 2},
                               {{2, 0, 3, 4}, 2},
                               {{2, 2, 0}, 2}})
    all.push_back(group_case(shape, groups));
  for (const Shape& shape : {Shape{2, 3, 3, 1}, Shape{2, 2, 3, 4}, Shape{1, 5, 1, 3}, Shape{3, 1, 1, 2}, Shape{2, 7, 5},
                             Shape{2, 17, 1}, Shape{1, 3, 17}, Shape{0, 2, 2, 3}, Shape{2, 0, 3, 4}})
    all.push_back(instance_case(shape, 1e-3));
  all.push_back(instance_case({2, 4, 3}));
  return all;
}

// At each size where a kernel goes another way, and on both sides of it.
OpCases large_cases() {
  OpCases all;
  for (std::int64_t features : {511, 512, 513, 1023, 1024, 1025, 16383, 16384, 16385, 40001})
    all.push_back(layer_case({3, features}));
  for (std::int64_t rows : {255, 256, 257, 513}) all.push_back(layer_case({rows, 5}));
  for (std::int64_t rows : {64, 65, 66}) all.push_back(layer_case({rows, 1000}));
  all.push_back(layer_case({2, 30, 40, 16}, 3));
  for (std::int64_t pixels : {1023, 1024, 1025}) all.push_back(group_case({2, pixels, 64}, 8));
  all.push_back(group_case({2, 33, 31, 6}, 2));
  all.push_back(group_case({3, 40, 24}, 1));
  all.push_back(group_case({2, 3, 1030}, 10));
  all.push_back(group_case({300, 24}, 4));
  all.push_back(group_case({2, 32770}, 2));
  all.push_back(instance_case({3, 1025, 64}));
  all.push_back(instance_case({2, 65537, 1}));
  all.push_back(instance_case({70, 3, 3, 5}));
  all.push_back(instance_case({2, 3, 1030}));
  return all;
}

TEST(Normalization, MatchesPlainLoops) {
  for_each_case(small_cases(), expect_reference);
  for_each_case(large_cases(), expect_reference);
}
TEST(Normalization, GradientsMatchCentralDifferences) { for_each_case(small_cases(), expect_gradients); }
TEST(Normalization, SecondOrderMatchesCentralDifferences) { for_each_case(small_cases(), expect_second_order); }
TEST(Normalization, RecordedGradientsEqualTheKernel) {
  for_each_case(small_cases(), expect_recorded_gradients_alike);
  for_each_case(large_cases(), expect_recorded_gradients_alike);
}

// With two elements the gradient to x cancels but for epsilon: what is left is rounding in any float32.
TEST(Normalization, Float32IsWithinSixtyFourUlp) {
  OpCases cases = small_cases();
  std::erase_if(cases, [](const OpCase& one) { return one.name == "group (4, 6) in 3"; });
  for_each_case(cases, expect_float32);
  for_each_case(large_cases(), expect_float32);
}

// A mean of 1000 leaves float32 a step of 6e-5, which is all that may be lost.
TEST(Normalization, KeepsItsDigitsFarFromZero) {
  for (OpCase one : {layer_case({5, 700}), layer_case({3, 40001}), group_case({2, 33, 31, 6}, 2),
                     group_case({7, 64}, 4), instance_case({2, 1025, 5}), instance_case({2, 65537, 1})}) {
    SCOPED_TRACE(one.name);
    one.inputs[0] = one.inputs[0] + 1000.0;
    Tensors inputs = cast_floating(one.inputs, DType::float32);
    EXPECT_TRUE(close(one.op(inputs), one.reference(inputs), 2 * ulp_of_largest(inputs[0])));
  }
}

TEST(Normalization, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const OpCase& one :
       {layer_case({4096, 64}), layer_case({300, 1000}), layer_case({2, 50000}), group_case({9, 14, 14, 16}, 4),
        group_case({3, 120, 120, 6}, 2), group_case({640, 256}, 8), instance_case({8, 33, 33, 16}),
        instance_case({3, 100003, 1}), instance_case({2, 40, 4000})}) {
    SCOPED_TRACE(one.name);
    expect_same_bits_for_any_threads(one);
  }
}

// By hand: 1, 2, 3, 4 have mean 2.5 and variance 1.25; of 1 and 3 in the channels they are 2 and 1, of 2 and 4 3 and 1.
TEST(Normalization, OfFourNumbersIsKnown) {
  Tensor gamma = ones({2}, DType::float64), beta = zeros({2}, DType::float64);
  Tensor x = tensor(std::vector<double>{1, 2, 3, 4}, Shape{1, 2, 2});
  double step = 1 / std::sqrt(5.0);
  Tensor whole = tensor(std::vector<double>{-3 * step, -step, step, 3 * step}, Shape{1, 2, 2});
  EXPECT_TRUE(close(group_normalization(x, 1, gamma, beta, 0), whole, 1e-14));
  EXPECT_TRUE(
      close(layer_normalization(x, ones({2, 2}, DType::float64), zeros({2, 2}, DType::float64), 0), whole, 1e-14));
  EXPECT_TRUE(close(instance_normalization(x, gamma, beta, 0),
                    tensor(std::vector<double>{-1, -1, 1, 1}, Shape{1, 2, 2}), 1e-14));
  EXPECT_TRUE(
      close(layer_normalization(x, gamma, beta, 0), tensor(std::vector<double>{-1, 1, -1, 1}, Shape{1, 2, 2}), 1e-14));
}

TEST(Normalization, OfOneElementIsBeta) {
  Tensor gamma = tensor({1.0, 2.0, 3.0}), beta = tensor({-1.0, 0.0, 1.0});
  for (const Shape& shape : {Shape{4, 1, 1, 3}, Shape{1, 1, 3}}) {
    Tensor x = cast(normal(shape), DType::float32);
    EXPECT_TRUE(same_bits(instance_normalization(x, gamma, beta), broadcast_to(beta, shape)));
    EXPECT_TRUE(same_bits(group_normalization(x, 3, gamma, beta), broadcast_to(beta, shape)));
  }
  Tensor constant = full({5, 3}, 7);
  EXPECT_TRUE(same_bits(layer_normalization(constant, gamma, beta), broadcast_to(beta, {5, 3})));
}

// The kinds are one: where they take the same elements together, they give the same.
TEST(Normalization, OfOneKindIsOfAnother) {
  auto alike = [](const Shape& shape, const Tensors& inputs, const Function& one, const Function& other) {
    SCOPED_TRACE(to_string(shape));
    for (DType dtype : {DType::float32, DType::float64}) {
      auto [y, slopes] = value_and_gradients(one, cast_floating(inputs, dtype));
      auto [same, same_slopes] = value_and_gradients(other, cast_floating(inputs, dtype));
      EXPECT_TRUE(same_bits(same, y));
      for (std::size_t i = 0; i < slopes.size(); ++i) EXPECT_TRUE(same_bits(same_slopes[i], slopes[i])) << i;
    }
  };
  for (const Shape& shape : {Shape{3, 4, 5, 6}, Shape{2, 33, 33, 3}, Shape{2, 7, 64}}) {
    std::int64_t channels = shape[shape.rank() - 1];
    alike(
        shape, inputs_for(shape, {channels}), [](const Tensors& x) { return instance_normalization(x[0], x[1], x[2]); },
        [=](const Tensors& x) { return group_normalization(x[0], channels, x[1], x[2], 1e-5); });
  }
  for (const Shape& shape : {Shape{1, 4, 5, 6}, Shape{1, 40, 40, 64}})
    alike(
        shape, inputs_for(shape, {shape[3]}), [](const Tensors& x) { return instance_normalization(x[0], x[1], x[2]); },
        [](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2], 1e-5).y; });
  for (const Shape& shape : {Shape{3, 6}, Shape{300, 20}})
    alike(
        shape, inputs_for(shape, {shape[1]}), [](const Tensors& x) { return layer_normalization(x[0], x[1], x[2]); },
        [](const Tensors& x) { return group_normalization(x[0], 1, x[1], x[2]); });
}

TEST(Normalization, OverWholeImagesIsThatOfOneGroup) {
  for (const Shape& shape : {Shape{3, 4, 5, 6}, Shape{2, 33, 33, 3}}) {
    Shape image{shape[1], shape[2], shape[3]};
    Tensors x = inputs_for(shape, {shape[3]});
    Tensor whole = layer_normalization(x[0], broadcast_to(x[1], image), broadcast_to(x[2], image));
    EXPECT_TRUE(close(group_normalization(x[0], 1, x[1], x[2]), whole, 1e-12));
  }
}

TEST(Normalization, RefusesWhatDoesNotFit) {
  Tensor x({4, 5, 6}), good({6}), bad({5}), rows({5, 6}), wide({6}, DType::float64), matrix({4, 6}),
      number = ones({}), whole({4, 6}, DType::int32), none;
  EXPECT_MESSAGE(ShapeError, layer_normalization(x, bad, bad),
                 "layer_normalization: gamma needs the sizes of the last axes of x\n  x      (4, 5, 6)\n  gamma  (5,)");
  EXPECT_MESSAGE(ShapeError, layer_normalization(good, rows, rows),
                 "layer_normalization: gamma needs the sizes of the last axes of x\n  x      (6,)\n  gamma  (5, 6)");
  EXPECT_MESSAGE(ShapeError, layer_normalization(x, number, number),
                 "layer_normalization: gamma needs the sizes of the last axes of x\n  x      (4, 5, 6)\n  gamma  ()");
  EXPECT_MESSAGE(ShapeError, layer_normalization(x, rows, good),
                 "layer_normalization: beta needs the shape of gamma\n  gamma  (5, 6)\n  beta   (6,)");
  EXPECT_MESSAGE(
      DTypeError, layer_normalization(x, wide, good),
      "layer_normalization: x is float32 but gamma is float64; cast() converts\n  x      (4, 5, 6)\n  gamma  "
      "(6,)        float64");
  EXPECT_MESSAGE(DTypeError, layer_normalization(whole, good, good),
                 "layer_normalization: needs float32 or float64; cast() converts\n  x  (4, 6)   int32");
  EXPECT_MESSAGE(ValueError, layer_normalization(x, none, good), "layer_normalization: gamma has no value yet");
  EXPECT_MESSAGE(ShapeError, group_normalization(x, 2, bad, good),
                 "group_normalization: gamma needs one number for each of 6 channels\n  x      (4, 5, 6)   ..., "
                 "channels\n  gamma  (5,)        channels");
  EXPECT_MESSAGE(
      ShapeError, group_normalization(x, 4, good, good),
      "group_normalization: 6 channels cannot be divided into 4 groups\n  x  (4, 5, 6)   batch, ..., channels");
  EXPECT_MESSAGE(ValueError, group_normalization(x, 0, good, good),
                 "group_normalization: groups must be 1 or more, and are 0\n  x  (4, 5, 6)");
  EXPECT_MESSAGE(ShapeError, group_normalization(good, 2, good, good),
                 "group_normalization: needs a batch axis and channels\n  x  (6,)");
  EXPECT_MESSAGE(ShapeError, instance_normalization(matrix, good, good),
                 "instance_normalization: needs a batch axis, axes to normalise over, and channels\n  x  (4, 6)");
  EXPECT_MESSAGE(ShapeError, instance_normalization(x, good, bad),
                 "instance_normalization: beta needs one number for each of 6 channels\n  x     (4, 5, 6)   ..., "
                 "channels\n  beta  (5,)        channels");
}

}  // namespace
}  // namespace floe
