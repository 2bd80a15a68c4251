// The optimizers: SGD, Momentum, RMSprop, Adagrad, Adam, AdamW, with the defaults of Keras; w is the variable and g its
// gradient. Each constructor: ValueError unless the rate is finite and 0 or more, a momentum, decay or beta from 0 up to
// but not including 1, and epsilon above 0.
#pragma once

#include <functional>

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

// v = momentum * v - rate * g; w += v, or with Nesterov w += momentum * v - rate * g. As in Keras; Sutskever et al.,
// 2013.
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

// s = decay * s + (1 - decay) * g^2; w -= rate * g / (sqrt(s) + epsilon). Hinton, lecture 6e, 2012. As in Keras 2;
// Keras 3 has epsilon under the root.
class RMSprop : public Optimizer {
 public:
  // Keeps the mean square s of each variable's gradient.
  explicit RMSprop(RMSpropOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  RMSpropOptions options_;
};

// The options of an Adagrad, by name.
struct AdagradOptions {
  double learning_rate = 1e-3;             // rate; PyTorch's is 0.01
  double initial_accumulator_value = 0.1;  // s before the first step; PyTorch's is 0
  double epsilon = 1e-7;                   // keeps the divisor from 0; PyTorch's is 1e-10
};

// s += g^2; w -= rate * g / (sqrt(s) + epsilon). Duchi, Hazan and Singer, 2011. As in PyTorch; Keras has epsilon under
// the root.
class Adagrad : public Optimizer {
 public:
  // Keeps the sum s of the squares of each variable's gradients. ValueError also for an initial value below 0.
  explicit Adagrad(AdagradOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  AdagradOptions options_;
};

// The options of an Adam, by name: {.learning_rate = 3e-4, .beta1 = 0.5}.
struct AdamOptions {
  double learning_rate = 1e-3;  // rate: about how far a number moves in a step
  double beta1 = 0.9;           // decay of the mean gradient
  double beta2 = 0.999;         // decay of the mean square
  double epsilon = 1e-7;        // Keras' value; TensorFlow 1's AdamOptimizer had 1e-8
};

// m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
// w -= rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), with t = steps(), the same for all variables.
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

// The options of an AdamW, by name.
struct AdamWOptions {
  double learning_rate = 1e-3;                       // rate, also of the decay
  double beta1 = 0.9;                                // as in AdamOptions
  double beta2 = 0.999;                              // as in AdamOptions
  double epsilon = 1e-7;                             // as in AdamOptions; PyTorch's is 1e-8
  double weight_decay = 0.004;                       // PyTorch's is 0.01
  std::function<bool(const Variable&)> decays = {};  // does this variable decay? Without it, every one does
};

// w -= rate * weight_decay * w, and then the step of Adam. Biases and the scales of normalisations are often left alone:
//   {.decays = [](const Variable& w) { return w.shape().rank() > 1; }}
// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; as in Keras and PyTorch.
class AdamW : public Optimizer {
 public:
  // Keeps what Adam keeps, under the same names, so each can take over from the other. ValueError also unless the decay is
  // finite and 0 or more.
  explicit AdamW(AdamWOptions options = {});

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors& slots) override;
  AdamWOptions options_;
};

}  // namespace floe
