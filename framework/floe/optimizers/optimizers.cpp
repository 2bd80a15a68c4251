// The optimizers: options checked, and a rule of backend/optimizer_rules.h applied to each variable.
#include <floe/optimizers/optimizers.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/backend/optimizer_rules.h>
#include <floe/backend/run.h>

namespace floe {
namespace {

void require_decay(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value < 1))
    throw ValueError(fmt::format("{}: option .{} must be from 0 to less than 1, but is {}", optimizer, option, value));
}

void require_epsilon(const char* optimizer, double value) {
  if (!(value > 0)) throw ValueError(fmt::format("{}: option .epsilon must be above 0, but is {}", optimizer, value));
}

void require_from_0(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && std::isfinite(value)))
    throw ValueError(fmt::format("{}: option .{} must be finite and 0 or more, but is {}", optimizer, option, value));
}

template <class Options>
void require_moments(const char* optimizer, const Options& options) {
  require_decay(optimizer, "beta1", options.beta1);
  require_decay(optimizer, "beta2", options.beta2);
  require_epsilon(optimizer, options.epsilon);
}

template <class Options>
rules::Adam adam_rule(const Options& options, double rate, std::int64_t steps) {
  double t = static_cast<double>(steps);
  return {rate,
          options.beta1,
          options.beta2,
          options.epsilon,
          1 - std::pow(options.beta1, t),
          1 - std::pow(options.beta2, t)};
}

template <class Rule>
void update(const Rule& rule, Variable& variable, const Tensor& gradient, Tensors& slots) {
  run<cpu::update<Rule>, cuda::update<Rule>>(gradient.device(), rule, gradient, variable.update(), slots);
}

}  // namespace

void SGD::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(rules::Sgd{learning_rate()}, variable, gradient, slots);
}

Momentum::Momentum(MomentumOptions options) : Optimizer(options.learning_rate, {"velocity"}), options_(options) {
  require_decay("momentum", "momentum", options.momentum);
}

void Momentum::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  if (options_.nesterov)
    update(rules::Nesterov{learning_rate(), options_.momentum}, variable, gradient, slots);
  else
    update(rules::Momentum{learning_rate(), options_.momentum}, variable, gradient, slots);
}

RMSprop::RMSprop(RMSpropOptions options) : Optimizer(options.learning_rate, {"square"}), options_(options) {
  require_decay("rmsprop", "decay", options.decay);
  require_epsilon("rmsprop", options.epsilon);
}

void RMSprop::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(rules::RmsProp{learning_rate(), options_.decay, options_.epsilon}, variable, gradient, slots);
}

Adagrad::Adagrad(AdagradOptions options)
    : Optimizer(options.learning_rate, {{"accumulator", options.initial_accumulator_value}}), options_(options) {
  require_from_0("adagrad", "initial_accumulator_value", options.initial_accumulator_value);
  require_epsilon("adagrad", options.epsilon);
}

void Adagrad::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(rules::Adagrad{learning_rate(), options_.epsilon}, variable, gradient, slots);
}

Adam::Adam(AdamOptions options) : Optimizer(options.learning_rate, {"m", "v"}), options_(options) {
  require_moments("adam", options);
}

void Adam::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(adam_rule(options_, learning_rate(), steps()), variable, gradient, slots);
}

AdamW::AdamW(AdamWOptions options) : Optimizer(options.learning_rate, {"m", "v"}), options_(std::move(options)) {
  require_moments("adamw", options_);
  require_from_0("adamw", "weight_decay", options_.weight_decay);
}

void AdamW::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  rules::Adam adam = adam_rule(options_, learning_rate(), steps());
  if (options_.decays && !options_.decays(variable))
    update(adam, variable, gradient, slots);
  else
    update(rules::AdamW{adam, options_.weight_decay}, variable, gradient, slots);
}

}  // namespace floe
