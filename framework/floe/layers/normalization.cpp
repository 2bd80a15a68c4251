// Normalization.
#include <floe/layers/normalization.h>

#include <floe/ops/create.h>
#include <floe/tensor/number_ranges.h>

namespace floe {

void Normalization::add_affine(const Shape& shape, double epsilon, bool scale, bool center) {
  require_number(path(), "option .epsilon", epsilon, numbers::above_0, dtype());
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
