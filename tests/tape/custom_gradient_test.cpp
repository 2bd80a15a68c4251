// custom_gradient: functions with gradients of one's own, and what their backward functions may not give.
#include <floe/tape/custom_gradient.h>

#include <cmath>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/optimizers/clip.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>
#include <support/messages.h>

namespace floe {
namespace {

// The talk's six lines.
Tensor clip_gradient(const Tensor& x, double limit) {
  return custom_gradient(x, [](const Tensor& x) { return x; },
                         [=](const Tensor& dy, const Tensor&, const Tensor&) { return clip_by_norm(dy, limit); });
}

Tensor naive_log1pexp(const Tensor& x) { return log(1.0 + exp(x)); }

Tensor log1pexp(const Tensor& x) {
  return custom_gradient(x, naive_log1pexp,
                         [](const Tensor& dy, const Tensor& x, const Tensor&) { return dy * sigmoid(x); });
}

double slope_at(double at, Tensor (*function)(const Tensor&)) {
  Tensor x = tensor(at);
  GradientTape tape;
  tape.watch(x);
  return tape.gradient(function(x), x).item();
}

TEST(CustomGradient, ClipsWhatFlowsBack) {
  Variable w("w", tensor({3., 4.}));
  GradientTape tape;
  Tensor y = clip_gradient(w, 1);
  EXPECT_EQ(y.data<float>(), w.value().data<float>()) << "forward it is the identity, without a copy";
  std::vector<float> dw = tape.gradient(square(y) * 0.5, w).to_vector<float>();
  EXPECT_FLOAT_EQ(dw[0], 0.6f);
  EXPECT_FLOAT_EQ(dw[1], 0.8f);
}

TEST(CustomGradient, IsExactWhereTheNaiveOneIsNaN) {
  EXPECT_EQ(slope_at(0, naive_log1pexp), 0.5);
  EXPECT_TRUE(std::isnan(slope_at(100, naive_log1pexp)));
  EXPECT_EQ(slope_at(0, log1pexp), 0.5);
  EXPECT_EQ(slope_at(100, log1pexp), 1.0);
}

TEST(CustomGradient, HasHigherOrders) {
  Variable w("w", tensor(std::vector<double>{0.5}, Shape{1}));
  GradientTape tape{persistent};
  Tensor y = log1pexp(w);
  Tensor dw = tape.gradient(y, w, {.differentiable = true});
  double s = 1 / (1 + std::exp(-0.5));
  EXPECT_NEAR(dw.item(), s, 1e-15);
  EXPECT_NEAR(tape.gradient(dw, w).item(), s * (1 - s), 1e-15);
}

TEST(CustomGradient, TakesSeveralInputs) {
  Variable a("a", tensor(2.)), b("b", tensor(5.));
  GradientTape tape;
  Tensor y = custom_gradient(
      Tensors{a, b}, [](const Tensors& x) { return x[0] * x[1]; },
      [](const Tensor& dy, const Tensors& x, const Tensor& y) { return Tensors{dy * y, dy * x[0]}; });
  Tensors gradients = tape.gradient(y * 3.0, Tensors{a, b});
  EXPECT_EQ(gradients[0].item(), 30);
  EXPECT_EQ(gradients[1].item(), 6);
}

TEST(CustomGradient, RecordsNothingOfItsForward) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor inside;
  Tensor y = custom_gradient(
      w, [&](const Tensor& x) { return inside = x * x; },
      [](const Tensor& dy, const Tensor&, const Tensor&) { return dy * 100.0; });
  EXPECT_TRUE(inside.id().is_constant());
  EXPECT_EQ(tape.gradient(y, w).item(), 100);
}

TEST(CustomGradient, MayGiveNothing) {
  Variable a("a", tensor(2.)), b("b", tensor(5.));
  GradientTape tape;
  Tensor y = custom_gradient(
      Tensors{a, b}, [](const Tensors& x) { return x[0] * x[1]; },
      [](const Tensor& dy, const Tensors&, const Tensor&) { return Tensors{Tensor(), dy}; });
  Tensors gradients = tape.gradient(y + a + b, Tensors{a, b});
  EXPECT_EQ(gradients[0].item(), 1);
  EXPECT_EQ(gradients[1].item(), 2);
}

TEST(CustomGradient, RefusesAnotherShape) {
  Variable w("model.w", tensor({1., 2.}));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = custom_gradient(
      w, [](const Tensor& x) { return x; }, [](const Tensor&, const Tensor&, const Tensor&) { return ones({3}); });
  EXPECT_EQ(test::error_of<GradientError>([&] { tape.gradient(y, w); }),
            "custom_gradient: backward must give gradients in the shapes and dtypes of the inputs\n"
            "  input     (2,)   [model.w]\n"
            "  gradient  (3,)\n"
            "  at " __FILE__ ":" + std::to_string(line));
}

TEST(CustomGradient, RefusesAnotherDType) {
  Variable w("model.w", tensor({1., 2.}));
  GradientTape tape;
  Tensor y = custom_gradient(
      w, [](const Tensor& x) { return x; },
      [](const Tensor&, const Tensor&, const Tensor&) { return ones({2}, DType::float64); }, {"model.cpp", 5});
  EXPECT_EQ(test::error_of<GradientError>([&] { tape.gradient(y, w); }),
            "custom_gradient: backward must give gradients in the shapes and dtypes of the inputs\n"
            "  input     (2,)   [model.w]\n"
            "  gradient  (2,)   float64\n"
            "  at model.cpp:5");
}

TEST(CustomGradient, RefusesAnotherNumberOfGradients) {
  Variable w("w", tensor({1., 2.}));
  GradientTape tape;
  Tensor y = custom_gradient(
      Tensors{w, w}, [](const Tensors& x) { return x[0] * x[1]; },
      [](const Tensor& dy, const Tensors&, const Tensor&) { return Tensors{dy}; }, {"model.cpp", 5});
  EXPECT_EQ(test::error_of<GradientError>([&] { tape.gradient(y, w); }),
            "custom_gradient: backward gave 1 gradient for 2 inputs\n  at model.cpp:5");
}

// --- Exceptions ------------------------------------------------------------------------------------------------------

struct Interrupted {};

TEST(Exceptions, InForwardLeaveTheTapesUsable) {
  Variable w("w", tensor({1., 2.}));
  GradientTape first, second;
  Tensor a = square(w);
  EXPECT_THROW(a + ones({3}), ShapeError);
  EXPECT_THROW(custom_gradient(a, [](const Tensor&) -> Tensor { throw Interrupted(); },
                               [](const Tensor& dy, const Tensor&, const Tensor&) { return dy; }),
               Interrupted);
  Tensor b = square(a);
  EXPECT_EQ(first.gradient(b, w).to_vector<float>(), (std::vector<float>{4, 32})) << "recording goes on";
  EXPECT_EQ(second.gradient(a, w).to_vector<float>(), (std::vector<float>{2, 4}));
}

TEST(Exceptions, InBackwardLeaveOtherTapesUsable) {
  Variable w("w", tensor({1., 2.}));
  std::size_t before = memory_in_use();
  {
    bool fail = true;
    GradientTape again{persistent}, failing, other;
    Tensor a = square(w);
    Tensor y = custom_gradient(
        a, [](const Tensor& x) { return x * 1.0; },
        [&](const Tensor& dy, const Tensor&, const Tensor&) -> Tensor {
          if (fail) throw Interrupted();
          return dy;
        });
    EXPECT_THROW(failing.gradient(square(y), w), Interrupted);
    EXPECT_THROW(again.gradient(y, w), Interrupted);
    EXPECT_THROW(failing.gradient(y, w), GradientError) << "it has already answered";
    EXPECT_EQ(other.gradient(a, w).to_vector<float>(), (std::vector<float>{2, 4}));
    fail = false;
    EXPECT_EQ(again.gradient(square(y), w).to_vector<float>(), (std::vector<float>{4, 32}));
    GradientTape later;
    EXPECT_EQ(later.gradient(square(w), w).to_vector<float>(), (std::vector<float>{2, 4}));
  }
  EXPECT_EQ(memory_in_use(), before);
}

}  // namespace
}  // namespace floe
