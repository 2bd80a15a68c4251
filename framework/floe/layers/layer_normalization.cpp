// LayerNormalization.
#include <floe/layers/layer_normalization.h>

#include <floe/ops/normalization.h>

namespace floe {

LayerNormalization::LayerNormalization(Layer* parent, const std::string& name, LayerNormalizationOptions options)
    : Normalization(parent, name), epsilon_(options.epsilon) {
  require_option(options.shape.rank(), "shape");
  for (std::int64_t size : options.shape) require_option(size, "shape");
  add_affine(options.shape, options.epsilon, options.scale, options.center);
}

Tensor LayerNormalization::operator()(Operand x) {
  LayerCall call(*this, x);
  return call.done(layer_normalization(call.here(std::move(x)), gamma(), beta(), epsilon_));
}

}  // namespace floe
