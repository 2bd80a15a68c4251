// Normalising layers: shapes, first values, what is normalised, input from elsewhere, and what they refuse.
#include <floe/layers/normalization.h>

#include <functional>

#include <gtest/gtest.h>

#include <floe/layers/batch_normalization.h>
#include <floe/layers/group_normalization.h>
#include <floe/layers/instance_normalization.h>
#include <floe/layers/layer_normalization.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/normalization.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/tape.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using namespace test;

class Normalizations : public testing::Test {
 protected:
  std::string paths_of(const Layer& layer) {
    std::string paths;
    for (const Variable* variable : layer.all_variables())
      paths += variable->path() + to_string(variable->shape()) + "\n";
    return paths;
  }

  // As the ops that it is made of would normalise over these axes.
  Tensor over(const Tensor& x, const Axes& axes, double epsilon) {
    Tensor centred = x - reduce_mean(x, axes, true);
    return centred / sqrt(reduce_mean(square(centred), axes, true) + epsilon);
  }

  Layer model_{"model", Device{}, Rng(1), DType::float64};
  Tensor images_ = normal({3, 4, 5, 6}) * 4.0 + 7.0;
};

TEST_F(Normalizations, HaveTheirVariables) {
  EXPECT_EQ(paths_of(LayerNormalization(&model_, "norm", 6)), "model.norm.gamma(6,)\nmodel.norm.beta(6,)\n");
  EXPECT_EQ(paths_of(LayerNormalization(&model_, "norm", {.shape = {4, 5, 6}, .center = false})),
            "model.norm.gamma(4, 5, 6)\n");
  EXPECT_EQ(paths_of(GroupNormalization(&model_, "norm", {.channels = 64})),
            "model.norm.gamma(64,)\nmodel.norm.beta(64,)\n");
  EXPECT_EQ(paths_of(GroupNormalization(&model_, "norm", {.channels = 6, .groups = 2, .scale = false})),
            "model.norm.beta(6,)\n");
  EXPECT_EQ(paths_of(InstanceNormalization(&model_, "norm", 6)), "model.norm.gamma(6,)\nmodel.norm.beta(6,)\n");
  EXPECT_EQ(paths_of(InstanceNormalization(&model_, "norm", {.channels = 6, .scale = false, .center = false})), "");
  EXPECT_EQ(paths_of(BatchNormalization(&model_, "norm", {.channels = 6, .scale = false})),
            "model.norm.beta(6,)\nmodel.norm.moving_mean(6,)\nmodel.norm.moving_variance(6,)\n");
  LayerNormalization norm(&model_, "norm", 6);
  EXPECT_TRUE(same_bits(*norm.variables()[0], ones({6}, DType::float64)));
  EXPECT_TRUE(same_bits(*norm.variables()[1], zeros({6}, DType::float64)));
}

TEST_F(Normalizations, NormaliseWhatTheirNamesSay) {
  LayerNormalization features(&model_, "features", 6), image(&model_, "image", {.shape = {4, 5, 6}, .epsilon = 1e-5});
  EXPECT_TRUE(close(features(images_), over(images_, 3, 1e-3), 1e-12));
  EXPECT_TRUE(close(image(images_), over(images_, {1, 2, 3}, 1e-5), 1e-12));
  GroupNormalization groups(&model_, "groups", {.channels = 6, .groups = 2});
  Tensor by_group = reshape(images_, {3, 4, 5, 2, 3});
  EXPECT_TRUE(close(groups(images_), reshape(over(by_group, {1, 2, 4}, 1e-3), images_.shape()), 1e-12));
  InstanceNormalization instance(&model_, "instance", 6);
  EXPECT_TRUE(close(instance(images_), over(images_, {1, 2}, 1e-5), 1e-12));
}

TEST_F(Normalizations, ScaleAndMoveByTheirVariables) {
  InstanceNormalization norm(&model_, "norm", 6);
  Tensor plain = norm(images_), gamma = uniform({6}, 0.5, 2), beta = normal({6});
  norm.variables()[0]->assign(gamma), norm.variables()[1]->assign(beta);
  EXPECT_TRUE(close(norm(images_), plain * gamma + beta, 1e-12));
}

TEST_F(Normalizations, TrainTheVariablesThatTheyHave) {
  GroupNormalization whole(&model_, "whole", {.channels = 6, .groups = 3});
  GroupNormalization moved(&model_, "moved", {.channels = 6, .groups = 3, .scale = false});
  BatchNormalization batch(&model_, "batch", {.channels = 6, .center = false});
  GradientTape tape;
  Tensor y = batch(moved(whole(images_)), Mode::training);
  Gradients gradients = tape.gradient(reduce_sum(y * normal(y.shape(), 5)), model_.variables());
  EXPECT_EQ(gradients.size(), 4u);
}

TEST_F(Normalizations, AcceptAnEmptyBatch) {
  LayerNormalization layer(&model_, "layer", 6);
  GroupNormalization group(&model_, "group", {.channels = 6, .groups = 3});
  InstanceNormalization instance(&model_, "instance", 6);
  Tensor none = zeros({0, 4, 5, 6}, DType::float64);
  EXPECT_EQ(instance(group(layer(none))).shape(), none.shape());
}

TEST_F(Normalizations, RefuseOptionsOutOfRange) {
  struct Refusal {
    std::function<void(Layer&)> make;
    const char* message;
  };
  const Refusal table[] = {
      {[](Layer& m) { LayerNormalization(&m, "norm", LayerNormalizationOptions{}); },
       "model.norm: option .shape is missing"},
      {[](Layer& m) {
         LayerNormalization(&m, "norm", {.shape = {4, 0}});
       },
       "model.norm: option .shape is missing"},
      {[](Layer& m) { LayerNormalization(&m, "norm", -3); }, "model.norm: option .shape must be 1 or more, but is -3"},
      {[](Layer& m) { LayerNormalization(&m, "norm", {.shape = {4}, .epsilon = 0}); },
       "model.norm: option .epsilon must be finite and above 0, but is 0"},
      {[](Layer& m) { GroupNormalization(&m, "norm", {.groups = 4}); }, "model.norm: option .channels is missing"},
      {[](Layer& m) { GroupNormalization(&m, "norm", {.channels = 8, .groups = 0}); },
       "model.norm: option .groups is missing"},
      {[](Layer& m) { GroupNormalization(&m, "norm", {.channels = 48}); },
       "model.norm: option .channels must be a multiple of .groups, and they are 48 and 32"},
      {[](Layer& m) { GroupNormalization(&m, "norm", {.channels = 8, .groups = 4, .epsilon = -1}); },
       "model.norm: option .epsilon must be finite and above 0, but is -1"},
      {[](Layer& m) { InstanceNormalization(&m, "norm", 0); }, "model.norm: option .channels is missing"},
      {[](Layer& m) { InstanceNormalization(&m, "norm", {.channels = 8, .epsilon = 0}); },
       "model.norm: option .epsilon must be finite and above 0, but is 0"},
  };
  for (const Refusal& one : table) EXPECT_EQ(error_of<ValueError>([&] { one.make(model_); }), one.message);
}

TEST_F(Normalizations, RefuseOtherShapes) {
  LayerNormalization layer(&model_, "layer", 5);
  EXPECT_MESSAGE(ShapeError, layer(images_),
                 "layer_normalization: gamma needs the sizes of the last axes of x\n  x      (3, 4, 5, 6)   float64\n"
                 "  gamma  (5,)           float64   [model.layer.gamma]");
  InstanceNormalization instance(&model_, "instance", 5);
  EXPECT_MESSAGE(ShapeError, instance(images_),
                 "instance_normalization: gamma needs one number for each of 6 channels\n"
                 "  x      (3, 4, 5, 6)   float64   ..., channels\n"
                 "  gamma  (5,)           float64   channels   [model.instance.gamma]");
}

}  // namespace
}  // namespace floe
