// Dropout. Srivastava et al., "Dropout", JMLR 2014, in the inverted form.
#pragma once

#include <floe/tape/operand.h>
#include <floe/tensor/rng.h>

namespace floe {

// The shape of x: each element is 0 with probability `rate`, else x / (1 - rate). ValueError unless the rate is from 0
// up to but not including 1, DTypeError unless x is floating. Advances `rng`, even with a rate of 0.
Tensor dropout(Operand x, double rate, Rng& rng);

}  // namespace floe
