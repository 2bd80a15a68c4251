// Run: a loop of epochs that continues where it was killed, what it prints and leaves, and using a trained model.
#include <floe/run/run.h>

#include <cmath>

#include <gtest/gtest.h>

#include <floe/layers/layer.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/run/filmstrip.h>
#include <support/app.h>
#include <support/child.h>
#include <support/events.h>
#include <support/temp_folder.h>

namespace floe {
namespace {

using test::error_of;
using test::read_bytes;
using test::TempFolder;

// A training of one number, which counts the steps, over four batches an epoch.
struct Counting {
  Tensor rows = range(0, 8, 1, DType::float32);
  Dataset<Tensor> batches = dataset(rows).shuffle(8, Rng(3)).batch(2);
  Variable number{"number", zeros({})};

  void keep_in(Run& run) {
    run.keep("number", number);
    run.keep("batches", batches);
  }

  // Runs until `stop` epochs are done, or to the end.
  std::string train(const CommonArguments& flags, std::int64_t stop = 1000) {
    testing::internal::CaptureStdout();
    {
      floe::Run run("counting", flags);
      keep_in(run);
      while (run.next_epoch() && run.epoch() <= stop) {
        for (const Tensor& batch : run.steps(batches)) {
          number.assign(number.value().detached() + 1);
          run.report({{"first", batch[0]}, {"count", number}});
        }
        run.number("step", static_cast<double>(run.step()));
      }
    }
    return testing::internal::GetCapturedStdout();
  }
};

CommonArguments flags_for(const std::filesystem::path& out, int epochs) {
  CommonArguments flags;
  flags.epochs = epochs, flags.out = out;
  return flags;
}

TEST(Run, PrintsALineAndWritesARowAnEpochWithTheMeansOfItsSteps) {
  TempFolder folder;
  EXPECT_EQ(Counting().train(flags_for(folder / "out", 2)).substr(0, 6), "epoch ");
  std::string rows = read_bytes(folder / "out/losses.csv");
  EXPECT_TRUE(rows.starts_with("epoch,first,count,step\n1,")) << rows;
  EXPECT_NE(rows.find(",2.5,4\n2,"), std::string::npos) << rows;
  EXPECT_TRUE(rows.ends_with(",6.5,8\n")) << rows;
  EXPECT_TRUE(std::filesystem::exists(folder / "out/checkpoint/checkpoint-00000002.safetensors"));
}

TEST(Run, LeavesTheSameFilesInWhateverPiecesItWasMade) {
  TempFolder folder;
  std::string whole = Counting().train(flags_for(folder / "whole", 5));
  CommonArguments flags = flags_for(folder / "pieces", 5);
  flags.resume = true;
  std::string first = Counting().train(flags, 2), rest = Counting().train(flags);
  EXPECT_TRUE(first.starts_with("there is no checkpoint to resume from: a new run begins\nepoch   1  ")) << first;
  EXPECT_TRUE(rest.starts_with("restored epoch 2 from ")) << rest;
  for (const char* file : {"losses.csv", "checkpoint/checkpoint-00000005.safetensors"}) {
    EXPECT_EQ(read_bytes(folder / "whole" / file), read_bytes(folder / "pieces" / file)) << file;
  }
  EXPECT_EQ(whole.substr(whole.find("epoch   3")), rest.substr(rest.find("epoch   3")));
}

TEST(Run, ThatIsFinishedMakesNoEpochMore) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 2);
  Counting().train(flags);
  std::string before = read_bytes(folder / "out/losses.csv");
  flags.resume = true;
  std::string again = Counting().train(flags);
  EXPECT_TRUE(again.ends_with("there is nothing left to train: --epochs is 2, and epoch 2 is done\n")) << again;
  EXPECT_EQ(read_bytes(folder / "out/losses.csv"), before);
}

// --- The folder of an earlier run ------------------------------------------------------------------------------------

TEST(Run, MovesAnEarlierOneAsideInItsOwnFolder) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 2);
  EXPECT_EQ(Counting().train(flags).substr(0, 9), "epoch   1");
  folder.write("out/notes.txt", "mine");
  auto first = test::contents(folder / "out");
  flags.epochs = 1;
  EXPECT_TRUE(Counting().train(flags).starts_with("the earlier run is in " + (folder / "out-1").string() + " now\n"));
  EXPECT_EQ(test::contents(folder / "out-1"), first);
  auto second = test::contents(folder / "out");
  EXPECT_EQ(second.size(), 2u);
  EXPECT_TRUE(Counting().train(flags).starts_with("the earlier run is in " + (folder / "out-2").string() + " now\n"));
  EXPECT_EQ(test::contents(folder / "out-1"), first);
  EXPECT_EQ(test::contents(folder / "out-2"), second);
  EXPECT_EQ(test::contents(folder / "out"), second);
}

TEST(Run, MovesNothingBeforeItsFirstEpoch) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 1);
  Counting().train(flags);
  auto before = test::contents(folder.path());
  { floe::Run run("counting", flags); }
  EXPECT_EQ(test::contents(folder.path()), before);
  { floe::Run run("counting", flags_for(folder / "new/run", 1)); }
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

TEST(Run, StopsAtAnEarlierOneInAFolderThatTheUserGave) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 3);
  flags.out_given = true;
  Counting().train(flags);
  folder.write("out/notes.txt", "mine");
  auto before = test::contents(folder.path());
  EXPECT_EQ(
      error_of<ValueError>([&] { Counting().train(flags); }),
      "--out is " + (folder / "out").string() + ", which holds a run: --resume continues it, --overwrite replaces it");
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(test::contents(folder.path()), before);

  // A killed run may have left either alone.
  std::filesystem::remove(folder / "out/losses.csv");
  EXPECT_NE(error_of<ValueError>([&] { floe::Run("counting", flags); }), "no error");
  folder.write("out/losses.csv", before["out/losses.csv"]);
  std::filesystem::remove_all(folder / "out/checkpoint");
  EXPECT_NE(error_of<ValueError>([&] { floe::Run("counting", flags); }), "no error");
}

TEST(Run, OverwritesAnEarlierOneIfAsked) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 3);
  flags.out_given = true;
  flags.profile = true;
  Counting().train(flags);
  folder.write("out/notes.txt", "mine");
  folder.write("out/checkpoint/other.safetensors", "mine");
  flags.epochs = 1, flags.overwrite = true, flags.profile = false;
  Counting().train(flags);
  auto files = test::contents(folder / "out");
  EXPECT_EQ(files.erase("notes.txt"), 1u);
  EXPECT_EQ(files.erase("checkpoint/other.safetensors"), 1u);
  Counting().train(flags_for(folder / "fresh", 1));
  EXPECT_EQ(files, test::contents(folder / "fresh"));
}

// What is no run stays where it is, and what it is.
TEST(Run, LeavesAFolderAloneThatHoldsNoRun) {
  TempFolder folder;
  for (const char* name : {"out/notes.txt", "out/penguins-001.png", "out/checkpoint/weights.safetensors",
                           "out/checkpoint/checkpoint-best.safetensors", "out/other/losses.csv"}) {
    std::filesystem::create_directories((folder / name).parent_path());
    folder.write(name, "mine");
  }
  auto before = test::contents(folder / "out");
  for (bool given : {false, true}) {
    CommonArguments flags = flags_for(folder / "out", 1);
    flags.out_given = given, flags.overwrite = given;
    Counting().train(flags);
    auto after = test::contents(folder / "out");
    for (const auto& [name, bytes] : before) EXPECT_EQ(after[name], bytes) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "out-1"));
}

TEST(Run, DoesNotReplaceATableOfSomeoneElse) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "out");
  for (const char* text : {"day,euros\n1,2\n", "", "epochs,loss\n"}) {
    folder.write("out/losses.csv", text);
    for (bool given : {false, true}) {
      CommonArguments flags = flags_for(folder / "out", 1);
      flags.out_given = flags.overwrite = given;
      std::string said = test::file_error_of(folder / "out/losses.csv", [&] { floe::Run("counting", flags); });
      EXPECT_TRUE(said.starts_with("line 1: expected the losses of a run, found '")) << said;
    }
    EXPECT_EQ(read_bytes(folder / "out/losses.csv"), text);
  }
}

TEST(Run, FindsAnotherOneInItsFolder) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 2);
  Counting().train(flags);
  flags.resume = true;
  floe::Run first("counting", flags);
  auto before = test::contents(folder.path());
  for (bool resume : {false, true}) {
    flags.resume = resume;
    EXPECT_EQ(test::in_child([&] { return error_of<ValueError>([&] { floe::Run("counting", flags); }); }),
              "--out is " + (folder / "out").string() +
                  ", where another process is training; another --out keeps both apart");
  }
  EXPECT_EQ(test::contents(folder.path()), before);

  // Both are past their first look when there is no folder yet.
  CommonArguments fresh = flags_for(folder / "fresh", 1);
  floe::Run one("counting", fresh), other("counting", fresh);
  EXPECT_TRUE(one.next_epoch());
  EXPECT_TRUE(error_of<ValueError>([&] { other.next_epoch(); }).ends_with("training; another --out keeps both apart"));
  CommonArguments using_it = flags_for(folder / "fresh", 1);
  floe::Run trained("counting", using_it, {.trained = true});  // may look at what the first one has left so far
}

// --- A training that fails -------------------------------------------------------------------------------------------

TEST(Run, EndsWithTheStepSinceWhichALossIsNotFinite) {
  for (double odd : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    TempFolder folder;
    CommonArguments flags = flags_for(folder / "out", 3);
    Counting counting;
    auto train = [&](std::int64_t bad_step) {
      floe::Run run("counting", flags);
      counting.keep_in(run);
      while (run.next_epoch()) {
        for (const Tensor& batch : run.steps(counting.batches)) {
          run.report({{"first", batch[0]}, {"second", run.step() == bad_step ? full({}, odd) : batch[0]}});
        }
      }
    };
    testing::internal::CaptureStdout();
    std::string at_once = error_of<TrainingError>([&] { train(3); });
    auto left = test::contents(folder / "out");
    std::string later = error_of<TrainingError>([&] { train(6); });
    testing::internal::GetCapturedStdout();
    EXPECT_EQ(at_once,
              "the loss second has been NaN or infinite since step 3, in epoch 1, so the training has failed; "
              "there is no checkpoint; --check-numerics shows where it begins");
    EXPECT_TRUE(left.empty());
    EXPECT_EQ(later,
              "the loss second has been NaN or infinite since step 6, in epoch 2, so the training has failed; "
              "the last checkpoint is that of epoch 1; --check-numerics shows where it begins");
    auto names = test::contents(folder / "out");
    EXPECT_EQ(names.size(), 2u);
    EXPECT_TRUE(names.contains("checkpoint/checkpoint-00000001.safetensors"));
    EXPECT_EQ(names["losses.csv"].find("\n2,"), std::string::npos);
  }
}

TEST(Run, EndsIfANumberIsNaN) {
  TempFolder folder;
  testing::internal::CaptureStdout();
  std::string said = error_of<TrainingError>([&] {
    floe::Run run("counting", flags_for(folder / "out", 3));
    while (run.next_epoch()) run.number("distance", run.epoch() < 2 ? 1 : NAN);
  });
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(said,
            "distance is NaN in epoch 2, so the training has failed; the last checkpoint is that of epoch 1; "
            "--check-numerics shows where it begins");
}

// The last step of an epoch may break the model after its loss was taken.
TEST(Run, SavesNoVariableThatIsNotFinite) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 3);
  Counting counting;
  Variable frozen("frozen", full({2}, INFINITY), false);
  testing::internal::CaptureStdout();
  std::string said = error_of<TrainingError>([&] {
    floe::Run run("counting", flags);
    counting.keep_in(run);
    run.keep("frozen", frozen);
    while (run.next_epoch()) {
      for (const Tensor& batch : run.steps(counting.batches)) {
        run.report({{"first", batch[0]}});
        if (run.step() == 8) counting.number.assign(full({}, NAN));
      }
      EXPECT_EQ(run.epoch(), 1) << "nothing is drawn with such a model";
      run.number("ratio", INFINITY);  // which may be meant, in what is no loss
    }
  });
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(said,
            "number holds NaN or infinity after epoch 2, so the training has failed; the last checkpoint is that of "
            "epoch 1; --check-numerics shows where it begins");
  EXPECT_FALSE(std::filesystem::exists(folder / "out/checkpoint/checkpoint-00000002.safetensors"));
}

TEST(Run, DoesNotMixTwoTablesOfLosses) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 1);
  Counting().train(flags);
  flags.epochs = 2, flags.resume = true;
  testing::internal::CaptureStdout();
  std::string message = error_of<FileError>([&] {
    Counting counting;
    floe::Run run("counting", flags);
    counting.keep_in(run);
    while (run.next_epoch()) run.number("other", 1);
  });
  testing::internal::GetCapturedStdout();
  EXPECT_EQ(message, (folder / "out/losses.csv").string() +
                         ": line 1: its columns are epoch,first,count,step, and those of this run epoch,other: another "
                         "--out keeps both");
}

TEST(Run, UsesWhatWasTrainedAndNamesTheCommandThatTrains) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 3);
  Counting trained, fresh;
  EXPECT_EQ(error_of<ValueError>([&] {
              floe::Run run("counting", flags, {.trained = true});
              run.keep("number", fresh.number);
              run.use_trained();
            }),
            (folder / "out").string() + " holds no trained model yet; ./floe run counting --out " +
                (folder / "out").string() + " trains one");
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  trained.train(flags);
  testing::internal::CaptureStdout();
  {
    floe::Run run("counting", flags, {.trained = true});
    run.keep("number", fresh.number);
    EXPECT_EQ(run.use_trained(), 3);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "trained until epoch 3: " + (folder / "out/checkpoint/checkpoint-00000003.safetensors").string() + "\n");
  EXPECT_EQ(fresh.number.value().item(), 12);
}

TEST(Run, PrintsAsManyStepsAsTheFlagSays) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 1);
  flags.print = 2;
  Counting counting;
  Gradients gradients;
  gradients.add(counting.number, ones({}));
  testing::internal::CaptureStdout();
  {
    floe::Run run("counting", flags);
    while (run.next_epoch()) {
      for (const Tensor& batch : run.steps(counting.batches)) run.print({{"batch", batch}}, {gradients});
    }
  }
  std::string text = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(text.starts_with("\nstep 1\n  batch        shape (2,), float32 on cpu, ")) << text;
  EXPECT_NE(text.find("\nvariable "), std::string::npos) << text;
  EXPECT_NE(text.find("\nstep 2\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("\nstep 3\n"), std::string::npos) << text;
}

TEST(Run, TellsTensorBoardStepsEpochsAndHowVariablesAreDistributed) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 5);
  flags.tensorboard = folder / "events";
  struct Weight : Layer {
    Weight() : Layer("model", Device{}, Rng(1)) { add_variable("w", {3}, initializers::zeros()); }
  } model;
  Counting counting;
  testing::internal::CaptureStdout();
  {
    floe::Run run("counting", flags);
    run.keep("model", model);
    while (run.next_epoch()) {
      for (const Tensor& batch : run.steps(counting.batches)) run.report({{"first", batch[0]}});
    }
  }
  testing::internal::GetCapturedStdout();
  std::vector<std::string> others;
  std::vector<std::int64_t> steps, epochs;
  for (const auto& point : test::points_in(folder / "events", &others)) {
    (point.tag == "step/first" ? steps : epochs).push_back(point.step);
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{10, 20}));
  EXPECT_EQ(epochs, (std::vector<std::int64_t>{4, 8, 12, 16, 20}));
  EXPECT_EQ(others, std::vector<std::string>(5, "model/w"));
}

// --- Filmstrip -------------------------------------------------------------------------------------------------------

TEST(Filmstrip, KeepsAPictureAnEpochAlsoOverAResume) {
  TempFolder folder;
  auto train = [&](const char* out, int epochs, bool resume) {
    CommonArguments flags = flags_for(folder / out, epochs);
    flags.resume = resume;
    testing::internal::CaptureStdout();
    {
      floe::Run run("film", flags);
      Filmstrip film(run, "drawn", {.columns = 2});
      while (run.next_epoch()) film.add(full({4, 8, 8, 1}, 0.1 * static_cast<double>(run.epoch())));
    }
    testing::internal::GetCapturedStdout();
  };
  train("whole", 3, false);
  train("pieces", 2, false);
  train("pieces", 3, true);
  for (const char* file : {"drawn-001.png", "drawn-003.png", "panel.png", "animation.png"}) {
    std::string bytes = read_bytes(folder / "whole" / file);
    EXPECT_GT(bytes.size(), 100u) << file;
    EXPECT_EQ(bytes, read_bytes(folder / "pieces" / file)) << file;
  }
  EXPECT_NE(read_bytes(folder / "whole/drawn-001.png"), read_bytes(folder / "whole/drawn-002.png"));
}

TEST(Filmstrip, LeavesNoPictureOfARunThatWasOverwritten) {
  TempFolder folder;
  CommonArguments flags = flags_for(folder / "out", 3);
  flags.overwrite = true;
  for (int epochs : {3, 1}) {
    flags.epochs = epochs;
    testing::internal::CaptureStdout();
    floe::Run run("film", flags);
    Filmstrip film(run, "drawn");
    while (run.next_epoch()) film.add(full({1, 8, 8, 1}, 0.1));
    testing::internal::GetCapturedStdout();
    int pictures = 0;
    for (const auto& [name, bytes] : test::contents(folder / "out")) pictures += name.starts_with("drawn-");
    EXPECT_EQ(pictures, epochs);
  }
}

}  // namespace
}  // namespace floe
