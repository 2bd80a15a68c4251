// The optimizers' steps: weights and their slots are read and written in one pass, in place.
#include <array>
#include <utility>

#include <floe/backend/cpu/packet.h>
#include <floe/backend/parallel.h>
#include <floe/backend/optimizer_rules.h>  // after the packets: a rule finds only the math that stands before it

namespace floe::cpu {
namespace {

// `arrays`: the weights, and their slots.
template <class S, class Rule, class... Array>
void step(const Rule& rule, std::int64_t size, const S* slopes, Array... arrays) {
  parallel_ranges(size, part_elements, [&](std::int64_t begin, std::int64_t end) {
    constexpr int width = Packet<S>::size;
    auto apply = [own = rule](Packet<S> slope, auto... values) {  // a copy, whose constants no store can change
      own(slope, values...);
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
}

}  // namespace

template <class Rule>
void update(const Rule& rule, const Tensor& dw, Tensor& w, std::span<Tensor> slots) {
  dispatch_floating(w.dtype(), [&]<class S>() {
    auto step_with = [&]<int... k>(std::integer_sequence<int, k...>) {
      step(rule, w.elements(), dw.data<S>(), w.mutable_data<S>(), slots[k].template mutable_data<S>()...);
    };
    step_with(std::make_integer_sequence<int, Rule::slots>());
  });
}

#define FLOE_COMPILE(Rule) template void update(const rules::Rule&, const Tensor&, Tensor&, std::span<Tensor>);
FLOE_EACH_RULE(FLOE_COMPILE)
#undef FLOE_COMPILE

}  // namespace floe::cpu
