// The optimizers: options checked, one kernel call for each variable.
#include <floe/optimizers/optimizers.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/backend/run.h>

namespace floe {
namespace {

void require_decay(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value < 1))
    throw ValueError(fmt::format("{}: option .{} must be from 0 to less than 1, and is {}", optimizer, option, value));
}

void require_epsilon(const char* optimizer, double value) {
  if (!(value > 0)) throw ValueError(fmt::format("{}: option .epsilon must be above 0, and is {}", optimizer, value));
}

}  // namespace

void SGD::step(Variable& variable, const Tensor& gradient, Tensors&) {
  run<cpu::sgd_step, cuda::sgd_step>(gradient.device(), variable.update(), gradient, learning_rate());
}

Momentum::Momentum(MomentumOptions options) : Optimizer(options.learning_rate, {"velocity"}), options_(options) {
  require_decay("momentum", "momentum", options.momentum);
}

void Momentum::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  run<cpu::momentum_step, cuda::momentum_step>(gradient.device(), variable.update(), gradient, slots[0],
                                               learning_rate(), options_.momentum, options_.nesterov);
}

RMSprop::RMSprop(RMSpropOptions options) : Optimizer(options.learning_rate, {"square"}), options_(options) {
  require_decay("rmsprop", "decay", options.decay);
  require_epsilon("rmsprop", options.epsilon);
}

void RMSprop::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  run<cpu::rmsprop_step, cuda::rmsprop_step>(gradient.device(), variable.update(), gradient, slots[0], learning_rate(),
                                             options_.decay, options_.epsilon);
}

Adam::Adam(AdamOptions options) : Optimizer(options.learning_rate, {"m", "v"}), options_(options) {
  require_decay("adam", "beta1", options.beta1);
  require_decay("adam", "beta2", options.beta2);
  require_epsilon("adam", options.epsilon);
}

void Adam::step(Variable& variable, const Tensor& gradient, Tensors& slots) {
  double t = static_cast<double>(steps());
  AdamStep step{learning_rate(),
                options_.beta1,
                options_.beta2,
                options_.epsilon,
                1 - std::pow(options_.beta1, t),
                1 - std::pow(options_.beta2, t)};
  run<cpu::adam_step, cuda::adam_step>(gradient.device(), variable.update(), gradient, slots[0], slots[1], step);
}

}  // namespace floe
