// Bare oneDNN primitives on all threads, in NHWC: what the same work cannot be faster than.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace floe::bench {

struct BareConvolution {  // an image of (size, size, in), its sides padded as "same" does
  std::int64_t batch, size, in, out, kernel, stride;
};

// A list of primitives, each run as often as requested.
class Bare {
 public:
  Bare();
  ~Bare();

  void convolution(const BareConvolution& c, int forwards, int input_gradients, int filter_gradients);
  void product(std::int64_t rows, std::int64_t inner, std::int64_t columns, int times = 1);
  void operator()();

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  std::vector<std::function<void()>> work_;
};

double flops(const BareConvolution& c);  // of one direction: twice the multiplications, those with padding included

// The convolutions and matrix products of one step of the penguins. The discriminator goes forward twice, then back
// through the fake images for the generator and through both for itself; the generator's tape needs no filter gradients
// of the discriminator, so there are none here.
void add_penguins_step(Bare& bare, std::int64_t batch);

}  // namespace floe::bench
