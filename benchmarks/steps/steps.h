// One training step of an app, on the app's own networks and losses: what benchmarks time and peers are compared with.
#pragma once

#include <filesystem>
#include <memory>

#include <floe/tensor/tensor.h>

namespace floe::bench {

class Step {
 public:
  virtual ~Step() = default;

  // A step on one fixed batch; the losses that the app prints. Plain steps draw nothing: noise is fixed and nothing is
  // dropped out, so that two programs can be compared.
  enum class Kind { training, plain };
  virtual Tensors operator()(Kind kind = Kind::training) = 0;

  // Writes the variables, under their paths, and the inputs of plain steps.
  virtual void save(const std::filesystem::path& path) = 0;
};

// With networks, inputs and noise on the device. Plain steps read `images` and `noise`, or `images` and `normal`; the
// snowflakes are those of --loss mmd at 28 pixels.
std::unique_ptr<Step> penguins_step(std::int64_t batch, Device device = {});
std::unique_ptr<Step> snowflakes_step(std::int64_t batch, Device device = {});

}  // namespace floe::bench
