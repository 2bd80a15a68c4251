// Pooling over windows of (batch, height, width, channels).
#pragma once

#include <floe/ops/padding.h>
#include <floe/tape/operand.h>

namespace floe {

// How the window moves, by name: max_pool(x, {.window = 2}).
struct PoolOptions {
  Size2 window = 2;                  // pixels down and across
  Size2 strides = 0;                 // 0: as the window
  Padding padding = Padding::valid;  // what lies beyond the edges: ops/padding.h
};

// x (batch, height, width, channels) -> (batch, out height, out width, channels), with the sizes of ops/padding.h.
// float32 or float64, else DTypeError; ShapeError for another rank and a window larger than the padded input;
// ValueError for a window or strides not from 1 to 2^31 - 1, and for padding that is negative or not below the window.
Tensor max_pool(Operand x, PoolOptions options = {});  // NaN if one is; the gradient goes to the first of the largest
Tensor average_pool(Operand x, PoolOptions options = {});  // padding does not count

}  // namespace floe
