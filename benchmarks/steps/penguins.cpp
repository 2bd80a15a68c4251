// One training step of the penguins.
#include "steps.h"

#include <apps/penguins/networks.h>
#include <datasets/penguins/penguins.h>

namespace floe::bench {
namespace {

using namespace gan;

class PenguinsStep : public Step {
 public:
  PenguinsStep(std::int64_t batch, Device device)
      : device_(device),
        images_(to(cast(penguins::draw(batch), DType::float32) / 127.5 - 1, device)),
        noise_(random_normal({batch, noise_size}, rng_, device)) {}

  Tensors operator()(Kind kind) override {
    bool training = kind == Kind::training;
    Mode dropping = training ? Mode::training : Mode::inference;  // which the discriminator only drops by
    Tensor noise = training ? random_normal(noise_.shape(), rng_, device_) : noise_;

    GradientTape generator_tape, discriminator_tape;
    Tensor generated = generator_(noise, Mode::training);
    Tensor real_logits = discriminator_(images_, dropping);
    Tensor fake_logits = discriminator_(generated, dropping);
    Tensor g_loss = generator_loss(fake_logits);
    Tensor d_loss = discriminator_loss(real_logits, fake_logits);

    Gradients g_gradients = generator_tape.gradient(g_loss, generator_.variables());
    Gradients d_gradients = discriminator_tape.gradient(d_loss, discriminator_.variables());
    generator_optimizer_.apply(g_gradients);
    discriminator_optimizer_.apply(d_gradients);
    return {g_loss, d_loss};
  }

  void save(const std::filesystem::path& path) override {
    NamedTensors all{{"images", images_}, {"noise", noise_}};
    for (Layer* network : {static_cast<Layer*>(&generator_), static_cast<Layer*>(&discriminator_)})
      for (const Variable* variable : network->variables()) all.emplace_back(variable->path(), variable->value());
    save_safetensors(path, all);
  }

 private:
  Device device_;
  Rng rng_{1};
  Generator generator_{"generator", device_, rng_};
  Discriminator discriminator_{"discriminator", device_, rng_};
  Adam generator_optimizer_{{.learning_rate = 3e-4, .beta1 = 0.5}};
  Adam discriminator_optimizer_{{.learning_rate = 3e-4, .beta1 = 0.5}};
  Tensor images_, noise_;
};

}  // namespace

std::unique_ptr<Step> penguins_step(std::int64_t batch, Device device) {
  return std::make_unique<PenguinsStep>(batch, device);
}

}  // namespace floe::bench
