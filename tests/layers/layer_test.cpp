// Layers: paths, parameters, options, first values, the summary table, freezing.
#include <floe/layers/layer.h>

#include <functional>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include <floe/layers/batch_normalization.h>
#include <floe/layers/conv2d.h>
#include <floe/layers/dense.h>
#include <floe/layers/dropout.h>
#include <floe/layers/embedding.h>
#include <floe/layers/group_normalization.h>
#include <floe/layers/instance_normalization.h>
#include <floe/layers/layer_normalization.h>
#include <floe/layers/layer_list.h>
#include <floe/layers/sequential.h>
#include <floe/layers/summary.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/observer.h>
#include <floe/tape/tape.h>
#include <floe/files/safetensors.h>
#include <floe/run/checkpoint.h>
#include <support/devices.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;
using test::TempFolder;

// The models of the penguins.
class Generator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& noise, Mode mode) {
    Tensor x = leaky_relu(norm1_(project_(noise), mode), 0.3);
    x = reshape(x, {-1, 7, 7, 64});
    x = leaky_relu(norm2_(conv1_(x), mode), 0.3);
    x = leaky_relu(norm3_(conv2_(x), mode), 0.3);
    return tanh(conv3_(x));
  }

 private:
  Dense project_{this, "project", {.in = 100, .units = 7 * 7 * 64, .use_bias = false}};
  BatchNormalization norm1_{this, "norm1", 7 * 7 * 64};
  Conv2DTranspose conv1_{this, "conv1", {.in = 64, .filters = 64, .kernel_size = 5, .strides = 1, .use_bias = false}};
  BatchNormalization norm2_{this, "norm2", 64};
  Conv2DTranspose conv2_{this, "conv2", {.in = 64, .filters = 32, .kernel_size = 5, .strides = 2, .use_bias = false}};
  BatchNormalization norm3_{this, "norm3", 32};
  Conv2DTranspose conv3_{this, "conv3", {.in = 32, .filters = 1, .kernel_size = 5, .strides = 2, .use_bias = false}};
};

class Discriminator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images, Mode mode) {
    Tensor x = dropout_(leaky_relu(conv1_(images), 0.3), mode);
    x = leaky_relu(conv2_(x), 0.3);
    return judge_(flatten(x));
  }

 private:
  Conv2D conv1_{this, "conv1", {.in = 1, .filters = 64, .kernel_size = 5, .strides = 2}};
  Dropout dropout_{this, "dropout", 0.3};
  Conv2D conv2_{this, "conv2", {.in = 64, .filters = 128, .kernel_size = 5, .strides = 2}};
  Dense judge_{this, "judge", {.in = 6272, .units = 1}};
};

Layer root(std::uint64_t seed = 1, DType dtype = DType::float32) {
  return Layer("model", Device{}, Rng(seed), dtype);  // made in place: a layer does not move
}

std::string paths_of(const Variables& variables) {
  std::string paths;
  for (const Variable* variable : variables) paths += variable->path() + to_string(variable->shape()) + "\n";
  return paths;
}

// --- Paths and counts ------------------------------------------------------------------------------------------------

TEST(Layer, WithoutANameLeavesThePathsToItsParts) {
  struct Model : Layer {
    Model() : Layer(Device{}, Rng(7)) {}
    Dense encoder{this, "encoder", {.in = 2, .units = 3}};
    LayerList<Dense> more{this, "more"};
  } model;
  model.more.add({.in = 3, .units = 1});
  struct Alone : Layer {
    Alone() : Layer("encoder", Device{}, Rng(7)) { add_variable("weights", {2, 3}, initializers::glorot_uniform()); }
  } alone;
  EXPECT_EQ(model.path(), "");
  std::vector<std::string> paths;
  for (const Variable* variable : model.variables()) paths.push_back(variable->path());
  EXPECT_EQ(paths, (std::vector<std::string>{"encoder.weights", "encoder.bias", "more.0.weights", "more.0.bias"}));
  EXPECT_EQ(model.variables()[0]->value().to_vector<float>(), alone.variables()[0]->value().to_vector<float>());

  TempFolder folder;
  Checkpoint checkpoint(folder / "checkpoint");
  checkpoint.add("model", model);
  std::vector<std::string> names;
  for (const auto& [name, value] : load_safetensors(checkpoint.save(1)).tensors) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"model.encoder.weights", "model.encoder.bias", "model.more.0.weights",
                                             "model.more.0.bias"}));
}

TEST(Penguins, HaveTheirParameters) {
  Generator generator("generator", Device{}, Rng(1));
  Discriminator discriminator("discriminator", Device{}, Rng(1));
  EXPECT_EQ(generator.parameter_count(), 474'464);
  EXPECT_EQ(discriminator.parameter_count(), 212'865);
  Tensor images = generator(zeros({2, 100}), Mode::training);
  EXPECT_EQ(images.shape(), (Shape{2, 28, 28, 1}));
  EXPECT_EQ(discriminator(images, Mode::training).shape(), (Shape{2, 1}));
}

TEST(Layer, NamesVariablesByPathInOrderOfDeclaration) {
  Generator generator("generator", Device{}, Rng(1));
  EXPECT_EQ(paths_of(generator.variables()),
            "generator.project.weights(100, 3136)\n"
            "generator.norm1.gamma(3136,)\n"
            "generator.norm1.beta(3136,)\n"
            "generator.conv1.filters(5, 5, 64, 64)\n"
            "generator.norm2.gamma(64,)\n"
            "generator.norm2.beta(64,)\n"
            "generator.conv2.filters(5, 5, 32, 64)\n"
            "generator.norm3.gamma(32,)\n"
            "generator.norm3.beta(32,)\n"
            "generator.conv3.filters(5, 5, 1, 32)\n");
  EXPECT_EQ(generator.all_variables().size(), generator.variables().size() + 6);
  EXPECT_EQ(generator.all_variables()[3]->path(), "generator.norm1.moving_mean");
  EXPECT_FALSE(generator.all_variables()[3]->trainable());
}

TEST(Layer, KnowsItsPathAndName) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 2, .units = 3});
  EXPECT_EQ(model.path(), "model");
  EXPECT_EQ(model.name(), "model");
  EXPECT_EQ(dense.path(), "model.dense");
  EXPECT_EQ(dense.name(), "dense");
}

TEST(Layer, TakesItsDTypeFromTheParent) {
  Layer model = root(1, DType::float64);
  Dense dense(&model, "dense", {.in = 2, .units = 3});
  BatchNormalization norm(&model, "norm", 3);
  EXPECT_EQ(norm(dense(ones({4, 2}, DType::float64)), Mode::training).dtype(), DType::float64);
  for (const Variable* variable : model.all_variables()) EXPECT_EQ(variable->value().dtype(), DType::float64);
  EXPECT_EQ(error_of<DTypeError>([] { root(1, DType::int32); }), "model: layers are float32 or float64, not int32");
}

TEST(Layer, ForgetsPartsThatAreGone) {
  Layer model = root();
  auto dense = std::make_unique<Dense>(&model, "dense", DenseOptions{.in = 2, .units = 3});
  EXPECT_EQ(model.parameter_count(), 9);
  dense.reset();
  EXPECT_EQ(model.parameter_count(), 0);
  EXPECT_THROW(Dense(&model, "broken", {.in = 2}), ValueError);
  EXPECT_EQ(model.parameter_count(), 0) << "also those that never were";
}

TEST(Layer, RefusesNamesTwice) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 2, .units = 3});
  EXPECT_EQ(error_of<ValueError>([&] { Dense again(&model, "dense", {.in = 2, .units = 3}); }),
            "model: it already has a part called 'dense'");
  EXPECT_EQ(error_of<ValueError>([&] { Dense unnamed(&model, "", {.in = 2, .units = 3}); }),
            "model: '' cannot be a name");
  EXPECT_EQ(error_of<ValueError>([&] { Dense dotted(&model, "a.b", {.in = 2, .units = 3}); }),
            "model: 'a.b' cannot be a name");
  for (const char* name : {"", "a.b"})
    EXPECT_EQ(error_of<ValueError>([&] { Layer(name, Device{}, Rng(1)); }),
              std::string("layer: '") + name + "' cannot be a name");
}

// --- Options ---------------------------------------------------------------------------------------------------------

struct Refusal {
  std::function<void(Layer&)> make;
  const char* message;
};

TEST(Options, ThatAreMissingAreNamed) {
  const Refusal table[] = {
      {[](Layer& m) { Dense(&m, "dense", {.units = 3}); }, "model.dense: option .in is missing"},
      {[](Layer& m) { Dense(&m, "dense", {.in = 3}); }, "model.dense: option .units is missing"},
      {[](Layer& m) { Dense(&m, "dense", {.in = 3, .units = -2}); },
       "model.dense: option .units must be 1 or more, but is -2"},
      {[](Layer& m) { Conv2D(&m, "conv", {.filters = 8, .kernel_size = 5}); }, "model.conv: option .in is missing"},
      {[](Layer& m) { Conv2D(&m, "conv", {.in = 1, .kernel_size = 5}); }, "model.conv: option .filters is missing"},
      {[](Layer& m) { Conv2D(&m, "conv", {.in = 1, .filters = 8}); }, "model.conv: option .kernel_size is missing"},
      {[](Layer& m) {
         Conv2D(&m, "conv", {.in = 1, .filters = 8, .kernel_size = {5, 0}});
       },
       "model.conv: option .kernel_size is missing"},
      {[](Layer& m) { Conv2D(&m, "conv", {.in = 1, .filters = 8, .kernel_size = 5, .strides = 0}); },
       "model.conv: option .strides is missing"},
      {[](Layer& m) { Conv2D(&m, "conv", {.in = 1, .filters = 8, .kernel_size = 5, .dilation = -1}); },
       "model.conv: option .dilation must be 1 or more, but is -1"},
      {[](Layer& m) { Conv2D(&m, "conv", {.in = 6, .filters = 8, .kernel_size = 5, .groups = 4}); },
       "model.conv: options .in and .filters must be multiples of .groups"},
      {[](Layer& m) { Conv2DTranspose(&m, "up", {.filters = 8, .kernel_size = 5}); },
       "model.up: option .in is missing"},
      {[](Layer& m) { Conv2DTranspose(&m, "up", {.in = 1, .kernel_size = 5}); },
       "model.up: option .filters is missing"},
      {[](Layer& m) { Conv2DTranspose(&m, "up", {.in = 1, .filters = 8}); },
       "model.up: option .kernel_size is missing"},
      {[](Layer& m) { BatchNormalization(&m, "norm", BatchNormalizationOptions{}); },
       "model.norm: option .channels is missing"},
      {[](Layer& m) { BatchNormalization(&m, "norm", {.channels = 3, .momentum = 1.5}); },
       "model.norm: option .momentum must be from 0 to 1, but is 1.5"},
      {[](Layer& m) { BatchNormalization(&m, "norm", {.channels = 3, .epsilon = 0}); },
       "model.norm: option .epsilon must be finite and above 0, but is 0"},
      {[](Layer& m) { Dropout(&m, "drop", 1); }, "model.drop: the rate must be from 0 to less than 1, but is 1"},
      {[](Layer& m) { Dropout(&m, "drop", -0.5); }, "model.drop: the rate must be from 0 to less than 1, but is -0.5"},
  };
  for (const Refusal& one : table) {
    Layer model = root();
    EXPECT_EQ(error_of<ValueError>([&] { one.make(model); }), one.message);
  }
}

// --- First values ----------------------------------------------------------------------------------------------------

TEST(FirstValues, DependOnSeedAndPathAlone) {
  Layer small = root(), large = root(), other = root(2);
  Dense first(&large, "first", {.in = 7, .units = 7});
  Dropout drop(&large, "drop", 0.5);
  Dense in_large(&large, "dense", {.in = 4, .units = 3}), in_small(&small, "dense", {.in = 4, .units = 3});
  Dense in_other(&other, "dense", {.in = 4, .units = 3}), elsewhere(&small, "elsewhere", {.in = 4, .units = 3});
  EXPECT_TRUE(same_bits(*in_large.variables()[0], *in_small.variables()[0])) << "adding a layer changes no other";
  EXPECT_FALSE(same_bits(*in_other.variables()[0], *in_small.variables()[0]));
  EXPECT_FALSE(same_bits(*elsewhere.variables()[0], *in_small.variables()[0]));
}

TEST(FirstValues, OfWeightsAreGlorotAndOfBiasesZero) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 40, .units = 20});
  double limit = std::sqrt(6. / 60);
  for (float w : dense.variables()[0]->value().span<float>()) EXPECT_LE(std::abs(w), limit);
  EXPECT_GT(test::largest(*dense.variables()[0]), 0.98 * limit);
  EXPECT_EQ(test::largest(*dense.variables()[1]), 0);
}

TEST(FirstValues, ComeFromTheInitializerAsked) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 2, .units = 2, .initializer = initializers::constant(0.25)});
  EXPECT_EQ(dense.variables()[0]->value().to_vector<float>(), std::vector<float>(4, 0.25f));
}

// --- Built-in layers -------------------------------------------------------------------------------------------------

TEST(Dense, MultipliesAndAdds) {
  Layer model = root(1, DType::float64);
  Dense dense(&model, "dense", {.in = 3, .units = 2});
  dense.variables()[1]->assign(tensor(std::vector<double>{10, 20}, Shape{2}));
  Tensor x = test::normal({5, 3});
  Tensor expected = matmul(x, *dense.variables()[0]) + *dense.variables()[1];
  EXPECT_TRUE(same_bits(dense(x), expected));
  EXPECT_EQ(dense(zeros({4, 5, 3}, DType::float64)).shape(), (Shape{4, 5, 2}));
  EXPECT_EQ(dense(zeros({0, 3}, DType::float64)).shape(), (Shape{0, 2}));
}

TEST(Dense, WithoutBiasHasOneVariable) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 3, .units = 2, .use_bias = false});
  EXPECT_EQ(paths_of(dense.variables()), "model.dense.weights(3, 2)\n");
}

TEST(Conv2D, AddsItsBiasToEachChannel) {
  Layer model = root();
  Conv2D conv(&model, "conv", {.in = 2, .filters = 3, .kernel_size = {3, 1}, .strides = {2, 1}});
  EXPECT_EQ(paths_of(conv.variables()), "model.conv.filters(3, 1, 2, 3)\nmodel.conv.bias(3,)\n");
  conv.variables()[1]->assign(tensor({1., 2., 3.}));
  Tensor y = conv(zeros({1, 4, 4, 2}));
  EXPECT_EQ(y.shape(), (Shape{1, 2, 4, 3}));
  EXPECT_EQ(reshape(y, {8, 3})[5].to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

TEST(Conv2D, InGroupsHasFewerFilters) {
  Layer model = root();
  Conv2D conv(&model, "conv", {.in = 6, .filters = 8, .kernel_size = 3, .groups = 2, .use_bias = false});
  EXPECT_EQ(paths_of(conv.variables()), "model.conv.filters(3, 3, 3, 8)\n");
  EXPECT_EQ(conv(zeros({1, 4, 4, 6})).shape(), (Shape{1, 4, 4, 8}));
}

TEST(Conv2DTranspose, MultipliesTheSizeByItsStride) {
  Layer model = root();
  Conv2DTranspose up(&model, "up", {.in = 2, .filters = 3, .kernel_size = 5, .strides = {2, 3}});
  EXPECT_EQ(paths_of(up.variables()), "model.up.filters(5, 5, 3, 2)\nmodel.up.bias(3,)\n");
  EXPECT_EQ(up(zeros({1, 4, 4, 2})).shape(), (Shape{1, 8, 12, 3}));
}

TEST(BatchNormalization, NormalisesByTheBatchInTraining) {
  Layer model = root(1, DType::float64);
  BatchNormalization norm(&model, "norm", {.channels = 3, .momentum = 0.9, .epsilon = 1e-3});
  Tensor x = test::normal({50, 3}) * 4.0 + 7.0;
  Tensor y = norm(x, Mode::training);
  Tensor mean = reduce_mean(x, 0), variance = reduce_variance(x, 0);
  EXPECT_TRUE(test::close(y, (x - mean) / sqrt(variance + 1e-3), 1e-12));

  // running = 0.9 * running + 0.1 * batch, from 0 and 1.
  Variables all = norm.all_variables();
  EXPECT_TRUE(test::close(*all[2], mean * 0.1, 1e-12));
  EXPECT_TRUE(test::close(*all[3], variance * 0.1 + 0.9, 1e-12));
  norm(x, Mode::training);
  EXPECT_TRUE(test::close(*all[2], mean * 0.19, 1e-12));
  EXPECT_TRUE(test::close(*all[3], variance * 0.19 + 0.81, 1e-12));
}

// Where no one sees its parts, they are one kernel.
TEST(BatchNormalization, GivesTheBitsOfItsPartsOneByOne) {
  struct Seen : OpObserver {
    void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override {}
  };
  std::vector<Device> devices = test::gpus();
  devices.push_back({});
  for (Device device : devices) {
    for (DType dtype : {DType::float32, DType::float64}) {
      for (std::int64_t rows : {1, 3, 5000}) {
        auto trained = [&](bool observed) {
          Layer model("model", device, Rng(1), dtype);
          BatchNormalization norm(&model, "norm", 37);
          std::optional<Seen> seen;
          if (observed) seen.emplace();
          Tensors results;
          for (std::uint64_t step = 1; step < 4; ++step)
            results.push_back(
                norm(cast(test::normal({rows, 37}, step) * 3.0 + 40.0, dtype).on(device), Mode::training));
          for (const Variable* variable : norm.all_variables()) results.push_back(*variable);
          return results;
        };
        Tensors parts = trained(true), whole = trained(false);
        for (std::size_t i = 0; i < parts.size(); ++i)
          EXPECT_TRUE(same_bits(whole[i].on({}), parts[i].on({}))) << i << " " << rows << " " << to_string(device);
      }
    }
  }
}

TEST(BatchNormalization, HoldersOfFormerAveragesKeepThem) {
  Layer model = root();
  BatchNormalization norm(&model, "norm", 3);
  Tensor before = *norm.all_variables()[2];
  norm(ones({5, 3}), Mode::training);
  EXPECT_TRUE(same_bits(before, zeros({3})));
  EXPECT_FALSE(same_bits(*norm.all_variables()[2], before));
}

TEST(BatchNormalization, NormalisesByTheRunningStatisticsInInference) {
  Layer model = root(1, DType::float64);
  BatchNormalization norm(&model, "norm", 2);
  Variables all = norm.all_variables();
  all[0]->assign(tensor(std::vector<double>{2, 3}, Shape{2}));
  all[1]->assign(tensor(std::vector<double>{10, 20}, Shape{2}));
  all[2]->assign(tensor(std::vector<double>{1, -1}, Shape{2}));
  all[3]->assign(tensor(std::vector<double>{4, 0.25}, Shape{2}));
  Tensor y = norm(tensor(std::vector<double>{5, 0}, Shape{1, 2}), Mode::inference);
  EXPECT_NEAR(y.data<double>()[0], 2 * 4 / std::sqrt(4.001) + 10, 1e-12);
  EXPECT_NEAR(y.data<double>()[1], 3 * 1 / std::sqrt(0.251) + 20, 1e-12);
  EXPECT_EQ(all[2]->value().data<double>()[0], 1) << "and they do not move";
}

TEST(BatchNormalization, NormalisesImagesByChannel) {
  Layer model = root(1, DType::float64);
  BatchNormalization norm(&model, "norm", 3);
  Tensor y = norm(test::normal({4, 5, 6, 3}) + 3.0, Mode::training);
  EXPECT_TRUE(test::close(reduce_mean(y, {0, 1, 2}), zeros({3}, DType::float64), 1e-12));
  EXPECT_TRUE(test::close(reduce_variance(y, {0, 1, 2}), ones({3}, DType::float64), 2e-3));
}

TEST(BatchNormalization, LearnsNothingFromAnEmptyBatch) {
  Layer model = root();
  BatchNormalization norm(&model, "norm", 3);
  norm.all_variables()[2]->assign(full({3}, 5));
  EXPECT_EQ(norm(Tensor({0, 4, 3}), Mode::training).shape(), (Shape{0, 4, 3}));
  EXPECT_TRUE(same_bits(*norm.all_variables()[2], full({3}, 5)));
  EXPECT_TRUE(same_bits(*norm.all_variables()[3], ones({3})));
}

TEST(BatchNormalization, StatisticsAreNotRecordedNorTrained) {
  Layer model = root();
  BatchNormalization norm(&model, "norm", 3);
  GradientTape tape;
  Tensor y = norm(ones({4, 3}), Mode::training);
  EXPECT_EQ(tape.gradient(y, model.variables()).size(), 2u);
  model.set_trainable(false);
  model.set_trainable(true);
  EXPECT_EQ(model.variables().size(), 2u) << "thawing leaves running statistics alone";
}

TEST(Dropout, DropsInTrainingAlone) {
  Layer model = root();
  Dropout drop(&model, "drop", 0.4);
  Tensor x = ones({10'000});
  Tensor still = drop(x, Mode::inference);
  EXPECT_EQ(still.data<float>(), x.data<float>());
  Tensor y = drop(x, Mode::training);
  double kept = 0;
  for (float value : y.span<float>()) {
    EXPECT_TRUE(value == 0 || std::abs(value - 1 / 0.6f) < 1e-6f);
    kept += value != 0;
  }
  EXPECT_NEAR(kept, 6000, 4 * std::sqrt(10'000 * 0.24));
}

TEST(Dropout, HasAStreamOfItsOwn) {
  auto masks = [](bool others) {
    Layer model = root();
    std::optional<Dropout> before;
    if (others) before.emplace(&model, "before", 0.5);
    Dropout drop(&model, "drop", 0.5);
    if (others) (*before)(ones({100}), Mode::training);
    Tensor first = drop(ones({100}), Mode::training);
    drop(ones({100}), Mode::inference);
    return Tensors{first, drop(ones({100}), Mode::training)};
  };
  Tensors alone = masks(false), beside_others = masks(true);
  EXPECT_TRUE(same_bits(alone[0], beside_others[0]));
  EXPECT_TRUE(same_bits(alone[1], beside_others[1]));
  EXPECT_FALSE(same_bits(alone[0], alone[1])) << "each call draws anew";
}

TEST(Dropout, OfRateZeroChangesNothing) {
  Layer model = root();
  Dropout drop(&model, "drop", 0);
  Tensor x = cast(test::normal({50}), DType::float32);
  EXPECT_TRUE(same_bits(drop(x, Mode::training), x));
}

// --- Lists and chains ------------------------------------------------------------------------------------------------

struct Block : Layer {
  Block(Layer* parent, const std::string& name, std::int64_t in, std::int64_t units)
      : Layer(parent, name), dense(this, "dense", {.in = in, .units = units}) {}
  Dense dense;
};

TEST(LayerList, NumbersItsBlocks) {
  Layer model = root();
  LayerList<Block> down(&model, "down");
  down.add(2, 3);
  Block& second = down.add(3, 4);
  EXPECT_EQ(down.size(), 2u);
  EXPECT_EQ(&down[1], &second);
  EXPECT_EQ(paths_of(model.variables()),
            "model.down.0.dense.weights(2, 3)\n"
            "model.down.0.dense.bias(3,)\n"
            "model.down.1.dense.weights(3, 4)\n"
            "model.down.1.dense.bias(4,)\n");
  EXPECT_EQ(error_of<ValueError>([&] { down[2]; }), "model.down: there is no block 2 of 2");
  std::string names;
  for (Block& block : down) names += block.name() + " ";
  EXPECT_EQ(names, "0 1 ");
}

TEST(LayerList, MayTryAgainAfterABlockThatFailed) {
  Layer model = root();
  LayerList<Block> down(&model, "down");
  EXPECT_EQ(error_of<ValueError>([&] { down.add(2, 0); }), "model.down.0.dense: option .units is missing");
  EXPECT_EQ(down.add(2, 3).path(), "model.down.0");
  EXPECT_EQ(model.variables().size(), 2u);
}

TEST(Sequential, IsAChainOfLayersAndFunctions) {
  Sequential model("model", Device{}, Rng(1));
  model.add<Dense>("hidden", {.in = 3, .units = 8})
      .add<BatchNormalization>("norm", {.channels = 8})
      .add([](const Tensor& x) { return relu(x); })
      .add<Dropout>("drop", 0.5)
      .add<Dense>("out", {.in = 8, .units = 1});
  EXPECT_EQ(model.parameter_count(), 3 * 8 + 8 + 16 + 8 + 1);
  Tensor x = ones({4, 3});
  Tensor first = model(x, Mode::inference), second = model(x, Mode::inference);
  EXPECT_EQ(first.shape(), (Shape{4, 1}));
  EXPECT_TRUE(same_bits(first, second));
  model(x, Mode::training);
  EXPECT_FALSE(same_bits(model(x, Mode::inference), first)) << "the running statistics moved";
}

// --- Freezing and the summary ----------------------------------------------------------------------------------------

TEST(Freezing, LeavesAConstantToEveryTape) {
  Layer model = root();
  Dense frozen(&model, "frozen", {.in = 2, .units = 2}), trained(&model, "trained", {.in = 2, .units = 2});
  frozen.set_trainable(false);
  EXPECT_EQ(paths_of(model.variables()), "model.trained.weights(2, 2)\nmodel.trained.bias(2,)\n");
  EXPECT_EQ(model.parameter_count(), 6);
  EXPECT_EQ(model.all_variables().size(), 4u);
  GradientTape tape;
  Tensor hidden = frozen(ones({1, 2}));
  EXPECT_TRUE(hidden.id().is_constant());
  EXPECT_EQ(tape.gradient(trained(hidden), model.variables()).size(), 2u);
  frozen.set_trainable(true);
  EXPECT_EQ(model.parameter_count(), 12);
}

TEST(Summary, ShowsTheGenerator) {
  Generator generator("generator", Device{}, Rng(1));
  EXPECT_EQ(summary(generator, zeros({1, 100})),
            "layer              output           parameters\n"
            "generator.project  (1, 3136)            313600\n"
            "generator.norm1    (1, 3136)             12544\n"
            "generator.conv1    (1, 7, 7, 64)        102400\n"
            "generator.norm2    (1, 7, 7, 64)           256\n"
            "generator.conv2    (1, 14, 14, 32)       51200\n"
            "generator.norm3    (1, 14, 14, 32)         128\n"
            "generator.conv3    (1, 28, 28, 1)          800\n"
            "generator: 474464 trainable parameters, 6464 running statistics\n");
}

TEST(Summary, CountsFrozenWeightsApart) {
  Sequential model("model", Device{}, Rng(1));
  model.add<Dense>("dense", {.in = 2, .units = 3}).add<BatchNormalization>("norm", {.channels = 3});
  model.set_trainable(false);
  EXPECT_EQ(summary(model, zeros({1, 2})),
            "layer        output  parameters\n"
            "model.dense  (1, 3)           9\n"
            "model.norm   (1, 3)          12\n"
            "model: 0 trainable parameters, 15 frozen, 6 running statistics\n");
}

TEST(Summary, LeavesTheModelAsItWas) {
  Generator generator("generator", Device{}, Rng(1));
  GradientTape tape;
  summary(generator, zeros({1, 100}));
  EXPECT_EQ(test::largest(*generator.all_variables()[3]), 0);
}

TEST(Description, ListsTheVariablesOfAModel) {
  Generator generator("generator", Device{}, Rng(1));
  std::string table =
      "variable                         shape           parameters\n"
      "generator.project.weights        (100, 3136)         313600\n"
      "generator.norm1.gamma            (3136,)               3136\n"
      "generator.norm1.beta             (3136,)               3136\n"
      "generator.norm1.moving_mean      (3136,)               3136\n"
      "generator.norm1.moving_variance  (3136,)               3136\n"
      "generator.conv1.filters          (5, 5, 64, 64)      102400\n"
      "generator.norm2.gamma            (64,)                   64\n"
      "generator.norm2.beta             (64,)                   64\n"
      "generator.norm2.moving_mean      (64,)                   64\n"
      "generator.norm2.moving_variance  (64,)                   64\n"
      "generator.conv2.filters          (5, 5, 32, 64)       51200\n"
      "generator.norm3.gamma            (32,)                   32\n"
      "generator.norm3.beta             (32,)                   32\n"
      "generator.norm3.moving_mean      (32,)                   32\n"
      "generator.norm3.moving_variance  (32,)                   32\n"
      "generator.conv3.filters          (5, 5, 1, 32)          800\n"
      "generator: 474464 trainable parameters, 6464 running statistics\n";
  EXPECT_EQ(describe(generator), table);
  testing::internal::CaptureStdout();
  print(generator);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), table);
}

TEST(Description, CountsFrozenWeightsApart) {
  Layer model = root();
  Dense dense(&model, "dense", {.in = 2, .units = 3});
  dense.set_trainable(false);
  EXPECT_EQ(describe(model),
            "variable             shape   parameters\n"
            "model.dense.weights  (2, 3)           6\n"
            "model.dense.bias     (3,)             3\n"
            "model: 0 trainable parameters, 9 frozen, 0 running statistics\n");
}

TEST(LayerObserver, HearsEveryCallInOrder) {
  struct Listener : LayerObserver {
    void called(const Layer& layer, const Tensor& y) override { heard += layer.name() + to_string(y.shape()) + " "; }
    std::string heard;
  };
  Discriminator discriminator("discriminator", Device{}, Rng(1));
  Listener listener;
  discriminator(zeros({2, 28, 28, 1}), Mode::inference);
  EXPECT_EQ(listener.heard, "conv1(2, 14, 14, 64) dropout(2, 14, 14, 64) conv2(2, 7, 7, 128) judge(2, 1) ");
}

// --- Devices ---------------------------------------------------------------------------------------------------------

class LayersOnGpu : public test::OnGpu {};

// Data may come from the CPU: one rule for every layer, in both modes, and what it gives is where the model is.
TEST_F(LayersOnGpu, TakeInputFromTheCpu) {
  struct Case {
    const char* name;
    Shape shape;
    std::function<Tensor(Layer* model, const Tensor& x, Mode mode)> call;
  };
  const Case table[] = {
      {"dense", {4, 6}, [](Layer* m, auto& x, Mode) { return Dense(m, "part", {.in = 6, .units = 2})(x); }},
      {"conv2d",
       {2, 5, 5, 6},
       [](Layer* m, auto& x, Mode) { return Conv2D(m, "part", {.in = 6, .filters = 2, .kernel_size = 3})(x); }},
      {"conv2d_transpose",
       {2, 5, 5, 6},
       [](Layer* m, auto& x, Mode) {
         return Conv2DTranspose(m, "part", {.in = 6, .filters = 2, .kernel_size = 3})(x);
       }},
      {"embedding",
       {4},
       [](Layer* m, auto& x, Mode) {
         return Embedding(m, "part", {.entries = 9, .units = 2})(cast(abs(x) * 3.0, DType::int32));
       }},
      {"batch_normalization",
       {5, 6},
       [](Layer* m, auto& x, Mode mode) { return BatchNormalization(m, "part", 6)(x, mode); }},
      {"layer_normalization", {5, 6}, [](Layer* m, auto& x, Mode) { return LayerNormalization(m, "part", 6)(x); }},
      {"group_normalization",
       {2, 3, 3, 6},
       [](Layer* m, auto& x, Mode) {
         return GroupNormalization(m, "part", {.channels = 6, .groups = 3, .scale = false, .center = false})(x);
       }},
      {"instance_normalization",
       {2, 3, 3, 6},
       [](Layer* m, auto& x, Mode) { return InstanceNormalization(m, "part", 6)(x); }},
      {"dropout", {5, 6}, [](Layer* m, auto& x, Mode mode) { return Dropout(m, "part", 0.5)(x, mode); }},
      {"sequential of layers",
       {4, 6},
       [](Layer* m, auto& x, Mode mode) {
         return Sequential(m, "part").add<Dense>("a", {.in = 6, .units = 2})(x, mode);
       }},
      {"sequential of functions",
       {4, 6},
       [](Layer* m, auto& x, Mode mode) {
         Tensor shift = ones({6}, DType::float32, m->device());
         return Sequential(m, "part").add([=](const Tensor& x) { return relu(x + shift); })(x, mode);
       }},
  };
  for (const Case& one : table) {
    for (Mode mode : {Mode::training, Mode::inference}) {
      SCOPED_TRACE(one.name);
      Tensor x = cast(test::uniform(one.shape, -2, 2, 1), DType::float32);
      Layer here("model", Device{}, Rng(1)), there("model", gpu, Rng(1));
      Tensor y = one.call(&there, x, mode);
      EXPECT_EQ(y.device(), gpu);
      EXPECT_TRUE(test::close(to(y, Device{}), one.call(&here, x, mode), 1e-5));
    }
  }
}

TEST(Layer, NeedsAParentOrARoot) {
  try {
    Dense line(nullptr, "line", {.in = 1, .units = 1});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "line: a layer needs a parent; make a root with Layer model(\"model\", Device{}, rng)");
  }
}

}  // namespace
}  // namespace floe
