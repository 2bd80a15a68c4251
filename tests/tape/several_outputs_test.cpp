// Ops of several outputs: any of them may be requested, and what did not come to one is undefined in its gradient.
#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>
#include <support/messages.h>

namespace floe {
namespace {

// What the gradient function of the op below was asked, at its last call.
struct Asked {
  std::vector<bool> came, needed;
  bool operator==(const Asked&) const = default;
};
Asked last;

// x * y, x + 2 y and x * x, as one op.
Tensors three(const Tensor& x, const Tensor& y, Location where = Location::here()) {
  Tensors z;
  {
    NoRecording silence;
    for (const Tensor& one : {x * y, x + y * 2.0, x * x}) z.push_back(one.detached());
  }
  TensorRef inputs[] = {x, y}, keeps[] = {x, y};
  Tensor* outputs[] = {&z[0], &z[1], &z[2]};
  record({"three", where}, inputs, outputs, keeps, [](Backward& op) {
    const Tensor &x = op.kept(0), &y = op.kept(1);
    last = {{op.dy(0).defined(), op.dy(1).defined(), op.dy(2).defined()}, {op.needs(0), op.needs(1)}};
    Tensor dx = zeros_like(x), dy = zeros_like(y);
    if (op.dy(0).defined()) dx = dx + op.dy(0) * y, dy = dy + op.dy(0) * x;
    if (op.dy(1).defined()) dx = dx + op.dy(1), dy = dy + op.dy(1) * 2.0;
    if (op.dy(2).defined()) dx = dx + op.dy(2) * x * 2.0;
    if (op.needs(0)) op.give(0, dx);
    if (op.needs(1)) op.give(1, dy);
  });
  return z;
}

// The slopes of each output at x = 3, y = 5.
constexpr double slope_x[] = {5, 1, 6}, slope_y[] = {3, 2, 0};

TEST(SeveralOutputs, EachIsATarget) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  for (std::size_t i = 0; i < 3; ++i) {
    GradientTape tape;
    Tensors z = three(x, y);
    Tensors found = tape.gradient(z[i], Tensors{x, y});
    EXPECT_EQ(found[0].item(), slope_x[i]);
    EXPECT_EQ(found[1].item(), slope_y[i]);
    EXPECT_EQ(last, (Asked{{i == 0, i == 1, i == 2}, {true, true}})) << "nothing came to the others";
  }
}

TEST(SeveralOutputs, MeetInSums) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      GradientTape tape;
      Tensors z = three(x, y);
      Tensors found = tape.gradient(z[i] * 10.0 + z[k], Tensors{x, y});
      EXPECT_EQ(found[0].item(), 10 * slope_x[i] + slope_x[k]);
      EXPECT_EQ(found[1].item(), 10 * slope_y[i] + slope_y[k]);
      EXPECT_EQ(last.came, (std::vector<bool>{i == 0 || k == 0, i == 1 || k == 1, i == 2 || k == 2}));
    }
  }
}

TEST(SeveralOutputs, TakeAnOutputGradient) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape tape{persistent};
  Tensors z = three(x, y);
  Tensor seven = tensor(7.);
  for (std::size_t i : {2, 0, 1}) EXPECT_EQ(tape.gradient(z[i], x, {.output_gradient = seven}).item(), 7 * slope_x[i]);
  EXPECT_EQ(seven.item(), 7);
}

TEST(SeveralOutputs, AreAskedForWhatIsNeededOnly) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape tape{persistent};
  Tensors z = three(x, y);
  tape.gradient(z[0], y);
  EXPECT_EQ(last, (Asked{{true, false, false}, {false, true}}));
  tape.gradient(z[2], x);
  EXPECT_EQ(last, (Asked{{false, false, true}, {true, false}}));
  GradientTape frozen;
  y.set_trainable(false);
  EXPECT_EQ(frozen.gradient(three(x, y)[1], x).item(), 1);
  EXPECT_EQ(last, (Asked{{false, true, false}, {true, false}}));
}

TEST(SeveralOutputs, AnswerAgainUnderAPersistentTape) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape tape{persistent};
  Tensors z = three(x, y);
  Tensor after = z[1] * z[1];
  for (std::size_t i : {0, 2, 1, 0}) EXPECT_EQ(tape.gradient(z[i], x).item(), slope_x[i]);
  EXPECT_EQ(tape.gradient(after, y).item(), 2 * 13 * 2);
  tape.stop();
  EXPECT_EQ(tape.gradient(z[1], y).item(), 2);
}

TEST(SeveralOutputs, AnswerTwoTapes) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      GradientTape first, second;
      Tensors z = three(x, y);
      EXPECT_EQ(first.gradient(z[i], x).item(), slope_x[i]);
      EXPECT_EQ(second.gradient(z[k], y, {.missing = Missing::zero}).item(), slope_y[k]);
    }
  }
}

TEST(SeveralOutputs, AreSourcesToo) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape tape{persistent};
  Tensors z = three(x, y);
  Tensor loss = z[0] * z[2];
  Tensors found = tape.gradient(loss, Tensors{z[2], x, z[0], y});
  EXPECT_EQ(found[0].item(), 15);
  EXPECT_EQ(found[1].item(), 9 * 5 + 15 * 6);
  EXPECT_EQ(found[2].item(), 9);
  EXPECT_EQ(found[3].item(), 9 * 3);
  EXPECT_EQ(tape.gradient(z[1], z[1]).item(), 1);
}

TEST(SeveralOutputs, HaveASecondOrder) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape tape{persistent};
  Tensors z = three(x, y);
  Tensor dx = tape.gradient(z[0] * z[2], x, {.differentiable = true});  // x^3 y
  EXPECT_EQ(dx.item(), 3 * 9 * 5);
  EXPECT_EQ(tape.gradient(dx, x).item(), 6 * 3 * 5);
  EXPECT_EQ(tape.gradient(dx, y).item(), 3 * 9);
  for (std::size_t i = 0; i < 3; ++i) {
    GradientTape outer;
    Tensor slope;
    {
      GradientTape inner;
      slope = inner.gradient(three(x, y)[i], x, {.differentiable = true});
    }
    EXPECT_EQ(outer.gradient(slope, x, {.missing = Missing::zero}).item(), i == 2 ? 2 : 0);
  }
}

TEST(SeveralOutputs, AreMarkedWhereAGradientWasNotRecorded) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  GradientTape outer{persistent}, inner;
  Tensors first = inner.gradient(x * y, Tensors{x, y});
  for (const Tensor& z : three(first[1], y)) EXPECT_THROW(outer.gradient(z, x), GradientError);
}

TEST(SeveralOutputs, NameWhatIsMissing) {
  Variable x("x", tensor(3.)), y("y", tensor(5.)), other("other", tensor(1.));
  GradientTape tape{persistent};
  std::string to_x = "gradient: no path from the target to x\n  ";
  std::string to_tensor = "gradient: no path from the target to a tensor of shape ()\n  ";
  Tensors z = three(x, y), stopped = three(stop_gradient(x, {"a.cpp", 1}), stop_gradient(y), {"a.cpp", 2});
  for (const Tensor& one : z) {
    EXPECT_MESSAGE(GradientError, tape.gradient(one, other),
                   "gradient: no path from the target to other\n  it was never used while this tape was recording");
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_MESSAGE(GradientError, tape.gradient(stopped[i], x),
                   to_x + "no gradient flows through stop_gradient at a.cpp:1");
    EXPECT_MESSAGE(GradientError, tape.gradient(z[i], stopped[i]),
                   to_tensor + "no gradient flows through three at a.cpp:2, which made it; watch(x) before it is used");
  }
  EXPECT_MESSAGE(GradientError, tape.gradient(z[2], z[0]),
                 to_tensor + "it was never used while this tape was recording");
  Tensor used = z[0] * 2.0;
  EXPECT_MESSAGE(GradientError, tape.gradient(z[2], z[0]),
                 to_tensor + "it was used, but the target does not depend on it");
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x), to_x + "it was used, but the target does not depend on it");
}

TEST(SeveralOutputs, OfIntegersPassNoGradient) {
  Variable x("x", tensor(3.));
  GradientTape tape{persistent};
  Tensor whole = zeros({}, DType::int32), rest = zeros({});
  Tensor* outputs[] = {&rest, &whole};
  TensorRef inputs[] = {x};
  record({"modf", {"a.cpp", 7}}, inputs, outputs, {}, [](Backward& op) { op.give(0, op.dy()); });
  EXPECT_EQ(tape.gradient(rest, x).item(), 1);
  EXPECT_MESSAGE(GradientError, tape.gradient(cast(whole, DType::float32) * 1.0, x),
                 "gradient: no path from the target to x\n  no gradient flows through modf at a.cpp:7");
}

TEST(SeveralOutputs, TakeAFormerValueForAConstant) {
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  Tensor old = x;
  GradientTape tape{persistent};
  Tensors before = three(x, y);
  x.assign(tensor(30.));
  Tensors after = three(old, y);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(tape.gradient(before[i], x).item(), slope_x[i]);
    EXPECT_EQ(tape.gradient(after[i], x, {.missing = Missing::zero}).item(), 0);
    EXPECT_EQ(tape.gradient(after[i], y, {.missing = Missing::zero}).item(), slope_y[i]);
    EXPECT_MESSAGE(GradientError, tape.gradient(before[i], old),
                   "gradient: no path from the target to x\n"
                   "  it is a former value of that variable, which is a constant; pass the variable itself");
  }
}

TEST(SeveralOutputs, GiveAllBack) {
  std::size_t held = memory_in_use();
  Variable x("x", tensor(3.)), y("y", tensor(5.));
  std::size_t before = memory_in_use();
  for (std::size_t i = 0; i < 3; ++i) {
    GradientTape tape;
    Tensors z = three(x, y);
    tape.gradient(z[i], x);
    z.clear();
    EXPECT_EQ(memory_in_use(), before);
  }
  EXPECT_LT(held, before);
}

}  // namespace
}  // namespace floe
