// The optimizers' steps: weights and their state are read and written in one pass, in place.
#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/rules.h>  // after the packets: a rule finds only the math that stands before it

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

void sgd_step(Tensor& w, const Tensor& dw, double rate) { step(w, dw, rules::Sgd{rate}); }

void momentum_step(Tensor& w, const Tensor& dw, Tensor& velocity, double rate, double momentum, bool nesterov) {
  if (nesterov) step(w, dw, rules::Nesterov{rate, momentum}, velocity);
  else step(w, dw, rules::Momentum{rate, momentum}, velocity);
}

void rmsprop_step(Tensor& w, const Tensor& dw, Tensor& square, double rate, double decay, double epsilon) {
  step(w, dw, rules::RmsProp{rate, decay, epsilon}, square);
}

void adam_step(Tensor& w, const Tensor& dw, Tensor& m, Tensor& v, const AdamStep& of) {
  step(w, dw, rules::Adam{of}, m, v);
}

}  // namespace floe::cpu
