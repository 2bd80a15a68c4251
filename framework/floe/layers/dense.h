// Dense: every output is a weighted sum of every input.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

struct DenseOptions {
  std::int64_t in = 0;
  std::int64_t units = 0;
  bool use_bias = true;
  Initializer initializer = initializers::glorot_uniform();
};

class Dense : public Layer {
 public:
  Dense(Layer* parent, const std::string& name, DenseOptions options);

  Tensor operator()(Operand x);  // (..., in) -> (..., units)

 private:
  Variable* weights_;           // (in, units)
  Variable* bias_ = nullptr;    // (units,)
};

}  // namespace floe
