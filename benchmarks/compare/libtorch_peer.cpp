// LibTorch, PyTorch's own C++ library, as a contestant for the overhead of an operation; peer.py explains the protocol.
#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>

namespace {

using Execution = std::function<void(long repeats)>;

constexpr int chain = 1000;  // recorded additions before their graph is dropped

Execution execution(const std::string& name) {
  if (name == "add") {
    return [a = torch::ones({1}), b = torch::ones({1}), y = torch::Tensor()](long repeats) mutable {
      c10::InferenceMode guard;  // LibTorch's fastest way when no gradient is wanted
      for (long i = 0; i < repeats; ++i) y = a + b;
    };
  }
  if (name == "add_recorded") {
    return [a = torch::ones({1}).requires_grad_(), b = torch::ones({1})](long repeats) {
      for (long done = 0; done < repeats; done += chain) {
        torch::Tensor y = a + b;
        for (int i = 1; i < chain; ++i) y = y + b;
      }
    };
  }
  if (name == "small_network") {
    return [a = torch::randn({32, 32}), w = torch::randn({32, 32}).requires_grad_()](long repeats) {
      for (long i = 0; i < repeats; ++i) torch::autograd::grad({torch::tanh(torch::matmul(a, w)).sum()}, {w});
    };
  }
  return {};
}

std::string time(std::istream& request) {
  static std::string warm;
  static Execution run;
  std::string name;
  int threads = 1;
  long repeats = 0;
  request >> name >> threads >> repeats;
  torch::set_num_threads(threads);
  if (std::string key = name + " " + std::to_string(threads); warm != key) {
    warm = key;
    run = execution(name);
    if (run) run(chain);
  }
  if (!run) return "unsupported";
  auto start = std::chrono::steady_clock::now();
  run(repeats);
  return std::to_string(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

std::string answer(const std::string& line) try {
  std::istringstream request(line);
  std::string verb;
  request >> verb;
  if (verb == "time") return time(request);
  if (verb == "version") return "LibTorch " TORCH_VERSION " in C++";
  return "unsupported";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return "failed";
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
