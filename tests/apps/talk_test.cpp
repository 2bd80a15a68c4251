// The talk as its reader meets it: every figure, and what it says when one cannot be made.
#include <iterator>
#include <regex>

#include <gtest/gtest.h>

#include <support/app.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::Result;
using floe::test::TempFolder;

Result run(const std::string& flags) { return floe::test::run("talk", flags); }

TEST(TalkSlow, MakesEveryFigure) {
  TempFolder folder;
  Result result = run("--quick --out " + folder.path().string());
  ASSERT_EQ(result.status, 0) << result.text;
  auto files = floe::test::contents(folder.path());
  for (const char* name : {"2018-run-at-once.txt", "2018-line-search.txt", "2018-profile-trace.json", "2019-print.txt",
                           "2019-penguins-panel.png", "2019-penguins-animation.png", "2019-snowflakes-manifold.png",
                           "2019-snowflakes-codes.png"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
  // A slow machine prints lines of progress between them.
  std::regex figure("(^|\n)20[0-9-a-z]+ +\\./floe run ");
  auto figures = std::distance(std::sregex_iterator(result.text.begin(), result.text.end(), figure), {});
  EXPECT_EQ(figures, 19);
  EXPECT_TRUE(result.text.ends_with(std::to_string(figures) + " figures are in " + folder.path().string() + "\n"))
      << result.text;
  for (const auto& [name, text] : files) {
    EXPECT_FALSE(text.empty()) << name;
    EXPECT_EQ(name.find("figure-in-the-making/"), std::string::npos) << name;
  }
}

TEST(Talk, MakesThoseThatAreAskedFor) {
  TempFolder folder;
  Result result = run("--only 2018-ma --out " + folder.path().string());
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.text, "talk: --only: no figure begins with '2018-ma'\n");
  EXPECT_EQ(run("--out /proc/x").text,
            "talk: --out is /proc/x, but must be a folder that can be written: /proc takes no files\n");
  fs::create_directories(folder.path() / "work");
  ASSERT_EQ(run("--only 2018-metrics --out " + folder.path().string()).status, 0);
  auto files = floe::test::contents(folder.path());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(fs::exists(folder.path() / "work")) << "it was there before";
  EXPECT_NE(files.begin()->second.find("mean of 0 and 5: 2.5\n"), std::string::npos);
}

}  // namespace
