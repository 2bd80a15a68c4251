// Ops that write their result over an operand that no one else holds, and those that must not.
#include <gtest/gtest.h>

#include <floe/floe.h>

#include <support/tensors.h>

namespace floe {
namespace {

using Bytes = std::vector<float>;

Tensor some() { return tensor({-1., 0.5, 2.}); }

TEST(Donation, ReusesTheMemoryOfATemporary) {
  Tensor x = some();
  const void* memory = x.raw();
  EXPECT_EQ(relu(std::move(x)).raw(), memory);
  Tensor a = some();
  memory = a.raw();
  EXPECT_EQ((std::move(a) + 1.0).raw(), memory);
  Tensor b = some();
  memory = b.raw();
  EXPECT_EQ((tensor({1., 1., 1.}) * exp(1.0 - std::move(b))).elements(), 3);
}

TEST(Donation, AChainOfTemporariesTakesOnePieceOfMemory) {
  Tensor x = zeros({1 << 20});
  reset_peak_memory();
  std::size_t before = memory_in_use();
  Tensor y = tanh(exp(x * 2.0 + 1.0) - 3.0);
  EXPECT_LE(peak_memory() - before, (std::size_t{4} << 20) + 4096) << "one block of 4 MiB";
}

TEST(Donation, LeavesWhatAnotherHandleHolds) {
  Tensor x = some(), other = x;
  relu(std::move(x));
  EXPECT_EQ(other.to_vector<float>(), (Bytes{-1, 0.5, 2}));
  Tensor whole = some(), part = slice(whole, 0, 0, 2);
  exp(std::move(whole));
  EXPECT_EQ(part.to_vector<float>(), (Bytes{-1, 0.5}));
}

TEST(Donation, LeavesNamedTensors) {
  Tensor x = some();
  relu(x), exp(x), x + x, x * 2.0, 1.0 - x, -x, abs(x), floor(x);
  EXPECT_EQ(x.to_vector<float>(), (Bytes{-1, 0.5, 2}));
}

TEST(Donation, LeavesAnArgumentThatAnOpReadsAgain) {  // labels are read twice inside
  double named = [] {
    Tensor labels = tensor({1., 0., 1.});
    return binary_cross_entropy_with_logits(some(), labels).item();
  }();
  EXPECT_EQ(binary_cross_entropy_with_logits(some(), tensor({1., 0., 1.})).item(), named);
}

TEST(Donation, LeavesWhatTheTapeKeeps) {
  Variable w("w", some());
  auto gradient = [&](auto function) {
    GradientTape tape;
    return tape.gradient(reduce_sum(function()), w).template to_vector<float>();
  };
  Bytes temporaries = gradient([&] { return square(w * 2.0) * sin(w * 2.0) / (exp(w * 2.0) + 1.0); });
  Bytes named = gradient([&] {
    Tensor x = w * 2.0, a = square(x), y = w * 2.0, b = sin(y), z = w * 2.0, c = exp(z), d = c + 1.0, e = a * b;
    return e / d;
  });
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(temporaries[i], named[i]);
}

TEST(Donation, AGradientThatIsAskedForStaysWhole) {  // of a tensor between, which the walk would else write over
  Variable w("w", some());
  GradientTape tape;
  Tensor x = w * 1.0, y = tanh(x), z = exp(y);
  Tensors gradients = tape.gradient(reduce_sum(z), Tensors{y, x});
  EXPECT_EQ(gradients[0].to_vector<float>(), z.to_vector<float>());
  Tensor expected = gradients[0] * (1.0 - square(y));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(gradients[1][i].item(), expected[i].item(), 1e-6);
}

TEST(Donation, WhatWasGivenAwayHasNoValue) {
  Tensor x = some(), y = relu(std::move(x));
  EXPECT_FALSE(x.defined());
  EXPECT_THROW(exp(x), ValueError);
}

TEST(Donation, ObserversSeeInputsAsTheyWere) {
  struct Watch : OpObserver {
    void op(const OpInfo&, TensorRefs inputs, std::span<Tensor* const>) override { seen = inputs[0]->data<float>()[0]; }
    float seen = 0;
  } watch;
  relu(some());
  EXPECT_EQ(watch.seen, -1);
}

}  // namespace
}  // namespace floe
