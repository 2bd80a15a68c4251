// Checkpoints as files: what is in them under which name, which one is taken, and in which order they come and go.
#include <floe/run/checkpoint.h>

#include <cmath>
#include <functional>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/files/safetensors.h>
#include <floe/layers/batch_normalization.h>
#include <floe/layers/dense.h>
#include <floe/layers/dropout.h>
#include <floe/ops/create.h>
#include <floe/optimizers/optimizers.h>

#include "../support/system_calls.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::file_error_of;
using test::SystemCalls;
using test::TempFolder;

template <class T>
std::string bytes(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

// A safetensors file as its format is described, written here: float64 ("F64") of one element each, and a step count.
std::string file_of(const std::vector<std::pair<std::string, double>>& numbers, std::int64_t steps) {
  std::string header = "{\"optimizer.steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}",
              data = bytes({steps});
  for (const auto& [name, number] : numbers) {
    header += fmt::format(",\"{}\":{{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[{},{}]}}", name, data.size(),
                          data.size() + 8);
    data += bytes({number});
  }
  header += "}";
  return bytes({static_cast<std::uint64_t>(header.size())}) + header + data;
}

// A file that was written long ago, with other numbers in each slot: the next step uses each for what it is.
TEST(CheckpointFiles, OfOldGoOnWithEachSlotForWhatItIs) {
  struct Kind {
    std::function<std::unique_ptr<Optimizer>()> make;
    std::vector<std::pair<std::string, double>> slots;
    std::function<double(double w, double g)> next;
  };
  auto adam = [](double w, double g) {
    double m = 0.9 * 0.5 + 0.1 * g, v = 0.999 * 4 + 0.001 * g * g;
    return w - 0.1 * (m / (1 - std::pow(0.9, 7))) / (std::sqrt(v / (1 - std::pow(0.999, 7))) + 1e-3);
  };
  const Kind kinds[] = {
      {[] { return std::make_unique<Momentum>(MomentumOptions{.learning_rate = 0.1, .momentum = 0.8}); },
       {{"velocity", 0.5}},
       [](double w, double g) { return w + 0.8 * 0.5 - 0.1 * g; }},
      {[] { return std::make_unique<RMSprop>(RMSpropOptions{.learning_rate = 0.1, .decay = 0.9, .epsilon = 1e-3}); },
       {{"square", 4}},
       [](double w, double g) { return w - 0.1 * g / (std::sqrt(0.9 * 4 + 0.1 * g * g) + 1e-3); }},
      {[] { return std::make_unique<Adagrad>(AdagradOptions{.learning_rate = 0.1, .epsilon = 1e-3}); },
       {{"accumulator", 4}},
       [](double w, double g) { return w - 0.1 * g / (std::sqrt(4 + g * g) + 1e-3); }},
      {[] { return std::make_unique<Adam>(AdamOptions{.learning_rate = 0.1, .epsilon = 1e-3}); },
       {{"m", 0.5}, {"v", 4}},
       adam},
      {[] {
         return std::make_unique<AdamW>(AdamWOptions{.learning_rate = 0.1, .epsilon = 1e-3, .weight_decay = 0.25});
       },
       {{"m", 0.5}, {"v", 4}},
       [=](double w, double g) { return adam(w * (1 - 0.1 * 0.25), g); }},
  };
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.slots[0].first);
    TempFolder folder;
    std::vector<std::pair<std::string, double>> numbers{{"w", 3}};
    for (const auto& [slot, value] : kind.slots) numbers.emplace_back("optimizer." + slot + ".net.w", value);
    Variable w("net.w", zeros({1}, DType::float64));
    std::unique_ptr<Optimizer> optimizer = kind.make();
    Checkpoint checkpoint(folder.path());
    checkpoint.add("w", w);
    checkpoint.add("optimizer", *optimizer);
    checkpoint.restore(folder.write("old", file_of(numbers, 6)));
    Gradients gradients;
    gradients.add(w, full({1}, 2, DType::float64));
    optimizer->apply(gradients);
    EXPECT_EQ(optimizer->steps(), 7);
    EXPECT_NEAR(w.value().item(), kind.next(3, 2), 1e-14);
  }
}

class Small : public Layer {
 public:
  Small() : Layer("net", {}, Rng(1)) {}
  Dense dense{this, "dense", {.in = 2, .units = 3}};
  BatchNormalization norm{this, "norm", 3};
  Dropout dropout{this, "dropout", 0.5};
};

// What a file of today holds, by name, dtype and shape: files that exist must stay readable.
TEST(CheckpointFiles, HoldEachValueUnderItsName) {
  TempFolder folder;
  Small net;
  Adam adam;
  Gradients gradients;
  gradients.add(*net.variables()[0], full({2, 3}, 2));
  adam.apply(gradients);
  Rng rng(5, 8);
  std::int64_t epoch = 4;
  Dataset<Tensor> data = dataset(ones({12, 3})).batch(4);
  data.restore({2, 1});
  Checkpoint checkpoint(folder.path());
  checkpoint.add("net", net);
  checkpoint.add("adam", adam);
  checkpoint.add("rng", rng);
  checkpoint.add("epoch", epoch);
  checkpoint.add("data", data);
  std::filesystem::path path = checkpoint.save(9);
  EXPECT_EQ(path, folder / "checkpoint-00000009.safetensors");
  SafetensorsFile file(path);
  std::string held;
  for (const SafetensorsEntry& entry : file.entries())
    held += fmt::format("{} {} {}\n", entry.name, entry.file_dtype, to_string(entry.shape));
  EXPECT_EQ(held,
            "net.dense.weights F32 (2, 3)\n"
            "net.dense.bias F32 (3,)\n"
            "net.norm.gamma F32 (3,)\n"
            "net.norm.beta F32 (3,)\n"
            "net.norm.moving_mean F32 (3,)\n"
            "net.norm.moving_variance F32 (3,)\n"
            "net.dropout.rng I64 (2,)\n"
            "adam.steps I64 ()\n"
            "adam.m.net.dense.weights F32 (2, 3)\n"
            "adam.v.net.dense.weights F32 (2, 3)\n"
            "rng I64 (2,)\n"
            "epoch I64 ()\n"
            "data.epoch I64 ()\n"
            "data.position I64 ()\n");
  EXPECT_EQ(file.load("rng").to_vector<std::int64_t>(), (std::vector<std::int64_t>{5, 8}));
  EXPECT_EQ(file.load("adam.steps").item<std::int64_t>(), 1);
  EXPECT_EQ(file.load("epoch").item<std::int64_t>(), 4);
  EXPECT_EQ(file.load("data.epoch").item<std::int64_t>(), 2);
  EXPECT_EQ(file.load("data.position").item<std::int64_t>(), 1);
  EXPECT_NEAR(file.load("adam.m.net.dense.weights")[0][0].item(), 0.1 * 2, 1e-7);
  EXPECT_NEAR(file.load("adam.v.net.dense.weights")[0][0].item(), 0.001 * 4, 1e-9);
}

// An older file that fits would be silently taken for the one that was meant.
TEST(CheckpointFiles, ThatDoNotFitAreNoReasonToTakeAnOlderOne) {
  TempFolder folder;
  Variable w("w", full({2}, 1));
  Checkpoint checkpoint(folder.path());
  checkpoint.add("w", w);
  checkpoint.save(1);
  Variable wide("w", full({3}, 2));
  Checkpoint other(folder.path());
  other.add("w", wide);
  std::filesystem::path newest = other.save(2);
  w.assign(full({2}, 7));
  EXPECT_EQ(file_error_of(newest, [&] { checkpoint.restore_latest(); }),
            "it does not fit: 0 missing; 1 of another shape or dtype (w: (2,) float32 here, (3,) float32 in the file)");
  EXPECT_EQ(w.value().to_vector<float>(), (std::vector<float>{7, 7}));
  Checkpoint more(folder.path());
  std::int64_t epoch = 0;
  more.add("epoch", epoch);
  EXPECT_EQ(file_error_of(newest, [&] { more.restore_latest(); }), "it does not fit: 1 missing (epoch)");
}

TEST(CheckpointFiles, GoOnlyWhenTheNewOneIsOnTheDisk) {
  TempFolder folder;
  Variable w("w", full({2}, 1));
  Checkpoint checkpoint(folder.path(), {.keep = 2});
  checkpoint.add("w", w);
  checkpoint.save(1), checkpoint.save(2);
  auto name = [](int step) { return fmt::format("checkpoint-{:08}.safetensors", step); };
  auto steps = [&] {
    std::string found;
    for (int step = 0; step < 10; ++step)
      found += std::filesystem::exists(folder / name(step)) ? fmt::format("{} ", step) : "";
    return found;
  };
  {
    SystemCalls calls(folder.path());
    checkpoint.save(3);
    auto place = [&](const std::string& call) {
      return std::find(calls.made.begin(), calls.made.end(), call) - calls.made.begin();
    };
    EXPECT_LT(place("flush " + name(3) + ".tmp"), place("rename " + name(3) + ".tmp to " + name(3)));
    EXPECT_LT(place("rename " + name(3) + ".tmp to " + name(3)), place("flush ."));
    EXPECT_LT(place("flush ."), place("remove " + name(1)));
    EXPECT_LT(place("remove " + name(1)), static_cast<std::ptrdiff_t>(calls.made.size()));
    EXPECT_EQ(
        std::count_if(calls.made.begin(), calls.made.end(), [](auto& call) { return call.starts_with("remove"); }), 1);
  }
  EXPECT_EQ(steps(), "2 3 ");
  for (const char* failing : {"write", "flush checkpoint", "rename"}) {
    SystemCalls calls(folder.path(), [&](const std::string& call) { return call.starts_with(failing) ? EIO : 0; });
    EXPECT_THROW(checkpoint.save(4), FileError) << failing;
    EXPECT_EQ(steps(), "2 3 ") << failing;
  }
}

}  // namespace
}  // namespace floe
