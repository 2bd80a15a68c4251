// Resizing pictures (batch, height, width, channels) as TensorFlow 2 does: half-pixel centres, edges repeated.
#pragma once

#include <floe/ops/window.h>
#include <floe/tape/operand.h>

namespace floe {

Tensor resize_nearest(Operand x, Size2 size);   // (batch, size.height, size.width, channels)
Tensor resize_bilinear(Operand x, Size2 size);  // no smoothing when it shrinks

}  // namespace floe
