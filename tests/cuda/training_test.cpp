// Training on a GPU: the losses of the CPU, data that comes beside the work, checkpoints that move, and whole apps.
#include <cmath>
#include <filesystem>
#include <functional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/floe.h>
#include <support/app.h>
#include <support/devices.h>
#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

class CudaTraining : public OnGpu {};

// A network with a layer of each kind, and its training.
class Network : public Layer {
 public:
  using Layer::Layer;
  Tensor operator()(const Tensor& images, Mode mode) {
    Tensor x = dropout_(leaky_relu(norm_(conv_(images), mode), 0.2), mode);
    x = tanh(back_(x));
    return decide_(flatten(max_pool(x)));
  }

 private:
  Conv2D conv_{this, "conv", {.in = 1, .filters = 6, .kernel_size = 5, .strides = 2}};
  BatchNormalization norm_{this, "norm", 6};
  Dropout dropout_{this, "dropout", 0.25};
  Conv2DTranspose back_{this, "back", {.in = 6, .filters = 4, .kernel_size = 3, .strides = 2}};
  Dense decide_{this, "decide", {.in = 6 * 6 * 4, .units = 5}};
};

struct Training {
  explicit Training(Device device, const char* kind = "adam") : network("network", device, Rng(3)) {
    std::string name = kind;
    if (name == "adam") optimizer = std::make_unique<Adam>(AdamOptions{.learning_rate = 1e-2});
    if (name == "momentum")
      optimizer = std::make_unique<Momentum>(MomentumOptions{.learning_rate = 1e-2, .nesterov = true});
    if (name == "rmsprop") optimizer = std::make_unique<RMSprop>(RMSpropOptions{.learning_rate = 1e-3});
    if (name == "adagrad") optimizer = std::make_unique<Adagrad>(AdagradOptions{.learning_rate = 1e-2});
    if (name == "adamw") optimizer = std::make_unique<AdamW>(AdamWOptions{.learning_rate = 1e-2, .weight_decay = 0.1});
  }

  double step(std::uint64_t number) {
    Rng rng(100 + number);
    Tensor images = random_normal({8, 12, 12, 1}, rng),
           labels = cast(round(random_uniform({8}, rng, 0, 4)), DType::int32);
    GradientTape tape;
    Tensor loss = sparse_softmax_cross_entropy(network(images, Mode::training), labels);
    optimizer->apply(tape.gradient(loss, network.variables()));
    return loss.item();
  }

  Network network;
  std::unique_ptr<Optimizer> optimizer;
};

TEST_F(CudaTraining, LossesAreThoseOfTheCpu) {
  for (const char* kind : {"adam", "momentum", "rmsprop", "adagrad", "adamw"}) {
    SCOPED_TRACE(kind);
    Training here({}, kind), there(gpu, kind);
    EXPECT_NEAR(there.step(0), here.step(0), 1e-5);
    for (std::uint64_t i = 1; i < 6; ++i) EXPECT_NEAR(there.step(i), here.step(i), 2e-3) << "step " << i;
  }
}

// Around the packs of a kernel, where each element takes one step after the other.
TEST_F(CudaTraining, OptimizerStepsAreThoseOfTheCpu) {
  const std::pair<const char*, std::function<std::unique_ptr<Optimizer>()>> optimizers[] = {
      {"sgd", [] { return std::make_unique<SGD>(0.1); }},
      {"momentum", [] { return std::make_unique<Momentum>(MomentumOptions{.learning_rate = 0.1}); }},
      {"nesterov", [] { return std::make_unique<Momentum>(MomentumOptions{.learning_rate = 0.1, .nesterov = true}); }},
      {"rmsprop", [] { return std::make_unique<RMSprop>(RMSpropOptions{.learning_rate = 0.1}); }},
      {"adagrad", [] { return std::make_unique<Adagrad>(AdagradOptions{.learning_rate = 0.1}); }},
      {"adam", [] { return std::make_unique<Adam>(AdamOptions{.learning_rate = 0.1}); }},
      {"adamw", [] { return std::make_unique<AdamW>(AdamWOptions{.learning_rate = 0.1, .weight_decay = 1}); }},
  };
  for (const auto& [name, make] : optimizers) {
    for (DType dtype : {DType::float32, DType::float64}) {
      for (std::int64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 1023, 1024, 1025}) {
        Rng rng(1);
        Tensor first = random_normal({size}, rng, 0, 1, dtype);
        Variable here("w", first), there("w", first.on(gpu));
        std::unique_ptr<Optimizer> on_cpu = make(), on_gpu = make();
        for (int step = 0; step < 3; ++step) {
          Tensor gradient = random_normal({size}, rng, 0, 1, dtype);
          Gradients of_cpu, of_gpu;
          of_cpu.add(here, gradient), of_gpu.add(there, gradient.on(gpu));
          on_cpu->apply(of_cpu), on_gpu->apply(of_gpu);
        }
        EXPECT_TRUE(close(there.value().on({}), here, dtype == DType::float32 ? 2e-6 : 1e-14)) << name << " " << size;
      }
    }
  }
}

TEST_F(CudaTraining, TwoRunsAreTheSameToTheBit) {
  Training one(gpu), other(gpu);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(one.step(i), other.step(i)) << "step " << i;
  Variables first = one.network.all_variables(), second = other.network.all_variables();
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_TRUE(same_bits(first[i]->value().on({}), second[i]->value().on({}))) << first[i]->path();
}

// What is saved on one device goes on on another as if nothing had been.
TEST_F(CudaTraining, CheckpointsMoveBetweenDevices) {
  for (auto [from, to] : {std::pair{gpu, Device{}}, {Device{}, gpu}, {gpu, gpu}}) {
    SCOPED_TRACE(to_string(from) + " to " + to_string(to));
    TempFolder folder;
    Training saved(from), restored(to);
    for (std::uint64_t i = 0; i < 3; ++i) saved.step(i);
    Checkpoint first(folder.path()), second(folder.path());
    first.add("network", saved.network), first.add("optimizer", *saved.optimizer);
    second.add("network", restored.network), second.add("optimizer", *restored.optimizer);
    first.save(3);
    second.restore_latest();
    EXPECT_EQ(restored.network.variables()[0]->value().device(), to);
    for (std::uint64_t i = 3; i < 5; ++i) EXPECT_NEAR(restored.step(i), saved.step(i), 2e-3);
  }
}

TEST_F(CudaTraining, FilesAreThoseOfTheCpu) {
  TempFolder folder;
  Rng rng(1);
  Tensor x = random_uniform({8, 6, 3}, rng, -1, 1), there = to(x, gpu);
  for (auto [name, value] : {std::pair{"cpu", x}, {"gpu", there}}) {
    std::filesystem::create_directories(folder.path() / name);
    save_npy(folder.path() / name / "x.npy", value);
    save_png(folder.path() / name / "x.png", value);
    save_safetensors(folder.path() / name / "x.safetensors", {{"x", value}});
    save_grid(folder.path() / name / "grid.png", reshape(value, {2, 4, 6, 3}));
  }
  EXPECT_EQ(contents(folder.path() / "cpu"), contents(folder.path() / "gpu"));
}

TEST_F(CudaTraining, DataComesBesideTheWork) {
  Rng rng(1);
  std::pair data{random_normal({50, 7}, rng), cast(range(0, 50), DType::int64)};
  auto plain = dataset(data).shuffle(50, Rng(2)).batch(8);
  auto ahead = dataset(data).shuffle(50, Rng(2)).batch(8).prefetch(gpu);
  for (int epoch = 0; epoch < 2; ++epoch) {
    auto expected = plain.begin();
    for (const auto& [rows, numbers] : ahead) {
      Tensor busy = exp(random_normal({2000}, rng, gpu));  // work that the copies have to get past
      EXPECT_EQ(rows.device(), gpu);
      EXPECT_EQ(numbers.device(), Device{}) << "what is an index stays where ops look at it";
      EXPECT_TRUE(same_bits(rows.on({}), expected->first));
      EXPECT_TRUE(same_bits(numbers, expected->second));
      ++expected;
    }
  }
  EXPECT_THROW(plain.prefetch(Device{Device::Kind::cuda, 63}), DeviceError);
}

TEST_F(CudaTraining, CheckNumericsNamesTheFirstOp) {
  CheckNumerics check;
  Tensor x = to(tensor({1., 0.}), gpu);
  std::string said = error_of<NumericsError>([&] { log(x); });
  EXPECT_TRUE(said.starts_with("log: gives -inf, first at (1,)")) << said;
}

TEST_F(CudaTraining, AProfileCountsItsOps) {
  Profile profile;
  Tensor x = ones({64, 64}, DType::float32, gpu);
  for (int i = 0; i < 3; ++i) Tensor y = matmul(x, x) + 1.0;
  std::string table = profile.table();
  EXPECT_NE(table.find("matmul"), std::string::npos);
  EXPECT_NE(table.find("add"), std::string::npos);
}

// --- Apps ------------------------------------------------------------------------------------------------------------

TEST_F(CudaTraining, SnowflakesStepsAreThoseOfTheCpu) {
  TempFolder folder;
  std::string flags =
      "--flakes 40 --epochs 1 --batch 12 --print 3 --overwrite --out " + folder.path().string() + "/out --device ";
  for (const char* loss : {"mmd", "elbo"}) {
    Result here = run("snowflakes", flags + "cpu --loss " + loss),
           there = run("snowflakes", flags + "cuda --loss " + loss);
    ASSERT_EQ(here.status, 0) << here.text;
    ASSERT_EQ(there.status, 0) << there.text;
    std::string columns = std::string(loss) == "mmd" ? "total " : "log q(z|x) ";
    auto last = [&](const Result& run) { return number_after(run.text.substr(run.text.find("\nepoch   1")), columns); };
    double expected = last(here), found = last(there);
    EXPECT_NEAR(found, expected, 1e-3 * std::abs(expected)) << there.text;
  }
}

TEST_F(CudaTraining, SnowflakesLeaveTheSameFilesTwiceAndResumeOnTheCpu) {
  TempFolder folder;
  auto flags = [&](const char* out, int epochs, const char* device) {
    return fmt::format("--flakes 40 --epochs {} --batch 12 --device {} --out {}/{}", epochs, device,
                       folder.path().string(), out);
  };
  ASSERT_EQ(run("snowflakes", flags("one", 2, "cuda")).status, 0);
  ASSERT_EQ(run("snowflakes", flags("other", 1, "cuda")).status, 0);
  Result resumed = run("snowflakes", flags("other", 2, "cuda") + " --resume");
  ASSERT_EQ(resumed.status, 0) << resumed.text;
  EXPECT_EQ(difference(folder.path() / "one", folder.path() / "other"), "");
  Result moved = run("snowflakes", flags("one", 3, "cpu") + " --resume");
  EXPECT_EQ(moved.status, 0) << moved.text;
  EXPECT_NE(moved.text.find("restored epoch 2"), std::string::npos) << moved.text;
}

TEST_F(CudaTraining, TheTourComputesThere) {
  TempFolder folder;
  Result result = run("tour", "linear_regression --device cuda --out " + folder.path().string());
  EXPECT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("slope 3.04, offset 2.11"), std::string::npos) << result.text;
}

// The penguins' first steps; slow on a simulated GPU, as two thousand drawings are judged.
class CudaPenguinsSlow : public OnGpu {};

TEST_F(CudaPenguinsSlow, FirstStepsAreThoseOfTheCpu) {
  TempFolder folder;
  std::string flags = "--drawings 200 --epochs 1 --steps 3 --batch 16 --print 3 --overwrite --out " +
                      folder.path().string() + "/out --device ";
  Result here = run("penguins", flags + "cpu"), there = run("penguins", flags + "cuda");
  ASSERT_EQ(there.status, 0) << there.text;
  for (const char* loss : {"generator ", "discriminator ", "distance "})
    EXPECT_NEAR(number_after(there.text, loss), number_after(here.text, loss), 2e-3) << loss << there.text;
}

}  // namespace
}  // namespace floe
