// The first GPU: what an op costs the program that calls it, and how fast kernels, products, convolutions and
// training steps are, against a copy and a bare product on the same card. Without a GPU it says so and does nothing.
#include <algorithm>
#include <chrono>
#include <cmath>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/backend/settings.h>
#include <floe/floe.h>

#include "steps/steps.h"
#include "support/gpu.h"

using namespace floe;
using bench::sized;

namespace {

constexpr Device gpu{Device::Kind::cuda, 0};

Tensor normal(const Shape& shape) {
  static Rng rng(1);
  return random_normal(shape, rng, gpu);
}

using State = benchmark::State;

bool failed = false;

// One that fails says why, and the others continue.
template <class Body>
benchmark::internal::Benchmark* add(const std::string& name, Body body) {
  return benchmark::RegisterBenchmark(name.c_str(), [=](State& state) {
    try {
      body(state);
    } catch (const std::exception& why) {
      failed = true;
      state.SkipWithError(why.what());
    }
  });
}

// --- What an op costs the program ------------------------------------------------------------------------------------

// Manual times are those of one op, until it is queued; the device is waited for in between, so that its queue never
// fills.
template <class Body>
void on_the_host(State& state, Body body) {
  constexpr int ops = 100;
  for (int i = 0; i < ops; ++i) body();
  for (auto _ : state) {
    synchronize(gpu);
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < ops; ++i) body();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / ops);
  }
}

void host_cost() {
  auto host = [](const std::string& name, auto body) {
    add("host/" + name, body)->UseManualTime()->Iterations(sized(200, 2))->Unit(benchmark::kMicrosecond);
  };
  host("add", [](State& state) {
    Tensor a = full({1}, 1, DType::float32, gpu), b = full({1}, 2, DType::float32, gpu), y;
    on_the_host(state, [&] { y = a + b; });
  });
  host("add_recorded", [](State& state) {
    Variable a("a", full({1}, 1, DType::float32, gpu));
    Tensor b = full({1}, 2, DType::float32, gpu);
    GradientTape tape;
    Tensor y;
    on_the_host(state, [&] { y = a + b; });
  });
  host("matmul", [](State& state) {
    Tensor a = normal({32, 32}), b = normal({32, 32}), y;
    on_the_host(state, [&] { y = matmul(a, b); });
  });
  host("conv2d", [](State& state) {
    Tensor x = normal({1, 8, 8, 16}), w = normal({3, 3, 16, 16}), y;
    on_the_host(state, [&] { y = conv2d(x, w); });
  });
}

// --- Kernels beside a copy -------------------------------------------------------------------------------------------

// Seconds of one execution; what is timed ends with the device having done it.
template <class Body>
double timed(State& state, Body body) {
  std::int64_t batch = bench::batch_on(gpu, body);
  auto start = std::chrono::steady_clock::now();
  while (state.KeepRunningBatch(batch)) {
    for (std::int64_t i = 0; i < batch; ++i) body();
    synchronize(gpu);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(state.iterations());
}

// `bytes` is the least that an execution has to read and write.
template <class Body>
void against_copy(State& state, double bytes, Body body) {
  double rate = bytes / timed(state, body);
  state.counters["GB/s"] = rate / 1e9;
  state.counters["of_copy"] = rate / bench::copy_bandwidth(gpu, bytes);
}

void memory_bound() {
  std::int64_t rows = sized(1 << 16, 8), columns = 1024, size = rows * columns;  // 256 MiB, beyond any cache
  double bytes = 4.0 * static_cast<double>(size);
  auto kernel = [](const std::string& name, auto body) {
    add("kernel/" + name, body)->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  auto of_one = [=](const std::string& name, double times, auto op) {  // moves this many times the bytes of x
    kernel(name, [=](State& state) {
      Tensor x = normal({rows, columns}), y;
      against_copy(state, times * bytes, [&] { y = {}, y = op(x); });
    });
  };
  kernel("add", [=](State& state) {
    Tensor a = normal({size}), b = normal({size}), y;
    against_copy(state, 3 * bytes, [&] { y = {}, y = a + b; });
  });
  kernel("bias_add", [=](State& state) {
    Tensor x = normal({size / 64, 64}), bias = normal({64}), y;
    against_copy(state, 2 * bytes, [&] { y = {}, y = x + bias; });
  });
  of_one("exp", 2, [](const Tensor& x) { return exp(x); });
  of_one("relu", 2, [](const Tensor& x) { return relu(x); });
  of_one("sum_all", 1, [](const Tensor& x) { return reduce_sum(x); });
  of_one("sum_rows", 1, [](const Tensor& x) { return reduce_sum(x, -1); });
  of_one("sum_columns", 1, [](const Tensor& x) { return reduce_sum(x, 0); });
  of_one("softmax", 2, [](const Tensor& x) { return softmax(x); });
  of_one("transpose", 2, [](const Tensor& x) { return transpose(x); });
  of_one("cast_to_int32", 2, [](const Tensor& x) { return cast(x, DType::int32); });
  kernel("batch_norm", [=](State& state) {  // in training: read for the statistics, read again, written
    Tensor x = normal({size / 64, 64}), gamma = normal({64}), beta = normal({64}), y;
    against_copy(state, 3 * bytes, [&] { y = {}, y = batch_normalization_training(x, gamma, beta).y; });
  });
  kernel("gather", [=](State& state) {  // rows in any order, without the op's look at every index
    Rng rng(2);
    Tensor x = normal({rows, columns}), order = to(random_permutation(rows, rng), gpu), y = normal({rows, columns});
    against_copy(state, 2 * bytes, [&] { run<cpu::gather, cuda::gather>(gpu, x, order, Folded{1, rows, columns}, y); });
  });
  kernel("adam", [=](State& state) {
    Variable w("w", normal({size}));
    Gradients gradients;
    gradients.add(w, normal({size}));
    Adam optimizer({.learning_rate = 1e-3});
    against_copy(state, 7 * bytes, [&] { optimizer.apply(gradients); });
  });
}

// --- Products and convolutions beside a bare product -----------------------------------------------------------------

double best_rate() {
  static const double rate =
      std::max(bench::bfloat16_rate(gpu, sized(4096, 32)), bench::bfloat16_rate(gpu, sized(8192, 64)));
  return rate;
}

struct Multiplying {  // in a precision, for as long as this lives
  explicit Multiplying(Precision precision) { set_gpu_precision(precision); }
  ~Multiplying() { set_gpu_precision(Precision::float32); }
};

template <class Body>
void against_product(State& state, Precision precision, double operations, Body body) {
  Multiplying so(precision);
  double rate = operations / timed(state, body);
  state.counters["TFLOP/s"] = rate / 1e12;
  state.counters["of_bf16"] = rate / best_rate();
}

std::vector<Precision> precisions() {
  std::vector<Precision> found{Precision::float32};
  for (Precision precision : {Precision::tf32, Precision::bf16}) {
    try {
      require_precision(precision, gpu);
      found.push_back(precision);
    } catch (const ValueError& why) { fmt::print("{}\n", why.what()); }
  }
  return found;
}

double operations_of_product(std::int64_t size) { return 2 * std::pow(static_cast<double>(size), 3); }

void bare_product() {  // the time is that of the larger product at the rate of the faster one
  add("product/bare_bfloat16",
      [](State& state) {
        for (auto _ : state) state.SetIterationTime(operations_of_product(sized(8192, 64)) / best_rate());
        state.counters["TFLOP/s"] = best_rate() / 1e12;
      })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMicrosecond);
}

void products(Precision precision) {
  for (std::int64_t usual : {4096, 8192}) {
    std::int64_t size = sized(usual, 32);
    add(fmt::format("product/{}/{}", usual, name(precision)),
        [=](State& state) {
          Tensor a = normal({size, size}), b = normal({size, size}), y;
          against_product(state, precision, operations_of_product(size), [&] { y = {}, y = matmul(a, b); });
        })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

struct Convolution {
  std::int64_t size, in, out, kernel;
};

constexpr Convolution resnet[] = {{56, 64, 64, 3},  {28, 128, 128, 3}, {14, 256, 256, 3},  {7, 512, 512, 3},
                                  {56, 64, 256, 1}, {28, 512, 128, 1}, {14, 256, 1024, 1}, {7, 2048, 512, 1}};

enum Direction { forward, input_gradient, filter_gradient };
constexpr const char* directions[] = {"forward", "input_gradient", "filter_gradient"};

void convolution(State& state, Convolution c, Direction direction, Precision precision) {
  std::int64_t batch = sized(64, 1), size = sized(c.size, 4), in = sized(c.in, 4), out = sized(c.out, 4);
  std::int64_t edge = c.kernel / 2;
  ConvGeometry g{batch, size, size, in, size, size, out, c.kernel, c.kernel, 1, 1, 1, 1, edge, edge, edge, edge, 1};
  Tensor x = normal({batch, size, size, in}), w = normal({c.kernel, c.kernel, in, out}),
         y = normal({batch, size, size, out});
  double operations = 2 * static_cast<double>(y.elements() * c.kernel * c.kernel * in);
  against_product(state, precision, operations, [&] {
    if (direction == forward) run<cpu::conv2d, cuda::conv2d>(gpu, x, w, Tensor(), g, y);
    if (direction == input_gradient)
      run<cpu::conv2d_input_gradient, cuda::conv2d_input_gradient>(gpu, y, w, Tensor(), g, x);
    if (direction == filter_gradient) run<cpu::conv2d_filter_gradient, cuda::conv2d_filter_gradient>(gpu, x, y, g, w);
  });
}

void convolutions(Precision precision) {
  for (const Convolution& c : resnet)
    for (Direction direction : {forward, input_gradient, filter_gradient})
      add(fmt::format("conv2d/{0}x{0}x{1}_to_{2}_{3}x{3}/{4}/{5}", c.size, c.in, c.out, c.kernel, directions[direction],
                      name(precision)),
          [=](State& state) { convolution(state, c, direction, precision); })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
}

// --- Training steps --------------------------------------------------------------------------------------------------

template <class Make>
void training_step(const std::string& name, std::int64_t batch, Precision precision, Make make) {
  add(fmt::format("step/{}/{}", name, floe::name(precision)),
      [=](State& state) {
        Multiplying so(precision);
        auto step = make(batch, gpu);
        state.counters["images/s"] = static_cast<double>(batch) / timed(state, [&] { (*step)(); });
      })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

void training_steps(Precision precision) {
  training_step("penguins_256", sized(256, 2), precision, bench::penguins_step);
  training_step("penguins_2048", sized(2048, 4), precision, bench::penguins_step);
  training_step("snowflakes_100", sized(100, 4), precision, bench::snowflakes_step);
}

}  // namespace

int main(int arguments, char** values) try {
  benchmark::Initialize(&arguments, values);
  if (benchmark::ReportUnrecognizedArguments(arguments, values)) return 2;
  try {
    require_device(gpu);
  } catch (const DeviceError& why) {
    fmt::print("gpu: nothing is measured: {}\n", why.what());
    return 0;
  }
  benchmark::AddCustomContext("gpu", backend_name(gpu));
  host_cost();
  memory_bound();
  bare_product();
  for (Precision precision : precisions()) {
    products(precision);
    convolutions(precision);
    training_steps(precision);
  }
  benchmark::RunSpecifiedBenchmarks();
  return failed ? 1 : 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "gpu: {}\n", error.what());
  return 1;
}
