// What a step asks of a GPU: how many kernels are launched, and that fewer give the same bits.
#include <memory>

#include <gtest/gtest.h>

#include <apps/penguins/networks.h>
#include <floe/floe.h>
#include <support/devices.h>
#include <support/op_case.h>
#if FLOE_SIMULATED
#include <simulator.h>
#endif

namespace floe {
namespace {

using namespace test;

Tensor some(const Shape& shape, Device device = {}, std::uint64_t seed = 1) {
  Rng rng(seed);
  return random_normal(shape, rng, device);
}

class CudaLaunches : public OnGpu {
 protected:
  struct Seen : OpObserver {
    void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override {}
  };

  // Kernels that `work` launches; `otherwise` where that cannot be counted.
  template <class Work>
  static std::int64_t launches(Work work, [[maybe_unused]] std::int64_t otherwise) {
#if FLOE_SIMULATED
    auto before = floe_simulator::counts().launches;
    work();
    return floe_simulator::counts().launches - before;
#else
    work();
    return otherwise;
#endif
  }
};

TEST_F(CudaLaunches, OfAPenguinsStepAreFew) {
  Rng rng(1);
  gan::Generator generator("generator", gpu, rng);
  gan::Discriminator discriminator("discriminator", gpu, rng);
  Adam generator_optimizer, discriminator_optimizer;
  Tensor images = some({2, 28, 28, 1}, gpu);
  auto step = [&] {
    GradientTape generator_tape, discriminator_tape;
    Tensor generated = generator(random_normal({2, gan::noise_size}, rng, gpu), Mode::training);
    Tensor real_logits = discriminator(images, Mode::training), fake_logits = discriminator(generated, Mode::training);
    Tensor g_loss = gan::generator_loss(fake_logits), d_loss = gan::discriminator_loss(real_logits, fake_logits);
    Gradients g_gradients = generator_tape.gradient(g_loss, generator.variables());
    Gradients d_gradients = discriminator_tape.gradient(d_loss, discriminator.variables());
    generator_optimizer.apply(g_gradients);
    discriminator_optimizer.apply(d_gradients);
  };
  step();
  EXPECT_LE(launches(step, 0), 132);
}

// --- Optimizers ------------------------------------------------------------------------------------------------------

struct Weights {
  Weights(int count, Device device) {
    for (int i = 0; i < count; ++i)
      all.push_back(std::make_unique<Variable>("w" + std::to_string(i), some({3 + 7 * i}, device, 10 + i)));
  }
  Gradients gradients(std::uint64_t seed) const {
    Gradients result;
    for (const auto& one : all) result.add(*one, some(one->shape(), one->value().device(), seed++));
    return result;
  }
  std::vector<std::unique_ptr<Variable>> all;
};

const std::pair<const char*, std::unique_ptr<Optimizer> (*)()> optimizers[] = {
    {"sgd", []() -> std::unique_ptr<Optimizer> { return std::make_unique<SGD>(0.1); }},
    {"momentum", []() -> std::unique_ptr<Optimizer> { return std::make_unique<Momentum>(); }},
    {"rmsprop", []() -> std::unique_ptr<Optimizer> { return std::make_unique<RMSprop>(); }},
    {"adagrad", []() -> std::unique_ptr<Optimizer> { return std::make_unique<Adagrad>(); }},
    {"adam", []() -> std::unique_ptr<Optimizer> { return std::make_unique<Adam>(); }},
    {"adamw", []() -> std::unique_ptr<Optimizer> {
       return std::make_unique<AdamW>(AdamWOptions{.decays = [](const Variable& w) { return w.path() != "w1"; }});
     }}};

TEST_F(CudaLaunches, AnOptimizerTakesOneForAllVariables) {
  for (const auto& [name, make] : optimizers) {
    for (int count : {1, 5, 24, 25, 49}) {
      Weights weights(count, gpu);
      std::unique_ptr<Optimizer> optimizer = make();
      optimizer->apply(weights.gradients(1));  // which also fills the slots
      Gradients gradients = weights.gradients(2);
      std::int64_t rules = std::string(name) == "adamw" && count > 1 ? 2 : 1;
      std::int64_t expected = (count - (rules - 1) + 23) / 24 + (rules - 1);
      EXPECT_EQ(launches([&] { optimizer->apply(gradients); }, expected), expected) << name << " " << count;
    }
  }
}

// An observer sees each variable's step when it is made, so with one they are launched one by one.
TEST_F(CudaLaunches, StepsTogetherGiveTheBitsOfStepsOneByOne) {
  for (const auto& [name, make] : optimizers) {
    Weights together(30, gpu), apart(30, gpu);
    std::unique_ptr<Optimizer> first = make(), second = make();
    for (std::uint64_t step = 1; step < 4; ++step) {
      first->apply(together.gradients(step));
      Seen seen;
      second->apply(apart.gradients(step));
    }
    for (std::size_t i = 0; i < together.all.size(); ++i)
      ASSERT_TRUE(same_bits(together.all[i]->value().on({}), apart.all[i]->value().on({}))) << name << " " << i;
  }
}

TEST_F(CudaLaunches, VariablesOfSeveralDevicesAndDtypesStepTogether) {
  Variable narrow("narrow", some({5}, gpu)), wide("wide", cast(some({5}, gpu), DType::float64)),
      here("here", some({5}));
  std::vector<Variable*> all{&narrow, &wide, &here};
  std::unique_ptr<Variable> other;
  if (gpu_count() > 1)
    other = std::make_unique<Variable>("other", some({5}, {Device::Kind::cuda, 1})), all.push_back(other.get());
  Gradients gradients;
  for (Variable* variable : all) gradients.add(*variable, ones_like(*variable));
  SGD optimizer(0.5);
  optimizer.apply(gradients);
  for (Variable* variable : all)
    EXPECT_TRUE(close(variable->value().on({}), some({5}) - 0.5, 1e-6)) << variable->path();
}

// --- Normalisation ---------------------------------------------------------------------------------------------------

TEST_F(CudaLaunches, BatchNormalizationTakesThree) {
  Rng rng(1);
  Layer model("model", gpu, rng);
  BatchNormalization layer(&model, "norm", 6);
  Tensor x = some({500, 6}, gpu);
  layer(x, Mode::training);
  EXPECT_LE(launches([&] { layer(x, Mode::training); }, 3), 3) << "sums, what follows from them, and the elements";
}

// --- Convolutions ----------------------------------------------------------------------------------------------------

TEST_F(CudaLaunches, FiltersOfAVariableAreTurnedOncePerValue) {
  Tensor x = some({2, 8, 8, 3}, gpu);
  Variable w("w", some({5, 5, 3, 4}, gpu));
  auto twice = [&] { conv2d(x, w, {.strides = 2}), conv2d(x, w, {.strides = 2}); };
  EXPECT_EQ(launches(twice, 3), 3) << "two convolutions, and nothing is done to the images";
  EXPECT_EQ(launches(twice, 2), 2);
  w.assign(some({5, 5, 3, 4}, gpu, 2));
  EXPECT_EQ(launches(twice, 3), 3);
  Tensor plain = w.value().detached();
  EXPECT_EQ(launches([&] { conv2d(x, plain), conv2d(x, plain); }, 4), 4) << "what is no variable is used once";
}

// However a variable comes to its value, that is what is convolved with.
TEST_F(CudaLaunches, KeptFiltersFollowTheirVariable) {
  const Shape shape{3, 3, 2, 4};
  Tensor x = some({2, 6, 6, 2});
  Variable w("w", some(shape, gpu));
  auto expect_current = [&](const char* after) {
    Tensor expected = conv2d(x, w.value().on({}), {.strides = 2});
    EXPECT_TRUE(close(conv2d(x.on(gpu), w, {.strides = 2}).on({}), expected, 1e-5 * largest(expected))) << after;
    Tensor dilated = conv2d(x, w.value().on({}), {.dilation = 2});
    EXPECT_TRUE(close(conv2d(x.on(gpu), w, {.dilation = 2}).on({}), dilated, 1e-5 * largest(dilated))) << after;
  };
  auto step = [&] {
    Gradients gradients;
    gradients.add(w, some(shape, gpu, 5));
    SGD(0.3).apply(gradients);
  };
  expect_current("made");
  w.assign(some(shape, gpu, 2));
  expect_current("assigned");
  step();
  expect_current("a step in place");
  Tensor held = w;
  step();
  expect_current("a step beside a holder of the former value");
  w.assign(held);
  expect_current("the former value again");
  held = Tensor();
  Tensor former = w.value();
  w.assign(zeros(shape, DType::float32, gpu));
  expect_current("another");
  w.assign(std::move(former) * 2.0);  // which may lie where the former value lay
  expect_current("one made of it");
  for (int i = 0; i < 5; ++i) {
    Variable other("other", some(shape, gpu, 20 + i));  // blocks serve again
    Tensor expected = conv2d(x, other.value().on({}));
    EXPECT_TRUE(close(conv2d(x.on(gpu), other).on({}), expected, 1e-5 * largest(expected))) << i;
  }
}

TEST_F(CudaLaunches, KeptFiltersGoWithTheirVariable) {
  Tensor x = some({2, 6, 6, 2}, gpu);
  std::size_t before = memory_in_use(gpu);
  {
    Variable w("w", some({3, 3, 2, 4}, gpu));
    conv2d(x, w);
  }
  EXPECT_EQ(memory_in_use(gpu), before);
}

}  // namespace
}  // namespace floe
