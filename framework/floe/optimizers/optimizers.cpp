// The optimizers: options checked, and a rule of backend/optimizer_rules.h applied to each variable.
#include <floe/optimizers/optimizers.h>

#include <cmath>

#include <floe/backend/optimizer_rules.h>
#include <floe/backend/run.h>

namespace floe {
namespace {

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

Momentum::Momentum(MomentumOptions options)
    : Optimizer(options.learning_rate, {"velocity"}, "momentum",
                {{"option .momentum", options.momentum, numbers::from_0_below_1}}),
      options_(options) {}

void Momentum::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  if (options_.nesterov)
    update(rules::Nesterov{learning_rate(), options_.momentum}, variable, gradient, slots);
  else
    update(rules::Momentum{learning_rate(), options_.momentum}, variable, gradient, slots);
}

RMSprop::RMSprop(RMSpropOptions options)
    : Optimizer(options.learning_rate, {"square"}, "rmsprop",
                {{"option .decay", options.decay, numbers::from_0_below_1},
                 {"option .epsilon", options.epsilon, numbers::above_0}}),
      options_(options) {}

void RMSprop::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(rules::RmsProp{learning_rate(), options_.decay, options_.epsilon}, variable, gradient, slots);
}

Adagrad::Adagrad(AdagradOptions options)
    : Optimizer(options.learning_rate, {{"accumulator", options.initial_accumulator_value}}, "adagrad",
                {{"option .initial_accumulator_value", options.initial_accumulator_value, numbers::from_0},
                 {"option .epsilon", options.epsilon, numbers::above_0}}),
      options_(options) {}

void Adagrad::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(rules::Adagrad{learning_rate(), options_.epsilon}, variable, gradient, slots);
}

Adam::Adam(AdamOptions options)
    : Optimizer(options.learning_rate, {"m", "v"}, "adam",
                {{"option .beta1", options.beta1, numbers::from_0_below_1},
                 {"option .beta2", options.beta2, numbers::from_0_below_1},
                 {"option .epsilon", options.epsilon, numbers::above_0}}),
      options_(options) {}

void Adam::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  update(adam_rule(options_, learning_rate(), steps()), variable, gradient, slots);
}

AdamW::AdamW(AdamWOptions options)
    : Optimizer(options.learning_rate, {"m", "v"}, "adamw",
                {{"option .beta1", options.beta1, numbers::from_0_below_1},
                 {"option .beta2", options.beta2, numbers::from_0_below_1},
                 {"option .epsilon", options.epsilon, numbers::above_0},
                 {"option .weight_decay", options.weight_decay, numbers::from_0}}),
      options_(std::move(options)) {}

void AdamW::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  rules::Adam adam = adam_rule(options_, learning_rate(), steps());
  if (options_.decays && !options_.decays(variable))
    update(adam, variable, gradient, slots);
  else
    update(rules::AdamW{adam, options_.weight_decay}, variable, gradient, slots);
}

}  // namespace floe
