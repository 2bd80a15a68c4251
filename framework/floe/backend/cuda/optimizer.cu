// The optimizers' steps: weights and their state are read and written in one pass, in place.
#include <utility>

#include <floe/backend/cuda/launch.h>
#include <floe/backend/rules.h>

namespace floe::cuda {
namespace {

template <class S, int count, class Rule, int... k>
__device__ void apply(const Rule& rule, S slope, S (&values)[count], std::integer_sequence<int, k...>) {
  rule(slope, values[k]...);
}

// `arrays`: the weights, and what the optimizer keeps for each of them. All that belongs to some weights is read before
// any of it is written: the compiler could not know that arrays are apart. 16 bytes at once if `packed`.
template <class S, int count, class Rule>
__global__ void step_kernel(std::int64_t size, bool packed, Rule rule, const S* slopes, Arrays<S, count> arrays) {
  constexpr std::make_integer_sequence<int, count> all{};
  constexpr int wide = Pack<S>::size;
  const std::int64_t packs = packed ? size / wide : 0;
  for (std::int64_t i = thread_index(); i < packs; i += thread_count()) {
    const Pack<S> slope = reinterpret_cast<const Pack<S>*>(slopes)[i];
    Pack<S> held[count];
    for (int a = 0; a < count; ++a) held[a] = reinterpret_cast<const Pack<S>*>(arrays.data[a])[i];
    for (int lane = 0; lane < wide; ++lane) {
      S values[count];
      for (int a = 0; a < count; ++a) values[a] = held[a].values[lane];
      apply(rule, slope.values[lane], values, all);
      for (int a = 0; a < count; ++a) held[a].values[lane] = values[a];
    }
    for (int a = 0; a < count; ++a) reinterpret_cast<Pack<S>*>(arrays.data[a])[i] = held[a];
  }
  for (std::int64_t i = packs * wide + thread_index(); i < size; i += thread_count()) {
    S values[count];
    for (int a = 0; a < count; ++a) values[a] = arrays.data[a][i];
    apply(rule, slopes[i], values, all);
    for (int a = 0; a < count; ++a) arrays.data[a][i] = values[a];
  }
}

template <class Rule, class... State>
void step(Tensor& w, const Tensor& dw, const Rule& rule, State&... state) {
  const Context& on = context(w.device());
  dispatch_floating(w.dtype(), [&]<class S>() {
    constexpr int count = 1 + sizeof...(State);
    Arrays<S, count> arrays{{mutable_data<S>(w), mutable_data<S>(state)...}};
    bool packed = aligned(dw.raw()) && arrays.all_aligned();
    launch(on, step_kernel<S, count, Rule>, blocks_for(on, packed ? w.elements() / Pack<S>::size + 1 : w.elements()),
           w.elements(), packed, rule, data<S>(dw), arrays);
  });
}

}  // namespace

void sgd_step(Tensor& w, const Tensor& dw, double rate) { step(w, dw, rules::Sgd{rate}); }

void momentum_step(Tensor& w, const Tensor& dw, Tensor& velocity, double rate, double momentum, bool nesterov) {
  if (nesterov)
    step(w, dw, rules::Nesterov{rate, momentum}, velocity);
  else
    step(w, dw, rules::Momentum{rate, momentum}, velocity);
}

void rmsprop_step(Tensor& w, const Tensor& dw, Tensor& square, double rate, double decay, double epsilon) {
  step(w, dw, rules::RmsProp{rate, decay, epsilon}, square);
}

void adam_step(Tensor& w, const Tensor& dw, Tensor& m, Tensor& v, const AdamStep& of) {
  step(w, dw, rules::Adam{of}, m, v);
}

}  // namespace floe::cuda
