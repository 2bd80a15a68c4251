// LayerNormalization over the last axes, each element of the batch on its own. Ba, Kiros and Hinton, 2016.
#pragma once

#include <floe/layers/normalization.h>

namespace floe {

// The options of a LayerNormalization, by name: {.shape = {512}}.
struct LayerNormalizationOptions {
  Shape shape = {};       // sizes of the last axes, which are normalised over together
  double epsilon = 1e-3;  // above 0; added to variances
  bool scale = true;      // false: there is no gamma
  bool center = true;     // false: there is no beta
};

// gamma * (x - mean) / sqrt(variance + epsilon) + beta over the last axes, with a gamma, which begins at 1, and a beta,
// which begins at 0, for each place in them.
class LayerNormalization : public Normalization {
 public:
  using Options = LayerNormalizationOptions;

  // ValueError for a missing shape, sizes of 0 or less, and an epsilon out of range.
  LayerNormalization(Layer* parent, const std::string& name, LayerNormalizationOptions options);
  LayerNormalization(Layer* parent, const std::string& name, std::int64_t features)
      : LayerNormalization(parent, name, LayerNormalizationOptions{.shape = {features}}) {}

  Tensor operator()(Operand x);  // (..., shape) -> the same, in training and inference; ShapeError for other sizes

 private:
  double epsilon_;
};

}  // namespace floe
