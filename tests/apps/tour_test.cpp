// The tour as its visitor meets it: every stop prints what expected.txt says, and that holds the numbers of the talk.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <support/app.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::disagreement;
using floe::test::Result;
using floe::test::TempFolder;

Result run(const std::string& flags) { return floe::test::run("tour", flags); }

std::string expected_text() {
  std::ifstream file(fs::path(FLOE_SOURCE_DIR) / "apps/tour/expected.txt");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What is between the line of a stop and that of the next.
std::string stop_in(const std::string& text, const std::string& name) {
  std::size_t begin = text.find("--- " + name + ":");
  if (begin == std::string::npos) return "";
  std::size_t end = text.find("\n--- ", begin);
  return text.substr(begin, end == std::string::npos ? end : end + 1 - begin);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  std::string text = expected_text();
  for (std::size_t at = text.find("--- "); at != std::string::npos; at = text.find("\n--- ", at)) {
    at = text.find("--- ", at) + 4;
    all.push_back(text.substr(at, text.find(':', at) - at));
  }
  return all;
}

class TourStop : public testing::TestWithParam<std::string> {};

TEST_P(TourStop, PrintsWhatIsExpected) {
  TempFolder folder;
  std::string out = (folder.path() / "new").string();
  Result result = run(GetParam() + " --out " + out);
  ASSERT_EQ(result.status, 0) << result.text;
  std::string found = result.text;
  for (std::size_t at; (at = found.find(out)) != std::string::npos;) found.replace(at, out.size(), "out/tour");
  std::string expected = stop_in(expected_text(), GetParam());
  ASSERT_NE(expected, "");
  EXPECT_EQ(disagreement(found, expected), "") << found;
}

INSTANTIATE_TEST_SUITE_P(Each, TourStop, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

TEST(Tour, HoldsTheNumbersOfTheTalk) {
  std::string text = expected_text();
  struct Fact {
    const char *stop, *line;
  };
  for (const Fact& fact : {
           Fact{"matmul", "\n\nTensor(\n[[ 50 114]\n [ 60 140]], shape=(2, 2), dtype=int32)\n"},
           Fact{"matmul", "m: Tensor([[4.]], shape=(1, 1), dtype=float32)\n"},
           Fact{"fizzbuzz", "14\nFizzBuzz\n"},
           Fact{"tape", "d(w * w)/dw at 1: Tensor(2.0, shape=(), dtype=float32)\n"},
           Fact{"higher_order", "square(3): Tensor(9.0, "},
           Fact{"higher_order", "its derivative: Tensor(6.0, "},
           Fact{"higher_order", "its second: Tensor(2.0, "},
           Fact{"higher_order", "the slope of |x| at 3: Tensor(1.0, "},
           Fact{"higher_order", "the slope of |x| at -3: Tensor(-1.0, "},
           Fact{"custom_gradient", "slope of log(1 + exp(x)) at 0: Tensor(0.5, "},
           Fact{"custom_gradient", "at 100: Tensor(nan, "},
           Fact{"custom_gradient", "with a gradient of our own, at 0: Tensor(0.5, "},
           Fact{"custom_gradient", "at 100: Tensor(1.0, "},
           Fact{"custom_gradient", "clipped to norm 1: Tensor([0.7071068 0.7071068], "},
           Fact{"metrics", "mean of 0 and 5: 2.5\n"},
           Fact{"metrics", "and of 8 and 9 as well: 5.5\n"},
       }) {
    EXPECT_NE(stop_in(text, fact.stop).find(fact.line), std::string::npos) << fact.stop << ": " << fact.line;
  }
}

TEST(Tour, StopsEverywhereAndNowhereElse) {
  Result refused = run("louvre");
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.text.substr(0, 63), "tour: there is no stop 'louvre'; choose from: matmul, slicing, ");
  std::string list = refused.text.substr(refused.text.find("choose from: ") + 13);
  std::string expected;
  for (const std::string& name : names()) expected += (expected.empty() ? "" : ", ") + name;
  EXPECT_EQ(list, expected + "\n");
}

TEST(Tour, RefusesFlagsThatCannotWorkBeforeItsFirstStop) {
  TempFolder folder;
  std::string said = ", but must be a folder that can be written: /proc takes no files\n";
  EXPECT_EQ(run("--out /proc/x").text, "tour: --out is /proc/x" + said);
  EXPECT_EQ(run("--data none.csv --out " + folder.path().string()).text,
            "tour: none.csv: cannot be read: there is no such file\n");
  EXPECT_EQ(run("--tensorboard /proc/x --out " + folder.path().string()).text, "tour: --tensorboard is /proc/x" + said);
}

TEST(Tour, StopsAtItsOwnPlantedNaN) {
  EXPECT_EQ(run("higher_order --check-numerics").status, 0);
  Result result = run("custom_gradient --check-numerics");
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.text.find("tour: exp: gives inf, first at ()\n  forward\n"), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("\n  at apps/tour/gradients.cpp:"), std::string::npos) << result.text;
}

TEST(Tour, LeavesEventsWhereItIsTold) {
  TempFolder folder;
  ASSERT_EQ(run("tensorboard --out " + (folder.path() / "out").string() + " --tensorboard " + (folder.path() / "events").string()).status, 0);
  EXPECT_FALSE(fs::exists(folder.path() / "out" / "events"));
  EXPECT_EQ(floe::test::contents(folder.path() / "events").size(), 1u);
}

TEST(Tour, TakesRealRatings) {
  TempFolder folder;
  std::ofstream file(folder.path() / "ratings.csv");
  file << "userId,movieId,rating,timestamp\n";
  for (int i = 0; i < 200; ++i) file << i % 20 + 1 << "," << 100 + (7 * i + i / 20) % 30 << "," << 0.5 * (1 + i % 10) << ",9\n";
  file.close();
  Result result = run("simple_dot --data " + folder.path().string());
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("200 ratings of 30 movies by 20 users\n"), std::string::npos) << result.text;
  Result refused = run("simple_dot --data " + (folder.path() / "none.csv").string());
  EXPECT_EQ(refused.status, 2);
}

}  // namespace
