// What an op costs beyond its work: additions of one element, plain, recorded, and walked back.
#include "support/report.h"

#include <floe/floe.h>

using namespace floe;

namespace {

constexpr int chain = 1000;  // ops under one tape

void add(benchmark::State& state) {
  Tensor a = tensor(1.0), b = tensor(2.0), y;
  for (auto _ : state) benchmark::DoNotOptimize(y = a + b);
}
BENCHMARK(add);

void add_recorded(benchmark::State& state) {
  Variable a("a", tensor(1.0));
  Tensor b = tensor(2.0);
  for (auto _ : state) {
    GradientTape tape;
    Tensor y = a + b;
    for (int i = 1; i < chain; ++i) y = y + b;
    state.PauseTiming();
    y = {};
    tape.stop();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * chain);
}
BENCHMARK(add_recorded);

void add_backward(benchmark::State& state) {
  Variable a("a", tensor(1.0));
  Tensor b = tensor(2.0);
  for (auto _ : state) {
    state.PauseTiming();
    GradientTape tape;
    Tensor y = a + b;
    for (int i = 1; i < chain; ++i) y = y + b;
    state.ResumeTiming();
    benchmark::DoNotOptimize(tape.gradient(y, a));
  }
  state.SetItemsProcessed(state.iterations() * chain);
}
BENCHMARK(add_backward);

void small_network(benchmark::State& state) {  // sum(tanh(A W)), 32 x 32, forward and backward
  Rng rng(1);
  Variable w("w", random_normal({32, 32}, rng));
  Tensor a = random_normal({32, 32}, rng);
  for (auto _ : state) {
    GradientTape tape;
    benchmark::DoNotOptimize(tape.gradient(reduce_sum(tanh(matmul(a, w))), w));
  }
}
BENCHMARK(small_network);

}  // namespace
