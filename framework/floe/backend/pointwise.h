// The contract of pointwise kernels: templates of a formula from formulas.h, for both backends. The CPU's are in
// cpu/pointwise.h, to be compiled with whoever uses them; a GPU's are compiled by name, in cuda/pointwise.cu.
#pragma once

#include <floe/backend/formulas.h>
#include <floe/tensor/tensor.h>

namespace floe {

// In all of them, the result may share the memory of an input as large as itself: each element is read before it is
// written.
#define FLOE_POINTWISE_KERNEL(name, ...) \
  namespace cpu {                        \
  template <class Formula>               \
  void name(__VA_ARGS__);                \
  }                                      \
  namespace cuda {                       \
  template <class Formula>               \
  void name(__VA_ARGS__);                \
  }

FLOE_POINTWISE_KERNEL(pointwise, const Formula& formula, const Tensor& x, Tensor& y)  // y = value(x)
FLOE_POINTWISE_KERNEL(pointwise_gradient, const Formula& formula, const Tensor& dy, const Tensor& x, const Tensor& y,
                      Tensor& dx)  // dx = dy * slope(x, y), 0 where that is
FLOE_POINTWISE_KERNEL(map, const Formula& formula, const Tensor& x, Tensor& y)        // y = f(x) in x's dtype
FLOE_POINTWISE_KERNEL(test, const Formula& formula, const Tensor& x, Tensor& y)       // y = f(x) as bool

// y = f(a, b) under NumPy's broadcasting; an operand of rank 0 may be on the CPU: a number. `compare` gives bool, the
// other the dtype of a and b.
FLOE_POINTWISE_KERNEL(combine, const Formula& formula, const Tensor& a, const Tensor& b, Tensor& y)
FLOE_POINTWISE_KERNEL(compare, const Formula& formula, const Tensor& a, const Tensor& b, Tensor& y)

#undef FLOE_POINTWISE_KERNEL

// The elements of a result for writing, also where it shares its memory with an operand that is spent.
template <class T>
T* result_data(Tensor& y) {
  return static_cast<T*>(const_cast<void*>(y.raw()));
}

}  // namespace floe
