// Softmax and its logarithm: against plain loops, gradients, extreme logits and refusals.
#include <floe/ops/softmax.h>

#include <limits>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

const std::vector<Shape> shapes = {{1}, {5}, {2, 3}, {3, 1}, {2, 3, 4}, {2, 1, 17}, {3, 33}, {0, 3}, {3, 0}};

Tensor plain(const Tensor& x, bool logarithm) {
  return made(x.shape(), [&](const Index& i) {
    double sum = 0;
    Index j = i;
    for (j.back() = 0; j.back() < x.dim(-1); ++j.back()) sum += std::exp(at(x, j));
    return logarithm ? at(x, i) - std::log(sum) : std::exp(at(x, i)) / sum;
  });
}

OpCases cases() {
  OpCases all;
  for (const Shape& shape : shapes) {
    all.push_back({"softmax " + to_string(shape),
                   {normal(shape)},
                   [](const Tensors& x) { return softmax(x[0]); },
                   [](const Tensors& x) { return plain(x[0], false); }});
    all.push_back({"log_softmax " + to_string(shape),
                   {normal(shape)},
                   [](const Tensors& x) { return log_softmax(x[0]); },
                   [](const Tensors& x) { return plain(x[0], true); }});
  }
  return all;
}

// One class alone has probability 1 whatever its logit: the gradient is exactly 0.
OpCases cases_of_several_classes() {
  OpCases all = cases();
  std::erase_if(all, [](const OpCase& one) { return one.inputs[0].dim(-1) == 1; });
  return all;
}

TEST(Softmax, MatchesPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Softmax, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Softmax, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Softmax, RecordedGradientsEqualTheKernels) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Softmax, Float32IsWithinSixtyFourUlp) { for_each_case(cases_of_several_classes(), expect_float32); }

TEST(Softmax, OfOneClassHasNoGradient) {
  for (auto op : {softmax, log_softmax}) {
    auto [value, gradients] =
        value_and_gradients([=](const Tensors& x) { return op(x[0]); }, {cast(normal({3, 1}), DType::float32)});
    EXPECT_TRUE(close(gradients[0], zeros({3, 1}), 0));
  }
}

TEST(Softmax, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Shape& shape : {Shape{300, 401}, Shape{12001, 10}, Shape{2, 60001}}) {
    expect_same_bits_for_any_threads({"", {normal(shape)}, [](const Tensors& x) { return softmax(x[0]); }});
    expect_same_bits_for_any_threads({"", {normal(shape)}, [](const Tensors& x) { return log_softmax(x[0]); }});
  }
}

TEST(Softmax, ARowsResultDoesNotDependOnItsPlace) {
  for (std::int64_t classes = 1; classes <= 40; ++classes) {
    Tensor x = cast(normal({3, classes}), DType::float32);
    for (auto op : {softmax, log_softmax}) {
      auto [y, gradients] = value_and_gradients([=](const Tensors& x) { return op(x[0]); }, {x});
      for (std::int64_t row = 0; row < 3; ++row)
        ASSERT_TRUE(same_bits(op(slice(x, 0, row, row + 1)), slice(y, 0, row, row + 1)));
    }
  }
}

TEST(Softmax, NeitherOverflowsNorForgets) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor x = cast(tensor(std::vector<double>{10000, 9999, -10000, -infinity, 0, 0}, {3, 2}), dtype);
    double share = 1 / (1 + std::exp(-1.0));
    EXPECT_TRUE(close(softmax(x), tensor(std::vector<double>{share, 1 - share, 1, 0, 0.5, 0.5}, {3, 2}), 1e-7));
    EXPECT_TRUE(close(
        log_softmax(x),
        tensor(std::vector<double>{std::log(share), std::log(share) - 1, 0, -infinity, -std::log(2.0), -std::log(2.0)},
               {3, 2}),
        1e-6));
  }
  Tensor wide = tensor({0.0, 200.0});
  EXPECT_TRUE(close(log_softmax(wide), tensor({-200.0, 0.0}), 0));
}

TEST(Softmax, NanReachesItsRowAlone) {
  for (auto op : {softmax, log_softmax}) {
    for (int place : {0, 16, 18}) {
      Tensor x = zeros({2, 19});
      x.mutable_data<float>()[place] = static_cast<float>(nan);
      Tensor y = op(x);
      for (int i = 0; i < 38; ++i)
        EXPECT_EQ(std::isnan(element(y, i)), i < 19) << "NaN at " << place << ", element " << i;
    }
  }
}

TEST(Softmax, NothingComesFromAClassOfProbabilityZero) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (bool differentiable : {false, true}) {
      Tensor x = cast(tensor(std::vector<double>{0, -infinity, 0}, {3}), dtype);
      GradientTape tape(persistent);
      tape.watch(x);
      Tensor dy = cast(tensor(std::vector<double>{1, infinity, 3}, {3}), dtype);
      GradientOptions options{.differentiable = differentiable, .output_gradient = dy};
      EXPECT_TRUE(close(tape.gradient(softmax(x), x, options), cast(tensor({-0.5, 0.0, 0.5}), dtype), 1e-6));
    }
  }
}

TEST(Softmax, RefusesWhatDoesNotFit) {
  Tensor scalar(Shape{}), whole({2, 3}, DType::int32), none;
  EXPECT_MESSAGE(ShapeError, softmax(scalar), "softmax: needs an axis of classes\n  x  ()");
  EXPECT_MESSAGE(ShapeError, log_softmax(scalar), "log_softmax: needs an axis of classes\n  x  ()");
  EXPECT_MESSAGE(DTypeError, softmax(whole), "softmax: needs float32 or float64; cast() converts\n  x  (2, 3)   int32");
  EXPECT_MESSAGE(ValueError, log_softmax(none), "log_softmax: x has no value yet");
}

}  // namespace
}  // namespace floe
