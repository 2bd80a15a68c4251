// Each option of each layer: changing it changes what the layer gives, and exactly as it changes what the op gives.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include <floe/layers/batch_normalization.h>
#include <floe/layers/conv2d.h>
#include <floe/layers/dense.h>
#include <floe/layers/dropout.h>
#include <floe/layers/embedding.h>
#include <floe/layers/group_normalization.h>
#include <floe/layers/instance_normalization.h>
#include <floe/layers/layer_normalization.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/dropout.h>
#include <floe/ops/matmul.h>
#include <floe/ops/normalization.h>
#include <floe/ops/shape_ops.h>
#include <support/tensors.h>

namespace floe {
namespace {

using namespace test;

using Values = std::map<std::string, Tensor>;  // of variables, by their last name

struct Outputs {
  Tensor layer, op;
};

Tensor input(const Shape& shape) { return cast(normal(shape), DType::float32); }

// What a layer with these options gives, and what the op gives with the same and the layer's variables, all of which
// have been given other values than at first: none goes unnoticed.
template <class L, class Call, class Op>
Outputs outputs(const typename L::Options& options, const Call& call, const Op& op) {
  Layer model("model", Device{}, Rng(3));
  L layer(&model, "layer", options);
  Values values;
  std::uint64_t seed = 10;
  for (Variable* variable : model.all_variables()) {
    variable->assign(cast(uniform(variable->value().shape(), 0.5, 1.5, ++seed), DType::float32));
    values[variable->path().substr(variable->path().rfind('.') + 1)] = variable->value();
  }
  Tensor found = call(layer);
  return {found, op(options, values)};
}

// A variable that an option may leave out.
Tensor value_or(const Values& values, const char* name, bool has, const Shape& shape, double otherwise) {
  EXPECT_EQ(values.contains(name), has) << name;
  return has ? values.at(name) : full(shape, otherwise);
}

Outputs dense(const DenseOptions& options) {
  Tensor x = input({4, options.in});
  return outputs<Dense>(
      options, [&](Dense& layer) { return layer(x); },
      [&](const DenseOptions& o, const Values& v) {
        return matmul(x, v.at("weights")) + value_or(v, "bias", o.use_bias, {o.units}, 0);
      });
}

Outputs conv(const Conv2DOptions& options) {
  Tensor x = input({2, 9, 8, options.in});
  return outputs<Conv2D>(
      options, [&](Conv2D& layer) { return layer(x); },
      [&](const Conv2DOptions& o, const Values& v) {
        ConvOptions same{.strides = o.strides, .padding = o.padding, .dilation = o.dilation, .groups = o.groups};
        EXPECT_EQ(v.at("filters").shape(),
                  (Shape{o.kernel_size.height, o.kernel_size.width, o.in / o.groups, o.filters}));
        if (!o.use_bias) return conv2d(x, v.at("filters"), same);
        return conv2d(x, v.at("filters"), v.at("bias"), same);
      });
}

Outputs conv_transpose(const Conv2DTransposeOptions& options) {
  Tensor x = input({2, 4, 3, options.in});
  auto op = [&](const Conv2DTransposeOptions& o, const Values& v) {
    ConvTransposeOptions same{.strides = o.strides, .padding = o.padding, .output_padding = o.output_padding};
    EXPECT_EQ(v.at("filters").shape(), (Shape{o.kernel_size.height, o.kernel_size.width, o.filters, o.in}));
    if (!o.use_bias) return conv2d_transpose(x, v.at("filters"), same);
    return conv2d_transpose(x, v.at("filters"), v.at("bias"), same);
  };
  return outputs<Conv2DTranspose>(
      options, [&](Conv2DTranspose& layer) { return layer(x); }, op);
}

// A step of training, the statistics after it, and inference.
Outputs batch_norm(const BatchNormalizationOptions& options) {
  Tensor x = input({6, options.channels});
  auto all = [](const Tensor& trained, const Tensor& mean, const Tensor& variance, const Tensor& y) {
    return concat({reshape(trained, {1, -1}), reshape(mean, {1, -1}), reshape(variance, {1, -1}), reshape(y, {1, -1})},
                  1);
  };
  auto call = [&](BatchNormalization& layer) {
    Tensor trained = layer(x, Mode::training);
    Variables variables = layer.all_variables();
    Tensor mean = variables[variables.size() - 2]->value(), variance = variables[variables.size() - 1]->value();
    return all(trained, mean, variance, layer(x, Mode::inference));
  };
  return outputs<BatchNormalization>(options, call, [&](const BatchNormalizationOptions& o, const Values& v) {
    Tensor gamma = value_or(v, "gamma", o.scale, {o.channels}, 1),
           beta = value_or(v, "beta", o.center, {o.channels}, 0);
    Normalized batch = batch_normalization_training(x, gamma, beta, o.epsilon);
    Tensor mean = v.at("moving_mean") * o.momentum + batch.mean * (1 - o.momentum);
    Tensor variance = v.at("moving_variance") * o.momentum + batch.variance * (1 - o.momentum);
    return all(batch.y, mean, variance, batch_normalization(x, gamma, beta, mean, variance, o.epsilon));
  });
}

// The normalisations without a state, of x.
template <class L, class Op>
Outputs norm(const typename L::Options& options, const Tensor& x, const Shape& affine, const Op& op) {
  auto with_affine = [&](const typename L::Options& o, const Values& v) {
    return op(value_or(v, "gamma", o.scale, affine, 1), value_or(v, "beta", o.center, affine, 0));
  };
  return outputs<L>(
      options, [&](L& layer) { return layer(x); }, with_affine);
}

Outputs group_norm(const GroupNormalizationOptions& o) {
  Tensor x = input({2, 3, 3, o.channels});
  return norm<GroupNormalization>(o, x, {o.channels}, [&](const Tensor& gamma, const Tensor& beta) {
    return group_normalization(x, o.groups, gamma, beta, o.epsilon);
  });
}

Outputs instance_norm(const InstanceNormalizationOptions& o) {
  Tensor x = input({2, 3, 3, o.channels});
  return norm<InstanceNormalization>(o, x, {o.channels}, [&](const Tensor& gamma, const Tensor& beta) {
    return instance_normalization(x, gamma, beta, o.epsilon);
  });
}

Outputs layer_norm(const LayerNormalizationOptions& o) {
  Tensor x = input({4, 3, 6});
  return norm<LayerNormalization>(o, x, o.shape, [&](const Tensor& gamma, const Tensor& beta) {
    return layer_normalization(x, gamma, beta, o.epsilon);
  });
}

Outputs embedding(const EmbeddingOptions& options) {
  Tensor ids = tensor({0, 4, 4, static_cast<int>(options.entries) - 1});
  return outputs<Embedding>(
      options, [&](Embedding& layer) { return layer(ids); },
      [&](const EmbeddingOptions& o, const Values& v) {
        EXPECT_EQ(v.at("embeddings").shape(), (Shape{o.entries, o.units}));
        return gather(v.at("embeddings"), ids);
      });
}

// The first value of the variable that the initializer is for; a variable's stream is that of its path.
template <class L>
Outputs first_value(typename L::Options options, const Initializer& initializer) {
  options.initializer = initializer;
  Layer model("model", Device{}, Rng(3));
  L layer(&model, "layer", options);
  const Variable& variable = *model.variables()[0];
  Rng stream = Rng(3).stream(variable.path());
  return {variable.value(), initializer(variable.value().shape(), stream, DType::float32)};
}

struct Option {
  std::string name;  // Struct.member
  std::function<Outputs(bool changed)> run;
};

// `of` with these options, and with those.
template <class Options, class Of>
Option option(const char* name, const Of& of, Options plain, Options changed) {
  return {name, [=](bool yes) { return of(yes ? changed : plain); }};
}

template <class L>
Option initializer(const char* name, typename L::Options options) {
  return {name, [=](bool yes) {
            return first_value<L>(options, yes ? initializers::normal(0.3) : initializers::uniform(-1, 2));
          }};
}

const DenseOptions plain_dense{.in = 5, .units = 3};
const Conv2DOptions plain_conv{.in = 4, .filters = 6, .kernel_size = 3};
const Conv2DTransposeOptions plain_transpose{.in = 4, .filters = 3, .kernel_size = 3, .strides = 2};
const BatchNormalizationOptions plain_batch{.channels = 5};
const GroupNormalizationOptions plain_group{.channels = 6, .groups = 2};
const InstanceNormalizationOptions plain_instance{.channels = 6};
const LayerNormalizationOptions plain_layer{.shape = {6}};
const EmbeddingOptions plain_embedding{.entries = 7, .units = 3};

// These options with one of them changed.
template <class Options, class Member, class Value>
Options with(Options options, Member Options::*member, Value value) {
  options.*member = value;
  return options;
}

template <class Options, class Of, class Member, class Value>
Option row(const char* name, const Of& of, const Options& plain, Member Options::*member, Value value) {
  return option(name, of, plain, with(plain, member, value));
}

std::vector<Option> options() {
  using C = Conv2DOptions;
  using T = Conv2DTransposeOptions;
  using B = BatchNormalizationOptions;
  using G = GroupNormalizationOptions;
  using I = InstanceNormalizationOptions;
  using L = LayerNormalizationOptions;
  return {
      row("Dense.in", dense, plain_dense, &DenseOptions::in, 6),
      row("Dense.units", dense, plain_dense, &DenseOptions::units, 4),
      row("Dense.use_bias", dense, plain_dense, &DenseOptions::use_bias, false),
      initializer<Dense>("Dense.initializer", plain_dense),

      row("Conv2D.in", conv, plain_conv, &C::in, 2),
      row("Conv2D.filters", conv, plain_conv, &C::filters, 2),
      row("Conv2D.kernel_size", conv, plain_conv, &C::kernel_size, Size2(2, 3)),
      row("Conv2D.strides", conv, plain_conv, &C::strides, Size2(1, 2)),
      row("Conv2D.padding", conv, plain_conv, &C::padding, Padding::of(0, 1, 2, 3)),
      row("Conv2D.dilation", conv, plain_conv, &C::dilation, Size2(2, 1)),
      row("Conv2D.groups", conv, plain_conv, &C::groups, 2),
      row("Conv2D.use_bias", conv, plain_conv, &C::use_bias, false),
      initializer<Conv2D>("Conv2D.initializer", plain_conv),

      row("Conv2DTranspose.in", conv_transpose, plain_transpose, &T::in, 2),
      row("Conv2DTranspose.filters", conv_transpose, plain_transpose, &T::filters, 2),
      row("Conv2DTranspose.kernel_size", conv_transpose, plain_transpose, &T::kernel_size, Size2(2, 3)),
      row("Conv2DTranspose.strides", conv_transpose, plain_transpose, &T::strides, Size2(1, 2)),
      row("Conv2DTranspose.padding", conv_transpose, plain_transpose, &T::padding, Padding::of(0, 1, 1, 0)),
      row("Conv2DTranspose.output_padding", conv_transpose, plain_transpose, &T::output_padding, Size2(0, 1)),
      row("Conv2DTranspose.use_bias", conv_transpose, plain_transpose, &T::use_bias, false),
      initializer<Conv2DTranspose>("Conv2DTranspose.initializer", plain_transpose),

      row("BatchNormalization.channels", batch_norm, plain_batch, &B::channels, 4),
      row("BatchNormalization.momentum", batch_norm, plain_batch, &B::momentum, 0.7),
      row("BatchNormalization.epsilon", batch_norm, plain_batch, &B::epsilon, 0.1),
      row("BatchNormalization.scale", batch_norm, plain_batch, &B::scale, false),
      row("BatchNormalization.center", batch_norm, plain_batch, &B::center, false),

      row("GroupNormalization.channels", group_norm, plain_group, &G::channels, 4),
      row("GroupNormalization.groups", group_norm, plain_group, &G::groups, 3),
      row("GroupNormalization.epsilon", group_norm, plain_group, &G::epsilon, 0.1),
      row("GroupNormalization.scale", group_norm, plain_group, &G::scale, false),
      row("GroupNormalization.center", group_norm, plain_group, &G::center, false),

      row("InstanceNormalization.channels", instance_norm, plain_instance, &I::channels, 4),
      row("InstanceNormalization.epsilon", instance_norm, plain_instance, &I::epsilon, 0.1),
      row("InstanceNormalization.scale", instance_norm, plain_instance, &I::scale, false),
      row("InstanceNormalization.center", instance_norm, plain_instance, &I::center, false),

      row("LayerNormalization.shape", layer_norm, plain_layer, &L::shape, Shape{3, 6}),
      row("LayerNormalization.epsilon", layer_norm, plain_layer, &L::epsilon, 0.1),
      row("LayerNormalization.scale", layer_norm, plain_layer, &L::scale, false),
      row("LayerNormalization.center", layer_norm, plain_layer, &L::center, false),

      row("Embedding.entries", embedding, plain_embedding, &EmbeddingOptions::entries, 9),
      row("Embedding.units", embedding, plain_embedding, &EmbeddingOptions::units, 4),
      initializer<Embedding>("Embedding.initializer", plain_embedding),
  };
}

TEST(LayerOptions, AreWhatTheOpsAreGiven) {
  for (const Option& one : options()) {
    SCOPED_TRACE(one.name);
    Outputs plain = one.run(false), changed = one.run(true);
    EXPECT_TRUE(same_bits(plain.layer, plain.op));
    EXPECT_TRUE(same_bits(changed.layer, changed.op));
    EXPECT_FALSE(same_bits(plain.layer, changed.layer)) << "so it must be lost on the way";
  }
}

TEST(LayerOptions, TheRateOfDropoutIsThatOfTheOp) {
  for (double rate : {0.25, 0.5}) {
    Layer model("model", Device{}, Rng(3));
    Dropout layer(&model, "layer", rate);
    Rng stream = Rng(3).stream("model.layer.rng");
    EXPECT_TRUE(same_bits(layer(ones({100}), Mode::training), dropout(ones({100}), rate, stream)));
  }
}

// From the members of every struct of options in the headers.
TEST(LayerOptions, AreAllTried) {
  std::set<std::string> declared, tried;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FLOE_SOURCE_DIR) + "/framework/floe/layers")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream header(entry.path());
    std::string kind;
    std::smatch match;
    for (std::string line; std::getline(header, line);) {
      if (std::regex_match(line, match, std::regex("struct (\\w+)Options \\{")))
        kind = match[1];
      else if (line == "};")
        kind.clear();
      else if (!kind.empty() && std::regex_search(line, match, std::regex("^  (?!using )[\\w:]+ (\\w+)( = |;)")))
        declared.insert(kind + "." + match[1].str());
    }
  }
  for (const Option& one : options()) tried.insert(one.name);
  EXPECT_EQ(tried, declared);
}

}  // namespace
}  // namespace floe
