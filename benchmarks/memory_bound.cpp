// Ops that wait for memory, on tensors in the cache and beyond it, against the fastest copy. GB/s count the least that
// must be read and written.
#include "support/report.h"

#include <floe/floe.h>

using namespace floe;

namespace {

constexpr std::int64_t small = 1 << 16, large = 1 << 24;  // elements: 256 KiB, and 64 MiB

Tensor normal(const Shape& shape) {
  Rng rng(1);
  return random_normal(shape, rng);
}

double bytes(std::int64_t elements) { return 4.0 * static_cast<double>(elements); }

// --- Pointwise and broadcast -----------------------------------------------------------------------------------------

template <class Function>
void pointwise(benchmark::State& state, Function function) {
  Tensor x = normal({state.range(0)}), y;
  bench::against_copy(state, bytes(2 * x.elements()), [&] { y = {}, y = function(x); });
}

#define POINTWISE(name, value)                               \
  void name(benchmark::State& state) {                       \
    pointwise(state, [](const Tensor& x) { return value; }); \
  }                                                          \
  BENCHMARK(name)->Arg(small)->Arg(large)->Unit(benchmark::kMicrosecond)->UseRealTime()

POINTWISE(relu_, relu(x));
POINTWISE(exp_, exp(x));
POINTWISE(tanh_, tanh(x));
POINTWISE(sigmoid_, sigmoid(x));
POINTWISE(gelu_, gelu(x));
POINTWISE(add_number, x + 1.0);
#undef POINTWISE

void add_tensor(benchmark::State& state) {
  Tensor a = normal({state.range(0)}), b = normal({state.range(0)}), y;
  bench::against_copy(state, bytes(3 * a.elements()), [&] { y = {}, y = a + b; });
}
BENCHMARK(add_tensor)->Arg(small)->Arg(large)->Unit(benchmark::kMicrosecond)->UseRealTime();

void add_row(benchmark::State& state) {  // a bias
  Tensor a = normal({large / 64, 64}), b = normal({64}), y;
  bench::against_copy(state, bytes(2 * a.elements()), [&] { y = {}, y = a + b; });
}
BENCHMARK(add_row)->Unit(benchmark::kMicrosecond)->UseRealTime();

void add_column(benchmark::State& state) {
  Tensor a = normal({large / 64, 64}), b = normal({large / 64, 1}), y;
  bench::against_copy(state, bytes(2 * a.elements()), [&] { y = {}, y = a + b; });
}
BENCHMARK(add_column)->Unit(benchmark::kMicrosecond)->UseRealTime();

void relu_gradient(benchmark::State& state) {
  Variable x("x", normal({state.range(0)}));
  Tensor dy = normal({state.range(0)});
  bench::against_copy(state, bytes(2 * dy.elements() + 3 * dy.elements()), [&] {
    GradientTape tape;
    tape.gradient(relu(x), x, {.output_gradient = dy});
  });
}
BENCHMARK(relu_gradient)->Arg(small)->Arg(large)->Unit(benchmark::kMicrosecond)->UseRealTime();

// --- Reductions, softmax, normalisation ------------------------------------------------------------------------------

void sum_all(benchmark::State& state) {
  Tensor x = normal({large}), y;
  bench::against_copy(state, bytes(large), [&] { y = reduce_sum(x); });
}
BENCHMARK(sum_all)->Unit(benchmark::kMicrosecond)->UseRealTime();

void sum_rows(benchmark::State& state) {
  Tensor x = normal({large / state.range(0), state.range(0)}), y;
  bench::against_copy(state, bytes(large), [&] { y = reduce_sum(x, -1); });
}
BENCHMARK(sum_rows)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void sum_columns(benchmark::State& state) {
  Tensor x = normal({large / state.range(0), state.range(0)}), y;
  bench::against_copy(state, bytes(large), [&] { y = reduce_sum(x, 0); });
}
BENCHMARK(sum_columns)->Arg(1)->Arg(64)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void softmax_rows(benchmark::State& state) {
  Tensor x = normal({large / state.range(0), state.range(0)}), y;
  bench::against_copy(state, bytes(2 * large), [&] { y = {}, y = softmax(x); });
}
BENCHMARK(softmax_rows)->Arg(16)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void batch_norm(benchmark::State& state) {  // in training: statistics, then the scaling
  Tensor x = normal({state.range(0), 56, 56, 64}), gamma = ones({64}), beta = zeros({64}), y;
  bench::against_copy(state, bytes(3 * x.elements()),
                      [&] { y = {}, y = batch_normalization_training(x, gamma, beta, 1e-3).y; });
}
BENCHMARK(batch_norm)->Arg(1)->Arg(64)->Unit(benchmark::kMicrosecond)->UseRealTime();

void batch_norm_gradient(benchmark::State& state) {  // two reads for the sums, two and a write for the gradient
  Variable x("x", normal({state.range(0), 56, 56, 64})), gamma("gamma", ones({64})), beta("beta", zeros({64}));
  Tensor dy = normal(x.value().shape());
  bench::against_copy(state, bytes(8 * dy.elements()), [&] {
    GradientTape tape;
    Tensor y = batch_normalization_training(x, gamma, beta, 1e-3).y;
    tape.gradient(y, Variables{&x, &gamma, &beta}, {.output_gradient = dy});
  });
}
BENCHMARK(batch_norm_gradient)->Arg(1)->Arg(64)->Unit(benchmark::kMicrosecond)->UseRealTime();

void layer_norm(benchmark::State& state) {
  Tensor x = normal({large / state.range(0), state.range(0)}), gamma = ones({state.range(0)}),
         beta = zeros({state.range(0)}), y;
  bench::against_copy(state, bytes(3 * x.elements()), [&] { y = {}, y = layer_normalization(x, gamma, beta); });
}
BENCHMARK(layer_norm)->Arg(64)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void layer_norm_gradient(benchmark::State& state) {
  Variable x("x", normal({large / state.range(0), state.range(0)})), gamma("gamma", ones({state.range(0)})),
      beta("beta", zeros({state.range(0)}));
  Tensor dy = normal(x.value().shape());
  bench::against_copy(state, bytes(6 * dy.elements()), [&] {
    GradientTape tape;
    Tensor y = layer_normalization(x, gamma, beta);
    tape.gradient(y, Variables{&x, &gamma, &beta}, {.output_gradient = dy});
  });
}
BENCHMARK(layer_norm_gradient)->Arg(64)->Arg(1000)->Unit(benchmark::kMicrosecond)->UseRealTime();

void group_norm(benchmark::State& state) {
  Tensor x = normal({64, 56, 56, 64}), gamma = ones({64}), beta = zeros({64}), y;
  bench::against_copy(state, bytes(3 * x.elements()),
                      [&] { y = {}, y = group_normalization(x, state.range(0), gamma, beta); });
}
BENCHMARK(group_norm)->Arg(8)->Arg(64)->Unit(benchmark::kMicrosecond)->UseRealTime();

void group_norm_gradient(benchmark::State& state) {
  Variable x("x", normal({64, 56, 56, 64})), gamma("gamma", ones({64})), beta("beta", zeros({64}));
  Tensor dy = normal(x.value().shape());
  bench::against_copy(state, bytes(8 * dy.elements()), [&] {
    GradientTape tape;
    Tensor y = group_normalization(x, state.range(0), gamma, beta);
    tape.gradient(y, Variables{&x, &gamma, &beta}, {.output_gradient = dy});
  });
}
BENCHMARK(group_norm_gradient)->Arg(8)->Arg(64)->Unit(benchmark::kMicrosecond)->UseRealTime();

// --- Gather, layouts, optimizers -------------------------------------------------------------------------------------

void gather_rows(benchmark::State& state) {  // an embedding of 10,000 words
  Rng rng(1);
  Tensor table = normal({10000, state.range(0)}), words = cast(random_uniform({64 * 256}, rng, 0, 10000), DType::int32),
         y;
  bench::against_copy(state, bytes(2 * words.elements() * state.range(0)), [&] { y = gather(table, words); });
}
BENCHMARK(gather_rows)->Arg(64)->Arg(512)->Unit(benchmark::kMicrosecond)->UseRealTime();

void transpose_matrix(benchmark::State& state) {
  Tensor x = normal({4096, 4096}), y;
  bench::against_copy(state, bytes(2 * large), [&] { y = {}, y = transpose(x, {1, 0}); });
}
BENCHMARK(transpose_matrix)->Unit(benchmark::kMicrosecond)->UseRealTime();

template <class Optimizer>
void step(benchmark::State& state, Optimizer optimizer, int streams) {
  Variable w("w", normal({state.range(0)}));
  Gradients gradients;
  gradients.add(w, normal({state.range(0)}));
  bench::against_copy(state, bytes(streams * state.range(0)), [&] { optimizer.apply(gradients); });
}

void sgd(benchmark::State& state) { step(state, SGD(0.1), 3); }
void adam(benchmark::State& state) { step(state, Adam({.learning_rate = 1e-3}), 7); }
BENCHMARK(sgd)->Arg(small)->Arg(large)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(adam)->Arg(small)->Arg(large)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
