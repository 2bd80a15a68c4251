// A variational autoencoder that learns to grow snowflakes from two numbers; the action is in the loss.
//
// After the 2019 talk. An encoder gives each flake a code of a few numbers, and a decoder draws it again from its code. A second term in the
// loss wants codes to look like draws from a normal distribution; so any such draw can be decoded to a new flake.
// Zhao, Song and Ermon, "InfoVAE", 2017 (--loss mmd); Kingma and Welling, "Auto-encoding variational Bayes", 2013 (elbo).
#include <fmt/core.h>

#include <datasets/snowflakes/snowflakes.h>
#include <floe/floe.h>

#include "losses.h"
#include "pictures.h"

using namespace floe;
using namespace vae;

namespace {

struct Flags : CommonArguments {
  std::string loss = "mmd";
  int side = 28, latent = 2, flakes = 2070, sample = 0;
  double rate = 1e-3;
  std::pair<int, int> interpolate{0, 1};
};

struct Data {
  Tensor images;                       // float32 (count, side, side, 1) in [0, 1]
  Tensor kinds;                        // int32 (count,), which of the kinds each is
  std::vector<std::string> kind_names;
};

void require_flakes(const Flags& flags, std::int64_t count) {
  if (count < 10) throw ValueError(fmt::format("needs at least ten flakes, found {}", count));
  int last = std::max(flags.interpolate.first, flags.interpolate.second);
  if (last >= count) throw ValueError(fmt::format("--interpolate takes two flakes from 0 to {}, not {}", count - 1, last));
}

Data load_data(const Flags& flags) {
  Data data;
  if (flags.data.empty()) {
    require_flakes(flags, flags.flakes);
    auto flakes = snowflakes::grow(flags.flakes);
    data = {flags.side == 28 ? flakes.images28 : flakes.images64, flakes.kinds, snowflakes::kind_names()};
  } else {
    data.images = snowflakes::load(flags.data, flags.side);
    data.kinds = zeros({data.images.dim(0)}, DType::int32), data.kind_names = {"of one kind"};
  }
  require_flakes(flags, data.images.dim(0));
  data.images = cast(data.images, DType::float32) / 255;           // [0, 255] -> [0, 1]
  return data;
}

// Grows new flakes with a trained model, and does nothing else.
int draw(const Flags& flags) {
  Run run("snowflakes", flags, {.trained = true});
  Rng rng(flags.seed), code_rng = rng.stream("drawn");
  Model model(run.device(), rng, flags.side, flags.latent, objective_for(flags.loss).encoded * flags.latent);
  run.keep("model", model);
  std::int64_t epochs = run.use_trained();
  save_flakes(run.folder() / "drawn.png", model.decode(random_normal({flags.sample, model.latent}, code_rng)), 0,
              fmt::format("after epoch {}", epochs));
  fmt::print("the flakes are in {}\n", (run.folder() / "drawn.png").string());
  return 0;
}

// How far drawings are from what they draw.
double reconstruction_error(Model& model, const Tensor& images) {
  return mean_squared_error(model.decode(model.encode(images)), images).item();
}

// --- The training ----------------------------------------------------------------------------------------------------

int train(const Flags& flags) {
  Objective objective = objective_for(flags.loss);
  Run run("snowflakes", flags, {.decimals = 4});
  Device device = run.device();
  Rng rng(flags.seed);
  Model model(device, rng, flags.side, flags.latent, objective.encoded * flags.latent);
  run.keep("model", model);

  // Nine flakes in ten to learn from, one in ten to see whether it learned more than those.
  Data flakes = load_data(flags);
  std::int64_t count = flakes.images.dim(0), training = count - count / 10;
  Tensor learned = slice(flakes.images, 0, 0, training), held_out = slice(flakes.images, 0, training);
  auto batches = dataset(learned).shuffle(training, rng.stream("order")).batch(flags.batch).prefetch(device);

  Adam optimizer({.learning_rate = flags.rate});
  Rng normal_rng = rng.stream("normal"), sample_rng = rng.stream("samples");
  Tensor sample_codes = random_normal({64, flags.latent}, sample_rng);
  run.keep("optimizer", optimizer);
  run.keep("batches", batches);
  run.keep("normal", normal_rng);
  fmt::print("snowflakes: {} of {} x {} pixels, {}\n", count, flags.side, flags.side, run.backend());

  while (run.next_epoch()) {
    //! [loop]
    for (const Tensor& images : run.steps(batches)) {              // (batch, side, side, 1) in [0, 1]
      Tensor normal = random_normal({images.dim(0), flags.latent}, normal_rng, device);

      GradientTape tape;
      NamedTensors losses = objective.loss(model, images, normal);
      Gradients gradients = tape.gradient(losses.back().second, model.variables());   // of the total
      optimizer.apply(gradients);

      run.report(losses);
    //! [loop]
      losses.emplace(losses.begin(), "images", images);
      run.print(losses, {gradients});
    }
    if (run.epoch() == 1 || run.epoch() % 10 == 0 || run.is_last_epoch()) {
      draw_pictures(model, flakes.images, flakes.kinds, flakes.kind_names, held_out, sample_codes, run.folder());
    }
    if (run.board().is_open()) {                                   // drawn only for it
      run.board().image("samples", make_grid(model.decode(sample_codes), {.columns = 8}) * 2 - 1, run.step());
    }
  }

  //! [judge]
  // Does it draw what it has not seen, and are its flakes as regular as grown ones?
  double error = reconstruction_error(model, learned), unseen = reconstruction_error(model, held_out);
  fmt::print("reconstruction: mean squared error {:.5f}, of flakes it never saw {:.5f} ({:.2f} times)\n", error, unseen,
             unseen / error);
  //! [judge]
  fmt::print("a turn of 60 degrees changes the data by {:.3f}, new flakes by {:.3f}\n",
             snowflakes::asymmetry(flakes.images), snowflakes::asymmetry(model.decode(sample_codes)));
  draw_walk(model, flakes.images, flags.interpolate, run.folder() / "interpolation.png");
  fmt::print("the pictures are in {}\n", run.folder().string());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  flags.epochs = 60, flags.batch = 100, flags.seed = 7777, flags.out = "out/snowflakes";
  Arguments arguments("snowflakes", "A variational autoencoder that learns to grow snowflakes.");
  add_common(arguments, flags);
  arguments.add("--loss", flags.loss, "mmd: codes as a whole look normal; elbo: each code is a normal distribution");
  arguments.add("--side", flags.side, "Pixels across an image: 28, as in the talk, or 64");
  arguments.add("--latent", flags.latent, "Numbers in a code").at_least(2);
  arguments.add("--flakes", flags.flakes, "How many flakes to grow for training, without --data").at_least(10).excludes({"--data"});
  arguments.add("--sample", flags.sample, "Draw this many with the trained model in --out, into drawn.png").at_least(0).excludes({"--epochs", "--resume", "--overwrite"});
  arguments.add("--rate", flags.rate, "Learning rate of Adam").at_least(0);
  arguments.add("--interpolate", flags.interpolate, "Two flakes, by number, between which interpolation.png walks").at_least(0);
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  return run_app([&] { return flags.sample > 0 ? draw(flags) : train(flags); });
}
