// One training step of the snowflakes.
#include "steps.h"

#include <apps/snowflakes/losses.h>

namespace floe::bench {
namespace {

using namespace vae;

constexpr int side = 28, latent = 2;

class SnowflakesStep : public Step {
 public:
  SnowflakesStep(std::int64_t batch, Device device)
      : device_(device),
        images_(random_uniform({batch, side, side, 1}, rng_, 0, 1, DType::float32, device)),
        normal_(random_normal({batch, latent}, rng_, device)) {}

  Tensors operator()(Kind kind) override {
    Tensor normal = kind == Kind::training ? random_normal(normal_.shape(), rng_, device_) : normal_;

    GradientTape tape;
    Tensor loss = mmd_loss(model_, images_, normal).back().second;
    optimizer_.apply(tape.gradient(loss, model_.variables()));
    return {loss};
  }

  void save(const std::filesystem::path& path) override {
    NamedTensors all{{"images", images_}, {"normal", normal_}};
    for (const Variable* variable : model_.variables()) all.emplace_back(variable->path(), variable->value());
    save_safetensors(path, all);
  }

 private:
  Device device_;
  Rng rng_{1};
  Model model_{device_, rng_, side, latent, latent};
  Adam optimizer_{{.learning_rate = 1e-3}};
  Tensor images_, normal_;
};

}  // namespace

std::unique_ptr<Step> snowflakes_step(std::int64_t batch, Device device) {
  return std::make_unique<SnowflakesStep>(batch, device);
}

}  // namespace floe::bench
