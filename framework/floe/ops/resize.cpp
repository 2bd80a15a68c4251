// Resizing pictures.
#include <floe/ops/resize.h>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/checks.h>

namespace floe {
namespace {

using Kernel = void (*)(Device, const Tensor&, Tensor&);

// A resize and its adjoint are each other's gradients.
Tensor linear(OpInfo info, const Tensor& x, const Shape& shape, Kernel kernel, Kernel adjoint) {
  Tensor y(shape, x.dtype(), x.device());
  if (y.elements() > 0) kernel(x.device(), x, y);
  record(info, {x}, y, {}, [=, back = x.shape()](Backward& op) {
    op.give(0, linear({"resize_gradient"}, op.dy(), back, adjoint, kernel));
  });
  return y;
}

template <auto cpu_kernel, auto cuda_kernel>
void on(Device device, const Tensor& x, Tensor& y) {
  run<cpu_kernel, cuda_kernel>(device, x, y);
}

Tensor resize(const char* op, const Operand& x, Size2 size, Kernel kernel, Kernel adjoint) {
  constexpr const char* axes = "batch, height, width, channels";
  require_floating(op, x);
  require_rank(op, x, 4, "x", axes);
  if (size.height < 1 || size.width < 1 || x->dim(1) < 1 || x->dim(2) < 1) {
    throw ShapeError(message(
        op, fmt::format("cannot resize {} by {} pixels to {} by {}", x->dim(1), x->dim(2), size.height, size.width),
        {{"x", x, axes}}, x.where()));
  }
  return linear({op, x.where()}, x, {x->dim(0), size.height, size.width, x->dim(3)}, kernel, adjoint);
}

}  // namespace

Tensor resize_nearest(Operand x, Size2 size) {
  return resize("resize_nearest", x, size, on<cpu::resize_nearest, cuda::resize_nearest>,
                on<cpu::resize_nearest_gradient, cuda::resize_nearest_gradient>);
}

Tensor resize_bilinear(Operand x, Size2 size) {
  return resize("resize_bilinear", x, size, on<cpu::resize_bilinear, cuda::resize_bilinear>,
                on<cpu::resize_bilinear_gradient, cuda::resize_bilinear_gradient>);
}

}  // namespace floe
