// Resizing pictures (batch, height, width, channels) as TensorFlow 2 does: half-pixel centres, edges repeated.
#pragma once

#include <floe/ops/padding.h>
#include <floe/tape/operand.h>

namespace floe {

// x (batch, height, width, channels) -> (batch, size.height, size.width, channels). float32 or float64, else
// DTypeError; ShapeError for another rank, and for a height or width below 1 on either side.
Tensor resize_nearest(Operand x, Size2 size);
Tensor resize_bilinear(Operand x, Size2 size);  // no smoothing when it shrinks

}  // namespace floe
