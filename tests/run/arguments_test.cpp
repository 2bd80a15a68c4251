// Arguments: values, --help, and one sentence for whatever is wrong with a command line.
#include <floe/run/arguments.h>

#include <algorithm>
#include <new>

#include <gtest/gtest.h>

#include <floe/tensor/error.h>
#include <support/child.h>
#include <support/temp_folder.h>

namespace floe {
namespace {

struct Values {
  bool resume = false;
  int epochs = 50;
  std::int64_t steps = 7;
  std::uint64_t seed = 0;
  double rate = 1e-4;
  std::string device = "cpu";
  std::filesystem::path out = "penguins";
};

struct Outcome {
  std::optional<int> status;
  std::string out, error;
};

Outcome outcome_of(Arguments& arguments, std::vector<const char*> texts) {
  texts.insert(texts.begin(), "./program");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = arguments.parse(static_cast<int>(texts.size()), texts.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.error = testing::internal::GetCapturedStderr();
  return outcome;
}

Outcome parse(std::vector<const char*> texts, Values& values) {
  Arguments arguments("penguins", "A DCGAN that learns to draw penguins.");
  arguments.add("--resume", values.resume, "Continue");
  arguments.add("--epochs", values.epochs, "Passes over the data").at_least(1).at_most(1000);
  arguments.add("--steps", values.steps, "Steps");
  arguments.add("--seed", values.seed, "Seed");
  arguments.add("--rate", values.rate, "Learning rate").at_least(0);
  arguments.add("--device", values.device, "Device");
  arguments.add("--out", values.out, "Folder");
  return outcome_of(arguments, std::move(texts));
}

// The sentence, if it comes with status 2 and nothing else.
template <class Target>
std::string refusal(const std::vector<const char*>& texts) {
  Target target;
  Outcome outcome = parse(texts, target);
  return outcome.status == 2 && outcome.out.empty() ? outcome.error : "no refusal";
}
std::string refusal(const std::vector<const char*>& texts) { return refusal<Values>(texts); }

TEST(Arguments, KeepDefaults) {
  Values values;
  Outcome outcome = parse({}, values);
  EXPECT_EQ(outcome.status, std::nullopt);
  EXPECT_EQ(outcome.out + outcome.error, "");
  EXPECT_EQ(values.epochs, 50);
  EXPECT_EQ(values.out, "penguins");
  EXPECT_FALSE(values.resume);
}

TEST(Arguments, TakeEveryType) {
  Values values;
  Outcome outcome = parse({"--resume", "--epochs", "3", "--steps=-9000000000", "--seed", "18446744073709551615",
                           "--rate=2.5e-3", "--device", "cuda", "--out", "a, b"},
                          values);
  EXPECT_EQ(outcome.status, std::nullopt);
  EXPECT_TRUE(values.resume);
  EXPECT_EQ(values.epochs, 3);
  EXPECT_EQ(values.steps, -9000000000);
  EXPECT_EQ(values.seed, ~std::uint64_t{0});
  EXPECT_EQ(values.rate, 2.5e-3);
  EXPECT_EQ(values.device, "cuda");
  EXPECT_EQ(values.out, "a, b");
}

TEST(Arguments, TakeANegativeNumberAfterASpaceAndReadInTens) {
  Values values;
  EXPECT_EQ(parse({"--steps", "-1", "--epochs", "010"}, values).status, std::nullopt);
  EXPECT_EQ(values.steps, -1);
  EXPECT_EQ(values.epochs, 10);
}

TEST(Arguments, ShowDefaultsInHelp) {
  Values values;
  Outcome outcome = parse({"--epochs", "3", "--help"}, values);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.error, "");
  for (const char* part : {"A DCGAN that learns to draw penguins.", "--epochs NUMBER", "50", "Passes over the data",
                           "--rate NUMBER", "0.0001", "--out PATH", "penguins", "--device TEXT", "cpu", "--resume"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  }
}

TEST(Arguments, NameTheNearestFlag) {
  EXPECT_EQ(refusal({"--epoch", "3"}), "penguins: there is no flag --epoch; did you mean --epochs?\n");
  EXPECT_EQ(refusal({"--epoch=3"}), "penguins: there is no flag --epoch; did you mean --epochs?\n");
  EXPECT_EQ(refusal({"-epochs", "3"}), "penguins: there is no flag -epochs; did you mean --epochs?\n");
  EXPECT_EQ(refusal({"--devcie", "cpu"}), "penguins: there is no flag --devcie; did you mean --device?\n");
  EXPECT_EQ(refusal({"--wavelength", "3"}), "penguins: there is no flag --wavelength; --help lists the flags\n");
}

TEST(Arguments, RefuseWhatIsNoFlag) {
  EXPECT_EQ(refusal({"epochs"}), "penguins: 'epochs' is not expected; flags begin with --\n");
  EXPECT_EQ(refusal({""}), "penguins: '' is not expected; flags begin with --\n");
}

TEST(Arguments, RefuseWhatIsNoNumber) {
  EXPECT_EQ(refusal({"--epochs", "ten"}), "penguins: --epochs takes a whole number, not 'ten'\n");
  EXPECT_EQ(refusal({"--epochs", "3.5"}), "penguins: --epochs takes a whole number, not '3.5'\n");
  EXPECT_EQ(refusal({"--epochs", "3 "}), "penguins: --epochs takes a whole number, not '3 '\n");
  EXPECT_EQ(refusal({"--seed", "-1"}), "penguins: --seed takes a whole number of 0 or more, not '-1'\n");
  EXPECT_EQ(refusal({"--rate", "fast"}), "penguins: --rate takes a number, not 'fast'\n");
  EXPECT_EQ(refusal({"--rate", "nan"}), "penguins: --rate takes a number, not 'nan'\n");
}

TEST(Arguments, RefuseNumbersOutOfRange) {
  EXPECT_EQ(refusal({"--epochs", "0"}), "penguins: --epochs is 0, but must be 1 or more\n");
  EXPECT_EQ(refusal({"--epochs", "1001"}), "penguins: --epochs is 1001, but must be 1000 or less\n");
  EXPECT_EQ(refusal({"--rate=-0.1"}), "penguins: --rate is -0.1, but must be 0 or more\n");
  EXPECT_EQ(refusal({"--epochs", "9999999999"}), "penguins: --epochs is 9999999999, which is beyond its range\n");
  EXPECT_EQ(refusal({"--rate", "1e999"}), "penguins: --rate is 1e999, which is beyond its range\n");
}

TEST(Arguments, RefuseAMissingValue) {
  EXPECT_EQ(refusal({"--epochs"}), "penguins: --epochs needs a value\n");
  EXPECT_EQ(refusal({"--epochs="}), "penguins: --epochs needs a value\n");
  EXPECT_EQ(refusal({"--out", ""}), "penguins: --out needs a value, but is empty\n");
  EXPECT_EQ(refusal({"--out", "--resume"}), "penguins: --out needs a value, but --resume follows\n");
}

TEST(Arguments, RefuseAFlagThatIsGivenTwice) {
  EXPECT_EQ(refusal({"--epochs", "3", "--epochs", "4"}), "penguins: --epochs is given twice\n");
}

struct Places {
  std::string stop = "all";
  std::pair<int, int> walk{0, 1};
  int epochs = 1;
};

Outcome parse(std::vector<const char*> texts, Places& places) {
  Arguments arguments("tour", "Stops.");
  arguments.add("stop", places.stop, "Where to stop");
  arguments.add("--walk", places.walk, "From one to another").at_least(0);
  arguments.add("--epochs", places.epochs, "Passes");
  return outcome_of(arguments, std::move(texts));
}

TEST(Arguments, TakeAValueByItsPlace) {
  Places places;
  EXPECT_EQ(parse({"--epochs", "3", "tape"}, places).status, std::nullopt);
  EXPECT_EQ(places.stop, "tape");
  EXPECT_EQ(refusal<Places>({"tape", "stray"}), "tour: 'stray' is not expected; flags begin with --\n");
  EXPECT_EQ(refusal<Places>({"--stop", "tape"}), "tour: there is no flag --stop; did you mean stop?\n");
  Outcome help = parse({"--help"}, places);
  EXPECT_NE(help.out.find("stop"), std::string::npos) << help.out;
}

TEST(Arguments, TakeTwoNumbersForAPair) {
  Places places;
  EXPECT_EQ(parse({"--walk", "3", "12", "tape"}, places).status, std::nullopt);
  EXPECT_EQ(places.walk, std::pair(3, 12));
  EXPECT_EQ(places.stop, "tape");
  EXPECT_EQ(refusal<Places>({"--walk", "3"}), "tour: --walk needs two values\n");
  EXPECT_EQ(refusal<Places>({"--walk", "3", "--epochs", "4"}), "tour: --walk needs two values\n");
  EXPECT_EQ(refusal<Places>({"--walk", "3", "x"}), "tour: --walk takes a whole number, not 'x'\n");
  EXPECT_EQ(refusal<Places>({"--walk", "3", "-1"}), "tour: --walk is -1, but must be 0 or more\n");
  EXPECT_EQ(refusal<Places>({"--walk", "1", "2", "--walk", "1", "2"}), "tour: --walk is given twice\n");
}

struct Exclusive {
  int batch = 1;
  double decay = 0.5;
  bool original = false, resume = false, batch_given = true;
};

Outcome parse(std::vector<const char*> texts, Exclusive& values) {
  Arguments arguments("app", "Flags that know of each other.");
  arguments.add("--original", values.original, "As it was").excludes({"--batch", "--decay"});
  arguments.add("--batch", values.batch, "Batch").noted_in(values.batch_given);
  arguments.add("--decay", values.decay, "Decay").at_least(0).below(1);
  arguments.add("--resume", values.resume, "Continue");
  return outcome_of(arguments, std::move(texts));
}

TEST(Arguments, RefuseFlagsThatMakeNoSenseTogether) {
  const char* batch = "app: --original and --batch do not go together\n";
  EXPECT_EQ(refusal<Exclusive>({"--original", "--batch", "3"}), batch);
  EXPECT_EQ(refusal<Exclusive>({"--batch=1", "--resume", "--original"}), batch);
  EXPECT_EQ(refusal<Exclusive>({"--decay", "0", "--original"}), "app: --original and --decay do not go together\n");
  Exclusive values;
  EXPECT_EQ(parse({"--original", "--resume"}, values).status, std::nullopt);
  EXPECT_EQ(parse({"--batch", "2", "--decay", "0.9"}, values).status, std::nullopt);
}

TEST(Arguments, NoteWhetherAFlagWasGiven) {
  Exclusive values;
  EXPECT_EQ(parse({"--resume"}, values).status, std::nullopt);
  EXPECT_FALSE(values.batch_given);
  EXPECT_EQ(parse({"--batch", "1"}, values).status, std::nullopt);  // its default, but given
  EXPECT_TRUE(values.batch_given);
}

TEST(Arguments, RefuseAnEndThatIsNotIncluded) {
  EXPECT_EQ(refusal<Exclusive>({"--decay", "1"}), "app: --decay is 1, but must be below 1\n");
  Exclusive values;
  EXPECT_EQ(parse({"--decay", "0.999"}, values).status, std::nullopt);
}

TEST(RequireWritable, TakesWhatCanBeMadeAndLeavesNothing) {
  test::TempFolder folder;
  folder.write("file", "");
  std::filesystem::create_directory_symlink(folder.path(), folder / "link");
  for (const char* fine : {"", "new", "new/and/deeper/", "link/new"}) require_writable("--out", folder / fine);
  require_writable("--out", "relative/folder");
  EXPECT_EQ(folder.file_count(), 2);

  std::string file = (folder / "file").string(), below = file + "/x/y",
              start = ", but must be a folder that can be written: ";
  EXPECT_EQ(test::error_of<ValueError>([&] { require_writable("--out", file); }),
            "--out is " + file + start + file + " is no folder");
  EXPECT_EQ(test::error_of<ValueError>([&] { require_writable("--tensorboard", below); }),
            "--tensorboard is " + below + start + file + " is no folder");
  EXPECT_EQ(test::error_of<ValueError>([&] { require_writable("--out", "/proc/x"); }),
            "--out is /proc/x" + start + "/proc takes no files");
}

TEST(RequireWritable, RefusesWithoutPermission) {
  test::TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  std::string said = test::in_child([&] {
    if (!test::become_nobody()) return std::string("cannot");
    return test::error_of<ValueError>([&] { require_writable("--out", folder / "out"); });
  });
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  if (said == "cannot") GTEST_SKIP() << "this process may not become another user";
  EXPECT_TRUE(said.ends_with(folder.path().string() + " takes no files: permission is denied")) << said;
}

TEST(CommonArguments, AreTheSameInEveryApp) {
  CommonArguments common{.epochs = 50, .batch = 256, .out = "penguins"};
  Arguments arguments("penguins", "A DCGAN.");
  add_common(arguments, common);
  std::vector<const char*> texts{"./penguins", "--epochs", "2",    "--batch", "8",     "--seed",   "5",      "--device",
                                 "cuda",       "--data",   "here", "--out",   "there", "--resume", "--print", "1",
                                 "--tensorboard", "events", "--check-numerics", "--profile"};
  EXPECT_EQ(arguments.parse(static_cast<int>(texts.size()), texts.data()), std::nullopt);
  EXPECT_EQ(common.epochs, 2);
  EXPECT_EQ(common.batch, 8);
  EXPECT_EQ(common.seed, 5u);
  EXPECT_EQ(common.device, "cuda");
  EXPECT_EQ(common.data, "here");
  EXPECT_EQ(common.out, "there");
  EXPECT_TRUE(common.out_given);
  EXPECT_FALSE(common.overwrite);
  EXPECT_TRUE(common.resume);
  EXPECT_EQ(common.print, 1);
  EXPECT_EQ(common.tensorboard, "events");
  EXPECT_TRUE(common.check_numerics);
  EXPECT_TRUE(common.profile);
}

std::string failure(const std::function<int()>& body) {
  testing::internal::CaptureStderr();
  int status = run_app(body);
  std::string text = testing::internal::GetCapturedStderr();
  return status == 2 ? text : "no failure";
}

TEST(RunApp, GivesTheStatusOfTheBody) {
  EXPECT_EQ(run_app([] { return 0; }), 0);
  EXPECT_EQ(run_app([] { return 5; }), 5);
}

TEST(RunApp, EndsWithOneIfATrainingFailed) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_app([]() -> int { throw TrainingError("the loss is NaN"); }), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "run_test: the loss is NaN\n");
}

TEST(RunApp, SaysInOneSentenceWhatWentWrong) {
  EXPECT_EQ(failure([]() -> int { throw FileError("drawings.npy", "offset 80", "expected more"); }),
            "run_test: drawings.npy: offset 80: expected more\n");
  EXPECT_EQ(failure([]() -> int { throw std::bad_alloc(); }), "run_test: there is not enough memory\n");
  EXPECT_EQ(failure([]() -> int { return static_cast<int>(std::filesystem::file_size("/no/such/file")); }),
            "run_test: /no/such/file: No such file or directory\n");
  EXPECT_EQ(failure([]() -> int { throw std::logic_error("a mistake"); }), "run_test: a mistake\n");
}

}  // namespace
}  // namespace floe
