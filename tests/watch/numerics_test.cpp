// CheckNumerics: planted faults in ops, layers, gradients and steps, and the whole message about each.
#include <cmath>
#include <limits>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/layers/batch_normalization.h>
#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/custom_gradient.h>
#include <floe/tape/tape.h>
#include <floe/watch/numerics.h>
#include <support/messages.h>

namespace floe {
namespace {

const double infinite = std::numeric_limits<double>::infinity();

TEST(CheckNumerics, LetsFiniteResultsPass) {
  CheckNumerics check;
  Variable w("w", tensor({1., 2.}));
  GradientTape tape;
  Gradients gradients = tape.gradient(reduce_sum(log(w) / w), Variables{&w});
  Adam adam;
  adam.apply(gradients);
  EXPECT_LT(w.value().data<float>()[0], 1);
}

TEST(CheckNumerics, FindsTheLogarithmOfZero) {
  CheckNumerics check;
  Tensor x = tensor({{1., 0.5}, {0., 0.25}});
  EXPECT_MESSAGE(NumericsError, log(x),
                 "log: gives -inf, first at (1, 0)\n"
                 "  forward\n"
                 "  output   (2, 2)   min -1.38629, mean -0.693147, max 0, 0 NaN, 1 Inf\n"
                 "  input 0  (2, 2)   min 0, mean 0.4375, max 1, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, FindsOneAmongMany) {
  Tensor ones = floe::ones({7, 100});
  for (std::int64_t place : {0, 63, 64, 639, 640, 699}) {
    Tensor x = ones;
    x.mutable_data<float>()[place] = -std::numeric_limits<float>::infinity();
    CheckNumerics check;
    std::string message = test::error_of<NumericsError>([&] { x * 1.0; });
    EXPECT_EQ(message.substr(0, message.find('\n')),
              fmt::format("multiply: gives -inf, first at ({}, {})", place / 100, place % 100));
  }
}

TEST(CheckNumerics, FindsADivisionByZeroAndNamesStepAndDtype) {
  CheckNumerics check;
  check.step(12);
  Tensor x = zeros({2}, DType::float64);
  EXPECT_MESSAGE(NumericsError, x / x,
                 "divide: gives nan, first at (0,)\n"
                 "  forward, step 12\n"
                 "  output   (2,)   float64   no finite values, 2 NaN, 0 Inf\n"
                 "  input 0  (2,)   float64   min 0, mean 0, max 0, 0 NaN, 0 Inf\n"
                 "  input 1  (2,)   float64   min 0, mean 0, max 0, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, FindsAnOverflowInAScalar) {
  CheckNumerics check;
  EXPECT_MESSAGE(NumericsError, exp(tensor(100.)),
                 "exp: gives inf, first at ()\n"
                 "  forward\n"
                 "  output   ()   no finite values, 0 NaN, 1 Inf\n"
                 "  input 0  ()   min 100, mean 100, max 100, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, FindsWhatIsInfiniteInBackwardAlone) {
  CheckNumerics check;
  Tensor x = tensor({4., 0., 1.});
  GradientTape tape;
  tape.watch(x);
  int line = __LINE__ + 1;
  Tensor loss = reduce_sum(sqrt(x));
  test::expect_message<NumericsError>(__FILE__, line,
                                      "sqrt_gradient: gives inf, first at (1,)\n"
                                      "  in the gradient of sqrt\n"
                                      "  output   (3,)   min 0.25, mean 0.375, max 0.5, 0 NaN, 1 Inf\n"
                                      "  input 0  (3,)   min 1, mean 1, max 1, 0 NaN, 0 Inf\n"
                                      "  input 1  (3,)   min 0, mean 1, max 2, 0 NaN, 0 Inf",
                                      [&] { tape.gradient(loss, x); });
}

TEST(CheckNumerics, NamesTheLayerAndTheVariable) {
  CheckNumerics check;
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 2, .units = 1, .initializer = initializers::constant(2e38)});
  Tensor x = ones({1, 2});
  EXPECT_MESSAGE(NumericsError, dense(x),
                 "matmul: gives inf, first at (0, 0)\n"
                 "  forward, layer model.dense\n"
                 "  output   (1, 1)   no finite values, 0 NaN, 1 Inf\n"
                 "  input 0  (1, 2)   min 1, mean 1, max 1, 0 NaN, 0 Inf\n"
                 "  input 1  (2, 1)   min 2e+38, mean 2e+38, max 2e+38, 0 NaN, 0 Inf   [model.dense.weights]");
}

TEST(CheckNumerics, NamesTheLayerInItsGradient) {
  CheckNumerics check;
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 1, .units = 1, .use_bias = false, .initializer = initializers::constant(0.5)});
  Tensor x = full({1, 1}, 3);
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = dense(x);
  Tensor loss = reduce_sum(y * 2e38);
  test::expect_message<NumericsError>(__FILE__, line,
                                      "matmul: gives inf, first at (0, 0)\n"
                                      "  in the gradient of matmul, layer model.dense\n"
                                      "  with transpose_a true\n"
                                      "  output   (1, 1)   no finite values, 0 NaN, 1 Inf\n"
                                      "  input 0  (1, 1)   min 3, mean 3, max 3, 0 NaN, 0 Inf\n"
                                      "  input 1  (1, 1)   min 2e+38, mean 2e+38, max 2e+38, 0 NaN, 0 Inf",
                                      [&] { tape.gradient(loss, model.variables()); });
}

TEST(CheckNumerics, FindsAnOverflowInsideBatchNormalization) {
  CheckNumerics check;
  Layer model("model", Device{}, Rng(1));
  BatchNormalization norm(&model, "norm", 1);
  Tensor x = tensor({{1e30}, {-1e30}});
  EXPECT_MESSAGE(NumericsError, norm(x, Mode::training),
                 "moments: gives inf, first at (0,)\n"
                 "  forward, layer model.norm\n"
                 "  output   (1,)     no finite values, 0 NaN, 1 Inf\n"
                 "  input 0  (2, 1)   min -1e+30, mean 0, max 1e+30, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, NamesTheConstants) {
  CheckNumerics check;
  EXPECT_MESSAGE(NumericsError, reduce_sum(tensor({3e38, 3e38}), 0, true),
                 "reduce_sum: gives inf, first at (0,)\n"
                 "  forward\n"
                 "  with keepdims true\n"
                 "  output   (1,)   no finite values, 0 NaN, 1 Inf\n"
                 "  input 0  (2,)   min 3e+38, mean 3e+38, max 3e+38, 0 NaN, 0 Inf");
  EXPECT_MESSAGE(NumericsError, leaky_relu(tensor({-1e30}), 1e10),
                 "leaky_relu: gives -inf, first at (0,)\n"
                 "  forward\n"
                 "  with slope 10000000000\n"
                 "  output   (1,)   no finite values, 0 NaN, 1 Inf\n"
                 "  input 0  (1,)   min -1e+30, mean -1e+30, max -1e+30, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, LooksIntoCustomGradients) {
  Tensor x = tensor({1., 0.});
  GradientTape tape;
  tape.watch(x);
  Tensor y = custom_gradient(
      x, [](const Tensor& x) { return x * 2.0; },
      [](const Tensor& dy, const Tensor& x, const Tensor&) { return dy / x; });
  CheckNumerics check;
  std::string message = test::error_of<NumericsError>([&] { tape.gradient(reduce_sum(y), x); });
  EXPECT_TRUE(message.starts_with("divide: gives inf, first at (1,)\n  in the gradient of custom_gradient\n"))
      << message;
}

TEST(CheckNumerics, FindsWhatOverflowsWhereGradientsMeet) {
  Tensor x = tensor({1.});
  GradientTape tape;
  tape.watch(x);
  Tensor loss = reduce_sum(x * 2e38 + x * 2e38);
  CheckNumerics check;
  std::string message = test::error_of<NumericsError>([&] { tape.gradient(loss, x); });
  EXPECT_TRUE(
      message.starts_with("add: gives inf, first at (0,)\n"
                          "  in the gradient of multiply\n"
                          "  output   (1,)   no finite values, 0 NaN, 1 Inf\n"
                          "  input 0  (1,)   min 2e+38, mean 2e+38, max 2e+38, 0 NaN, 0 Inf\n"))
      << message;
}

TEST(CheckNumerics, NamesTheVariableThatAStepMakesInfinite) {
  Variable fine("model.fine", tensor({1.})), broken("model.broken", tensor({{1., 2.}}));
  Gradients gradients;
  gradients.add(fine, tensor({1.}));
  gradients.add(broken, tensor({{1., 1e30}}));
  CheckNumerics check;
  check.step(3);
  SGD sgd(1e10);
  EXPECT_MESSAGE(NumericsError, sgd.apply(gradients),
                 "optimizer_step: gives -inf, first at (0, 1)\n"
                 "  step 3\n"
                 "  output   (1, 2)   min -1e+10, mean -1e+10, max -1e+10, 0 NaN, 1 Inf   [model.broken]\n"
                 "  input 0  (1, 2)   min 1, mean 5e+29, max 1e+30, 0 NaN, 0 Inf");
  EXPECT_EQ(fine.value().item(), 1 - 1e10f);
}

TEST(CheckNumerics, ShowsThatTheInputHadItAlready) {
  CheckNumerics check;
  Tensor x = tensor({1., std::nan("")});
  EXPECT_MESSAGE(NumericsError, x + 1.0,
                 "add: gives nan, first at (1,)\n"
                 "  forward\n"
                 "  output   (2,)   min 2, mean 2, max 2, 1 NaN, 0 Inf\n"
                 "  input 0  (2,)   min 1, mean 1, max 1, 1 NaN, 0 Inf\n"
                 "  input 1  ()     min 1, mean 1, max 1, 0 NaN, 0 Inf");
}

TEST(CheckNumerics, LeavesIntegersAndOtherThreadsAndLaterOpsAlone) {
  {
    CheckNumerics check;
    EXPECT_EQ((tensor({1, 2}) + tensor({2, 3})).to_vector<std::int32_t>(), (std::vector<std::int32_t>{3, 5}));
    std::jthread([] { EXPECT_EQ(exp(tensor(100.)).item(), infinite); });
  }
  EXPECT_EQ(exp(tensor(100.)).item(), infinite);
}

TEST(CheckNumerics, LeavesTheTapesUsable) {
  Variable w("w", tensor({0., 4.}));
  GradientTape outer;
  Tensor safe = reduce_sum(w * w);
  {
    GradientTape inner;
    CheckNumerics check;
    EXPECT_THROW(log(w), NumericsError);
    Tensor loss = reduce_sum(sqrt(w));
    EXPECT_THROW(inner.gradient(loss, w), NumericsError);
  }
  EXPECT_EQ(outer.gradient(safe, w).to_vector<float>(), (std::vector<float>{0, 8}));
  GradientTape again;
  EXPECT_EQ(again.gradient(reduce_sum(w * 3.0), w).to_vector<float>(), (std::vector<float>{3, 3}));
}

}  // namespace
}  // namespace floe
