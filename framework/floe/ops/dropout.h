// Dropout. Srivastava et al., "Dropout", JMLR 2014, in the inverted form.
#pragma once

#include <floe/tape/operand.h>
#include <floe/tensor/random.h>

namespace floe {

// Each element is 0 with probability `rate`, from 0 up to but not including 1, else x / (1 - rate).
Tensor dropout(Operand x, double rate, Rng& rng);

}  // namespace floe
