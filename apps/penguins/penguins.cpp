// A generative adversarial network that learns to draw penguins: two networks, two tapes, two optimizers.
//
// After the 2019 talk. The generator draws from noise; the discriminator tells its drawings from real ones. Radford, Metz and
// Chintala, "Unsupervised representation learning with deep convolutional GANs", 2015.
#include <fmt/core.h>

#include <datasets/penguins/penguins.h>
#include <floe/floe.h>

#include "networks.h"

using namespace floe;
using namespace gan;

namespace {

constexpr int shown = 25;            // drawings in each epoch's picture, always from the same noise
constexpr int judged = 2000;         // drawings on either side of the Frechet distance

struct Flags : CommonArguments {
  std::int64_t drawings = 40000;
  std::int64_t steps = 0;
  std::int64_t sample = 0;
  double rate = 3e-4;
  double beta1 = 0.5;
  bool original = false;
};

// --- What to look at -------------------------------------------------------------------------------------------------

Tensor to_unit(const Tensor& bytes) { return (cast(bytes, DType::float32) - 127.5) / 127.5; }  // [0, 255] -> [-1, 1]

Tensor generate(Generator& generator, const Tensor& noise) {
  return map_batches(noise, 100, [&](const Tensor& part) { return generator(part, Mode::inference); });
}

// How far drawings are from real ones: the Frechet distance of where their ink is, on a 7 x 7 grid.
struct Judge {
  Tensor real;                         // uint8 (count, 28, 28, 1)
  Tensor noise;                        // (judged, 100)

  static Tensor features(const Tensor& images) { return flatten(average_pool(images, {.window = 4})); }
  Tensor seen(std::int64_t begin, std::int64_t end) const { return features(to_unit(slice(real, 0, begin, end))); }

  double between_halves() const {
    std::int64_t half = std::min<std::int64_t>(judged, real.dim(0) / 2);
    return frechet_distance(seen(0, half), seen(half, 2 * half));
  }
  double operator()(Generator& generator) const {
    return frechet_distance(seen(0, std::min<std::int64_t>(judged, real.dim(0))), features(generate(generator, noise)));
  }
};

Tensor load_images(const Flags& flags) {
  Tensor images = flags.data.empty() ? penguins::draw(flags.drawings) : penguins::load(flags.data);
  if (images.dim(0) < 4) {
    throw ValueError(fmt::format("{}: needs at least four drawings, found {}", flags.data.string(), images.dim(0)));
  }
  return images;
}

// Draws with a trained generator, and does nothing else.
int draw(const Flags& flags) {
  Run run("penguins", flags, {.trained = true});
  Rng rng(flags.seed), noise_rng = rng.stream("samples");
  Generator generator("generator", run.device(), rng);
  run.keep("generator", generator);
  std::int64_t epochs = run.use_trained();
  Tensor drawn = generate(generator, random_normal({flags.sample, noise_size}, noise_rng, run.device()));
  save_png(run.folder() / "drawn.png", caption(make_grid(drawn, {.scale = 3}), fmt::format("after epoch {}", epochs)));
  fmt::print("the drawings are in {}\n", (run.folder() / "drawn.png").string());
  return 0;
}

// --- The training ----------------------------------------------------------------------------------------------------

int train(const Flags& flags) {
  Run run("penguins", flags);
  Device device = run.device();
  Rng rng(flags.seed);
  //! [before]
  Tensor real = load_images(flags);                                // uint8 (count, 28, 28, 1)
  Generator generator("generator", device, rng);
  Discriminator discriminator("discriminator", device, rng);
  Adam generator_optimizer({.learning_rate = flags.rate, .beta1 = flags.beta1});
  Adam discriminator_optimizer({.learning_rate = flags.rate, .beta1 = flags.beta1});

  auto drawings = dataset(real).shuffle(real.dim(0), rng.stream("order")).batch(flags.batch)
                      .take(flags.steps > 0 ? flags.steps : real.dim(0)).map(to_unit).prefetch(device);
  Rng noise_rng = rng.stream("noise"), fixed_rng = rng.stream("fixed noise"), judge_rng = rng.stream("judge");
  Tensor fixed_noise = random_normal({shown, noise_size}, fixed_rng, device);
  Judge judge{real, random_normal({judged, noise_size}, judge_rng, device)};
  //! [before]
  //! [checkpoint]
  // Everything that the rest of a run depends on, with the pictures of earlier epochs, is in the checkpoint.
  run.keep("generator", generator);
  run.keep("discriminator", discriminator);
  run.keep("generator_optimizer", generator_optimizer);
  run.keep("discriminator_optimizer", discriminator_optimizer);
  run.keep("drawings", drawings);
  run.keep("noise", noise_rng);
  Filmstrip film(run, "penguins", {.columns = 5});
  //! [checkpoint]

  fmt::print("penguins: {} drawings, {}\n", real.dim(0), run.backend());
  fmt::print("distance: {:.3f} between real drawings, {:.3f} untrained\n", judge.between_halves(), judge(generator));

  while (run.next_epoch()) {
    //! [loop]
    for (const Tensor& images : run.steps(drawings)) {             // (batch, 28, 28, 1) in [-1, 1]
      Tensor noise = random_normal({images.dim(0), noise_size}, noise_rng, device);

      GradientTape generator_tape, discriminator_tape;             // both record what follows
      Tensor generated   = generator(noise, Mode::training);
      Tensor real_logits = discriminator(images, Mode::training);
      Tensor fake_logits = discriminator(generated, Mode::training);
      Tensor g_loss = generator_loss(fake_logits);
      Tensor d_loss = discriminator_loss(real_logits, fake_logits);

      Gradients g_gradients = generator_tape.gradient(g_loss, generator.variables());
      Gradients d_gradients = discriminator_tape.gradient(d_loss, discriminator.variables());
      generator_optimizer.apply(g_gradients);
      discriminator_optimizer.apply(d_gradients);

      run.report({{"generator", g_loss}, {"discriminator", d_loss}});
    //! [loop]
      run.print({{"images", images}, {"noise", noise}, {"generated", generated}, {"real_logits", real_logits},
                 {"fake_logits", fake_logits}, {"g_loss", g_loss}, {"d_loss", d_loss}},
                {g_gradients, d_gradients});
    }
    run.number("distance", judge(generator));
    film.add(generator(fixed_noise, Mode::inference));
  }
  fmt::print("the pictures are in {}\n", run.folder().string());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  flags.epochs = 8, flags.batch = 64, flags.seed = 7777, flags.out = "out/penguins";
  Arguments arguments("penguins", "A generative adversarial network that learns to draw penguins.");
  add_common(arguments, flags);
  arguments.add("--drawings", flags.drawings, "How many penguins to draw for training, without --data").at_least(4)
      .excludes({"--data"});
  arguments.add("--steps", flags.steps, "Steps per epoch; 0 takes all drawings").at_least(0);
  arguments.add("--sample", flags.sample, "Draw this many with the trained model in --out, into drawn.png").at_least(0)
      .excludes({"--epochs", "--resume", "--overwrite"});
  arguments.add("--rate", flags.rate, "Learning rate of both Adam optimizers").at_least(0);
  arguments.add("--beta1", flags.beta1, "Decay of Adam's first moment").at_least(0).below(1);
  arguments.add("--original", flags.original, "The talk's settings: batch 256, rate 1e-4, beta1 0.9")
      .excludes({"--batch", "--rate", "--beta1"});
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  if (flags.original) flags.batch = 256, flags.rate = 1e-4, flags.beta1 = 0.9;
  return run_app([&] { return flags.sample > 0 ? draw(flags) : train(flags); });
}
