// The optimizers: SGD, Momentum, RMSprop, Adam, with the defaults of Keras; w is the variable and g its gradient. Each
// constructor: ValueError unless the rate is finite and 0 or more, a momentum, decay or beta from 0 up to but not
// including 1, and epsilon above 0.
#pragma once

#include <floe/optimizers/optimizer.h>

namespace floe {

// w -= rate * g
class SGD : public Optimizer {
 public:
  explicit SGD(double learning_rate = 0.01) : Optimizer(learning_rate, {}) {}

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
};

struct MomentumOptions {
  double learning_rate = 0.01;
  double momentum = 0.9;
  bool nesterov = false;
};

// v = momentum * v - rate * g; w += v, or with Nesterov w += momentum * v - rate * g. As Keras; Sutskever et al., 2013.
class Momentum : public Optimizer {
 public:
  explicit Momentum(MomentumOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  MomentumOptions options_;
};

struct RMSpropOptions {
  double learning_rate = 1e-3;
  double decay = 0.9;
  double epsilon = 1e-7;
};

// s = decay * s + (1 - decay) * g^2; w -= rate * g / (sqrt(s) + epsilon). Hinton, lecture 6e, 2012. As Keras 2; Keras 3
// has epsilon under the root.
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(RMSpropOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  RMSpropOptions options_;
};

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;  // Keras' value; TensorFlow 1's AdamOptimizer had 1e-8
};

// m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
// w -= rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), with t = steps(), for all variables the same.
// Kingma and Ba, 2014, algorithm 1. Keras and TensorFlow scale the rate by the corrections first (the paper's "epsilon
// hat"), which makes their epsilon larger by 1 / sqrt(1 - beta2^t), up to 32 times at the start.
class Adam : public Optimizer {
 public:
  explicit Adam(AdamOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  AdamOptions options_;
};

}  // namespace floe
