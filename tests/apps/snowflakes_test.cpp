// The snowflakes app as its user meets it. Where nothing is learned, small patterns stand in for grown flakes.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <floe/files/npy.h>
#include <floe/ops/create.h>
#include <floe/pictures/png.h>
#include <support/app.h>
#include <support/events.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::contents;
using floe::test::difference;
using floe::test::number_after;
using floe::test::Result;
using floe::test::TempFolder;

Result run(const std::string& flags, const std::string& environment = "") {
  return floe::test::run("snowflakes", flags, environment);
}

// A file of 40 rings of various sizes, 28 pixels wide, and the flags that make short work of it.
std::string rings(const fs::path& folder) {
  floe::Tensor images({40, 28, 28}, floe::DType::uint8);
  std::uint8_t* pixels = images.mutable_data<std::uint8_t>();
  for (int n = 0; n < 40; ++n) {
    for (int i = 0; i < 28 * 28; ++i) {
      int down = i / 28 - 14, right = i % 28 - 14, distance = down * down + right * right, radius = 3 + n % 10;
      pixels[n * 28 * 28 + i] = distance <= radius * radius && distance > (radius - 2) * (radius - 2) ? 200 + n : 0;
    }
  }
  floe::save_npy(folder / "rings.npy", images);
  return " --batch 10 --data " + (folder / "rings.npy").string() + " --out ";
}

TEST(Snowflakes, LeavesPicturesLossesAndACheckpoint) {
  TempFolder folder;
  for (const char* way : {"--loss mmd", "--loss elbo --side 64 --latent 3"}) {
    fs::path out = folder.path() / "out";
    Result result = run(std::string(way) + " --epochs 1" + rings(folder.path()) + out.string());
    ASSERT_EQ(result.status, 0) << result.text;
    auto files = contents(out);
    for (const char* name : {"samples.png", "manifold.png", "reconstructions.png", "codes.png", "interpolation.png",
                             "losses.csv", "checkpoint/checkpoint-00000001.safetensors"}) {
      EXPECT_TRUE(files.contains(name)) << way << ": " << name;
    }
    bool elbo = std::string(way).find("elbo") != std::string::npos;
    std::string columns = elbo ? "epoch,log p(x|z),log p(z),log q(z|x),total\n1," : "epoch,mse,mmd,total\n1,";
    EXPECT_EQ(files["losses.csv"].substr(0, columns.size()), columns);
    fs::remove_all(out);
  }
}

TEST(Snowflakes, OneSeedLeavesIdenticalFilesForAnyNumberOfThreads) {
  TempFolder folder;
  for (const char* threads : {"1", "2", "3"}) {
    Result result = run("--epochs 2" + rings(folder.path()) + (folder.path() / threads).string(),
                        std::string("OMP_NUM_THREADS=") + threads);
    ASSERT_EQ(result.status, 0) << result.text;
  }
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "2"), "");
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "3"), "");
}

TEST(SnowflakesSlow, KilledAndResumedLeavesWhatAnUninterruptedRunLeaves) {
  TempFolder folder;
  std::string whole = (folder.path() / "whole").string(), broken = (folder.path() / "broken").string();
  std::string flags = "--epochs 12" + rings(folder.path());
  ASSERT_EQ(run(flags + whole).status, 0);
  for (int milliseconds : {300, 150, 500}) {
    floe::test::run_and_kill("snowflakes", "--resume " + flags + broken, milliseconds);
  }
  Result last = run("--resume " + flags + broken);
  ASSERT_EQ(last.status, 0) << last.text;
  EXPECT_EQ(difference(whole, broken), "");
}

TEST(Snowflakes, StopsAtTheFirstOpThatMakesAnInfinity) {
  TempFolder folder;
  Result result = run("--epochs 2 --check-numerics --rate 1e30" + rings(folder.path()) + (folder.path() / "out").string());
  EXPECT_EQ(result.status, 2) << result.text;
  for (const char* part : {": gives inf, first at (", "\n  forward, layer ", ", step 2\n", "\n  at apps/snowflakes/"}) {
    EXPECT_NE(result.text.find(part), std::string::npos) << part << "\n" << result.text;
  }
}

TEST(Snowflakes, TellsWhereTheTimeWentAndTensorBoardTheLosses) {
  TempFolder folder;
  fs::path out = folder.path() / "out", plain = folder.path() / "plain", events = folder.path() / "events";
  Result result = run("--epochs 2 --profile --tensorboard " + events.string() + rings(folder.path()) + out.string());
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("\noptimizer_step "), std::string::npos) << result.text;
  std::map<std::string, int> counts;
  std::vector<std::string> others;
  for (const auto& point : floe::test::points_in(events, &others)) ++counts[point.tag];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"epoch/mse", 2}, {"epoch/mmd", 2}, {"epoch/total", 2}}));
  EXPECT_EQ(std::count(others.begin(), others.end(), "samples"), 2);

  // Nothing else changes.
  ASSERT_EQ(run("--epochs 2" + rings(folder.path()) + plain.string()).status, 0);
  EXPECT_EQ(difference(out, plain), "trace.json ");
}

TEST(Snowflakes, DrawsNewOnesWithWhatWasTrained) {
  TempFolder folder;
  std::string out = (folder.path() / "out").string(), flags = rings(folder.path()) + out;
  Result early = run("--sample 5 --out " + out);
  EXPECT_EQ(early.status, 2);
  EXPECT_EQ(early.text, "snowflakes: " + out + " holds no trained model yet; ./floe run snowflakes --out " + out +
                            " trains one\n");
  ASSERT_EQ(run("--epochs 1" + flags).status, 0);
  auto before = contents(out);
  Result result = run("--sample 5 --out " + out);
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_EQ(result.text, "trained until epoch 1: " + out + "/checkpoint/checkpoint-00000001.safetensors\nthe flakes are in " +
                             out + "/drawn.png\n");
  auto after = contents(out);
  EXPECT_EQ(after.erase("drawn.png"), 1u);
  EXPECT_EQ(after, before);
}

TEST(Snowflakes, TakesAFolderOfPictures) {
  TempFolder folder;
  rings(folder.path());
  floe::Tensor images = floe::load_npy(folder.path() / "rings.npy");
  fs::create_directories(folder.path() / "pictures");
  for (int i = 0; i < 20; ++i) floe::save_png(folder.path() / "pictures" / (std::to_string(100 + i) + ".png"), images[i]);
  Result result = run("--epochs 1 --batch 10 --side 64 --data " + (folder.path() / "pictures").string() + " --out " +
                      (folder.path() / "out").string());
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("snowflakes: 20 of 64 x 64 pixels"), std::string::npos) << result.text;
}

TEST(Snowflakes, PrintsShapesValuesAndGradients) {
  TempFolder folder;
  Result result = run("--epochs 1 --print 1" + rings(folder.path()) + (folder.path() / "out").string());
  for (const char* part : {"step 1\n", "  images       shape (10, 28, 28, 1), float32 on cpu, min 0", "  mmd          shape ()",
                           "encoder.code.weights ", "decoder.draw.bias "}) {
    EXPECT_NE(result.text.find(part), std::string::npos) << part << "\n" << result.text;
  }
  EXPECT_EQ(result.text.find("step 2\n"), std::string::npos);
}

// The threshold of a whole run, at a tenth of its epochs: what expected.txt says for that epoch, give or take.
TEST(SnowflakesSlow, LearnsToDrawFlakesItNeverSaw) {
  TempFolder folder;
  Result result = run("--epochs 10 --out " + (folder.path() / "out").string());
  ASSERT_EQ(result.status, 0) << result.text;
  std::string last = result.text.substr(result.text.find("epoch  10  mse"));
  EXPECT_LE(number_after(last, "mse "), 0.02) << last;
  EXPECT_LE(number_after(last, "mmd "), 0.06) << last;
  double learned = number_after(last, "mean squared error "), unseen = number_after(last, "it never saw ");
  EXPECT_LE(unseen, 1.2 * learned) << last;
  double grown = number_after(last, "changes the data by "), drawn = number_after(last, "new flakes by ");
  EXPECT_LE(drawn, 3 * grown) << last;
}

TEST(SnowflakesSlow, FirstThreeStepsAreTheExpectedOnes) {
  TempFolder folder;
  Result result = run("--epochs 1 --print 3 --out " + (folder.path() / "out").string());
  ASSERT_EQ(result.status, 0) << result.text;
  floe::test::expect_first_steps("snowflakes", result.text, {"mse", "mmd"});
}

TEST(Snowflakes, SaysInOneSentenceWhatIsWrong) {
  TempFolder folder;
  std::string data = rings(folder.path()), out = (folder.path() / "out").string();
  floe::save_npy(folder.path() / "few.npy", floe::zeros({9, 28, 28}, floe::DType::uint8));
  struct Case {
    std::string flags, text;
  };
  for (const Case& c : {
           Case{"--loss gan" + data + out, "snowflakes: --loss is gan, but must be mmd or elbo\n"},
           Case{"--side 32" + data + out, "snowflakes: --side is 32, but must be 28 or 64\n"},
           Case{"--latent 1" + data + out, "snowflakes: --latent is 1, but must be 2 or more\n"},
           Case{"--interpolate 3 40" + data + out, "snowflakes: --interpolate takes two flakes from 0 to 39, not 40\n"},
           // before they are grown, which would take minutes
           Case{"--interpolate 99999 3 --flakes 99999 --out " + out,
                "snowflakes: --interpolate takes two flakes from 0 to 99998, not 99999\n"},
           Case{"--flakes 40" + data + out, "snowflakes: --flakes and --data do not go together\n"},
           Case{"--sample 5 --overwrite --out " + out, "snowflakes: --sample and --overwrite do not go together\n"},
           Case{"--rate -1 --out " + out, "snowflakes: --rate is -1, but must be 0 or more\n"},
           Case{"--flakes 99999 --tensorboard /proc/x --out " + out,
                "snowflakes: --tensorboard is /proc/x, but must be a folder that can be written: /proc takes no "
                "files\n"},
           Case{"--flakes 99999 --out /proc/x",
                "snowflakes: --out is /proc/x, but must be a folder that can be written: /proc takes no files\n"},
           Case{"--interpolate 3" + data + out, "snowflakes: --interpolate needs two values\n"},
           Case{"--data " + (folder.path() / "few.npy").string() + " --out " + out,
                "snowflakes: needs at least ten flakes, found 9\n"},
           Case{"--data " + (folder.path() / "none.npy").string() + " --out " + out, ""},
           Case{"--rate fast" + data + out, "snowflakes: --rate takes a number, not 'fast'\n"},
       }) {
    Result result = run(c.flags);
    EXPECT_EQ(result.status, 2) << c.flags << "\n" << result.text;
    EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1) << c.flags << "\n" << result.text;
    if (!c.text.empty()) {
      EXPECT_EQ(result.text, c.text);
    }
    EXPECT_FALSE(fs::exists(out)) << c.flags;
  }
}

}  // namespace
