// Losses: each a scalar, the mean over all elements or positions.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// Labels are probabilities (0 or 1 as a rule), one number or a tensor that broadcasts to the logits' shape; ShapeError
// otherwise. labels * softplus(-logits) + (1 - labels) * softplus(logits), exact also where the answer is sure.
Tensor binary_cross_entropy_with_logits(Operand logits, OperandOrNumber labels);

// logits (..., classes) and labels (...), int32, int64 or uint8 from 0 to classes - 1. With a mask (...), 1 or 0 (the
// logits' dtype or bool), the mean is over the positions that count; 0 if none does.
Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels);
Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels, Operand mask);

// The target is one number or a tensor that broadcasts to the prediction's shape; ShapeError otherwise.
Tensor mean_squared_error(Operand prediction, OperandOrNumber target);
Tensor mean_absolute_error(Operand prediction, OperandOrNumber target);

}  // namespace floe
