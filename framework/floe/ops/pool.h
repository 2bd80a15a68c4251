// Pooling over windows of (batch, height, width, channels).
#pragma once

#include <floe/ops/window.h>
#include <floe/tape/operand.h>

namespace floe {

struct PoolOptions {
  Size2 window = 2;
  Size2 strides = 0;  // 0: as the window
  Padding padding = Padding::valid;
};

Tensor max_pool(Operand x, PoolOptions options = {});      // the gradient goes to the first of the largest
Tensor average_pool(Operand x, PoolOptions options = {});  // padding does not count

}  // namespace floe
