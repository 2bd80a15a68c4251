// Resizing pictures.
#include <floe/ops/resize.h>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/checks.h>

namespace floe {
namespace {

using Kernel = void (*)(Device, const Tensor&, Tensor&);

struct Linear {
  const char *name, *adjoint_name;
  Kernel kernel, adjoint;
};

// A resize and its adjoint are each other's gradients.
Tensor linear(Linear op, const Tensor& x, const Shape& shape, Location where = {}) {
  Tensor y(shape, x.dtype(), x.device());
  if (y.elements() > 0) op.kernel(x.device(), x, y);
  record({op.name, where, {{"size", {shape[1], shape[2]}}}}, {x}, y, {}, [=, back = x.shape()](Backward& backward) {
    backward.give(0, linear({op.adjoint_name, op.name, op.adjoint, op.kernel}, backward.dy(), back));
  });
  return y;
}

template <auto cpu_kernel, auto cuda_kernel>
void on(Device device, const Tensor& x, Tensor& y) {
  run<cpu_kernel, cuda_kernel>(device, x, y);
}

Tensor resize(const Linear& linear_op, const Operand& x, Size2 size) {
  const char* op = linear_op.name;
  constexpr const char* axes = "batch, height, width, channels";
  require_floating(op, x);
  require_rank(op, x, 4, "x", axes);
  if (size.height < 1 || size.width < 1 || x->dim(1) < 1 || x->dim(2) < 1) {
    throw ShapeError(message(
        op, fmt::format("cannot resize {} by {} pixels to {} by {}", x->dim(1), x->dim(2), size.height, size.width),
        {{"x", x, axes}}, x.where()));
  }
  return linear(linear_op, x, {x->dim(0), size.height, size.width, x->dim(3)}, x.where());
}

}  // namespace

Tensor resize_nearest(Operand x, Size2 size) {
  return resize({"resize_nearest", "resize_nearest_gradient", on<cpu::resize_nearest, cuda::resize_nearest>,
                 on<cpu::resize_nearest_gradient, cuda::resize_nearest_gradient>},
                x, size);
}

Tensor resize_bilinear(Operand x, Size2 size) {
  return resize({"resize_bilinear", "resize_bilinear_gradient", on<cpu::resize_bilinear, cuda::resize_bilinear>,
                 on<cpu::resize_bilinear_gradient, cuda::resize_bilinear_gradient>},
                x, size);
}

}  // namespace floe
