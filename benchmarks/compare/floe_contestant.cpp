// Floe's side of the comparison: reads requests, one a line, and answers each with one line.
//
//   time CASE THREADS REPEATS   seconds that REPEATS executions took; the first use of a case is warmed up
//   losses CASE FILE            the losses of the first three steps, from the variables and inputs that FILE gets from
//                               the CPU; a GPU begins with the same, but for the last bits of normal numbers
//   growth CASE STEPS           bytes that the process grew by over this many steps, and page faults, after 200 of them
//   version
//
// floe_contestant [DEVICE [PRECISION]]: the CPU in float32 unless told otherwise. On a GPU sizes are larger, threads do
// not matter, and a time ends when the device has done it all.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include <fmt/core.h>
#include <omp.h>
#include <sys/resource.h>

#include <floe/backend/settings.h>
#include <floe/floe.h>

#include "../steps/steps.h"
#include "../support/bare.h"
#include "../support/gpu.h"
#include "../support/limits.h"

using namespace floe;
using bench::Bare;
using bench::sized;
using bench::Step;

namespace {

using Execution = std::function<void(std::int64_t repeats)>;

Device device;

// One size for the CPU and one for a GPU, which is small where the environment asks for that.
std::int64_t by_device(std::int64_t cpu, std::int64_t gpu, std::int64_t small) {
  return device == Device{} ? cpu : sized(gpu, small);
}

// Elements of a tensor beyond any cache.
std::int64_t large() { return by_device(1 << 24, 1 << 26, 1 << 10); }

template <class Body>
Execution each(Body body) {
  return [body](std::int64_t repeats) mutable {
    for (std::int64_t i = 0; i < repeats; ++i) body();
  };
}

Tensor normal(const Shape& shape) {
  Rng rng(1);
  return random_normal(shape, rng, device);
}

Execution add() {
  Tensor a = to(tensor(1.0), device), b = to(tensor(2.0), device), y;
  return each([=]() mutable { y = a + b; });
}

Execution add_recorded() {
  return [](std::int64_t repeats) {
    Variable a("a", to(tensor(1.0), device));
    Tensor b = to(tensor(2.0), device);
    for (std::int64_t done = 0; done < repeats; done += 1000) {
      GradientTape tape;
      Tensor y = a + b;
      for (int i = 1; i < 1000; ++i) y = y + b;
    }
  };
}

Execution small_network() {
  auto w = std::make_shared<Variable>("w", normal({32, 32}));
  return each([w, a = normal({32, 32})] {
    GradientTape tape;
    tape.gradient(reduce_sum(tanh(matmul(a, *w))), *w);
  });
}

Execution product(std::int64_t size) {
  return each([a = normal({size, size}), b = normal({size, size}), y = Tensor()]() mutable { y = matmul(a, b); });
}

Execution softmax_rows() {
  return each([x = normal({by_device(8192, 1 << 16, 4), 1000}), y = Tensor()]() mutable { y = {}, y = softmax(x); });
}

// The three directions of a convolution, as a tape asks for them.
Execution convolution(const Shape& image, const Shape& filters, int stride) {
  auto x = std::make_shared<Variable>("x", normal(image)), w = std::make_shared<Variable>("w", normal(filters));
  return each([=] {
    GradientTape tape;
    tape.gradient(conv2d(*x, *w, {.strides = stride}), Variables{x.get(), w.get()});
  });
}

template <class Function>
Execution pointwise(Function function) {
  return each([=, x = normal({large()}), y = Tensor()]() mutable { y = {}, y = function(x); });
}

Execution batch_norm() {
  struct Network : Layer {
    using Layer::Layer;
    BatchNormalization norm{this, "norm", 64};
  };
  auto network = std::make_shared<Network>("network", device, Rng(1));
  return each([network, x = normal({by_device(64, 256, 1), 56, 56, 64}), y = Tensor()]() mutable {
    y = {}, y = network->norm(x, Mode::training);
  });
}

Execution adam() {
  struct Training {
    std::vector<std::unique_ptr<Variable>> variables;
    Gradients gradients;
    Adam optimizer{{.learning_rate = 1e-3}};
  };
  auto training = std::make_shared<Training>();
  for (int i = 0; i < 4; ++i) {
    training->variables.push_back(std::make_unique<Variable>(fmt::format("w{}", i), normal({large() / 4})));
    training->gradients.add(*training->variables.back(), normal({large() / 4}));
  }
  return each([training] { training->optimizer.apply(training->gradients); });
}

// A copy of 64 MiB past the caches, the fastest there is: what pointwise work on tensors of that size is compared with.
Execution copy() {
  Tensor from = normal({large()}), to(Shape{large()});
  float* out = to.mutable_data<float>();
  return each([from, to, out] { bench::copy_past_caches(from.data<float>(), out, from.elements()); });
}

Execution bare_penguins(std::int64_t batch) {
  auto bare = std::make_shared<Bare>();
  bench::add_penguins_step(*bare, batch);
  return each([bare] { (*bare)(); });
}

// The number in a name that begins so, or 0.
std::int64_t number_behind(std::string_view start, const std::string& name) {
  return name.starts_with(start) ? std::atoll(name.c_str() + start.size()) : 0;
}

std::unique_ptr<Step> step(const std::string& name) {
  if (auto batch = number_behind("penguins_", name)) return bench::penguins_step(sized(batch, 4), device);
  if (auto batch = number_behind("snowflakes_", name)) return bench::snowflakes_step(sized(batch, 4), device);
  return nullptr;
}

Execution execution(const std::string& name) {
  if (name == "add") return add();
  if (name == "add_recorded") return add_recorded();
  if (name == "small_network") return small_network();
  if (auto size = number_behind("matmul_", name)) return product(by_device(size, size, 32));
  if (name == "conv_penguins") return convolution({64, 14, 14, 64}, {5, 5, 64, 128}, 2);
  if (std::int64_t side = sized(56, 8); name == "conv_resnet")
    return convolution({by_device(8, 64, 1), side, side, 64}, {3, 3, 64, 64}, 1);
  if (name == "exp") return pointwise([](const Tensor& x) { return exp(x); });
  if (name == "relu") return pointwise([](const Tensor& x) { return relu(x); });
  if (name == "add_large") return pointwise([b = normal({large()})](const Tensor& x) { return x + b; });
  if (name == "sum") return pointwise([](const Tensor& x) { return reduce_sum(x); });
  if (name == "softmax") return softmax_rows();
  if (name == "batch_norm") return batch_norm();
  if (name == "adam") return adam();
  if (name == "copy") return copy();
  if (auto batch = number_behind("bare_penguins_", name)) return bare_penguins(batch);
  if (std::shared_ptr<Step> training = step(name)) return each([training] { (*training)(); });
  return {};
}

std::string time(std::istream& request) {
  static std::map<std::string, Execution> known;
  static std::map<std::string, bool> warm;
  std::string name;
  std::int64_t repeats;
  int threads;
  request >> name >> threads >> repeats;
  if (device == Device{}) omp_set_num_threads(threads);
  if (!known.contains(name)) known[name] = execution(name);
  const Execution& run = known[name];
  if (!run) return "unsupported";
  if (!std::exchange(warm[fmt::format("{} {}", name, threads)], true)) run(5);
  synchronize(device);
  auto start = std::chrono::steady_clock::now();
  run(repeats);
  synchronize(device);
  return fmt::format("{}", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

std::string losses(std::istream& request) {
  std::string name, file, line;
  request >> name >> file;
  auto training = step(name);
  if (!training) return "unsupported";
  if (device == Device{}) training->save(file);
  for (int i = 0; i < 3; ++i)
    for (const Tensor& loss : (*training)(Step::Kind::plain)) line += fmt::format("{} ", loss.item());
  return line;
}

std::string growth(std::istream& request) {
  std::string name;
  std::int64_t steps;
  request >> name >> steps;
  auto training = step(name);
  if (!training) return "unsupported";
  auto resident = [] {
    std::ifstream file("/proc/self/statm");
    std::int64_t all, pages;
    file >> all >> pages;
    return pages * 4096;
  };
  auto faults = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
  };
  for (int i = 0; i < 200; ++i) (*training)();
  auto bytes = resident(), before = faults();
  for (std::int64_t i = 0; i < steps; ++i) (*training)();
  return fmt::format("{} {}", resident() - bytes, faults() - before);
}

std::string answer(const std::string& line) try {
  std::istringstream request(line);
  std::string verb;
  request >> verb;
  if (verb == "time") return time(request);
  if (verb == "losses") return losses(request);
  if (verb == "growth") return growth(request);
  if (verb == "version") return fmt::format("Floe, {}", backend_name(device));
  return "unsupported";
} catch (const std::exception& error) {
  std::string words = error.what();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return "failed " + words;
}

}  // namespace

int main(int count, char** words) try {
  if (count > 1) device = parse_device(words[1]);
  Precision precision = parse_precision(count > 2 ? words[2] : "float32");
  require_precision(precision, device);
  set_gpu_precision(precision);
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
} catch (const std::exception& error) {
  std::cerr << "floe_contestant: " << error.what() << "\n";
  return 1;
}
