// filled: a tensor of one value, for the rooms that need one without an op.
#pragma once

#include <floe/backend/run.h>

namespace floe {

// `value` everywhere; ops/create.h has the checked and public form.
inline Tensor filled(const Shape& shape, Number value, DType dtype, Device device) {
  Tensor y(shape, dtype, device);
  run<cpu::fill, cuda::fill>(device, value, y);
  return y;
}

}  // namespace floe
