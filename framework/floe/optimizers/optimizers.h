// The optimizers: SGD, Momentum, RMSprop, Adam, with the defaults of Keras; w is the variable and g its gradient. Each
// constructor: ValueError unless the rate is finite and 0 or more, a momentum, decay or beta from 0 up to but not
// including 1, and epsilon above 0.
#pragma once

#include <floe/optimizers/optimizer.h>

namespace floe {

// w -= rate * g
class SGD : public Optimizer {
 public:
  // Nothing is kept from step to step.
  explicit SGD(double learning_rate = 0.01) : Optimizer(learning_rate, {}) {}

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
};

// The options of a Momentum, by name.
struct MomentumOptions {
  double learning_rate = 0.01;  // rate
  double momentum = 0.9;        // how much of the velocity stays
  bool nesterov = false;        // look ahead along the velocity
};

// v = momentum * v - rate * g; w += v, or with Nesterov w += momentum * v - rate * g. As Keras; Sutskever et al., 2013.
class Momentum : public Optimizer {
 public:
  // Keeps the velocity v of each variable.
  explicit Momentum(MomentumOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  MomentumOptions options_;
};

// The options of an RMSprop, by name.
struct RMSpropOptions {
  double learning_rate = 1e-3;  // rate
  double decay = 0.9;           // of the mean square
  double epsilon = 1e-7;        // keeps the divisor from 0
};

// s = decay * s + (1 - decay) * g^2; w -= rate * g / (sqrt(s) + epsilon). Hinton, lecture 6e, 2012. As Keras 2; Keras 3
// has epsilon under the root.
class RMSprop : public Optimizer {
 public:
  // Keeps the mean square s of each variable's gradient.
  explicit RMSprop(RMSpropOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  RMSpropOptions options_;
};

// The options of an Adam, by name: {.learning_rate = 3e-4, .beta1 = 0.5}.
struct AdamOptions {
  double learning_rate = 1e-3;  // rate: about how far a number moves in a step
  double beta1 = 0.9;           // decay of the mean gradient
  double beta2 = 0.999;         // decay of the mean square
  double epsilon = 1e-7;  // Keras' value; TensorFlow 1's AdamOptimizer had 1e-8
};

// m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
// w -= rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), with t = steps(), for all variables the same.
// Kingma and Ba, 2014, algorithm 1. Keras and TensorFlow scale the rate by the corrections first (the paper's "epsilon
// hat"), which makes their epsilon larger by 1 / sqrt(1 - beta2^t), up to 32 times at the start.
class Adam : public Optimizer {
 public:
  // Keeps the two moments m and v of each variable.
  explicit Adam(AdamOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  AdamOptions options_;
};

}  // namespace floe
