// InstanceNormalization.
#include <floe/layers/instance_normalization.h>

#include <floe/ops/normalization.h>

namespace floe {

InstanceNormalization::InstanceNormalization(Layer* parent, const std::string& name,
                                             InstanceNormalizationOptions options)
    : Normalization(parent, name), epsilon_(options.epsilon) {
  require_option(options.channels, "channels");
  add_affine({options.channels}, options.epsilon, options.scale, options.center);
}

Tensor InstanceNormalization::operator()(Operand x) {
  LayerCall call(*this, x);
  return call.done(instance_normalization(call.here(std::move(x)), gamma(), beta(), epsilon_));
}

}  // namespace floe
