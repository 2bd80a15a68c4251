// InstanceNormalization over the pixels of each image, channel by channel. Ulyanov, Vedaldi and Lempitsky, 2016.
#pragma once

#include <floe/layers/normalization.h>

namespace floe {

// The options of an InstanceNormalization, by name.
struct InstanceNormalizationOptions {
  std::int64_t channels = 0;  // size of the last axis
  double epsilon = 1e-5;      // above 0; added to variances. As in pix2pix: Keras has no such layer
  bool scale = true;          // false: there is no gamma
  bool center = true;         // false: there is no beta
};

// gamma * (x - mean) / sqrt(variance + epsilon) + beta, image by image and channel by channel; gamma begins at 1, beta
// at 0.
class InstanceNormalization : public Normalization {
 public:
  using Options = InstanceNormalizationOptions;

  // ValueError for missing channels, and an epsilon out of range.
  InstanceNormalization(Layer* parent, const std::string& name, InstanceNormalizationOptions options);
  InstanceNormalization(Layer* parent, const std::string& name, std::int64_t channels)
      : InstanceNormalization(parent, name, InstanceNormalizationOptions{.channels = channels}) {}

  Tensor operator()(Operand x);  // (batch, ..., channels) of rank 3 or more -> the same; else ShapeError

 private:
  double epsilon_;
};

}  // namespace floe
