// Floe's side of the comparison: reads requests, one a line, and answers each with one line.
//
//   time CASE THREADS REPEATS   seconds that REPEATS executions took; the first use of a case is warmed up
//   losses CASE FILE            the losses of the first three steps, from the variables and inputs that FILE gets
//   growth CASE STEPS           bytes that the process grew by over so many steps, and page faults, after 200 of them
//   version
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

#include <floe/floe.h>

#include "../steps/steps.h"
#include "../support/bare.h"
#include "../support/limits.h"

using namespace floe;
using bench::Bare;
using bench::Step;

namespace {

using Execution = std::function<void(std::int64_t repeats)>;

constexpr std::int64_t large = std::int64_t{1} << 24;  // elements of a tensor beyond any cache

template <class Body>
Execution each(Body body) {
  return [body](std::int64_t repeats) mutable {
    for (std::int64_t i = 0; i < repeats; ++i) body();
  };
}

Tensor normal(const Shape& shape) {
  Rng rng(1);
  return random_normal(shape, rng);
}

Execution add() {
  Tensor a = tensor(1.0), b = tensor(2.0), y;
  return each([=]() mutable { y = a + b; });
}

Execution add_recorded() {
  return [](std::int64_t repeats) {
    Variable a("a", tensor(1.0));
    Tensor b = tensor(2.0);
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
  return each([=, x = normal({large}), y = Tensor()]() mutable { y = {}, y = function(x); });
}

Execution batch_norm() {
  struct Network : Layer {
    using Layer::Layer;
    BatchNormalization norm{this, "norm", 64};
  };
  auto network = std::make_shared<Network>("network", Device{}, Rng(1));
  return each([network, x = normal({64, 56, 56, 64}), y = Tensor()]() mutable {
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
    training->variables.push_back(std::make_unique<Variable>(fmt::format("w{}", i), normal({large / 4})));
    training->gradients.add(*training->variables.back(), normal({large / 4}));
  }
  return each([training] { training->optimizer.apply(training->gradients); });
}

// A copy of 64 MiB past the caches, the fastest there is: what pointwise work on tensors of that size is held against.
Execution copy() {
  Tensor from = normal({large}), to(Shape{large});
  float* out = to.mutable_data<float>();
  return each([from, to, out] { bench::copy_past_caches(from.data<float>(), out, large); });
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
  if (auto batch = number_behind("penguins_", name)) return bench::penguins_step(batch);
  if (auto batch = number_behind("snowflakes_", name)) return bench::snowflakes_step(batch);
  return nullptr;
}

Execution execution(const std::string& name) {
  if (name == "add") return add();
  if (name == "add_recorded") return add_recorded();
  if (name == "small_network") return small_network();
  if (name == "matmul_1024")
    return each([a = normal({1024, 1024}), b = normal({1024, 1024}), y = Tensor()]() mutable { y = matmul(a, b); });
  if (name == "conv_penguins") return convolution({64, 14, 14, 64}, {5, 5, 64, 128}, 2);
  if (name == "conv_resnet") return convolution({8, 56, 56, 64}, {3, 3, 64, 64}, 1);
  if (name == "exp") return pointwise([](const Tensor& x) { return exp(x); });
  if (name == "relu") return pointwise([](const Tensor& x) { return relu(x); });
  if (name == "add_large") return pointwise([b = normal({large})](const Tensor& x) { return x + b; });
  if (name == "sum") return pointwise([](const Tensor& x) { return reduce_sum(x); });
  if (name == "softmax") return each([x = normal({8192, 1000}), y = Tensor()]() mutable { y = {}, y = softmax(x); });
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
  omp_set_num_threads(threads);
  if (!known.contains(name)) known[name] = execution(name);
  const Execution& run = known[name];
  if (!run) return "unsupported";
  if (!std::exchange(warm[fmt::format("{} {}", name, threads)], true)) run(5);
  auto start = std::chrono::steady_clock::now();
  run(repeats);
  return fmt::format("{}", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

std::string losses(std::istream& request) {
  std::string name, file, line;
  request >> name >> file;
  auto training = step(name);
  if (!training) return "unsupported";
  training->save(file);
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
  if (verb == "version") return fmt::format("Floe, {}", backend_name());
  return "unsupported";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return "unsupported";
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
