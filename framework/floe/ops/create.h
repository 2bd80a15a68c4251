// Tensors of one value or of a regular row. Constants to every tape.
#pragma once

#include <cstdint>

#include <floe/tensor/tensor.h>

namespace floe {

// Here and elsewhere, a number that the dtype cannot hold is a ValueError, and a negative size a ShapeError.
Tensor full(const Shape& shape, Number value, DType dtype = DType::float32, Device device = {});
Tensor zeros(const Shape& shape, DType dtype = DType::float32, Device device = {});
Tensor ones(const Shape& shape, DType dtype = DType::float32, Device device = {});
Tensor zeros_like(const Tensor& x);  // in the shape and dtype of x, on its device
Tensor ones_like(const Tensor& x);
// (size, size): 1 where both indices are equal, else 0.
Tensor eye(std::int64_t size, DType dtype = DType::float32, Device device = {});
// start, start + step, ... before `stop`, as (count,); (0,) if the step leads away from it. What only rounding keeps
// from `stop` counts as there: range(1, 1.3, 0.1, DType::float32) has three. ValueError for a step of 0, a number that
// is not finite, a range that cannot be counted, and with an integer dtype for a start or step that is not whole.
Tensor range(Number start, Number stop, Number step = 1, DType dtype = DType::int32);
// (count,) at equal distances, `stop` included; a single one is `start`. DTypeError unless floating,
// ValueError unless both ends are finite in the dtype.
Tensor linspace(double start, double stop, std::int64_t count, DType dtype = DType::float32);

}  // namespace floe
