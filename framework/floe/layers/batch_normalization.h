// BatchNormalization over the last axis, with running statistics for inference. Ioffe and Szegedy, 2015.
#pragma once

#include <floe/layers/normalization.h>

namespace floe {

// The options of a BatchNormalization, by name.
struct BatchNormalizationOptions {
  std::int64_t channels = 0;  // size of the last axis
  double momentum = 0.99;     // from 0 to 1: running = momentum * running + (1 - momentum) * batch, as Keras counts it
  double epsilon = 1e-3;      // above 0; added to variances
  bool scale = true;          // false: there is no gamma
  bool center = true;         // false: there is no beta
};

// gamma * (x - mean) / sqrt(variance + epsilon) + beta, channel by channel; gamma begins at 1, beta at 0.
class BatchNormalization : public Normalization {
 public:
  using Options = BatchNormalizationOptions;

  // ValueError for missing channels, and options out of range.
  BatchNormalization(Layer* parent, const std::string& name, BatchNormalizationOptions options);
  BatchNormalization(Layer* parent, const std::string& name, std::int64_t channels)
      : BatchNormalization(parent, name, BatchNormalizationOptions{.channels = channels}) {}

  // (..., channels) of rank 2 or more -> the same. Training normalises by this batch and updates the running statistics
  // (biased variance), which an empty batch leaves as they are; inference normalises by those. ShapeError for other
  // channels.
  Tensor operator()(Operand x, Mode mode);

 private:
  BatchNormalizationOptions options_;
  Variable *moving_mean_, *moving_variance_;  // (channels,), never trained
};

}  // namespace floe
