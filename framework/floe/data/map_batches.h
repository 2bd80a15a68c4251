// map_batches: a function over many rows, some at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include <floe/ops/shape_ops.h>

namespace floe {

// f(rows) for a function of (batch, ...) whose rows do not depend on each other, such as a network in Mode::inference:
// called on `size` rows at a time, so that memory stays small; the results are joined. ValueError for a size below 1
// or without rows.
template <class F>
Tensor map_batches(const Tensor& rows, std::int64_t size, F f) {
  if (size < 1) throw ValueError("map_batches: the size must be 1 or more, but is " + std::to_string(size));
  if (!rows.defined()) throw ValueError("map_batches: rows has no value yet");
  Tensors parts;
  for (std::int64_t i = 0, end = 0; i < rows.dim(0); i = end) {
    end = i + std::min(size, rows.dim(0) - i);
    parts.push_back(f(slice(rows, 0, i, end)));
  }
  return concat(parts, 0);
}

}  // namespace floe
