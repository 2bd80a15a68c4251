// Checkpoints: trainings continue bit for bit, parts fit elsewhere, and neither kills nor full disks cost the old one.
#include <floe/run/checkpoint.h>

#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <floe/files/safetensors.h>
#include <floe/layers/batch_normalization.h>
#include <floe/layers/conv2d.h>
#include <floe/layers/dense.h>
#include <floe/layers/dropout.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/pool.h>
#include <floe/ops/random.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/tape.h>

#include "../support/child.h"
#include "../support/shared_data.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using test::file_error_of;
using test::read_bytes;
using test::TempFolder;

class Critic : public Layer {
 public:
  Critic(const std::string& name, std::uint64_t seed, std::int64_t units = 4)
      : Layer(name, {}, Rng(seed)),
        hidden_(this, "hidden", {.in = 3, .units = units}),
        norm_(this, "norm", units),
        dropout_(this, "dropout", 0.5),
        out_(this, "out", {.in = units, .units = 1}) {}

  Tensor operator()(const Tensor& x) { return out_(dropout_(norm_(hidden_(x), Mode::training), Mode::training)); }

 private:
  Dense hidden_;
  BatchNormalization norm_;
  Dropout dropout_;
  Dense out_;
};

// All that an app would keep: everything in it depends on `seed` or on the steps that were taken.
struct Training {
  Training(const std::filesystem::path& folder, std::uint64_t seed)
      : critic("critic", seed), rng(seed + 1), samples(full({2, 2}, static_cast<double>(seed))), checkpoint(folder) {
    add_all(checkpoint);
  }

  void add_all(Checkpoint& to) {
    to.add("critic", critic);
    to.add("optimizer", optimizer);
    to.add("rng", rng);
    to.add("epoch", epoch);
    to.add("samples", samples);
    to.add("data", data);
  }

  void train(int epochs) {
    for (int i = 0; i < epochs; ++i) {
      for (const Tensor& batch : data) {
        GradientTape tape;
        Tensor loss = reduce_mean(square(critic(batch + random_normal(batch.shape(), rng))));
        optimizer.apply(tape.gradient(loss, critic.variables()));
      }
      ++epoch;
    }
  }

  // Every bit of it, as the file that it would save.
  std::string bits() {
    TempFolder elsewhere;
    Checkpoint copy(elsewhere.path());
    add_all(copy);
    return read_bytes(copy.save(0));
  }

  Critic critic;
  Adam optimizer;
  Rng rng;
  std::int64_t epoch = 0;
  Tensor samples;
  Dataset<Tensor> data = dataset(linspace(-1, 1, 36).view({12, 3})).shuffle(12, Rng(5)).batch(4);
  Checkpoint checkpoint;
};

std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

// --- Whole trainings -------------------------------------------------------------------------------------------------

TEST(Checkpoint, ContinuesATrainingBitForBit) {
  TempFolder folder;
  Training whole(folder.path(), 1);
  whole.train(2);
  std::filesystem::path path = whole.checkpoint.save(whole.epoch);
  whole.train(2);

  Training resumed(folder.path(), 99);
  ASSERT_NE(resumed.bits(), whole.bits());
  std::optional<RestoreReport> report = resumed.checkpoint.restore_latest();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->step, 2);
  EXPECT_EQ(report->text(), "restored step 2 from " + path.string() + ": 27 values; 0 missing");
  EXPECT_EQ(resumed.epoch, 2);
  EXPECT_EQ(resumed.data.epoch(), whole.data.epoch() - 2);
  resumed.train(2);
  EXPECT_EQ(resumed.bits(), whole.bits());
}

TEST(Checkpoint, GivesBackEveryBitOfATrainingThatWentOn) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::string bits = training.bits();
  std::filesystem::path path = training.checkpoint.save(1);
  training.train(1);
  ASSERT_NE(training.bits(), bits);
  training.checkpoint.restore(path);
  EXPECT_EQ(training.bits(), bits);
}

struct Kind {
  std::function<std::unique_ptr<Optimizer>()> make;
  Names slots;
};
const Kind kinds[] = {
    {[] { return std::make_unique<SGD>(0.1); }, {}},
    {[] { return std::make_unique<Momentum>(); }, {"velocity"}},
    {[] { return std::make_unique<RMSprop>(); }, {"square"}},
    {[] { return std::make_unique<Adagrad>(); }, {"accumulator"}},
    {[] { return std::make_unique<Adam>(); }, {"m", "v"}},
    {[] { return std::make_unique<AdamW>(); }, {"m", "v"}},
};

// One step with gradients that follow from the seed, for those of the variables that are trainable.
void step(Optimizer& optimizer, const Variables& variables, std::uint64_t seed) {
  Rng rng(seed);
  Gradients gradients;
  for (Variable* variable : variables) {
    Tensor gradient = random_normal(variable->shape(), rng);
    if (variable->trainable()) gradients.add(*variable, gradient);
  }
  optimizer.apply(gradients);
}
void step(Optimizer& optimizer, Variable& w, std::uint64_t seed) { step(optimizer, Variables{&w}, seed); }

// Under the names that files have held all along, and with what an optimizer keeps in the file, not its initial values.
TEST(Checkpoint, ContinuesEachOptimizerBitForBit) {
  for (const Kind& kind : kinds) {
    TempFolder folder;
    Variable w("net.w", ones({5}));
    std::unique_ptr<Optimizer> optimizer = kind.make();
    Checkpoint checkpoint(folder.path());
    checkpoint.add("w", w);
    checkpoint.add("optimizer", *optimizer);
    step(*optimizer, w, 1), step(*optimizer, w, 2);
    std::filesystem::path path = checkpoint.save(2);
    step(*optimizer, w, 3);
    std::string whole = read_bytes(checkpoint.save(3));

    Names names{"w", "optimizer.steps"}, found;
    for (const std::string& slot : kind.slots) names.push_back("optimizer." + slot + ".net.w");
    SafetensorsFile file(path);
    for (const SafetensorsEntry& entry : file.entries()) found.push_back(entry.name);
    EXPECT_EQ(found, names);

    w.assign(zeros({5}));
    std::unique_ptr<Optimizer> fresh = kind.make();
    Checkpoint again(folder.path());
    again.add("w", w);
    again.add("optimizer", *fresh);
    again.restore(path);
    step(*fresh, w, 3);
    EXPECT_EQ(read_bytes(again.save(3)), whole);
  }
}

// --- Slots that a file was saved without -----------------------------------------------------------------------------

// Two variables, of which the second may be frozen, and their optimizer.
struct Pair {
  Pair(const Kind& kind, const std::filesystem::path& folder, bool frozen)
      : optimizer(kind.make()), checkpoint(folder) {
    if (frozen) second.set_trainable(false);
    add_all(checkpoint);
  }

  void add_all(Checkpoint& to) {
    to.add("first", first);
    to.add("second", second);
    to.add("optimizer", *optimizer);
  }

  // Every bit of them, as the file that they would save.
  std::string bits() {
    TempFolder elsewhere;
    Checkpoint copy(elsewhere.path());
    add_all(copy);
    return read_bytes(copy.save(0));
  }

  void train(std::uint64_t seed) { step(*optimizer, {&first, &second}, seed); }

  Variable first{"net.first", ones({5})}, second{"net.second", ones({3})};
  std::unique_ptr<Optimizer> optimizer;
  Checkpoint checkpoint;
};

TEST(Checkpoint, OfBeforeASlotsFirstStepGoesBackToThatMoment) {
  for (const Kind& kind : kinds) {
    for (int before : {0, 2}) {  // steps before it was saved; without any, no variable has slots
      for (bool partial : {false, true}) {
        SCOPED_TRACE(fmt::format("{} {} {}", fmt::join(kind.slots, " "), before, partial));
        TempFolder folder;
        Pair pair(kind, folder.path(), /*frozen=*/true);
        for (int i = 0; i < before; ++i) pair.train(1 + i);
        std::filesystem::path path = pair.checkpoint.save(0);
        std::string saved = pair.bits();

        pair.second.set_trainable(true);
        pair.train(7);
        std::string went_on = pair.bits();
        pair.train(8);
        RestoreReport report = pair.checkpoint.restore(path, {.partial = partial});
        EXPECT_TRUE(report.missing.empty() && report.unexpected.empty()) << report.text();
        EXPECT_EQ(pair.optimizer->steps(), before);
        EXPECT_EQ(pair.bits(), saved);
        pair.train(7);
        EXPECT_EQ(pair.bits(), went_on);
      }
    }
  }
}

TEST(Checkpoint, OfSomethingElseLeavesTheSlots) {
  TempFolder folder;
  Pair pair(kinds[4], folder.path(), false);
  pair.train(1);
  std::string trained = pair.bits();
  save_safetensors(folder / "weights", {{"first", pair.first.value()}});
  EXPECT_EQ(pair.checkpoint.restore(folder / "weights", {.partial = true}).matched, (Names{"first"}));
  EXPECT_EQ(pair.bits(), trained);

  // Nor if the source says that they stay.
  Pair fresh(kinds[4], folder.path(), false);
  std::filesystem::path early = fresh.checkpoint.save(0);
  pair.checkpoint.restore(early, {.source = [](const std::string& name) {
                            return RestoreSource{name.starts_with("optimizer.") ? "" : name};
                          }});
  EXPECT_TRUE(SafetensorsFile(pair.checkpoint.save(1)).contains("optimizer.m.net.first"));
}

TEST(Checkpoint, WithHalfOfTheSlotsIsRefused) {
  for (const char* lost : {"optimizer.m.net.first", "optimizer.v.net.first"}) {
    TempFolder folder;
    Pair pair(kinds[4], folder.path(), false), fresh(kinds[4], folder.path(), false);
    pair.train(1);
    Safetensors file = load_safetensors(pair.checkpoint.save(1));
    std::erase_if(file.tensors, [&](const auto& named) { return named.first == lost; });
    save_safetensors(folder / "half", file.tensors);
    for (Pair* into : {&pair, &fresh}) {
      EXPECT_EQ(file_error_of(folder / "half", [&] { into->checkpoint.restore(folder / "half"); }),
                fmt::format("it does not fit: 1 missing ({})", lost));
    }
  }
}

TEST(Checkpoint, NamesValuesByPath) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  SafetensorsFile file(training.checkpoint.save(1));
  for (const char* name : {"critic.hidden.weights", "critic.norm.moving_mean", "critic.out.bias", "optimizer.steps",
                           "rng", "epoch", "samples", "data.epoch", "data.position"}) {
    EXPECT_TRUE(file.contains(name)) << name;
  }
  EXPECT_EQ(file.metadata(), (Metadata{{"step", "1"}}));
}

TEST(Checkpoint, OfEqualTrainingsIsEqual) {
  TempFolder a, b;
  Training first(a.path(), 1), second(b.path(), 1);
  first.train(1);
  second.train(1);
  EXPECT_EQ(read_bytes(first.checkpoint.save(1)), read_bytes(second.checkpoint.save(1)));
}

TEST(Checkpoint, HoldsWholeNumbersExactly) {
  TempFolder folder;
  std::int64_t number = (std::int64_t{1} << 62) + 1;
  Rng rng(~std::uint64_t{0}, (std::uint64_t{1} << 63) + 1);
  Checkpoint checkpoint(folder.path());
  checkpoint.add("number", number);
  checkpoint.add("rng", rng);
  std::filesystem::path path = checkpoint.save(0);
  number = 0;
  rng = Rng(3);
  checkpoint.restore(path);
  EXPECT_EQ(number, (std::int64_t{1} << 62) + 1);
  EXPECT_EQ(rng.key(), ~std::uint64_t{0});
  EXPECT_EQ(rng.position(), (std::uint64_t{1} << 63) + 1);
}

TEST(Checkpoint, TakesATensorOfAnotherShapeAndDtype) {
  TempFolder folder;
  Tensor samples = tensor({1, 2, 3});
  Checkpoint checkpoint(folder.path());
  checkpoint.add("samples", samples);
  std::filesystem::path path = checkpoint.save(0);
  samples = Tensor();
  checkpoint.restore(path);
  EXPECT_EQ(samples.to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 2, 3}));
}

// --- Files -----------------------------------------------------------------------------------------------------------

TEST(Checkpoint, KeepsTheNewestFiles) {
  TempFolder folder;
  std::int64_t epoch = 0;
  Checkpoint checkpoint(folder.path(), {.keep = 2});
  checkpoint.add("epoch", epoch);
  folder.write("checkpoint-best.safetensors", "someone else's");
  for (epoch = 8; epoch <= 11; ++epoch) checkpoint.save(epoch);
  EXPECT_EQ(names_in(folder), (Names{"checkpoint-00000010.safetensors", "checkpoint-00000011.safetensors",
                                     "checkpoint-best.safetensors"}));
  checkpoint.restore_latest();
  EXPECT_EQ(epoch, 11);
}

TEST(Checkpoint, CountsStepsBeyondEightDigits) {
  TempFolder folder;
  std::int64_t step = 99'999'999;
  Checkpoint checkpoint(folder.path(), {.keep = 2});
  checkpoint.add("step", step);
  checkpoint.save(step);
  checkpoint.save(++step);
  EXPECT_EQ(checkpoint.restore_latest()->step, 100'000'000);
}

TEST(Checkpoint, DropsTheFilesOfARunThatTookAnotherWay) {
  TempFolder folder;
  std::int64_t epoch = 0;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("epoch", epoch);
  for (epoch = 1; epoch <= 3; ++epoch) checkpoint.save(epoch);
  checkpoint.save(2);
  EXPECT_EQ(names_in(folder), (Names{"checkpoint-00000001.safetensors", "checkpoint-00000002.safetensors"}));
}

TEST(Checkpoint, SweepsTheTemporariesOfKilledRuns) {
  TempFolder folder;
  std::int64_t epoch = 1;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("epoch", epoch);
  folder.write("checkpoint-00000007.safetensors.17.0.tmp", "an orphan");
  folder.write("notes.17.0.tmp", "someone else's");
  checkpoint.save(1);
  EXPECT_EQ(names_in(folder), (Names{"checkpoint-00000001.safetensors", "notes.17.0.tmp"}));
}

TEST(Checkpoint, HasNothingToRestoreInAnEmptyFolder) {
  TempFolder folder;
  EXPECT_FALSE(Checkpoint(folder.path()).restore_latest());
  EXPECT_FALSE(Checkpoint(folder / "none").restore_latest());
}

TEST(Checkpoint, FallsBackToTheFileBeforeADamagedOne) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::filesystem::path old = training.checkpoint.save(1);
  std::string bits = training.bits();
  training.train(1);
  std::filesystem::path newest = training.checkpoint.save(2);
  std::string bytes = read_bytes(newest);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder.write("checkpoint-00000002.safetensors", bytes);
  folder.write("checkpoint-00000003.safetensors", bytes.substr(0, 4));

  RestoreReport report = *training.checkpoint.restore_latest();
  EXPECT_EQ(report.path, old);
  EXPECT_EQ(training.bits(), bits);
  std::string third = (folder / "checkpoint-00000003.safetensors").string();
  ASSERT_EQ(report.left_out.size(), 2u);
  EXPECT_EQ(report.left_out[0],
            third + ": offset 0: expected the length of the header (8 bytes), the file ends after 4 bytes");
  EXPECT_EQ(report.text(), "restored step 1 from " + old.string() + ": 27 values; 0 missing\nleft out " +
                               report.left_out[0] + "\nleft out " + report.left_out[1]);
}

TEST(Checkpoint, RefusesIfAllFilesAreDamaged) {
  TempFolder folder;
  std::int64_t epoch = 7;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("epoch", epoch);
  folder.write("checkpoint-00000001.safetensors", "");
  std::filesystem::path newest = folder.write("checkpoint-00000002.safetensors", "1234");
  EXPECT_EQ(file_error_of(newest, [&] { checkpoint.restore_latest(); }),
            "offset 0: expected the length of the header (8 bytes), the file ends after 4 bytes");
  EXPECT_EQ(epoch, 7);
}

TEST(Checkpoint, MakesItsFolder) {
  TempFolder folder;
  std::int64_t epoch = 1;
  Checkpoint checkpoint(folder / "runs" / "penguins");
  checkpoint.add("epoch", epoch);
  EXPECT_EQ(checkpoint.save(1), folder / "runs" / "penguins" / "checkpoint-00000001.safetensors");
  folder.write("file", "");
  Checkpoint below(folder / "file");
  below.add("epoch", epoch);
  EXPECT_EQ(file_error_of(folder / "file", [&] { below.save(1); }), "the folder cannot be made: Not a directory");
}

// --- Parts and misfits -----------------------------------------------------------------------------------------------

TEST(Checkpoint, RestoresAPartIntoAnotherNetwork) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::filesystem::path path = training.checkpoint.save(1);

  Critic other("judge", 7);
  Checkpoint part(folder.path());
  part.add("critic", other);
  RestoreReport report = part.restore(path);
  EXPECT_EQ(report.matched.size(), 9u);
  EXPECT_EQ(report.unexpected.size(), 18u);
  EXPECT_TRUE(report.missing.empty() && report.reshaped.empty());
  Variables from = training.critic.all_variables(), to = other.all_variables();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i]->value().to_vector<float>(), to[i]->value().to_vector<float>()) << to[i]->path();
  }
}

TEST(Checkpoint, RefusesWhatDoesNotFitAndChangesNothing) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::filesystem::path path = training.checkpoint.save(1);

  Critic wide("critic", 7, /*units=*/5);
  Dense extra(&wide, "extra", {.in = 1, .units = 1});
  Adam optimizer;
  Checkpoint misfit(folder.path());
  misfit.add("critic", wide);
  misfit.add("optimizer", optimizer);
  TempFolder elsewhere;
  Checkpoint copy(elsewhere.path());
  copy.add("critic", wide);
  copy.add("optimizer", optimizer);
  std::string before = read_bytes(copy.save(0));

  const char* expected =
      "it does not fit: 2 missing (critic.extra.weights, critic.extra.bias); 7 of another shape or dtype ("
      "critic.hidden.weights: (3, 5) float32 here, (3, 4) float32 in the file, "
      "critic.hidden.bias: (5,) float32 here, (4,) float32 in the file, "
      "critic.norm.gamma: (5,) float32 here, (4,) float32 in the file, "
      "critic.norm.beta: (5,) float32 here, (4,) float32 in the file, "
      "critic.norm.moving_mean: (5,) float32 here, (4,) float32 in the file, "
      "critic.norm.moving_variance: (5,) float32 here, (4,) float32 in the file, "
      "critic.out.weights: (5, 1) float32 here, (4, 1) float32 in the file)";
  EXPECT_EQ(file_error_of(path, [&] { misfit.restore(path); }), expected);
  EXPECT_EQ(file_error_of(path, [&] { misfit.restore_latest(); }), expected);
  EXPECT_EQ(read_bytes(copy.save(0)), before);
}

TEST(Checkpoint, TakesWhatFitsIfAsked) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::filesystem::path path = training.checkpoint.save(1);

  Critic wide("critic", 7, /*units=*/5);
  std::vector<float> hidden = wide.variables()[0]->value().to_vector<float>();
  std::int64_t epoch = 0, age = 12;
  Checkpoint part(folder.path());
  part.add("critic", wide);
  part.add("epoch", epoch);
  part.add("age", age);
  RestoreReport report = part.restore(path, {.partial = true});
  EXPECT_EQ(report.matched, (Names{"critic.dropout.rng", "critic.out.bias", "epoch"}));
  EXPECT_EQ(report.missing, (Names{"age"}));
  EXPECT_EQ(report.reshaped.size(), 7u);
  EXPECT_EQ(epoch, 1);
  EXPECT_EQ(age, 12);
  EXPECT_EQ(wide.variables()[0]->value().to_vector<float>(), hidden);
}

TEST(Checkpoint, ListsTenNamesAtMost) {
  RestoreReport report;
  report.path = "file.safetensors";
  for (char name = 'a'; name <= 'l'; ++name) report.unexpected.push_back(std::string(1, name));
  EXPECT_EQ(report.text(),
            "restored file.safetensors: 0 values; 0 missing; "
            "12 not requested (a, b, c, d, e, f, g, h, i, j, and 2 more)");
}

TEST(Checkpoint, ReadsFilesOfOtherPrograms) {
  TempFolder folder;
  save_safetensors(folder / "pretrained.safetensors", {{"samples", ones({2})}});
  Tensor samples;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("samples", samples);
  EXPECT_EQ(checkpoint.restore(folder / "pretrained.safetensors").step, -1);
  EXPECT_EQ(samples.to_vector<float>(), (std::vector<float>{1, 1}));
}

// --- Files of other programs -----------------------------------------------------------------------------------------

// As PyTorch writes them: filters (out, in, height, width), weights (out, in).
std::filesystem::path foreign_file(const TempFolder& folder) {
  save_safetensors(folder / "foreign.safetensors",
                   {{"features.0.weight", range(0, 120, 1, DType::float32).view({4, 5, 2, 3})},
                    {"features.0.bias", tensor({1., 2., 3., 4.})},
                    {"classifier.weight", tensor({{1., 2., 3., 4.}, {5., 6., 7., 8.}})},
                    {"classifier.bias", tensor({9., 8.})},
                    {"num_batches_tracked", tensor(7)}});
  return folder / "foreign.safetensors";
}

class Pictures : public Layer {
 public:
  explicit Pictures(const std::string& name) : Layer(name, {}, Rng(1)) {}
  Conv2D conv{this, "conv", {.in = 5, .filters = 4, .kernel_size = {2, 3}}};
  Dense decide{this, "decide", {.in = 4, .units = 2}};
};

RestoreSource foreign_source(const std::string& name) {
  static const std::map<std::string, RestoreSource> sources{{"net.conv.filters", {"features.0.weight", {2, 3, 1, 0}}},
                                                            {"net.conv.bias", {"features.0.bias"}},
                                                            {"net.decide.weights", {"classifier.weight", {1, 0}}},
                                                            {"net.decide.bias", {"classifier.bias", {0}}}};
  return sources.at(name);
}

TEST(RestoreSource, FindsAndTransposesTheWeightsOfOtherPrograms) {
  TempFolder folder;
  std::filesystem::path path = foreign_file(folder);
  Pictures net("net");
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  RestoreReport report = checkpoint.restore(path, {.source = foreign_source});
  EXPECT_EQ(report.matched, (Names{"net.conv.filters", "net.conv.bias", "net.decide.weights", "net.decide.bias"}));
  EXPECT_EQ(report.unexpected, (Names{"num_batches_tracked"}));
  EXPECT_EQ(report.text(),
            "restored " + path.string() + ": 4 values; 0 missing; 1 not requested (num_batches_tracked)");

  SafetensorsFile file(path);
  Tensor theirs = file.load("features.0.weight"), ours = net.variables()[0]->value();
  for (std::int64_t h = 0; h < 2; ++h) {
    for (std::int64_t w = 0; w < 3; ++w) {
      for (std::int64_t in = 0; in < 5; ++in) {
        for (std::int64_t out = 0; out < 4; ++out) EXPECT_EQ(ours[h][w][in][out].item(), theirs[out][in][h][w].item());
      }
    }
  }
  EXPECT_EQ(net.variables()[1]->value().to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(net.variables()[2]->value().to_vector<float>(), (std::vector<float>{1, 5, 2, 6, 3, 7, 4, 8}));
  EXPECT_EQ(net.variables()[3]->value().to_vector<float>(), (std::vector<float>{9, 8}));
}

TEST(RestoreSource, OfTheSameNameChangesNothing) {
  TempFolder folder;
  Training training(folder.path(), 1), other(folder.path(), 99);
  training.train(1);
  std::filesystem::path path = training.checkpoint.save(1);
  RestoreReport report =
      other.checkpoint.restore(path, {.source = [](const std::string& name) { return RestoreSource{name}; }});
  EXPECT_EQ(report.text(), "restored step 1 from " + path.string() + ": 27 values; 0 missing");
  EXPECT_EQ(other.bits(), training.bits());
}

TEST(RestoreSource, WithoutANameLeavesTheValue) {
  TempFolder folder;
  std::int64_t kept = 5, taken = 5;
  save_safetensors(folder / "a", {{"taken", tensor<std::int64_t>(7)}});
  Checkpoint checkpoint(folder.path());
  checkpoint.add("kept", kept);
  checkpoint.add("taken", taken);
  RestoreReport report = checkpoint.restore(
      folder / "a", {.source = [](const std::string& name) { return RestoreSource{name == "kept" ? "" : name}; }});
  EXPECT_EQ(report.matched, (Names{"taken"}));
  EXPECT_TRUE(report.missing.empty());
  EXPECT_EQ(kept, 5);
  EXPECT_EQ(taken, 7);
}

TEST(RestoreSource, ThatMissesIsToldWithBothNamesAndChangesNothing) {
  TempFolder folder;
  std::filesystem::path path = foreign_file(folder);
  Pictures net("net");
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  std::string before = read_bytes(checkpoint.save(0));
  auto refusal = [&](const std::string& wrong, RestoreSource source) {
    return [&, wrong, source] {
      checkpoint.restore(
          path, {.source = [&](const std::string& name) { return name == wrong ? source : foreign_source(name); }});
    };
  };
  EXPECT_EQ(file_error_of(path, refusal("net.conv.bias", {"features.0.scale"})),
            "it does not fit: 1 missing (net.conv.bias as features.0.scale)");
  EXPECT_EQ(file_error_of(path, refusal("net.conv.bias", {"net.conv.bias"})),
            "it does not fit: 1 missing (net.conv.bias)");
  EXPECT_EQ(file_error_of(path, refusal("net.decide.weights", {"classifier.weight"})),
            "it does not fit: 0 missing; 1 of another shape or dtype (net.decide.weights as classifier.weight: "
            "(4, 2) float32 here, (2, 4) float32 in the file)");
  EXPECT_EQ(file_error_of(path, refusal("net.conv.filters", {"features.0.weight", {2, 3, 0, 1}})),
            "it does not fit: 0 missing; 1 of another shape or dtype (net.conv.filters as features.0.weight: "
            "(2, 3, 5, 4) float32 here, (2, 3, 4, 5) float32 in the file)");
  EXPECT_EQ(error_of<std::out_of_range>([&] {
              checkpoint.restore(
                  path, {.source = [](const std::string&) -> RestoreSource { throw std::out_of_range("mine"); }});
            }),
            "mine");

  const std::pair<RestoreSource, const char*> axes[] = {
      {{"features.0.weight", {1, 0}}, "the axes (1, 0) of net.conv.filters as features.0.weight"},
      {{"features.0.weight", {2, 3, 1, 1}}, "the axes (2, 3, 1, 1) of net.conv.filters as features.0.weight"},
      {{"features.0.weight", {3, 2, 1, -4}}, "the axes (3, 2, 1, -4) of net.conv.filters as features.0.weight"},
      {{"features.0.weight", {4, 3, 2, 1}}, "the axes (4, 3, 2, 1) of net.conv.filters as features.0.weight"},
      {{"features.0.weight", {0, 1, 2, 3, 4}}, "the axes (0, 1, 2, 3, 4) of net.conv.filters as features.0.weight"},
  };
  for (const auto& [source, start] : axes) {
    EXPECT_EQ(error_of<ValueError>(refusal("net.conv.filters", source)),
              "restore: " + std::string(start) + " do not name each axis of (4, 5, 2, 3) once, from 0 to 3");
  }
  EXPECT_EQ(error_of<ValueError>(refusal("net.conv.bias", {"num_batches_tracked", {0}})),
            "restore: the axes (0) of net.conv.bias as num_batches_tracked do not fit (), which has none");
  EXPECT_EQ(read_bytes(checkpoint.save(0)), before);
}

// What cannot be read is found before anything is replaced.
TEST(RestoreSource, OfADamagedFileChangesNothing) {
  TempFolder folder;
  std::filesystem::path path = foreign_file(folder);
  std::string bytes = read_bytes(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // in the last tensor
  folder.write("foreign.safetensors", bytes);
  std::int64_t counted = 3;
  Pictures net("net");
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  checkpoint.add("counted", counted);
  std::string before = read_bytes(checkpoint.save(0));
  EXPECT_THROW(checkpoint.restore(path, {.source =
                                             [](const std::string& name) {
                                               return name == "counted" ? RestoreSource{"num_batches_tracked"}
                                                                        : foreign_source(name);
                                             }}),
               FileError);
  EXPECT_EQ(read_bytes(checkpoint.save(0)), before);
}

TEST(RestoreSource, TakesPartOfWhatFitsIfAsked) {
  TempFolder folder;
  std::filesystem::path path = foreign_file(folder);
  Pictures net("net");
  std::vector<float> bias = net.variables()[3]->value().to_vector<float>();
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  RestoreReport report =
      checkpoint.restore(path, {.partial = true, .source = [](const std::string& name) {
                                  return name == "net.decide.bias" ? RestoreSource{"absent"} : foreign_source(name);
                                }});
  EXPECT_EQ(report.matched.size(), 3u);
  EXPECT_EQ(report.missing, (Names{"net.decide.bias as absent"}));
  EXPECT_EQ(net.variables()[3]->value().to_vector<float>(), bias);
}

// Of torchvision's SqueezeNet: half floats (out, in, height, width), and what another program computed with them.
class SqueezeNetStart : public Layer {
 public:
  SqueezeNetStart() : Layer("net", {}, Rng(1)) {}

  Tensor conv1(const Tensor& x) { return relu(conv1_(x)); }
  Tensor fire2(const Tensor& x) {
    Tensor squeezed = relu(squeeze_(max_pool(x, {.window = 3, .strides = 2})));
    return concat({relu(expand1_(squeezed)), relu(expand3_(squeezed))}, 3);
  }

 private:
  Conv2D conv1_{this, "0", {.in = 3, .filters = 64, .kernel_size = 3, .strides = 2, .padding = Padding::valid}};
  Conv2D squeeze_{this, "3_squeeze", {.in = 64, .filters = 16, .kernel_size = 1}};
  Conv2D expand1_{this, "3_expand1x1", {.in = 16, .filters = 64, .kernel_size = 1}};
  Conv2D expand3_{this, "3_expand3x3", {.in = 16, .filters = 64, .kernel_size = 3}};
};

// The first four convolutions of the ncnn file, as a safetensors file of F16 filters and F32 biases.
void write_squeezenet_start(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::string bytes = read_bytes(from), entries, data;
  std::size_t at = 0;
  auto add = [&](const std::string& name, const char* dtype, const std::string& shape, std::size_t size) {
    entries += fmt::format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                           entries.empty() ? "" : ",", name, dtype, shape, data.size(), data.size() + size);
    data += bytes.substr(at, size);
    at += size;
  };
  struct Convolution {
    const char* name;
    int out, in, size;
  };
  for (const Convolution& one :
       {Convolution{"0", 64, 3, 3}, {"3.squeeze", 16, 64, 1}, {"3.expand1x1", 64, 16, 1}, {"3.expand3x3", 64, 16, 3}}) {
    ASSERT_EQ(bytes.substr(at, 4), "\x47\x6b\x30\x01") << "the mark of half floats";
    at += 4;
    std::size_t size = static_cast<std::size_t>(2 * one.out * one.in * one.size * one.size);
    add(fmt::format("features.{}.weight", one.name), "F16",
        fmt::format("{},{},{},{}", one.out, one.in, one.size, one.size), size);
    add(fmt::format("features.{}.bias", one.name), "F32", fmt::to_string(one.out),
        static_cast<std::size_t>(4 * one.out));
  }
  std::string header = "{" + entries + "}";
  std::uint64_t length = header.size();
  std::ofstream(to, std::ios::binary) << std::string(reinterpret_cast<const char*>(&length), 8) << header << data;
}

// The inputs that the reference activations were made from: (1, 64, 64, 3).
Tensor reference_input() {
  constexpr double mean[] = {0.485, 0.456, 0.406}, stddev[] = {0.229, 0.224, 0.225};
  Tensor x({1, 64, 64, 3});
  float* out = x.mutable_data<float>();
  for (int i = 0; i < 64 * 64 * 3; ++i) {
    int c = i % 3, column = i / 3 % 64, row = i / 192;
    out[i] = static_cast<float>(((37 * c + 7 * row + 3 * column) % 256 / 255.0 - mean[c]) / stddev[c]);
  }
  return x;
}

TEST(RestoreSource, LoadsWeightsThatWereTrainedElsewhere) {
  std::filesystem::path from = test::shared_data() / "weights/squeezenet1_1-torchvision-ncnn/squeezenet_v1.1.ncnn.bin";
  // The weights are real ones and not part of the project: a user has none.
  if (!std::filesystem::exists(from)) GTEST_SKIP() << "no weights at " << from;
  TempFolder folder;
  write_squeezenet_start(from, folder / "squeezenet.safetensors");
  SqueezeNetStart net;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  RestoreReport report =
      checkpoint.restore(folder / "squeezenet.safetensors", {.source = [](const std::string& name) -> RestoreSource {
                           std::string layer = name.substr(
                               4, name.rfind('.') - 4);  // "net.3_squeeze.filters" is "features.3.squeeze.weight"
                           std::replace(layer.begin(), layer.end(), '_', '.');
                           if (name.ends_with("bias")) return {"features." + layer + ".bias"};
                           return {"features." + layer + ".weight", {2, 3, 1, 0}};
                         }});
  EXPECT_EQ(report.matched.size(), 8u);
  EXPECT_TRUE(report.unexpected.empty());

  Tensor conv1 = net.conv1(reference_input()), fire2 = net.fire2(conv1);
  EXPECT_EQ(conv1.shape(), (Shape{1, 31, 31, 64}));
  EXPECT_NEAR(reduce_mean(conv1).item(), 0.5070531759423123, 1e-6);
  EXPECT_NEAR(reduce_max(conv1).item(), 10.97555696822602, 1e-5);
  EXPECT_NEAR(conv1[0][0][0][0].item(), 1.4033880536774554, 1e-6);
  EXPECT_NEAR(conv1[0][0][3][0].item(), 1.3905476090081845, 1e-6);
  EXPECT_EQ(fire2.shape(), (Shape{1, 15, 15, 128}));
  EXPECT_NEAR(reduce_mean(fire2).item(), 1.7475951895860216, 1e-6);
  EXPECT_NEAR(reduce_max(fire2).item(), 30.772452762910998, 2e-5);
  EXPECT_NEAR(fire2[0][0][1][0].item(), 0.9918316690935763, 1e-5);
  EXPECT_NEAR(fire2[0][7][7][127].item(), 1.501541718981494, 1e-5);
}

TEST(Checkpoint, PutsEverythingBackIfADatasetRefusesItsPlace) {
  TempFolder folder;
  Training training(folder.path(), 1);
  training.train(1);
  std::filesystem::path path = training.checkpoint.save(1);
  Safetensors file = load_safetensors(path);
  for (auto& [name, value] : file.tensors) {
    if (name == "data.position") value = tensor(std::vector<std::int64_t>{1000}, {});
  }
  save_safetensors(path, file.tensors, file.metadata);

  Training fresh(folder.path(), 99);
  std::string bits = fresh.bits();
  EXPECT_NE(error_of<ValueError>([&] { fresh.checkpoint.restore(path); }), "no error");
  EXPECT_EQ(fresh.bits(), bits);

  // Slots that the file was saved without are back as well.
  std::erase_if(file.tensors, [](const auto& named) {
    return named.first.starts_with("optimizer.") && named.first != "optimizer.steps";
  });
  save_safetensors(path, file.tensors, file.metadata);
  bits = training.bits();
  EXPECT_NE(error_of<ValueError>([&] { training.checkpoint.restore(path); }), "no error");
  EXPECT_EQ(training.bits(), bits);
}

TEST(Checkpoint, RefusesMistakesInItsUse) {
  TempFolder folder;
  std::int64_t epoch = 0;
  Tensor samples;
  Checkpoint checkpoint(folder.path());
  checkpoint.add("epoch", epoch);
  EXPECT_EQ(error_of<ValueError>([&] { checkpoint.add("epoch", epoch); }),
            "checkpoint: there is already a part called 'epoch'");
  EXPECT_EQ(error_of<ValueError>([&] { checkpoint.save(-1); }), "checkpoint: a step is 0 or more, not -1");
  checkpoint.add("samples", samples);
  EXPECT_EQ(error_of<ValueError>([&] { checkpoint.save(1); }), "checkpoint: samples has no value yet");
  EXPECT_EQ(error_of<ValueError>([&] { Checkpoint(folder.path(), {.keep = 0}); }),
            "checkpoint: .keep must be 1 or more, but is 0");
  EXPECT_EQ(folder.file_count(), 0);
}

// --- Failures from outside -------------------------------------------------------------------------------------------

TEST(Checkpoint, SurvivesAKillAtAnyMoment) {
  // A number and a tensor that is full of it tell whether a file is of one moment.
  TempFolder folder;
  std::int64_t step = 0;
  Tensor values({1 << 18});
  auto fill = [&] { std::fill_n(values.mutable_data<float>(), values.elements(), static_cast<float>(step)); };
  Checkpoint checkpoint(folder.path());
  checkpoint.add("step", step);
  checkpoint.add("values", values);
  fill();
  auto start = std::chrono::steady_clock::now();
  checkpoint.save(step);
  auto a_few_saves = 4 * std::chrono::ceil<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);

  Rng moments(1);
  for (int i = 0; i < 100; ++i) {
    pid_t child = test::start_child([&] {
      for (;;) {
        ++step;
        fill();
        checkpoint.save(step);
      }
    });
    usleep(static_cast<useconds_t>(moments.below(static_cast<int>(a_few_saves.count()))));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);

    std::int64_t before = step;
    std::optional<RestoreReport> report = checkpoint.restore_latest();
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->left_out.empty()) << report->text();
    EXPECT_EQ(report->step, step);
    EXPECT_GE(step, before);
    std::span<const float> read = values.span<float>();
    EXPECT_EQ(std::count(read.begin(), read.end(), static_cast<float>(step)), values.elements());
  }
  EXPECT_GT(step, 10);

  ++step;
  checkpoint.save(step);
  EXPECT_EQ(folder.file_count(), 3);
}

TEST(Checkpoint, KeepsTheOldOnesWhenTheDiskIsFull) {
  TempFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "this process may not mount a small disk to fill";
  }
  Tensor samples = ones({1000});
  Checkpoint checkpoint(folder.path(), {.keep = 1});
  checkpoint.add("samples", samples);
  checkpoint.save(1);
  samples = zeros({1 << 18});
  std::string answer = file_error_of(folder / "checkpoint-00000002.safetensors", [&] { checkpoint.save(2); });
  Names names = names_in(folder);
  std::optional<RestoreReport> report = checkpoint.restore_latest();
  umount(folder.path().c_str());
  EXPECT_TRUE(report);
  EXPECT_EQ(answer, "cannot be written: no space is left on the device");
  EXPECT_EQ(names, (Names{"checkpoint-00000001.safetensors"}));
  EXPECT_EQ(samples.elements(), 1000);
}

TEST(Checkpoint, KeepsTheOldOnesWithoutPermission) {
  if (getuid() != 0) GTEST_SKIP() << "only the superuser can give a folder to another user";
  TempFolder folder;
  std::int64_t epoch = 1;
  Checkpoint checkpoint(folder.path(), {.keep = 1});
  checkpoint.add("epoch", epoch);
  checkpoint.save(1);
  std::string answer = test::in_child([&] {
    if (!test::become_nobody()) return std::string("cannot");
    return file_error_of(folder / "checkpoint-00000002.safetensors", [&] { checkpoint.save(2); });
  });
  if (answer == "cannot") GTEST_SKIP() << "this process may not become another user";
  EXPECT_EQ(answer, "cannot be written: permission is denied");
  EXPECT_EQ(names_in(folder), (Names{"checkpoint-00000001.safetensors"}));
}

}  // namespace
}  // namespace floe
