// BatchNormalization.
#include <floe/layers/batch_normalization.h>

#include <fmt/format.h>

#include <floe/ops/normalization.h>
#include <floe/tensor/number_ranges.h>

namespace floe {

BatchNormalization::BatchNormalization(Layer* parent, const std::string& name, BatchNormalizationOptions options)
    : Normalization(parent, name), options_(options) {
  require_option(options.channels, "channels");
  require_number(path(), "option .momentum", options.momentum, numbers::from_0_to_1);
  Shape shape{options.channels};
  add_affine(shape, options.epsilon, options.scale, options.center);
  moving_mean_ = &add_statistic("moving_mean", shape, initializers::zeros());
  moving_variance_ = &add_statistic("moving_variance", shape, initializers::ones());
}

Tensor BatchNormalization::operator()(Operand x, Mode mode) {
  LayerCall call(*this, x);
  Operand here = call.here(std::move(x));
  if (mode == Mode::inference) {
    return call.done(batch_normalization(here, gamma(), beta(), *moving_mean_, *moving_variance_, options_.epsilon));
  }
  const MovingAverages averages{*moving_mean_, *moving_variance_, options_.momentum};
  return call.done(batch_normalization_training(here, gamma(), beta(), options_.epsilon, &averages).y);
}

}  // namespace floe
