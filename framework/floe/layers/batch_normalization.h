// BatchNormalization over the last axis, with running statistics for inference.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

struct BatchNormalizationOptions {
  std::int64_t channels = 0;
  double momentum = 0.99;  // running = momentum * running + (1 - momentum) * batch, as Keras counts it
  double epsilon = 1e-3;
};

class BatchNormalization : public Layer {
 public:
  BatchNormalization(Layer* parent, const std::string& name, BatchNormalizationOptions options);
  BatchNormalization(Layer* parent, const std::string& name, std::int64_t channels)
      : BatchNormalization(parent, name, BatchNormalizationOptions{.channels = channels}) {}

  // (..., channels) -> the same. Training normalises by this batch and moves the running statistics (biased variance);
  // inference normalises by those.
  Tensor operator()(Operand x, Mode mode);

 private:
  BatchNormalizationOptions options_;
  Variable *gamma_, *beta_;                   // (channels,)
  Variable *moving_mean_, *moving_variance_;  // (channels,), never trained
};

}  // namespace floe
