// The optimizers' steps: weights and their slots are read and written in one pass, in place.
#include <utility>

#include <floe/backend/cuda/launch.h>
#include <floe/backend/optimizer_rules.h>

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

}  // namespace

template <class Rule>
void update(const Rule& rule, const Tensor& dw, Tensor& w, std::span<Tensor> slots) {
  const Context& on = context(w.device());
  dispatch_floating(w.dtype(), [&]<class S>() {
    Arrays<S, 1 + Rule::slots> arrays{{mutable_data<S>(w)}};
    for (int k = 0; k < Rule::slots; ++k) arrays.data[1 + k] = mutable_data<S>(slots[k]);
    bool packed = aligned(dw.raw()) && arrays.all_aligned();
    launch(on, step_kernel<S, 1 + Rule::slots, Rule>,
           blocks_for(on, packed ? w.elements() / Pack<S>::size + 1 : w.elements()), w.elements(), packed, rule,
           data<S>(dw), arrays);
  });
}

#define FLOE_COMPILE(Rule) template void update(const rules::Rule&, const Tensor&, Tensor&, std::span<Tensor>);
FLOE_EACH_RULE(FLOE_COMPILE)
#undef FLOE_COMPILE

}  // namespace floe::cuda
