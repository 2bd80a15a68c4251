// Pooling.
#include <floe/ops/pool.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/checks.h>
#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

PoolGeometry geometry(const char* op, const Operand& x, PoolOptions options) {
  constexpr const char* axes = "batch, height, width, channels";
  require_floating(op, x);
  require_rank(op, x, 4, "x", axes);
  if (options.strides.height == 0) options.strides.height = options.window.height;
  if (options.strides.width == 0) options.strides.width = options.window.width;
  auto text = [&](const std::string& what) { return message(op, what, {{"x", x, axes}}, x.where()); };
  require_pixels(op, "window", options.window, 1, {{"x", x, axes}}, x.where());
  require_pixels(op, "strides", options.strides, 1, {{"x", x, axes}}, x.where());
  const Padding& p = options.padding;
  if (p.top < 0 || p.left < 0 || p.bottom < 0 || p.right < 0 || p.top >= options.window.height ||
      p.bottom >= options.window.height || p.left >= options.window.width || p.right >= options.window.width) {
    throw ValueError(text("padding must be 0 or more and smaller than the window"));
  }
  auto axis = [&](std::int64_t in, std::int64_t window, std::int64_t stride, std::int64_t before, std::int64_t after) {
    return counted(op, {{"x", x, axes}}, x.where(),
                   [&] { return window_axis(in, window, stride, p.kind, before, after); });
  };
  WindowAxis rows = axis(x->dim(1), options.window.height, options.strides.height, p.top, p.bottom);
  WindowAxis columns = axis(x->dim(2), options.window.width, options.strides.width, p.left, p.right);
  if (rows.out < 1 || columns.out < 1)
    throw ShapeError(text(fmt::format("the window of {} by {} is larger than the padded input", options.window.height,
                                      options.window.width)));
  return {x->dim(0),
          x->dim(1),
          x->dim(2),
          x->dim(3),
          rows.out,
          columns.out,
          options.window.height,
          options.window.width,
          options.strides.height,
          options.strides.width,
          rows.before,
          columns.before};
}

// What a pool or its gradient reports of itself: how the window moves, and the height and width of its image.
template <class Function>
void record_pool(const char* name, Location where, const PoolGeometry& g, TensorList inputs,
                 std::initializer_list<Tensor*> outputs, TensorList keeps, Function function) {
  auto after = [](std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t window, std::int64_t before) {
    return std::max<std::int64_t>((out - 1) * stride + window - in - before, 0);
  };
  std::int64_t bottom = after(g.height, g.out_height, g.stride_height, g.window_height, g.pad_top);
  std::int64_t right = after(g.width, g.out_width, g.stride_width, g.window_width, g.pad_left);
  record({name,
          where,
          {{"window", {g.window_height, g.window_width}},
           {"strides", {g.stride_height, g.stride_width}},
           {"padding", {g.pad_top, bottom, g.pad_left, right}},
           {"size", {g.height, g.width}}}},
         inputs, outputs, keeps, std::move(function));
}

// Each window's gradient goes to its winner. What flows back through that is gathered from there again.
Tensor max_gradient(const Tensor& dy, const Tensor& winners, const PoolGeometry& g) {
  Tensor dx({g.batch, g.height, g.width, g.channels}, dy.dtype(), dy.device());
  if (dx.elements() > 0) run<cpu::max_pool_gradient, cuda::max_pool_gradient>(dy.device(), dy, winners, g, dx);
  record_pool("max_pool_gradient", {}, g, {dy, winners}, {&dx}, {winners},
              [](Backward& op) { op.give(0, gather(reshape(op.dy(), {-1}), op.kept(0))); });
  return dx;
}

Tensor average(const Tensor& x, const PoolGeometry& g, Location where);

Tensor average_gradient(const Tensor& dy, const PoolGeometry& g) {
  Tensor dx({g.batch, g.height, g.width, g.channels}, dy.dtype(), dy.device());
  if (dx.elements() > 0) run<cpu::average_pool_gradient, cuda::average_pool_gradient>(dy.device(), dy, g, dx);
  record_pool("average_pool_gradient", {}, g, {dy}, {&dx}, {},
              [g](Backward& op) { op.give(0, average(op.dy(), g, {})); });
  return dx;
}

Tensor average(const Tensor& x, const PoolGeometry& g, Location where) {
  Tensor y({g.batch, g.out_height, g.out_width, g.channels}, x.dtype(), x.device());
  if (y.elements() > 0) run<cpu::average_pool, cuda::average_pool>(x.device(), x, g, y);
  record_pool("average_pool", where, g, {x}, {&y}, {}, [g](Backward& op) { op.give(0, average_gradient(op.dy(), g)); });
  return y;
}

}  // namespace

Tensor max_pool(Operand x, PoolOptions options) {
  PoolGeometry g = geometry("max_pool", x, options);
  Shape shape{g.batch, g.out_height, g.out_width, g.channels};
  Tensor y(shape, x->dtype(), x->device()), winners(shape, DType::int64, x->device());
  if (y.elements() > 0) run<cpu::max_pool, cuda::max_pool>(x->device(), x, g, y, winners);
  record_pool("max_pool", x.where(), g, {x}, {&y, &winners}, {winners},
              [g](Backward& op) { op.give(0, max_gradient(op.dy(), op.kept(0), g)); });
  return y;
}

Tensor average_pool(Operand x, PoolOptions options) {
  return average(x, geometry("average_pool", x, options), x.where());
}

}  // namespace floe
