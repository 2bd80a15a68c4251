// Pointwise functions of one tensor. Each takes float32 or float64 of any shape and gives the same shape and dtype,
// unless it says otherwise; DTypeError for other dtypes.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

Tensor exp(Operand x);
Tensor expm1(Operand x);                      // exp(x) - 1, exact near 0
Tensor log(Operand x);
Tensor log1p(Operand x);                      // log(1 + x), exact near 0
Tensor sqrt(Operand x);
Tensor rsqrt(Operand x);                      // 1 / sqrt(x)
Tensor square(Operand x);
Tensor abs(Operand x);                        // also integers; slope 0 at 0
Tensor sign(Operand x);                       // -1, 0 or 1; also integers; no gradient
Tensor floor(Operand x);                      // no gradient
Tensor ceil(Operand x);                       // no gradient
Tensor round(Operand x);                      // to the nearest, ties to even; no gradient
Tensor sin(Operand x);
Tensor cos(Operand x);
Tensor tanh(Operand x);
Tensor sigmoid(Operand x);                    // 1 / (1 + exp(-x))
Tensor relu(Operand x);                       // max(x, 0); slope 0 at 0
Tensor leaky_relu(Operand x, double slope = 0.2);  // x or slope * x; TensorFlow's default 0.2, Keras' layer has 0.3
Tensor elu(Operand x, double alpha = 1);      // x or alpha * (exp(x) - 1)
Tensor softplus(Operand x);                   // log(1 + exp(x))
Tensor erf(Operand x);
Tensor gelu(Operand x);                       // x * P(Z <= x), Z standard normal: the exact form
Tensor clip(Operand x, double low, double high);   // also integers; slope 1 from low to high
Tensor isnan(Operand x);                      // bool
Tensor isfinite(Operand x);                   // bool

}  // namespace floe
