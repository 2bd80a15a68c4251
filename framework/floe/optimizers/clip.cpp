// Gradient clipping.
#include <floe/optimizers/clip.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
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
  double total = 0;
  for (const auto& [variable, gradient] : gradients) total += reduce_sum(square(gradient)).item();
  return std::sqrt(total);
}

Gradients clip_by_global_norm(const Gradients& gradients, double limit) {
  require_limit("clip_by_global_norm", limit);
  double norm = global_norm(gradients);
  double scale = std::isfinite(norm) ? limit / std::max(limit, norm) : std::nan("");
  return changed(gradients, [=](const Tensor& g) { return g * scale; });
}

}  // namespace floe
