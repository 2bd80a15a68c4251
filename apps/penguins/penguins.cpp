// A generative adversarial network that learns to draw penguins: two networks, two tapes, two optimizers.
//
// Two networks play against each other. The generator draws from noise; the discriminator tells its drawings from real
// ones. Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional GANs", 2015.
#include <fmt/core.h>

#include <datasets/penguins/penguins.h>
#include <floe/floe.h>

using namespace floe;

namespace {

constexpr int noise_size = 100;
constexpr int shown = 25;            // drawings in each epoch's picture, always from the same noise
constexpr int judged = 2000;         // drawings on either side of the Frechet distance

// --- The two networks ------------------------------------------------------------------------------------------------

//! [generator]
class Generator : public Layer {
 public:
  using Layer::Layer;                                              // (name, device, rng)

  Tensor operator()(const Tensor& noise, Mode mode) {              // (batch, 100)
    Tensor x = leaky_relu(norm1_(project_(noise), mode), 0.3);
    x = reshape(x, {-1, 7, 7, 64});
    x = leaky_relu(norm2_(conv1_(x), mode), 0.3);                  // (batch, 7, 7, 64)
    x = leaky_relu(norm3_(conv2_(x), mode), 0.3);                  // (batch, 14, 14, 32)
    return tanh(conv3_(x));                                        // (batch, 28, 28, 1) in [-1, 1]
  }

 private:
  Dense              project_{this, "project", {.in = noise_size, .units = 7 * 7 * 64, .use_bias = false}};
  BatchNormalization norm1_{this, "norm1", 7 * 7 * 64};
  Conv2DTranspose    conv1_{this, "conv1", {.in = 64, .filters = 64, .kernel_size = 5, .strides = 1, .use_bias = false}};
  BatchNormalization norm2_{this, "norm2", 64};
  Conv2DTranspose    conv2_{this, "conv2", {.in = 64, .filters = 32, .kernel_size = 5, .strides = 2, .use_bias = false}};
  BatchNormalization norm3_{this, "norm3", 32};
  Conv2DTranspose    conv3_{this, "conv3", {.in = 32, .filters = 1, .kernel_size = 5, .strides = 2, .use_bias = false}};
};
//! [generator]

//! [discriminator]
class Discriminator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images, Mode mode) {             // (batch, 28, 28, 1)
    Tensor x = dropout_(leaky_relu(conv1_(images), 0.3), mode);    // (batch, 14, 14, 64)
    x = leaky_relu(conv2_(x), 0.3);                                // (batch, 7, 7, 128)
    return decide_(flatten(x));                                    // (batch, 1), a logit: above 0 means real
  }

 private:
  Conv2D  conv1_{this, "conv1", {.in = 1, .filters = 64, .kernel_size = 5, .strides = 2}};
  Dropout dropout_{this, "dropout", 0.3};
  Conv2D  conv2_{this, "conv2", {.in = 64, .filters = 128, .kernel_size = 5, .strides = 2}};
  Dense   decide_{this, "decide", {.in = 7 * 7 * 128, .units = 1}};
};
//! [discriminator]

//! [losses]
// The generator wants its drawings to be taken for real; the discriminator wants to be right about both.
Tensor generator_loss(const Tensor& fake_logits) { return binary_cross_entropy_with_logits(fake_logits, 1); }

Tensor discriminator_loss(const Tensor& real_logits, const Tensor& fake_logits) {
  return binary_cross_entropy_with_logits(real_logits, 1) + binary_cross_entropy_with_logits(fake_logits, 0);
}
//! [losses]

// --- What to look at -------------------------------------------------------------------------------------------------

Tensor to_unit(const Tensor& bytes) { return (cast(bytes, DType::float32) - 127.5) / 127.5; }  // [0, 255] -> [-1, 1]
Tensor to_bytes(const Tensor& unit) { return cast(round((unit + 1) * 127.5), DType::uint8); }  // and back

// What the distance between drawings looks at: where the ink is, on a 7 x 7 grid.
Tensor features(const Tensor& images) { return flatten(average_pool(images, {.window = 4})); }

Tensor generate(Generator& generator, const Tensor& noise) {       // in parts, to keep memory small
  Tensors parts;
  for (std::int64_t i = 0; i < noise.dim(0); i += 100) {
    parts.push_back(generator(slice(noise, 0, i, std::min(i + 100, noise.dim(0))), Mode::inference));
  }
  return concat(parts, 0);
}

Tensors frames(const Tensor& pictures) {                            // an animation, three times as large
  Tensors all;
  for (std::int64_t i = 0; i < pictures.dim(0); ++i) all.push_back(enlarge(pictures[i], 3));
  return all;
}

void print_step(std::int64_t step, const std::vector<std::pair<const char*, Tensor>>& values,
                const Gradients& g_gradients, const Gradients& d_gradients) {
  fmt::print("\nstep {}\n", step);
  for (const auto& [name, value] : values) fmt::print("  {:<12} {}\n", name, describe(value));
  fmt::print("{}{}", describe(g_gradients), describe(d_gradients));
}

struct Flags : CommonArguments {
  std::int64_t drawings = 40000;
  std::int64_t steps = 0;
  double rate = 3e-4;
  double beta1 = 0.5;
  bool original = false;
};

Tensor load_images(const Flags& flags) {
  Tensor images = flags.data.empty() ? penguins::draw(flags.drawings) : penguins::load(flags.data);
  if (images.dim(0) < 4) {
    throw ValueError(fmt::format("{}: needs at least four drawings, found {}", flags.data.string(), images.dim(0)));
  }
  return images;
}

int train(const Flags& flags) {
  Device device = device_for(flags);
  std::filesystem::create_directories(flags.out);
  Rng rng(flags.seed);
  Tensor images = load_images(flags);
  //! [before]
  Generator generator("generator", device, rng);
  Discriminator discriminator("discriminator", device, rng);
  Adam generator_optimizer({.learning_rate = flags.rate, .beta1 = flags.beta1});
  Adam discriminator_optimizer({.learning_rate = flags.rate, .beta1 = flags.beta1});

  auto drawings = dataset(images).shuffle(images.dim(0), rng.stream("order")).batch(flags.batch).map(to_unit);
  if (flags.steps > 0) drawings = drawings.take(flags.steps);
  drawings = drawings.prefetch(device);
  Rng noise_rng = rng.stream("noise"), fixed_rng = rng.stream("fixed noise"), judge_rng = rng.stream("judge");
  Tensor fixed_noise = random_normal({shown, noise_size}, fixed_rng, device);
  //! [before]
  Tensor judge_noise = random_normal({judged, noise_size}, judge_rng, device);

  //! [checkpoint]
  // Everything that the rest of a run depends on is in the checkpoint, also the pictures of the epochs before.
  std::int64_t epoch = 0;
  Tensor pictures({0, 5 * 28 + 6, 5 * 28 + 6, 1}, DType::uint8);   // one for each epoch
  CsvLog log(flags.out / "losses.csv", {"epoch", "generator", "discriminator", "distance"});
  Checkpoint checkpoint(flags.out / "checkpoint");
  checkpoint.add("generator", generator);
  checkpoint.add("discriminator", discriminator);
  checkpoint.add("generator_optimizer", generator_optimizer);
  checkpoint.add("discriminator_optimizer", discriminator_optimizer);
  checkpoint.add("drawings", drawings);
  checkpoint.add("noise", noise_rng);
  checkpoint.add("epoch", epoch);
  checkpoint.add("pictures", pictures);
  //! [checkpoint]

  fmt::print("penguins: {} drawings, {}, {}\n", images.dim(0), to_string(device), backend_name(device));

  // How far real drawings are from each other, and from those of a generator that has learned nothing.
  std::int64_t many = std::min<std::int64_t>(judged, images.dim(0));
  std::int64_t half = std::min<std::int64_t>(judged, images.dim(0) / 2);
  auto seen = [&](std::int64_t begin, std::int64_t end) { return features(to_unit(slice(images, 0, begin, end))); };
  auto distance = [&] { return frechet_distance(seen(0, many), features(generate(generator, judge_noise))); };
  fmt::print("distance: {:.3f} between real drawings, {:.3f} untrained\n",
             frechet_distance(seen(0, half), seen(half, 2 * half)), distance());

  if (flags.resume) {
    auto report = checkpoint.restore_latest();
    fmt::print("{}\n", report ? report->text() : "there is no checkpoint to resume from: a new run begins");
    if (report) log.restore(epoch);
  }

  Instruments instruments(flags, generator_optimizer.steps());
  SummaryWriter& board = instruments.board;                        // writes only with --tensorboard
  while (epoch < flags.epochs) {
    Mean generator_mean, discriminator_mean;
    Progress progress(fmt::format("epoch {:3}", epoch + 1), drawings.size());

    //! [loop]
    for (const Tensor& images : drawings) {                        // (batch, 28, 28, 1) in [-1, 1]
      std::int64_t step = instruments.begin_step();
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

      generator_mean.update(g_loss);
      discriminator_mean.update(d_loss);
    //! [loop]
      if (step % 10 == 0) {
        board.scalar("step/generator", g_loss, step);
        board.scalar("step/discriminator", d_loss, step);
      }
      if (instruments.print()) {
        print_step(step, {{"images", images}, {"noise", noise}, {"generated", generated}, {"real_logits", real_logits},
                          {"fake_logits", fake_logits}, {"g_loss", g_loss}, {"d_loss", d_loss}},
                   g_gradients, d_gradients);
      }
      progress.step();
    }
    progress.finish();
    ++epoch;
    instruments.end_epoch();

    double far = distance();
    fmt::print("epoch {:3}  generator {:.3f}  discriminator {:.3f}  distance {:.3f}\n", epoch,
               generator_mean.result(), discriminator_mean.result(), far);
    Tensor drawn = to_bytes(generator(fixed_noise, Mode::inference));
    save_grid(flags.out / fmt::format("penguins-{:03}.png", epoch), drawn, {.columns = 5, .scale = 3});
    pictures = concat({pictures, expand_dims(make_grid(drawn, {.columns = 5}), 0)}, 0);
    save_grid(flags.out / "panel.png", slice(pictures, 0, 0, std::min<std::int64_t>(8, epoch)),
              {.columns = std::min<int>(4, static_cast<int>(epoch)), .padding = 8, .scale = 2});
    save_animation(flags.out / "animation.png", frames(pictures), 500);
    board.scalar("epoch/generator", generator_mean.result(), instruments.step());
    board.scalar("epoch/discriminator", discriminator_mean.result(), instruments.step());
    board.scalar("epoch/distance", far, instruments.step());
    board.image("drawn", make_grid(drawn, {.columns = 5}), instruments.step());
    board.histograms(generator.variables(), instruments.step());
    board.histograms(discriminator.variables(), instruments.step());
    log.append(epoch, generator_mean.result(), discriminator_mean.result(), far);
    checkpoint.save(epoch);
  }
  fmt::print("the pictures are in {}\n", flags.out.string());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  flags.epochs = 8, flags.batch = 64, flags.seed = 7777, flags.out = "out/penguins";
  Arguments arguments("penguins", "A generative adversarial network that learns to draw penguins.");
  add_common(arguments, flags);
  arguments.add("--drawings", flags.drawings, "How many penguins to draw for training, without --data").at_least(4);
  arguments.add("--steps", flags.steps, "Steps in an epoch; 0 takes all drawings").at_least(0);
  arguments.add("--rate", flags.rate, "Learning rate of both Adam optimizers");
  arguments.add("--beta1", flags.beta1, "Decay of Adam's first moment");
  arguments.add("--original", flags.original, "The talk's settings: batch 256, rate 1e-4, beta1 0.9");
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  if (flags.original) flags.batch = 256, flags.rate = 1e-4, flags.beta1 = 0.9;
  return run_app([&] { return train(flags); });
}
