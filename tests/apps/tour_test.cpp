// The tour as its visitor meets it: every stop prints what expected.txt says, and that holds the numbers of the talk.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <support/app.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::Result;
using floe::test::TempFolder;

Result run(const std::string& flags) { return floe::test::run("tour", flags); }

std::string expected_text() {
  std::ifstream file(fs::path(FLOE_SOURCE_DIR) / "apps/tour/expected.txt");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What stands between the line of a stop and that of the next.
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

bool starts_number(const std::string& text, std::size_t at) {
  bool digit = std::isdigit(static_cast<unsigned char>(text[at]));
  bool sign = text[at] == '-' && at + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[at + 1]));
  bool within = at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_');
  return (digit || sign) && !within;
}

// Nothing, or the first line of `found` that differs from `expected` in its words, or in a number by more than one in a
// thousand. Lines with "~" hold times and are compared up to there.
std::string disagreement(const std::string& found, const std::string& expected) {
  std::istringstream found_lines(found), expected_lines(expected);
  std::string a, b;
  while (true) {
    bool more_a = static_cast<bool>(std::getline(found_lines, a)), more_b = static_cast<bool>(std::getline(expected_lines, b));
    if (!more_a && !more_b) return "";
    if (more_a != more_b) return "one has more lines: " + (more_a ? a : b);
    if (std::size_t mark = b.find('~'); mark != std::string::npos) a.resize(std::min(a.size(), mark)), b.resize(mark);
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
      if (starts_number(a, i) && starts_number(b, j)) {
        std::size_t a_end = 0, b_end = 0;
        double x = std::stod(a.substr(i), &a_end), y = std::stod(b.substr(j), &b_end);
        if (std::abs(x - y) > 1e-3 * std::abs(y) + 1e-6) return a + "\n" + b;
        i += a_end, j += b_end;
      } else if (a[i] == b[j]) {
        ++i, ++j;
      } else if (a[i] == ' ') {  // numbers of other widths shift what stands behind them
        ++i;
      } else if (b[j] == ' ') {
        ++j;
      } else {
        return a + "\n" + b;
      }
    }
  }
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
  EXPECT_EQ(refused.text.substr(0, 60), "tour: there is no stop 'louvre'; there is: matmul, slicing, ");
  std::string list = refused.text.substr(refused.text.find("there is: ") + 10);
  std::string expected;
  for (const std::string& name : names()) expected += (expected.empty() ? "" : ", ") + name;
  EXPECT_EQ(list, expected + "\n");
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
