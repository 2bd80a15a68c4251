// Dense.
#include <floe/layers/dense.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>

namespace floe {

Dense::Dense(Layer* parent, const std::string& name, DenseOptions options) : Layer(parent, name) {
  require_option(options.in, "in");
  require_option(options.units, "units");
  weights_ = &add_variable("weights", {options.in, options.units}, options.initializer);
  if (options.use_bias) bias_ = &add_variable("bias", {options.units}, initializers::zeros());
}

Tensor Dense::operator()(Operand x) {
  LayerCall call(*this, x);
  Tensor y = matmul(call.here(std::move(x)), *weights_);
  return call.done(bias_ ? std::move(y) + *bias_ : y);
}

}  // namespace floe
