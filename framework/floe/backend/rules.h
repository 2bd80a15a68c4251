// The optimizers' rules: how one weight and its state change, for numbers of both devices and for vector registers.
#pragma once

#include <floe/backend/kernels.h>
#include <floe/backend/math.h>

namespace floe::rules {

struct Sgd {
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight) const {
    weight = weight - T(rate) * slope;
  }
  double rate;
};

struct Momentum {
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& velocity) const {
    velocity = T(momentum) * velocity - T(rate) * slope;
    weight = weight + velocity;
  }
  double rate, momentum;
};

struct Nesterov {
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& velocity) const {
    velocity = T(momentum) * velocity - T(rate) * slope;
    weight = weight + (T(momentum) * velocity - T(rate) * slope);
  }
  double rate, momentum;
};

// epsilon is added to the root, as Keras 2 does; Keras 3 has it under the root.
struct RmsProp {
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& square) const {
    square = T(decay) * square + T(1 - decay) * (slope * slope);
    weight = weight - T(rate) * slope / (math::sqrt(square) + T(epsilon));
  }
  double rate, decay, epsilon;
};

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
struct Adam {
  template <class T>
  FLOE_HOST_DEVICE void operator()(T slope, T& weight, T& mean, T& square) const {
    mean = T(of.beta1) * mean + T(1 - of.beta1) * slope;
    square = T(of.beta2) * square + T(1 - of.beta2) * (slope * slope);
    weight = weight - T(of.rate / of.correction1) * mean / (math::sqrt(square / T(of.correction2)) + T(of.epsilon));
  }
  AdamStep of;
};

}  // namespace floe::rules
