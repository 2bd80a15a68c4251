// Softmax and its logarithm along the last axis.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// (..., classes) -> the same, each row on its own. A row that holds NaN or +infinity, or only -infinity, becomes NaN.
// float32 or float64, else DTypeError; ShapeError for a scalar.
Tensor softmax(Operand x);      // exp(x) / sum(exp(x)), without overflow
Tensor log_softmax(Operand x);  // x - log(sum(exp(x))), without overflow

}  // namespace floe
