// The optimizers' steps: weights and their state are read and written in one pass, in place.
#include <floe/backend/cpu/pointwise.h>

namespace floe::cpu {
namespace {

// rule(dw, w, state...) for every element; it changes w and the state by reference.
template <class Rule, class... State>
void step(Tensor& w, const Tensor& dw, Rule rule, State&... state) {
  dispatch_floating(w.dtype(), [&]<class S>() {
    auto run = [&](const S* slopes, auto... arrays) {
      parallel_ranges(w.elements(), part_elements, [&](std::int64_t begin, std::int64_t end) {
        constexpr int width = Packet<S>::size;
        auto apply = [&](Packet<S> slope, auto... values) {
          rule(slope, values...);
          return std::array{values...};
        };
        std::int64_t i = begin;
        for (; i + width <= end; i += width) {
          auto stored = apply(Packet<S>::load(slopes + i), Packet<S>::load(arrays + i)...);
          int k = 0;
          (stored[k++].store(arrays + i), ...);
        }
        if (int left = static_cast<int>(end - i)) {
          auto stored = apply(Packet<S>::load_part(slopes + i, left), Packet<S>::load_part(arrays + i, left)...);
          int k = 0;
          (stored[k++].store_part(arrays + i, left), ...);
        }
      });
    };
    run(dw.data<S>(), w.mutable_data<S>(), state.template mutable_data<S>()...);
  });
}

}  // namespace

void sgd_step(Tensor& w, const Tensor& dw, double rate) {
  step(w, dw, [=](auto slope, auto& weight) { weight = weight - rate * slope; });
}

void momentum_step(Tensor& w, const Tensor& dw, Tensor& velocity, double rate, double momentum, bool nesterov) {
  if (nesterov) {
    step(w, dw, [=](auto slope, auto& weight, auto& speed) {
      speed = momentum * speed - rate * slope;
      weight = weight + (momentum * speed - rate * slope);
    }, velocity);
  } else {
    step(w, dw, [=](auto slope, auto& weight, auto& speed) {
      speed = momentum * speed - rate * slope;
      weight = weight + speed;
    }, velocity);
  }
}

// epsilon is added to the root, as Keras 2 does; Keras 3 has it under the root.
void rmsprop_step(Tensor& w, const Tensor& dw, Tensor& square, double rate, double decay, double epsilon) {
  step(w, dw, [=](auto slope, auto& weight, auto& mean_square) {
    mean_square = decay * mean_square + (1 - decay) * (slope * slope);
    weight = weight - rate * slope / (math::sqrt(mean_square) + epsilon);
  }, square);
}

// Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
void adam_step(Tensor& w, const Tensor& dw, Tensor& m, Tensor& v, const AdamStep& step_of) {
  auto [rate, beta1, beta2, epsilon, correction1, correction2] = step_of;
  step(w, dw, [=](auto slope, auto& weight, auto& mean, auto& square) {
    mean = beta1 * mean + (1 - beta1) * slope;
    square = beta2 * square + (1 - beta2) * (slope * slope);
    weight = weight - rate / correction1 * mean / (math::sqrt(square / correction2) + epsilon);
  }, m, v);
}

}  // namespace floe::cpu
