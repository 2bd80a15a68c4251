// Gradient clipping.
#include <floe/optimizers/clip.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/record.h>

namespace floe {
namespace {

void require_limit(const char* op, double limit) {
  if (!(limit > 0 && std::isfinite(limit))) {
    throw ValueError(fmt::format("{}: the limit must be above 0 and finite, but is {}", op, limit));
  }
}

template <class Change>
Gradients changed(const Gradients& gradients, Change change) {
  NoRecording silence;
  Gradients result;
  for (const auto& [variable, gradient] : gradients) result.add(*variable, change(gradient));
  return result;
}

// The root of the sum of all squares, a float64 scalar on the device of the first gradient.
Tensor joint_norm(const Gradients& gradients) {
  Tensors sums;
  for (const auto& [variable, gradient] : gradients) {
    Tensor one = cast(reduce_sum(square(gradient)), DType::float64);
    sums.push_back(sums.empty() ? one : one.on(sums[0].device()));
  }
  return sums.empty() ? full({}, 0, DType::float64) : sqrt(reduce_sum(stack(sums)));
}

}  // namespace

Tensor clip_by_norm(Operand x, double limit) {
  require_limit("clip_by_norm", limit);
  CallScope scope(x.where());
  return x * (limit / maximum(norm(x), limit));
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
  Tensor all = joint_norm(gradients), scale = where(isfinite(all), limit / maximum(all, limit), std::nan(""));
  return changed(gradients, [&](const Tensor& g) { return g * cast(scale, g.dtype()).on(g.device()); });
}

}  // namespace floe
