// debug::op: every op of a name, and a line for a mistake.
#include <floe/watch/debug.h>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <support/tensors.h>

namespace floe {
namespace {

TEST(DebugOp, RunsOpsOfOneTensor) {
  Tensor x = tensor({-1., 0., 4.});
  EXPECT_EQ(debug::op("sqrt", x * x).to_vector<float>(), (std::vector<float>{1, 0, 4}));
  EXPECT_EQ(debug::op("sign", x).to_vector<float>(), (std::vector<float>{-1, 0, 1}));
  EXPECT_EQ(debug::op("isnan", x).dtype(), DType::boolean);
  EXPECT_EQ(debug::op("leaky_relu", x).to_vector<float>(), (std::vector<float>{-0.2f, 0, 4})) << "with its default";
  EXPECT_EQ(debug::op("reduce_mean", x).item(), 1);
}

TEST(DebugOp, RunsOpsOfTwo) {
  Tensor x = tensor({{-1., 2.}});
  EXPECT_EQ(debug::op("maximum", x, x * 2.0).to_vector<float>(), (std::vector<float>{-1, 4}));
  EXPECT_EQ(debug::op("less", x, x).dtype(), DType::boolean);
  EXPECT_EQ(debug::op("where", x, x).defined(), false);
  EXPECT_EQ(debug::op("matmul", debug::op("transpose", x), x).shape(), (Shape{2, 2}));
}

TEST(DebugOp, TakesNumbers) {
  Tensor x = tensor({-1., 2.});
  EXPECT_EQ(debug::op("add", x, 0.5).to_vector<float>(), (std::vector<float>{-0.5, 2.5}));
  EXPECT_EQ(debug::op("elu", x, 0.0).to_vector<float>(), (std::vector<float>{0, 2}));
  EXPECT_EQ(debug::op("clip", x, 0.0, 1.0).to_vector<float>(), (std::vector<float>{0, 1}));
}

TEST(DebugOp, PrintsAMistake) {
  testing::internal::CaptureStdout();
  EXPECT_FALSE(debug::op("cosine", tensor({1.})).defined());
  EXPECT_FALSE(debug::op("clip", tensor({1.}), 2.0, 1.0).defined());
  std::string said = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(said.starts_with("there is no 'cosine'; choose from: abs, ")) << said;
  EXPECT_NE(said.find(", tanh"), said.npos) << said;
  EXPECT_NE(said.find("clip: low must not exceed high: 2 and 1"), said.npos) << said;
}

TEST(DebugOp, KeepsItsResult) {
  const Tensor& first = debug::op("square", tensor({3.}));
  for (int i = 0; i < 100; ++i) debug::op("square", tensor({1.}));
  EXPECT_EQ(first.item(), 9);
}

}  // namespace
}  // namespace floe
