// Pointwise functions of one tensor. Each takes float32 or float64 of any shape and gives the same shape and dtype,
// unless noted; DTypeError for other dtypes, ValueError without a value. NaN gives NaN, and so does its slope. Where the
// slope is 0 no gradient flows, even if it is infinite: log(relu(x)) has the slope 0 below 0.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

Tensor exp(Operand x);      // infinity from 88.7 on in float32
Tensor expm1(Operand x);    // exp(x) - 1, exact near 0
Tensor log(Operand x);      // -infinity at 0, NaN below
Tensor log1p(Operand x);    // log(1 + x), exact near 0; -infinity at -1, NaN below
Tensor sqrt(Operand x);     // NaN below 0; slope infinity at 0
Tensor rsqrt(Operand x);    // 1 / sqrt(x); infinity at 0, NaN below
Tensor square(Operand x);   // x * x; also integers, which wrap, without gradient
Tensor abs(Operand x);      // slope 0 at 0; also integers, without gradient: the lowest of a type stays as it is
Tensor sign(Operand x);     // -1, 0 or 1; also integers; no gradient
Tensor floor(Operand x);    // no gradient
Tensor ceil(Operand x);     // no gradient
Tensor round(Operand x);    // to the nearest, ties to even; no gradient
Tensor sin(Operand x);      // of radians
Tensor cos(Operand x);      // of radians
Tensor tanh(Operand x);     // -1 to 1
Tensor sigmoid(Operand x);  // 1 / (1 + exp(-x))
Tensor relu(Operand x);     // max(x, 0); slope 0 at 0

// x, or slope * x below 0; slope `slope` at 0. ValueError unless it is finite and 0 or more. Maas, Hannun and Ng, 2013;
// the default is TensorFlow's, Keras' layer has 0.3.
Tensor leaky_relu(Operand x, double slope = 0.2);

// x, or alpha * (exp(x) - 1) below 0; slope alpha at 0. ValueError unless it is finite and 0 or more. Clevert et al.,
// 2015.
Tensor elu(Operand x, double alpha = 1);

Tensor softplus(Operand x);  // log(1 + exp(x)), without overflow
Tensor erf(Operand x);       // 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
Tensor normal_cdf(Operand x);  // P(Z <= x), Z standard normal; its slope is the bell curve
Tensor gelu(Operand x);        // x * normal_cdf(x): exact. Hendrycks and Gimpel, 2016

// The nearest value from low to high; slope 1 there, ends included, and 0 beyond. Also integers, without gradient.
// ValueError if low exceeds high, and for a number beyond the dtype; an infinity is none.
Tensor clip(Operand x, Number low, Number high);

Tensor isnan(Operand x);     // bool; no gradient
Tensor isfinite(Operand x);  // bool: neither NaN nor infinite; no gradient

}  // namespace floe
