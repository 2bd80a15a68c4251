// The optimizers' rules: how one weight, and what is kept for it, change in a step; for numbers of both devices and for
// vector registers. A rule is a struct of its constants; what it keeps for each weight are its slots.
#pragma once

#include <functional>
#include <span>

#include <floe/backend/math.h>
#include <floe/tensor/tensor.h>

namespace floe {

// One step of a rule in place: for each element of w, rule(dw, w, slots...), which changes w and the slots. All have one
// shape and dtype, float32 or float64.
namespace cpu {
template <class Rule>
void update(const Rule& rule, const Tensor& dw, Tensor& w, std::span<Tensor> slots);
}
namespace cuda {
template <class Rule>
void update(const Rule& rule, const Tensor& dw, Tensor& w, std::span<Tensor> slots);
}

// The updates that steps() calls for: a GPU makes those of one rule in one launch, at the end. What they read must stay
// until then.
namespace cpu {
inline void together(const std::function<void()>& steps) { steps(); }
}  // namespace cpu
namespace cuda {
void together(const std::function<void()>& steps);
}

namespace rules {

struct Sgd {
  static constexpr int slots = 0;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight) const {
    weight = weight - T(rate) * slope;
  }
  double rate;
};

struct Momentum {
  static constexpr int slots = 1;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& velocity) const {
    velocity = T(momentum) * velocity - T(rate) * slope;
    weight = weight + velocity;
  }
  double rate, momentum;
};

struct Nesterov {
  static constexpr int slots = 1;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& velocity) const {
    velocity = T(momentum) * velocity - T(rate) * slope;
    weight = weight + (T(momentum) * velocity - T(rate) * slope);
  }
  double rate, momentum;
};

// epsilon is added to the root, as in Keras 2; Keras 3 has it under the root.
struct RmsProp {
  static constexpr int slots = 1;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& square) const {
    square = T(decay) * square + T(1 - decay) * (slope * slope);
    weight = weight - T(rate) * slope / (math::sqrt(square) + T(epsilon));
  }
  double rate, decay, epsilon;
};

struct Adagrad {
  static constexpr int slots = 1;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& total) const {
    total = total + slope * slope;
    weight = weight - T(rate) * slope / (math::sqrt(total) + T(epsilon));
  }
  double rate, epsilon;
};

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1. Corrections: 1 - beta^step.
struct Adam {
  static constexpr int slots = 2;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& mean, T& square) const {
    mean = T(beta1) * mean + T(1 - beta1) * slope;
    square = T(beta2) * square + T(1 - beta2) * (slope * slope);
    weight = weight - T(rate / correction1) * mean / (math::sqrt(square / T(correction2)) + T(epsilon));
  }
  double rate, beta1, beta2, epsilon, correction1, correction2;
};

// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
struct AdamW {
  static constexpr int slots = Adam::slots;
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& mean, T& square) const {
    weight = weight - T(adam.rate * decay) * weight;
    adam(slope, weight, mean, square);
  }
  Adam adam;
  double decay;
};

// Each is compiled for both devices.
#define FLOE_EACH_RULE(X) X(Sgd) X(Momentum) X(Nesterov) X(RmsProp) X(Adagrad) X(Adam) X(AdamW)

}  // namespace rules
}  // namespace floe
