// One training step of the snowflakes.
#include "steps.h"

#define main snowflakes_main
#include <apps/snowflakes/snowflakes.cpp>
#undef main

namespace floe::bench {
namespace {

class SnowflakesStep : public Step {
 public:
  SnowflakesStep(std::int64_t batch, Device device)
      : device_(device),
        images_(random_uniform({batch, flags_.side, flags_.side, 1}, rng_, 0, 1, DType::float32, device)),
        normal_(random_normal({batch, flags_.latent}, rng_, device)) {}

  Tensors operator()(Kind kind) override {
    Tensor normal = kind == Kind::training ? random_normal(normal_.shape(), rng_, device_) : normal_;

    GradientTape tape;
    Tensors losses = mmd_loss(model_.encoder, model_.decoder, images_, normal);
    optimizer_.apply(tape.gradient(losses.back(), model_.variables()));
    return {losses.back()};
  }

  void save(const std::filesystem::path& path) override {
    NamedTensors all{{"images", images_}, {"normal", normal_}};
    for (const Variable* variable : model_.variables()) all.emplace_back(variable->path(), variable->value());
    save_safetensors(path, all);
  }

 private:
  Device device_;
  Flags flags_;
  Rng rng_{1};
  Plan plan_ = plan_for(flags_.side);
  Model model_{{"encoder", device_, rng_, plan_, flags_.latent},
               {"decoder", device_, rng_, plan_, flags_.latent},
               flags_.latent};
  Adam optimizer_{{.learning_rate = flags_.rate}};
  Tensor images_, normal_;
};

}  // namespace

std::unique_ptr<Step> snowflakes_step(std::int64_t batch, Device device) {
  return std::make_unique<SnowflakesStep>(batch, device);
}

}  // namespace floe::bench
