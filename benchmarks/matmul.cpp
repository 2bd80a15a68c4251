// Matrix products: square ones, and those of the applications' dense layers, against oneDNN's sgemm on all threads.
#include "support/bare.h"
#include "support/report.h"

#include <floe/floe.h>

using namespace floe;

namespace {

void product(benchmark::State& state, bool transpose_a, bool transpose_b) {
  std::int64_t rows = state.range(0), inner = state.range(1), columns = state.range(2);
  Rng rng(1);
  Tensor a = random_normal(transpose_a ? Shape{inner, rows} : Shape{rows, inner}, rng),
         b = random_normal(transpose_b ? Shape{columns, inner} : Shape{inner, columns}, rng), y;
  bench::Bare bare;
  bare.product(rows, inner, columns);
  bench::against_bare(
      state, 2.0 * static_cast<double>(rows * inner * columns),
      [&] { y = matmul(a, b, {.transpose_a = transpose_a, .transpose_b = transpose_b}); }, bare);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "inner", "columns"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  benchmark->Args({32, 32, 32})->Args({256, 256, 256})->Args({1024, 1024, 1024});
  benchmark->Args({64, 100, 3136})->Args({64, 6272, 1});     // penguins
  benchmark->Args({100, 2, 1568})->Args({100, 2304, 2});     // snowflakes
  benchmark->Args({64, 512, 3072})->Args({64, 1024, 5000});  // a recurrent step, a vocabulary
}

void plain(benchmark::State& state) { product(state, false, false); }
BENCHMARK(plain)->Apply(shapes);

void input_gradient(benchmark::State& state) {
  product(state, false, true);
}  // of a dense layer: dy times W transposed
BENCHMARK(input_gradient)->Apply(shapes);

void weight_gradient(benchmark::State& state) { product(state, true, false); }
BENCHMARK(weight_gradient)->Apply(shapes);

}  // namespace
