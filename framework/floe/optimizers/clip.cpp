// Gradient clipping.
#include <floe/optimizers/clip.h>

#include <cmath>

#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/record.h>

namespace floe {
namespace {

void require_limit(const char* op, double limit) { require_number(op, "the limit", limit, numbers::above_0); }

template <class Change>
Gradients changed(const Gradients& gradients, Change change) {
  NoRecording silence;
  Gradients result;
  for (const auto& [variable, gradient] : gradients) result.add(*variable, change(gradient));
  return result;
}

// The root of the sum of all squares, a float64 scalar on the device of the first gradient, which may still compute it.
Tensor joint_norm(const Gradients& gradients) {
  Tensors norms;
  for (const auto& [variable, gradient] : gradients) {
    Tensor scale = scale_for_squares(gradient), squares = reduce_sum(square(gradient * scale));
    Tensor one = sqrt(cast(squares, DType::float64)) / cast(scale, DType::float64);
    norms.push_back(norms.empty() ? one : one.on(norms[0].device()));
  }
  return norms.empty() ? full({}, 0, DType::float64) : norm(stack(norms));
}

}  // namespace

Tensor clip_by_norm(Operand x, double limit) {
  require_floating("clip_by_norm", x);
  require_number("clip_by_norm", "the limit", limit, numbers::above_0, x, x->dtype());
  CallScope scope(x.where());
  Tensor scale = scale_for_squares(x), scaled = x * scale, length = norm(scaled), most = scale * limit;
  return where(greater(length, most), scaled / maximum(length, most) * limit, x);
}

Gradients clip_by_value(const Gradients& gradients, double limit) {
  require_limit("clip_by_value", limit);
  return changed(gradients, [=](const Tensor& g) { return clip(g, -limit, limit); });
}

Gradients clip_by_norm(const Gradients& gradients, double limit) {
  require_limit("clip_by_norm", limit);
  return changed(gradients, [=](const Tensor& g) { return clip_by_norm(g, limit); });
}

double global_norm(const Gradients& gradients) {
  NoRecording silence;
  return joint_norm(gradients).item();
}

Gradients clip_by_global_norm(const Gradients& gradients, double limit) {
  require_limit("clip_by_global_norm", limit);
  NoRecording silence;
  Tensor all = joint_norm(gradients), scale = where(greater(all, limit), scale_for_squares(all), 1.0);
  Tensor rest = where(isfinite(all), limit / (maximum(all, limit) * scale), std::nan(""));
  return changed(gradients, [&](const Tensor& g) {
    return cast(cast(g, DType::float64) * scale.on(g.device()) * rest.on(g.device()), g.dtype());
  });
}

}  // namespace floe
