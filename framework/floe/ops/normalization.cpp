// Normalisation over the batch, over the last axes, and over the pixels of each image.
#include <floe/ops/normalization.h>

#include <optional>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/backend/statistics.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

// A 0 is meant; what is 0 only in the dtype is not.
void require_epsilon(const char* op, const Operand& x, double epsilon) {
  require_number(op, "epsilon", epsilon, epsilon == 0 ? numbers::from_0 : numbers::above_0, x, x->dtype());
}

void check(const char* op, const Operand& x, double epsilon, int least_rank, const char* axes,
           std::initializer_list<std::pair<const char*, const Operand*>> by_channel) {
  require_floating(op, x);
  require_epsilon(op, x, epsilon);
  if (x->rank() < least_rank) throw ShapeError(message(op, fmt::format("needs {}", axes), {{"x", x}}, x.where()));
  for (auto [role, operand] : by_channel) {
    require_alike(op, x, "x", *operand, role);
    if ((*operand)->shape() == Shape{x->dim(-1)}) continue;
    throw ShapeError(message(op, std::string(role) + " needs one number for each of " + count(x->dim(-1), "channel"),
                             {{"x", x, "..., channels"}, {role, *operand, "channels"}}, x.where()));
  }
}

// The product of the sizes from one axis to before another.
std::int64_t between(const Tensor& x, int first, int end) {
  std::int64_t product = 1;
  for (int axis = first; axis < end; ++axis) product *= x.dim(axis);
  return product;
}

// How x is read, as an attribute: (outer, reduced, groups, within).
Shape sizes_of(const NormalizationGeometry& g) { return {g.outer, g.reduced, g.groups, g.within}; }

// The gradient as recorded ops, for higher orders.
void differentiable_gradient(Backward& op, const NormalizationGeometry& g, double epsilon) {
  const Shape whole = sizes_of(g), shape = op.kept(0).shape(), columns = op.kept(1).shape();
  Tensor dy = reshape(op.dy(), whole), x = reshape(op.kept(0), whole);
  Tensor gamma = reshape(op.kept(1), {g.groups, g.within}), slope = dy * gamma;
  auto give_columns = [&](int input, const Tensor& of) {
    if (op.needs(input)) op.give(input, reshape(reduce_sum(of, {0, 1}), columns));
  };
  give_columns(2, dy);
  if (x.elements() == 0) {  // no mean to take
    if (op.needs(0)) op.give(0, reshape(slope, shape));
    return give_columns(1, dy * x);
  }
  auto mean = [](const Tensor& of) { return reduce_mean(of, {1, 3}, true); };
  Tensor centred = x - mean(x);
  Tensor inverse_stddev = rsqrt(mean(square(centred)) + epsilon);
  Tensor normal = centred * inverse_stddev;
  if (op.needs(0)) {
    Tensor factor = inverse_stddev;
    if (g.within == 1) factor = gamma * inverse_stddev, slope = dy;  // a statistic has one gamma
    op.give(0, reshape(factor * (slope - mean(slope) - normal * mean(slope * normal)), shape));
  }
  give_columns(1, dy * normal);
}

void gradient(Backward& op, const char* name, const NormalizationGeometry& g, double epsilon) {
  if (op.differentiable()) return differentiable_gradient(op, g, epsilon);
  const Tensor &dy = op.dy(), &x = op.kept(0), &gamma = op.kept(1);
  Tensor dx(x.shape(), x.dtype(), x.device()), dgamma(gamma.shape(), x.dtype(), x.device()),
      dbeta(gamma.shape(), x.dtype(), x.device());
  if (x.elements() == 0)
    dgamma = zeros_like(gamma), dbeta = zeros_like(gamma);
  else
    run<cpu::normalize_gradient, cuda::normalize_gradient>(x.device(), dy, x, g, op.kept(2), op.kept(3), gamma, dx,
                                                           dgamma, dbeta);
  const Shape sizes = sizes_of(g);
  observe({name, {}, {{"sizes", sizes}, {"epsilon", epsilon}}}, {dy, x, gamma}, {&dx, &dgamma, &dbeta});
  if (op.needs(0)) op.give(0, dx);
  if (op.needs(1)) op.give(1, dgamma);
  if (op.needs(2)) op.give(2, dbeta);
}

// The shape of statistics that only the gradient reads: of an empty x, nothing does.
Shape unless_empty(const Operand& x, const Shape& statistics) { return x->elements() > 0 ? statistics : Shape{0}; }

struct Names {
  const char *op, *gradient;
};

void move(const MovingAverages& averages, const Normalized& by) {
  NoRecording silence;
  const double old = averages.momentum;
  averages.mean.assign(averages.mean * old + by.mean * (1 - old));
  averages.variance.assign(averages.variance * old + by.variance * (1 - old));
}

// The value, to be written in place: in storage of its own.
Tensor& own_value(Variable& variable) {
  variable.update().raw_mutable();
  variable.updated();
  return variable.update();
}

bool is_observed() { return detail::hooks & detail::observed; }

// Gives result its statistics and returns 1 / sqrt(variance + epsilon): op by op for observers, else in one go, and with
// the averages.
Tensor take_statistics(const Operand& x, const NormalizationGeometry& g, double epsilon, Normalized& result,
                       const MovingAverages* averages) {
  NoRecording silence;
  if (is_observed()) {
    run<cpu::moments, cuda::moments>(x->device(), x, g, result.mean, result.variance);
    observe({"moments", x.where(), {{"sizes", sizes_of(g)}, {"shape", result.mean.shape()}}}, {x},
            {&result.mean, &result.variance});
    return rsqrt(result.variance + epsilon);
  }
  Tensor inverse_stddev(result.mean.shape(), x->dtype(), x->device());
  std::optional<MovingStatistics> moving;
  if (averages)
    moving.emplace(MovingStatistics{own_value(averages->mean), own_value(averages->variance), averages->momentum});
  run<cpu::statistics, cuda::statistics>(x->device(), x, g, epsilon, result.mean, result.variance, inverse_stddev,
                                         moving ? &*moving : nullptr);
  return inverse_stddev;
}

// What all of them do once their arguments are checked. Statistics come in the given shape.
Normalized normalized(Names names, const Operand& x, const Operand& gamma, const Operand& beta,
                      const NormalizationGeometry& g, const Shape& statistics, double epsilon,
                      const MovingAverages* averages = nullptr) {
  Normalized result{Tensor(x->shape(), x->dtype(), x->device()), Tensor(statistics, x->dtype(), x->device()),
                    Tensor(statistics, x->dtype(), x->device())};
  const Shape sizes = sizes_of(g);
  Tensor inverse_stddev;
  if (x->elements() == 0) {
    NoRecording silence;
    result.mean = zeros_like(result.mean), result.variance = zeros_like(result.variance);
    inverse_stddev = rsqrt(result.variance + epsilon);
  } else {
    inverse_stddev = take_statistics(x, g, epsilon, result, averages);
    run<cpu::normalize, cuda::normalize>(x->device(), x, g, result.mean, inverse_stddev, gamma, beta, result.y);
  }
  const Attribute attributes[] = {{"sizes", sizes}, {"epsilon", epsilon}};
  record({names.op, x.where(), attributes}, {x, gamma, beta}, result.y, {x, gamma, result.mean, inverse_stddev},
         [name = names.gradient, g, epsilon](Backward& op) { gradient(op, name, g, epsilon); });
  if (averages && is_observed() && x->elements() > 0) move(*averages, result);
  return result;
}

}  // namespace

Normalized batch_normalization_training(Operand x, Operand gamma, Operand beta, double epsilon,
                                        const MovingAverages* averages) {
  constexpr Names names{"batch_normalization", "batch_normalization_gradient"};
  check(names.op, x, epsilon, 2, "a batch axis and channels", {{"gamma", &gamma}, {"beta", &beta}});
  return normalized(names, x, gamma, beta, {1, between(x, 0, x->rank() - 1), x->dim(-1), 1}, {x->dim(-1)}, epsilon,
                    averages);
}

Tensor batch_normalization(Operand x, Operand gamma, Operand beta, Operand mean, Operand variance, double epsilon) {
  check("batch_normalization", x, epsilon, 2, "a batch axis and channels",
        {{"gamma", &gamma}, {"beta", &beta}, {"mean", &mean}, {"variance", &variance}});
  CallScope scope(x.where());
  Tensor scale = gamma * rsqrt(variance + epsilon);
  return x * scale + (beta - mean * scale);
}

Tensor layer_normalization(Operand x, Operand gamma, Operand beta, double epsilon) {
  constexpr Names names{"layer_normalization", "layer_normalization_gradient"};
  require_floating(names.op, x);
  require_epsilon(names.op, x, epsilon);
  require_alike(names.op, x, "x", gamma, "gamma");
  require_alike(names.op, x, "x", beta, "beta");
  const int rest = x->rank() - gamma->rank();
  if (gamma->rank() == 0 || rest < 0 ||
      !std::equal(gamma->shape().begin(), gamma->shape().end(), x->shape().begin() + rest))
    throw ShapeError(
        message(names.op, "gamma needs the sizes of the last axes of x", {{"x", x}, {"gamma", gamma}}, x.where()));
  if (beta->shape() != gamma->shape())
    throw ShapeError(message(names.op, "beta needs the shape of gamma", {{"gamma", gamma}, {"beta", beta}}, x.where()));
  Shape leading(std::span(x->shape().begin(), static_cast<std::size_t>(rest)));
  return normalized(names, x, gamma, beta, {leading.elements(), 1, 1, gamma->elements()}, unless_empty(x, leading),
                    epsilon)
      .y;
}

Tensor group_normalization(Operand x, std::int64_t groups, Operand gamma, Operand beta, double epsilon) {
  constexpr Names names{"group_normalization", "group_normalization_gradient"};
  check(names.op, x, epsilon, 2, "a batch axis and channels", {{"gamma", &gamma}, {"beta", &beta}});
  const std::int64_t batch = x->dim(0), channels = x->dim(-1);
  if (groups < 1)
    throw ValueError(
        message(names.op, fmt::format("groups must be 1 or more, and are {}", groups), {{"x", x}}, x.where()));
  if (channels % groups)
    throw ShapeError(message(names.op,
                             fmt::format("{} cannot be divided into {} groups", count(channels, "channel"), groups),
                             {{"x", x, "batch, ..., channels"}}, x.where()));
  return normalized(names, x, gamma, beta, {batch, between(x, 1, x->rank() - 1), groups, channels / groups},
                    unless_empty(x, {batch, groups}), epsilon)
      .y;
}

Tensor instance_normalization(Operand x, Operand gamma, Operand beta, double epsilon) {
  constexpr Names names{"instance_normalization", "instance_normalization_gradient"};
  check(names.op, x, epsilon, 3, "a batch axis, axes to normalise over, and channels",
        {{"gamma", &gamma}, {"beta", &beta}});
  const std::int64_t batch = x->dim(0), channels = x->dim(-1);
  return normalized(names, x, gamma, beta, {batch, between(x, 1, x->rank() - 1), channels, 1},
                    unless_empty(x, {batch, channels}), epsilon)
      .y;
}

}  // namespace floe
