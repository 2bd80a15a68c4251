// Losses: each a scalar, the mean over all elements or positions; NaN over nothing. Logits and predictions are float32
// or float64, and labels and targets that are tensors have the same dtype unless noted, else DTypeError.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// Logits (...); labels are probabilities (usually 0 or 1), one number (ValueError if it is none) or a tensor that
// broadcasts to the logits' shape, else ShapeError. The mean of labels * softplus(-logits) + (1 - labels) *
// softplus(logits), exact even where the answer is certain.
Tensor binary_cross_entropy_with_logits(Operand logits, OperandOrNumber labels);

// logits (..., classes) and labels (...), int32, int64 or uint8: the mean of -log_softmax(logits) at the labels. With a
// mask (...), 1 or 0 (the logits' dtype or bool), the mean is over the positions that count; 0 if none does. ValueError
// for a label outside 0 to classes - 1, even where the mask is 0; ShapeError and DTypeError for other labels or
// masks.
Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels);
Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels, Operand mask);

// The mean of (prediction - target)^2, and of |prediction - target|, whose slope is 0 where they are equal. Predictions
// are (...), the target is one number or a tensor that broadcasts to that shape, else ShapeError.
Tensor mean_squared_error(Operand prediction, OperandOrNumber target);
Tensor mean_absolute_error(Operand prediction, OperandOrNumber target);

}  // namespace floe
