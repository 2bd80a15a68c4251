// Run: a loop of epochs that continues where it was killed, what it prints and leaves, and using a trained model.
#include <floe/run/run.h>

#include <gtest/gtest.h>

#include <floe/layers/layer.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/run/filmstrip.h>
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
  EXPECT_TRUE(rest.starts_with("restored step 2 from ")) << rest;
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
  EXPECT_EQ(again.find("epoch   3"), std::string::npos) << again;
  EXPECT_EQ(read_bytes(folder / "out/losses.csv"), before);
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
              floe::Run run("counting", flags);
              run.keep("number", fresh.number);
              run.use_trained();
            }),
            (folder / "out").string() + " holds no trained model yet; ./floe run counting --out " +
                (folder / "out").string() + " trains one");
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  trained.train(flags);
  testing::internal::CaptureStdout();
  {
    floe::Run run("counting", flags);
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

}  // namespace
}  // namespace floe
