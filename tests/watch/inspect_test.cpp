// inspect: the table of gradients, from the first character to the last.
#include <floe/watch/inspect.h>

#include <cmath>

#include <gtest/gtest.h>

#include <floe/ops/create.h>

namespace floe {
namespace {

TEST(Inspection, ShowsEachGradientInALine) {
  Variable weights("model.dense.weights", zeros({2, 2})), bias("model.dense.bias", zeros({1}));
  Gradients gradients;
  gradients.add(weights, tensor({{3., -4.}, {0., 12.}}));
  gradients.add(bias, tensor({1.25e-6}));
  std::string table =
      "variable             shape         norm         min         max  first values\n"
      "model.dense.weights  (2, 2)          13          -4          12  3 -4 0\n"
      "model.dense.bias     (1,)      1.25e-06    1.25e-06    1.25e-06  1.25e-06\n";
  EXPECT_EQ(describe(gradients), table);

  testing::internal::CaptureStdout();
  print(gradients);
  print("generator", gradients);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), table + "generator:\n" + table);
}

TEST(Inspection, CountsWhatIsNotFinite) {
  Variable bias("bias", zeros({4}));
  Gradients gradients;
  gradients.add(bias, tensor({NAN, 3.f, -INFINITY, 4.f}));
  EXPECT_EQ(describe(gradients),
            "variable  shape        norm         min         max  first values\n"
            "bias      (4,)            5           3           4  nan 3 -inf [2 not finite]\n");
}

}  // namespace
}  // namespace floe
