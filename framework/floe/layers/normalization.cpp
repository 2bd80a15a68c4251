// Normalization.
#include <floe/layers/normalization.h>

#include <fmt/format.h>

#include <floe/ops/create.h>

namespace floe {

void Normalization::add_affine(const Shape& shape, double epsilon, bool scale, bool center) {
  if (!(epsilon > 0)) refuse(fmt::format("option .epsilon must be above 0, but is {}", epsilon));
  if (scale)
    gamma_ = &add_variable("gamma", shape, initializers::ones());
  else
    one_ = ones(shape, dtype(), device());
  if (center)
    beta_ = &add_variable("beta", shape, initializers::zeros());
  else
    zero_ = zeros(shape, dtype(), device());
}

}  // namespace floe
