// A variational autoencoder that learns to grow snowflakes from two numbers; the action is in the loss.
//
// An encoder gives each flake a code of a few numbers, and a decoder draws it again from its code. A second term in the
// loss wants codes to look like draws from a normal distribution; so any such draw can be decoded to a new flake.
// Zhao, Song and Ermon, "InfoVAE", 2017 (--loss mmd); Kingma and Welling, "Auto-encoding variational Bayes", 2013 (elbo).
#include <cmath>

#include <fmt/core.h>

#include <datasets/snowflakes/snowflakes.h>
#include <floe/floe.h>

#include "networks.h"
#include "pictures.h"

using namespace floe;
using namespace vae;

namespace {

// --- The losses ------------------------------------------------------------------------------------------------------

struct Objective {
  std::vector<std::string> terms;      // what the loss is made of, and at last the loss itself
  Tensors (*loss)(Encoder&, Decoder&, const Tensor& images, const Tensor& normal);
  int encoded;                         // what the encoder says of each number of a code: itself, or mean and variance
};

//! [mmd]
// How alike two codes are, for all pairs: (count of a, count of b).
Tensor kernel(const Tensor& a, const Tensor& b) {
  Tensor difference = expand_dims(a, 1) - expand_dims(b, 0);       // (count of a, count of b, latent)
  return exp(-reduce_mean(square(difference), -1) / static_cast<double>(a.dim(1)));
}

// Maximum mean discrepancy: near 0 if both are draws from one distribution. Gretton et al., 2012.
Tensor mmd(const Tensor& a, const Tensor& b) {
  return reduce_mean(kernel(a, a)) + reduce_mean(kernel(b, b)) - 2 * reduce_mean(kernel(a, b));
}

// The codes are what the encoder says. It costs if a drawing differs, and if the codes differ from normal draws.
Tensors mmd_loss(Encoder& encoder, Decoder& decoder, const Tensor& images, const Tensor& normal) {
  Tensor codes = encoder(images);
  Tensor mse = mean_squared_error(sigmoid(decoder(codes)), images);
  Tensor discrepancy = mmd(normal, codes);
  return {mse, discrepancy, mse + discrepancy};
}
//! [mmd]

// The logarithm of a normal density at the codes, summed over the numbers of each: (batch,).
Tensor log_normal(const Tensor& codes, const Tensor& mean, const Tensor& log_variance) {
  return -0.5 * reduce_sum(square(codes - mean) * exp(-log_variance) + log_variance + std::log(2 * M_PI), 1);
}

//! [elbo]
// The evidence lower bound: the encoder gives means and variances, and codes are drawn from them. Cross-entropy is
// summed over an image and averaged over images; summed over the batch as well, as a published port has it, it would
// weigh a hundred times more than the two terms of the codes.
Tensors elbo_loss(Encoder& encoder, Decoder& decoder, const Tensor& images, const Tensor& normal) {
  Tensors halves = split(encoder(images), 1, 2);
  Tensor mean = halves[0], log_variance = halves[1];
  Tensor codes = mean + normal * exp(0.5 * log_variance);
  Tensor logits = decoder(codes);
  Tensor log_px = -reduce_mean(reduce_sum(softplus(logits) - images * logits, {1, 2, 3}));
  Tensor log_pz = reduce_mean(log_normal(codes, zeros_like(codes), zeros_like(codes)));
  Tensor log_qz = reduce_mean(log_normal(codes, mean, log_variance));
  return {log_px, log_pz, log_qz, log_qz - log_px - log_pz};
}
//! [elbo]

Objective objective_for(const std::string& name) {
  if (name == "mmd") return {{"mse", "mmd", "total"}, mmd_loss, 1};
  if (name == "elbo") return {{"log p(x|z)", "log p(z)", "log q(z|x)", "total"}, elbo_loss, 2};
  throw ValueError(fmt::format("--loss is {}, but must be mmd or elbo", name));
}

// --- What to look at -------------------------------------------------------------------------------------------------

struct Flags : CommonArguments {
  std::string loss = "mmd";
  int side = 28, latent = 2, flakes = 2070;
  double rate = 1e-3;
  std::pair<int, int> interpolate{0, 1};
};

Tensor to_unit(const Tensor& bytes) { return cast(bytes, DType::float32) / 255; }   // [0, 255] -> [0, 1]

struct Data {
  Tensor images;                       // uint8 (count, side, side, 1)
  Tensor kinds;                        // int32 (count,), which of the kinds each is
  std::vector<std::string> kind_names;
};

Data load_data(const Flags& flags) {
  if (flags.data.empty()) {
    auto flakes = snowflakes::grow(flags.flakes);
    return {flags.side == 28 ? flakes.images28 : flakes.images64, flakes.kinds, snowflakes::kind_names()};
  }
  Tensor images = snowflakes::load(flags.data, flags.side);
  return {images, zeros({images.dim(0)}, DType::int32), {"of one kind"}};
}

// How far drawings are from what they draw.
double reconstruction_error(Model& model, const Tensor& images) {
  return mean_squared_error(model.decode(model.encode(images)), images).item();
}

void print_step(std::int64_t step, const Tensor& images, const std::vector<std::string>& terms, const Tensors& losses,
                const Gradients& gradients) {
  fmt::print("\nstep {}\n  {:<12} {}\n", step, "images", describe(images));
  for (std::size_t i = 0; i < terms.size(); ++i) fmt::print("  {:<12} {}\n", terms[i], describe(losses[i]));
  fmt::print("{}", describe(gradients));
}

// --- The training ----------------------------------------------------------------------------------------------------

int train(const Flags& flags) {
  Device device = device_for(flags);
  Plan plan = plan_for(flags.side);
  Objective objective = objective_for(flags.loss);
  std::filesystem::create_directories(flags.out);
  Rng rng(flags.seed);

  // Nine flakes of ten to learn from, one of ten to see whether it learned more than those.
  Data flakes = load_data(flags);
  std::int64_t count = flakes.images.dim(0), training = count - count / 10;
  if (training == count) throw ValueError(fmt::format("needs at least ten flakes, found {}", count));
  if (std::max(flags.interpolate.first, flags.interpolate.second) >= count) {
    throw ValueError(fmt::format("--interpolate takes two flakes from 0 to {}", count - 1));
  }
  Tensor images = to_unit(flakes.images), learned = slice(images, 0, 0, training), held_out = slice(images, 0, training);
  auto batches = dataset(learned).shuffle(training, rng.stream("order")).batch(flags.batch).prefetch(device);

  Model model{{"encoder", device, rng, plan, objective.encoded * flags.latent},
              {"decoder", device, rng, plan, flags.latent},
              flags.latent};
  Adam optimizer({.learning_rate = flags.rate});
  Rng normal_rng = rng.stream("normal"), sample_rng = rng.stream("samples");
  Tensor sample_codes = random_normal({64, flags.latent}, sample_rng);

  std::int64_t epoch = 0;
  std::vector<std::string> columns = objective.terms;
  columns.insert(columns.begin(), "epoch");
  CsvLog log(flags.out / "losses.csv", columns);
  Checkpoint checkpoint(flags.out / "checkpoint");
  checkpoint.add("encoder", model.encoder);
  checkpoint.add("decoder", model.decoder);
  checkpoint.add("optimizer", optimizer);
  checkpoint.add("batches", batches);
  checkpoint.add("normal", normal_rng);
  checkpoint.add("epoch", epoch);

  fmt::print("snowflakes: {} of {} x {} pixels, {}, {}\n", count, flags.side, flags.side, to_string(device),
             backend_name(device));
  if (flags.resume) {
    auto report = checkpoint.restore_latest();
    fmt::print("{}\n", report ? report->text() : "there is no checkpoint to resume from: a new run begins");
    if (report) log.restore(epoch);
  }

  Instruments instruments(flags, optimizer.steps());
  SummaryWriter& board = instruments.board;                        // writes only with --tensorboard
  while (epoch < flags.epochs) {
    std::vector<Mean> means(objective.terms.size());
    Progress progress(fmt::format("epoch {:3}", epoch + 1), batches.size());

    //! [loop]
    for (const Tensor& images : batches) {                         // (batch, side, side, 1) in [0, 1]
      std::int64_t step = instruments.begin_step();
      Tensor normal = random_normal({images.dim(0), flags.latent}, normal_rng, device);

      GradientTape tape;
      Tensors losses = objective.loss(model.encoder, model.decoder, images, normal);
      Gradients gradients = tape.gradient(losses.back(), model.variables());
      optimizer.apply(gradients);
    //! [loop]

      for (std::size_t i = 0; i < means.size(); ++i) means[i].update(losses[i]);
      if (instruments.print()) print_step(step, images, objective.terms, losses, gradients);
      progress.step();
    }
    progress.finish();
    instruments.end_epoch();
    ++epoch;

    std::vector<double> results;
    std::string line = fmt::format("epoch {:3}", epoch);
    for (std::size_t i = 0; i < means.size(); ++i) {
      results.push_back(means[i].result());
      line += fmt::format("  {} {:.4f}", objective.terms[i], results.back());
      board.scalar(objective.terms[i], results.back(), instruments.step());
    }
    fmt::print("{}\n", line);
    log.append(epoch, results);
    if (epoch == 1 || epoch % 10 == 0 || epoch == flags.epochs) {
      draw_pictures(model, images, flakes.kinds, held_out, sample_codes, flags.out);
    }
    if (!flags.tensorboard.empty()) {                              // drawn for it alone
      board.image("samples", make_grid(model.decode(sample_codes), {.columns = 8}) * 2 - 1, instruments.step());
    }
    board.histograms(model.encoder.variables(), instruments.step());
    board.histograms(model.decoder.variables(), instruments.step());
    checkpoint.save(epoch);
  }

  //! [judge]
  // Does it draw what it has not seen, and are its flakes as regular as grown ones?
  double error = reconstruction_error(model, learned), unseen = reconstruction_error(model, held_out);
  fmt::print("reconstruction: mean squared error {:.5f}, of flakes it never saw {:.5f} ({:.2f} times)\n", error, unseen,
             unseen / error);
  //! [judge]
  fmt::print("a turn of 60 degrees changes the data by {:.3f}, new flakes by {:.3f}\n", asymmetry(images),
             asymmetry(model.decode(sample_codes)));
  fmt::print("codes.png: {}\n", colours_of(flakes.kind_names));
  draw_walk(model, images, flags.interpolate, flags.out / "interpolation.png");
  fmt::print("the pictures are in {}\n", flags.out.string());
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
  arguments.add("--flakes", flags.flakes, "How many flakes to grow for training, without --data").at_least(10);
  arguments.add("--rate", flags.rate, "Learning rate of Adam");
  arguments.add("--interpolate", flags.interpolate, "Two flakes, by number, between which interpolation.png walks").at_least(0);
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  return run_app([&] { return train(flags); });
}
