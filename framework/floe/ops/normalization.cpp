// Batch normalisation.
#include <floe/ops/normalization.h>

#include <numeric>

#include <floe/backend/run.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

void check(const char* op, const Operand& x, std::initializer_list<std::pair<const char*, const Operand*>> by_channel) {
  require_floating(op, x);
  if (x->rank() < 2) throw ShapeError(message(op, "needs a batch axis and channels", {{"x", x}}, x.where()));
  for (auto [role, operand] : by_channel) {
    require_alike(op, x, "x", *operand, role);
    if ((*operand)->shape() == Shape{x->dim(-1)}) continue;
    throw ShapeError(message(op, std::string(role) + " needs one number for each of " + count(x->dim(-1), "channel"),
                             {{"x", x, "..., channels"}, {role, *operand, "channels"}}, x.where()));
  }
}

Tensor rows_of(const Tensor& x) { return x.view({x.dim(-1) ? x.elements() / x.dim(-1) : 0, x.dim(-1)}); }

// The gradient as recorded ops, for higher orders.
void differentiable_gradient(Backward& op, double epsilon) {
  const Tensor &dy = op.dy(), &x = op.kept(0), &gamma = op.kept(1);
  std::vector<int> axes(static_cast<std::size_t>(x.rank() - 1));
  std::iota(axes.begin(), axes.end(), 0);
  if (x.elements() == 0) {  // no mean to take
    if (op.needs(0)) op.give(0, dy * gamma);
    if (op.needs(1)) op.give(1, reduce_sum(dy * x, axes));
    if (op.needs(2)) op.give(2, reduce_sum(dy, axes));
    return;
  }
  Tensor centred = x - reduce_mean(x, axes);
  Tensor inverse_stddev = rsqrt(reduce_mean(square(centred), axes) + epsilon);
  Tensor normal = centred * inverse_stddev;
  if (op.needs(0))
    op.give(0, gamma * inverse_stddev * (dy - reduce_mean(dy, axes) - normal * reduce_mean(dy * normal, axes)));
  if (op.needs(1)) op.give(1, reduce_sum(dy * normal, axes));
  if (op.needs(2)) op.give(2, reduce_sum(dy, axes));
}

}  // namespace

Normalized batch_normalization_training(Operand x, Operand gamma, Operand beta, double epsilon) {
  constexpr const char* name = "batch_normalization";
  check(name, x, {{"gamma", &gamma}, {"beta", &beta}});
  Tensor rows(rows_of(x).shape(), x->dtype(), x->device());
  Normalized result;
  result.mean = Tensor({x->dim(-1)}, x->dtype(), x->device());
  result.variance = Tensor({x->dim(-1)}, x->dtype(), x->device());
  if (x->elements() == 0) {
    result.mean = zeros_like(result.mean), result.variance = zeros_like(result.variance);
  } else {
    run<cpu::moments, cuda::moments>(x->device(), rows_of(x), result.mean, result.variance);
    observe({"moments", x.where()}, {x}, result.variance);
  }
  Tensor inverse_stddev, scale;
  {
    NoRecording silence;
    inverse_stddev = rsqrt(result.variance + epsilon);
    scale = gamma * inverse_stddev;
  }
  if (rows.elements() > 0)
    run<cpu::normalize, cuda::normalize>(x->device(), rows_of(x), result.mean, scale, beta, rows);
  result.y = rows.view(x->shape());

  record({name, x.where()}, {x, gamma, beta}, result.y, {x, gamma, result.mean, inverse_stddev},
         [epsilon](Backward& op) {
           if (op.differentiable()) return differentiable_gradient(op, epsilon);
           const Tensor &dy = op.dy(), &x = op.kept(0), &gamma = op.kept(1);
           Tensor rows(rows_of(x).shape(), x.dtype(), x.device()), dgamma(gamma.shape(), x.dtype(), x.device()),
               dbeta(gamma.shape(), x.dtype(), x.device());
           if (x.elements() == 0)
             dgamma = zeros_like(gamma), dbeta = zeros_like(gamma);
           else
             run<cpu::batch_normalization_gradient, cuda::batch_normalization_gradient>(
                 x.device(), rows_of(dy), rows_of(x), op.kept(2), op.kept(3), gamma, rows, dgamma, dbeta);
           Tensor dx = rows.view(x.shape());
           observe({"batch_normalization_gradient"}, {dy, x, gamma}, dx);
           if (op.needs(0)) op.give(0, dx);
           if (op.needs(1)) op.give(1, dgamma);
           if (op.needs(2)) op.give(2, dbeta);
         });
  return result;
}

Tensor batch_normalization(Operand x, Operand gamma, Operand beta, Operand mean, Operand variance, double epsilon) {
  check("batch_normalization", x, {{"gamma", &gamma}, {"beta", &beta}, {"mean", &mean}, {"variance", &variance}});
  CallScope scope(x.where());
  Tensor scale = gamma * rsqrt(variance + epsilon);
  return x * scale + (beta - mean * scale);
}

}  // namespace floe
