// Softmax and its logarithm along the last axis.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

Tensor softmax(Operand x);      // (..., classes): exp(x) / sum(exp(x)), without overflow
Tensor log_softmax(Operand x);  // (..., classes): x - log(sum(exp(x)))

}  // namespace floe
