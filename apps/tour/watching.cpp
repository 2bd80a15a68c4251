// Where the time goes, and curves while they grow.
#include "stops.h"

#include <fmt/core.h>

using namespace floe;

namespace tour {

// Adding a bias moves as many numbers as a matrix product makes, and costs a fraction of it.
void profile(const Settings& settings) {
  Rng rng(settings.seed);
  Tensor x = random_normal({512, 1024}, rng, settings.device), weights = random_normal({1024, 1024}, rng, settings.device),
         bias = random_normal({1024}, rng, settings.device);
  Profile profile;
  for (int i = 0; i < 20; ++i) Tensor y = floe::matmul(x, weights) + bias;
  fmt::print("{}", profile.table());
  profile.save_trace(settings.out / "trace.json");
  fmt::print("{} opens in https://ui.perfetto.dev\n", (settings.out / "trace.json").string());
}

// A regression again, as TensorBoard sees it: while the loop runs, its curves grow.
void tensorboard(const Settings& settings) {
  Rng rng(settings.seed);
  Device device = settings.device;
  Tensor x = random_normal({1000}, rng, device), y = 3 * x + 2 + random_normal({1000}, rng, device);
  Variable slope("slope", to(tensor(5.), device)), offset("offset", to(tensor(10.), device));
  SGD optimizer(0.01);

  std::filesystem::path folder = settings.tensorboard.empty() ? settings.out / "events" : settings.tensorboard;
  SummaryWriter writer(folder);
  writer.text("about", "y = 3 x + 2, with noise", 0);
  for (int step = 0; step < 200; ++step) {
    GradientTape tape;
    Tensor error = slope * x + offset - y, loss = reduce_mean(square(error));
    optimizer.apply(tape.gradient(loss, Variables{&slope, &offset}));
    writer.scalar("loss", loss, step);
    if (step % 20 == 0) writer.histogram("error", error, step);
  }
  fmt::print("200 losses are in {}; to see them: tensorboard --logdir {}\n", folder.string(), folder.string());
}

}  // namespace tour
