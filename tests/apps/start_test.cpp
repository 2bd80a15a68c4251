// The smallest app as its reader meets it: what it prints, and what it refuses.
#include <fstream>

#include <gtest/gtest.h>

#include <support/app.h>

namespace {

using floe::test::Result;

Result run(const std::string& flags) { return floe::test::run("start", flags); }

TEST(Start, PrintsWhatIsExpected) {
  std::ifstream file(std::filesystem::path(FLOE_SOURCE_DIR) / "apps/start/expected.txt");
  std::string expected(std::istreambuf_iterator<char>(file), {});
  Result result = run("");
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_EQ(floe::test::disagreement(result.text, expected), "") << result.text;
}

TEST(Start, KnowsMoreThanTheMean) {
  std::string text = run("--seed 1").text;
  double off = floe::test::number_after(text, "off by "), by_mean = floe::test::number_after(text, "cm; by ");
  EXPECT_LT(off, 0.3 * by_mean) << text;
}

TEST(Start, ShowsTheGradientsOfTheFirstSteps) {
  std::string text = run("--epochs 1 --print 1").text;
  EXPECT_NE(text.find("step 1\nloss shape (), float32 on cpu, min "), std::string::npos) << text;
  EXPECT_NE(text.find("petal_width.hidden.weights  (3, 32)"), std::string::npos) << text;
  EXPECT_EQ(text.find("step 2"), std::string::npos) << text;
}

TEST(Start, SaysInOneSentenceWhatIsWrong) {
  Result result = run("--batch 0");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.text, "start: --batch is 0, but must be 1 or more\n");
}

}  // namespace
