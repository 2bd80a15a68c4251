// GroupNormalization.
#include <floe/layers/group_normalization.h>

#include <fmt/format.h>

#include <floe/ops/normalization.h>

namespace floe {

GroupNormalization::GroupNormalization(Layer* parent, const std::string& name, GroupNormalizationOptions options)
    : Normalization(parent, name), groups_(options.groups), epsilon_(options.epsilon) {
  require_option(options.channels, "channels");
  require_option(options.groups, "groups");
  if (options.channels % options.groups)
    refuse(fmt::format("option .channels must be a multiple of .groups, and they are {} and {}", options.channels,
                       options.groups));
  add_affine({options.channels}, options.epsilon, options.scale, options.center);
}

Tensor GroupNormalization::operator()(Operand x) {
  LayerCall call(*this, x);
  return call.done(group_normalization(call.here(std::move(x)), groups_, gamma(), beta(), epsilon_));
}

}  // namespace floe
