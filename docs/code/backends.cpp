// Backends: what computes, and how to choose another.
#include "pages.h"

#include <floe/backend/settings.h>

using namespace floe;

namespace {

void libraries() {
  //! [libraries]
  Rng rng(1);
  Tensor x = random_normal({64, 14, 14, 64}, rng), filters = random_normal({5, 5, 64, 128}, rng);
  Tensor best = conv2d(x, filters, {.strides = 2});
  set_cpu_library(CpuLibrary::eigen);                                 // as does FLOE_CPU_LIBRARY=eigen
  Tensor plain = conv2d(x, filters, {.strides = 2});
  double difference = reduce_max(abs(best - plain)).item() / reduce_max(abs(plain)).item();
  fmt::print("the two agree to one in 100,000: {}\n", difference < 1e-5);
  //! [libraries]
}

void gpu() {
  //! [gpu]
  Device device = gpu_count() > 0 ? parse_device("cuda") : Device{};   // if there is one
  Rng rng(1);
  Tensor x = random_normal({512, 256}, rng, device), w = random_normal({256, 64}, rng, device);
  Tensor y = relu(matmul(x, w));                           // queued on a GPU; the program continues
  fmt::print("mean {:.3f}\n", reduce_mean(y).item());      // a value is read: wait for it
  //! [gpu]
}

void memory() {
  //! [memory]
  reset_peak_memory();
  std::size_t before = memory_in_use();
  {
    Tensor a = zeros({1000, 1000}), b = a;                            // b shares
    fmt::print("{} MB\n", (memory_in_use() - before) / 1000000);
  }
  fmt::print("{} MB when the last reference is gone; {} MB at most\n", (memory_in_use() - before) / 1000000,
             (peak_memory() - before) / 1000000);
  //! [memory]
}

const pages::Example entered[] = {{"backends.libraries", libraries}, {"backends.gpu", gpu}, {"backends.memory", memory}};

}  // namespace
