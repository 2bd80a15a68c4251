// Dense: every output is a weighted sum of every input.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

// The options of a Dense, by name: {.in = 100, .units = 10}.
struct DenseOptions {
  std::int64_t in = 0;     // features of x
  std::int64_t units = 0;  // features of the result
  bool use_bias = true;    // false if a normalisation follows, which has its own
  Initializer initializer = initializers::glorot_uniform();  // of the weights
};

// x * weights + bias, like Keras' Dense without activation; the bias begins at 0.
class Dense : public Layer {
 public:
  using Options = DenseOptions;

  Dense(Layer* parent, const std::string& name, DenseOptions options);  // ValueError for a missing .in or .units

  Tensor operator()(Operand x);  // (..., in) of rank 2 or more -> (..., units); errors of matmul

 private:
  Variable* weights_;           // (in, units)
  Variable* bias_ = nullptr;    // (units,)
};

}  // namespace floe
