// The optimizers' steps: weights and their slots are read and written in one pass, in place, and those of many variables
// in one launch.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <floe/backend/cuda/launch.h>
#include <floe/backend/optimizer_rules.h>

namespace floe::cuda {
namespace {

template <class S, int count, class Rule, int... k>
__device__ void apply(const Rule& rule, S slope, S (&values)[count], std::integer_sequence<int, k...>) {
  rule(slope, values[k]...);
}

// A variable: its weights, what the optimizer keeps for each of them, and the blocks of threads that step through it.
template <class S, int count>
struct Part {
  std::int64_t first_block, size;
  bool packed;  // 16 bytes at once
  const S* slopes;
  Arrays<S, count> arrays;
};

// Variables of a launch, as an argument of the kernel.
template <class S, int count>
struct Parts {
  static constexpr int most = 24;
  int used = 0;
  std::int64_t blocks = 0;
  Part<S, count> part[most];
};

// All that belongs to some weights is read before any of it is written: the compiler could not know that arrays are
// apart.
template <class S, int count, class Rule>
__global__ void step_kernel(Parts<S, count> parts, Rule rule) {
  constexpr std::make_integer_sequence<int, count> all{};
  constexpr int wide = Pack<S>::size;
  int k = 0;
  while (k + 1 < parts.used && parts.part[k + 1].first_block <= blockIdx.x) ++k;
  const Part<S, count>& own = parts.part[k];
  const std::int64_t blocks = (k + 1 < parts.used ? parts.part[k + 1].first_block : parts.blocks) - own.first_block;
  const std::int64_t first = (blockIdx.x - own.first_block) * blockDim.x + threadIdx.x, stride = blocks * blockDim.x;
  const std::int64_t packs = own.packed ? own.size / wide : 0;
  for (std::int64_t i = first; i < packs; i += stride) {
    const Pack<S> slope = in_steps<Pack<S>>(own.slopes)[i];
    Pack<S> held[count];
    for (int a = 0; a < count; ++a) held[a] = in_steps<Pack<S>>(own.arrays.data[a])[i];
    for (int lane = 0; lane < wide; ++lane) {
      S values[count];
      for (int a = 0; a < count; ++a) values[a] = held[a].values[lane];
      apply(rule, slope.values[lane], values, all);
      for (int a = 0; a < count; ++a) held[a].values[lane] = values[a];
    }
    for (int a = 0; a < count; ++a) in_steps<Pack<S>>(own.arrays.data[a])[i] = held[a];
  }
  for (std::int64_t i = packs * wide + first; i < own.size; i += stride) {
    S values[count];
    for (int a = 0; a < count; ++a) values[a] = own.arrays.data[a][i];
    apply(rule, own.slopes[i], values, all);
    for (int a = 0; a < count; ++a) own.arrays.data[a][i] = values[a];
  }
}

// Updates that wait for a launch.
struct Waiting {
  virtual ~Waiting() = default;
  virtual void queue() = 0;
};

template <class S, class Rule>
struct WaitingFor : Waiting {
  static constexpr int count = 1 + Rule::slots;
  WaitingFor(const Context& on, const Rule& rule) : on(on), rule(rule) {}

  bool takes(const Context& context, const Rule& other) const {
    return &context == &on && std::memcmp(&other, &rule, sizeof rule) == 0;
  }
  void add(std::int64_t size, const S* slopes, const Arrays<S, count>& arrays) {
    if (size == 0) return;
    if (parts.used == parts.most) queue();
    bool packed = aligned(slopes) && arrays.all_aligned();
    parts.part[parts.used++] = {parts.blocks, size, packed, slopes, arrays};
    parts.blocks += blocks_for(on, packed ? size / Pack<S>::size + 1 : size);
  }
  void queue() override {
    context(on.device);  // current again, where others were since
    if (parts.used > 0) launch(on, step_kernel<S, count, Rule>, parts.blocks, parts, rule);
    parts.used = 0, parts.blocks = 0;
  }

  const Context& on;
  Rule rule;
  Parts<S, count> parts;
};

using AllWaiting = std::vector<std::unique_ptr<Waiting>>;
thread_local AllWaiting* gathering = nullptr;

}  // namespace

void together(const std::function<void()>& steps) {
  AllWaiting waiting;
  AllWaiting* outer = std::exchange(gathering, &waiting);
  auto queue = [&] {
    gathering = outer;
    for (auto& one : waiting) one->queue();
  };
  try {
    steps();
  } catch (...) {  // what was stepped before stays so
    queue();
    throw;
  }
  queue();
}

template <class Rule>
void update(const Rule& rule, const Tensor& dw, Tensor& w, std::span<Tensor> slots) {
  const Context& on = context(w.device());
  dispatch_floating(w.dtype(), [&]<class S>() {
    Arrays<S, 1 + Rule::slots> arrays{{mutable_data<S>(w)}};
    for (int k = 0; k < Rule::slots; ++k) arrays.data[1 + k] = mutable_data<S>(slots[k]);
    auto add_to = [&](WaitingFor<S, Rule>& one) { one.add(w.elements(), data<S>(dw), arrays); };
    if (!gathering) {
      WaitingFor<S, Rule> alone(on, rule);
      add_to(alone);
      return alone.queue();
    }
    for (auto& one : *gathering) {
      auto* alike = dynamic_cast<WaitingFor<S, Rule>*>(one.get());
      if (alike && alike->takes(on, rule)) return add_to(*alike);
    }
    auto fresh = std::make_unique<WaitingFor<S, Rule>>(on, rule);
    add_to(*fresh);
    gathering->push_back(std::move(fresh));
  });
}

#define FLOE_COMPILE(Rule) template void update(const rules::Rule&, const Tensor&, Tensor&, std::span<Tensor>);
FLOE_EACH_RULE(FLOE_COMPILE)
#undef FLOE_COMPILE

}  // namespace floe::cuda
