// The penguins app as its user meets it: what it prints, what it leaves behind, and what happens when it is killed.
#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include <floe/files/npy.h>
#include <floe/ops/create.h>
#include <support/app.h>
#include <support/events.h>
#include <support/shared_data.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::contents;
using floe::test::difference;
using floe::test::number_after;
using floe::test::Result;
using floe::test::TempFolder;

Result run(const std::string& flags, const std::string& environment = "") {
  return floe::test::run("penguins", flags, environment);
}

const std::string small = " --drawings 400 --batch 16 --steps 5 ";

TEST(PenguinsSlow, FirstThreeStepsAreTheExpectedOnes) {
  TempFolder folder;
  Result result = run("--epochs 1 --steps 3 --print 3 --out " + (folder.path() / "out").string());
  ASSERT_EQ(result.status, 0) << result.text;
  floe::test::expect_first_steps("penguins", result.text, {"g_loss", "d_loss"});
}

TEST(Penguins, LeavesPicturesLossesAndACheckpoint) {
  TempFolder folder;
  Result result = run("--epochs 2 --out " + folder.path().string() + "/out" + small);
  ASSERT_EQ(result.status, 0) << result.text;
  auto files = contents(folder.path() / "out");
  for (const char* name : {"penguins-001.png", "penguins-002.png", "panel.png", "animation.png", "losses.csv",
                           "checkpoint/checkpoint-00000002.safetensors"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
  EXPECT_EQ(files["losses.csv"].substr(0, 41), "epoch,generator,discriminator,distance\n1,");
}

TEST(Penguins, DrawsNewOnesWithWhatWasTrained) {
  TempFolder folder;
  std::string out = (folder.path() / "out").string();
  Result early = run("--sample 5 --out " + out);
  EXPECT_EQ(early.status, 2);
  EXPECT_EQ(early.text,
            "penguins: " + out + " holds no trained model yet; ./floe run penguins --out " + out + " trains one\n");
  ASSERT_EQ(run("--epochs 1 --out " + out + small).status, 0);
  auto before = contents(out);
  Result result = run("--sample 5 --out " + out);
  ASSERT_EQ(result.status, 0) << result.text;
  auto after = contents(out);
  std::string drawn = after["drawn.png"];
  after.erase("drawn.png");
  EXPECT_EQ(after, before);
  ASSERT_EQ(run("--sample 5 --out " + out).status, 0);
  EXPECT_EQ(contents(out)["drawn.png"], drawn);
  ASSERT_EQ(run("--sample 5 --seed 1 --out " + out).status, 0);
  EXPECT_NE(contents(out)["drawn.png"], drawn);
}

TEST(PenguinsSlow, OneSeedLeavesIdenticalFilesForAnyNumberOfThreads) {
  TempFolder folder;
  std::string out = folder.path().string();
  for (const char* threads : {"1", "2", "3"}) {
    Result result = run("--epochs 1 --steps 4 --out " + out + "/" + threads, std::string("OMP_NUM_THREADS=") + threads);
    ASSERT_EQ(result.status, 0) << result.text;
  }
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "2"), "");
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "3"), "");
}

TEST(PenguinsSlow, ThreadsDoNotShowUnderAvx2Either) {
  TempFolder folder;
  std::string out = folder.path().string();
  for (const char* threads : {"1", "2", "3"}) {
    Result result = run("--epochs 1 --steps 4 --out " + out + "/" + threads,
                        std::string("ONEDNN_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=") + threads);
    ASSERT_EQ(result.status, 0) << result.text;
  }
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "2"), "");
  EXPECT_EQ(difference(folder.path() / "1", folder.path() / "3"), "");
}

TEST(PenguinsSlow, AnotherSeedDrawsOtherPenguins) {
  TempFolder folder;
  std::string out = folder.path().string();
  run("--epochs 1 --out " + out + "/a" + small);
  run("--epochs 1 --seed 1 --out " + out + "/b" + small);
  EXPECT_NE(difference(folder.path() / "a", folder.path() / "b"), "");
}

TEST(PenguinsSlow, KilledAndResumedLeavesWhatAnUninterruptedRunLeaves) {
  TempFolder folder;
  std::string whole = (folder.path() / "whole").string(), broken = (folder.path() / "broken").string();
  ASSERT_EQ(run("--epochs 4 --out " + whole + small).status, 0);

  // Kill it early, late and in between, then let it end.
  for (int milliseconds : {700, 300, 1100, 500})
    floe::test::run_and_kill("penguins", "--epochs 4 --resume --out " + broken + small, milliseconds);
  Result last = run("--epochs 4 --resume --out " + broken + small);
  ASSERT_EQ(last.status, 0) << last.text;
  EXPECT_EQ(difference(whole, broken), "");
}

TEST(PenguinsSlow, ResumingCutsTheLossesToTheCheckpoint) {
  TempFolder folder;
  std::string out = (folder.path() / "out").string();
  ASSERT_EQ(run("--epochs 2 --out " + out + small).status, 0);
  auto before = contents(out);
  std::ofstream(out + "/losses.csv", std::ios::app)
      << "3,9.0,9.0,9.0\n";  // an epoch whose checkpoint was never written
  Result result = run("--epochs 3 --resume --out " + out + small);
  ASSERT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("restored epoch 2 from"), std::string::npos) << result.text;
  std::string losses = contents(out)["losses.csv"];
  EXPECT_EQ(losses.substr(0, before["losses.csv"].size()), before["losses.csv"]);
  EXPECT_EQ(losses.find("9.0"), std::string::npos) << losses;
}

// Two epochs, because the distance still jumps in the first: after 500 steps it was 1.3 or 4.5, by the last digits.
TEST(PenguinsSlow, LearnsWithinTwoEpochs) {
  TempFolder folder;
  Result result = run("--epochs 2 --out " + (folder.path() / "out").string());
  ASSERT_EQ(result.status, 0) << result.text;
  double untrained = number_after(result.text, "between real drawings, ");
  double learned = number_after(result.text.substr(result.text.find("epoch   2  generator")), "distance ");
  EXPECT_LE(learned, untrained / 10) << result.text;
}

TEST(PenguinsSlow, TakesTheRealDrawings) {
  fs::path data = floe::test::shared_data() / "quickdraw";
  if (!fs::exists(data)) GTEST_SKIP() << "the sample of real drawings is not here";
  TempFolder folder;
  Result bitmaps =
      run("--epochs 1 --data " + (data / "penguin_1000.npy").string() + " --out " + (folder.path() / "a").string());
  ASSERT_EQ(bitmaps.status, 0) << bitmaps.text;
  EXPECT_NE(bitmaps.text.find("penguins: 1000 drawings"), std::string::npos) << bitmaps.text;
  Result strokes =
      run("--epochs 1 --data " + (data / "penguin.ndjson").string() + " --out " + (folder.path() / "b").string());
  ASSERT_EQ(strokes.status, 0) << strokes.text;
  EXPECT_NE(strokes.text.find("penguins: 25 drawings"), std::string::npos) << strokes.text;
}

TEST(Penguins, PrintsShapesValuesAndGradients) {
  TempFolder folder;
  Result result = run("--epochs 1 --print 1 --out " + (folder.path() / "out").string() + small);
  for (const char* part : {"step 1\n", "  generated    shape (16, 28, 28, 1), float32 on cpu, min ",
                           "generator.project.weights  (100, 3136) ", "discriminator.decide.bias "}) {
    EXPECT_NE(result.text.find(part), std::string::npos) << part << "\n" << result.text;
  }
  EXPECT_EQ(result.text.find("step 2\n"), std::string::npos);
}

// The rows of losses.csv as points of curves, at the last step of each epoch.
std::vector<floe::test::Point> losses_of(const fs::path& out, std::int64_t steps_in_epoch) {
  std::ifstream table(out / "losses.csv");
  std::vector<floe::test::Point> points;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream cells(line);
    std::string cell;
    std::getline(cells, cell, ',');
    std::int64_t step = std::stoll(cell) * steps_in_epoch;
    for (const char* tag : {"epoch/generator", "epoch/discriminator", "epoch/distance"}) {
      std::getline(cells, cell, ',');
      points.push_back({tag, step, std::stof(cell)});
    }
  }
  return points;
}

TEST(PenguinsSlow, TellsTensorBoardWhatTheLossesAre) {
  TempFolder folder;
  fs::path out = folder.path() / "out", plain = folder.path() / "plain", events = folder.path() / "events";
  std::string first = "--epochs 2 --out " + out.string() + " --tensorboard " + events.string() + small;
  ASSERT_EQ(run(first).status, 0);

  // Of 10 steps, the tenth; of each epoch its three numbers, which are those of the table.
  std::vector<std::string> others;
  auto points = floe::test::points_in(events, &others);
  std::map<std::string, int> counts;
  for (const auto& point : points) ++counts[point.tag];
  EXPECT_EQ(counts["step/generator"], 1);
  EXPECT_EQ(counts["step/discriminator"], 1);
  auto end = std::remove_if(points.begin(), points.end(), [](const auto& p) { return p.tag.starts_with("step/"); });
  EXPECT_EQ(std::vector(points.begin(), end), losses_of(out, 5));
  EXPECT_EQ(std::count(others.begin(), others.end(), "drawn"), 2);
  EXPECT_EQ(std::count(others.begin(), others.end(), "generator/conv1/filters"), 2);
  EXPECT_EQ(std::count(others.begin(), others.end(), "discriminator/decide/bias"), 2);

  Result refused = run("--tensorboard " + (out / "losses.csv").string() + " --out " + plain.string() + small);
  EXPECT_EQ(refused.status, 2);
  std::string file = (out / "losses.csv").string();
  EXPECT_EQ(refused.text, "penguins: --tensorboard is " + file + ", but must be a folder that can be written: " + file +
                              " is no folder\n");

  // Nothing else changes.
  ASSERT_EQ(run("--epochs 2 --out " + plain.string() + small).status, 0);
  EXPECT_EQ(difference(out, plain), "");
}

TEST(PenguinsSlow, TellsTensorBoardEachStepOnceWhenResumed) {
  TempFolder folder;
  fs::path out = folder.path() / "out", events = folder.path() / "events";
  std::string flags = " --resume --out " + out.string() + " --tensorboard " + events.string() + small;
  ASSERT_EQ(run("--epochs 3" + flags).status, 0);
  fs::remove(out / "checkpoint" / "checkpoint-00000003.safetensors");  // as if it was killed in epoch 3
  ASSERT_EQ(run("--epochs 4" + flags).status, 0);
  auto points = floe::test::points_in(events);
  std::vector<std::int64_t> steps;
  for (const auto& point : points) {
    if (point.tag == "step/generator") steps.push_back(point.step);
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{10, 20}));
  auto end = std::remove_if(points.begin(), points.end(), [](const auto& p) { return p.tag.starts_with("step/"); });
  EXPECT_EQ(std::vector(points.begin(), end), losses_of(out, 5));
}

TEST(Penguins, StopsAtTheFirstOpThatMakesAnInfinity) {
  TempFolder folder;
  Result result = run("--epochs 1 --check-numerics --rate 1e30 --out " + (folder.path() / "out").string() + small);
  EXPECT_EQ(result.status, 2) << result.text;
  std::string error = result.text.substr(result.text.find("penguins: ", 1));
  EXPECT_TRUE(std::regex_match(error, std::regex("penguins: moments: gives inf, first at \\(0,\\)\n"
                                                 "  forward, layer generator\\.norm1, step 2\n"
                                                 "  output   \\(3136,\\)      [^\n]* Inf\n"
                                                 "  input 0  \\(16, 3136\\)   [^\n]* 0 NaN, 0 Inf\n"
                                                 "  at apps/penguins/networks\\.h:[0-9]+\n")))
      << result.text;
}

TEST(Penguins, EndsWhenALossIsNoNumberAnyMore) {
  TempFolder folder;
  std::string out = (folder.path() / "out").string();
  Result result = run("--epochs 2 --rate 1e30 --out " + out + small);
  EXPECT_EQ(result.status, 1) << result.text;
  EXPECT_TRUE(
      std::regex_search(result.text, std::regex("\npenguins: the loss (generator|discriminator) has been NaN or "
                                                "infinite since step [23], in epoch 1, so the training has "
                                                "failed; there is no checkpoint; --check-numerics shows where it "
                                                "begins\n$")))
      << result.text;
  EXPECT_TRUE(contents(out).empty());

  // What was good before stays, and its epoch's losses with it.
  ASSERT_EQ(run("--epochs 1 --out " + out + small).status, 0);
  auto before = contents(out);
  result = run("--epochs 2 --resume --rate 1e30 --out " + out + small);
  EXPECT_EQ(result.status, 1) << result.text;
  EXPECT_NE(result.text.find("the last checkpoint is that of epoch 1;"), std::string::npos) << result.text;
  EXPECT_EQ(contents(out), before);
}

TEST(Penguins, KeepsAnEarlierRunWhenItRunsAgain) {
  TempFolder folder;
  std::string in_folder = "cd " + folder.path().string() + " &&",
              flags = "--epochs 1 --drawings 40 --batch 16 --steps 1";
  ASSERT_EQ(run(flags, in_folder).status, 0);
  auto first = contents(folder.path() / "out/penguins");
  Result second = run(flags, in_folder);
  EXPECT_EQ(second.status, 0);
  EXPECT_NE(second.text.find("the earlier run is in out/penguins-1 now\n"), std::string::npos) << second.text;
  EXPECT_EQ(contents(folder.path() / "out/penguins-1"), first);
  EXPECT_EQ(contents(folder.path() / "out/penguins"), first);

  Result given = run(flags + " --out out/penguins", in_folder);
  EXPECT_EQ(given.status, 2);
  EXPECT_EQ(given.text,
            "penguins: --out is out/penguins, which holds a run: --resume continues it, --overwrite replaces it\n");
  EXPECT_EQ(run(flags + " --overwrite --out out/penguins", in_folder).status, 0);
  EXPECT_EQ(contents(folder.path() / "out/penguins"), first);
}

TEST(Penguins, ShowsWhereTheTimeOfTheFirstEpochWent) {
  TempFolder folder;
  Result result = run("--epochs 2 --profile --out " + (folder.path() / "out").string() + small);
  ASSERT_EQ(result.status, 0) << result.text;
  for (const char* part : {" is outside ops\n", "\nconv2d_filter_gradient, backward ", "\noptimizer_step ",
                           "\ndata_wait ", "\noutside ops "}) {
    EXPECT_NE(result.text.find(part), std::string::npos) << part << "\n" << result.text;
  }
  EXPECT_EQ(result.text.find(" is outside ops\n"), result.text.rfind(" is outside ops\n"));
  EXPECT_TRUE(contents(folder.path() / "out").contains("trace.json"));

  run("--epochs 2 --out " + (folder.path() / "plain").string() + small);
  EXPECT_EQ(difference(folder.path() / "out", folder.path() / "plain"), "trace.json ");
}

TEST(Penguins, SaysInOneSentenceWhatIsWrong) {
  TempFolder folder;
  std::string out = folder.path().string(), bad = (folder.path() / "bad.npy").string();
  std::ofstream(bad) << "<!DOCTYPE html><html>";
  floe::save_npy(folder.path() / "shape.npy", floe::zeros({3, 5}, floe::DType::uint8));
  floe::save_npy(folder.path() / "one.npy", floe::zeros({1, 784}, floe::DType::uint8));
  struct Case {
    std::string flags, text;
  };
  for (const Case& c : {
           Case{"--epoch 3", "penguins: there is no flag --epoch; did you mean --epochs?\n"},
           Case{"--epochs", ""},
           Case{"--epochs many", ""},
           Case{"--epochs -1", ""},
           Case{"--batch 0", ""},
           Case{"--batch 99999999999999999999", ""},
           Case{"--rate x", ""},
           Case{"--rate -1", "penguins: --rate is -1, but must be 0 or more\n"},
           Case{"--beta1 1", "penguins: --beta1 is 1, but must be below 1\n"},
           Case{"--original --batch 64", "penguins: --original and --batch do not go together\n"},
           Case{"--rate 1e-4 --original", "penguins: --original and --rate do not go together\n"},
           Case{"--original --beta1 0.5", "penguins: --original and --beta1 do not go together\n"},
           Case{"--data x.npy --drawings 40", "penguins: --drawings and --data do not go together\n"},
           Case{"--sample 5 --epochs 2", "penguins: --sample and --epochs do not go together\n"},
           Case{"--sample 5 --resume", "penguins: --sample and --resume do not go together\n"},
           Case{"--resume --overwrite", "penguins: --overwrite and --resume do not go together\n"},
           Case{"--seed -1", ""},
           Case{"stray", ""},
           Case{"--device cuda:63",
                "penguins: " + floe::test::error_of<floe::DeviceError>([] { floe::parse_device("cuda:63"); }) + "\n"},
           Case{"--precision bf16", "penguins: precision: bf16 is for GPUs, and the CPU computes in float32\n"},
           Case{"--device tpu", "penguins: device: expected cpu, cuda or cuda:NUMBER, found 'tpu'\n"},
           Case{"--data " + out + "/none.npy",
                "penguins: " + out + "/none.npy: cannot be read: there is no such file\n"},
           Case{"--data " + bad, ""},
           Case{"--data " + out, ""},
           Case{"--data " + out + "/shape.npy",
                "penguins: " + out +
                    "/shape.npy: header: expected uint8 bitmaps of shape (count, 784), found uint8 of shape (3, 5)\n"},
           Case{"--data " + out + "/one.npy", "penguins: " + out + "/one.npy: needs at least four drawings, found 1\n"},
           Case{"--out /dev/null/x",
                "penguins: --out is /dev/null/x, but must be a folder that can be written: "
                "/dev/null is no folder\n"},
           Case{"--tensorboard /proc/x",
                "penguins: --tensorboard is /proc/x, but must be a folder that can be written: "
                "/proc takes no files\n"},
       }) {
    Result result = run(c.flags + (c.flags.starts_with("--out") ? "" : " --out " + out + "/out"));
    EXPECT_EQ(result.status, 2) << c.flags << "\n" << result.text;
    EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1) << c.flags << "\n" << result.text;
    if (!c.text.empty()) { EXPECT_EQ(result.text, c.text); }
  }
}

TEST(Penguins, ExplainsEveryFlagWithItsDefault) {
  Result result = run("--help");
  EXPECT_EQ(result.status, 0);
  for (const char* part :
       {"--epochs",      "--batch",    "--seed",      "--device",   "--data",  "--out",       "--resume",
        "--tensorboard", "--print",    "--overwrite", "--drawings", "--steps", "--sample",    "--rate",
        "--beta1",       "--original", "7777",        "40000",      "0.0003",  "out/penguins"}) {
    EXPECT_NE(result.text.find(part), std::string::npos) << part << "\n" << result.text;
  }
}

}  // namespace
