// The smallest whole program: data, a model, the loop, and how well it does on data it has never seen.
//
// The data are drawn here, so nothing has to be fetched: three kinds of iris, each with its own measurements. The model
// predicts the width of a petal from the other three. Copy this file to start your own.
#include <cmath>

#include <fmt/core.h>

#include <floe/floe.h>

using namespace floe;

//! [data]
struct Flowers {
  Tensor measured;  // (count, 3): sepal length and width, petal length, in cm
  Tensor width;     // (count, 1): petal width, in cm
};

Flowers draw_flowers(std::int64_t count, Rng rng) {
  Tensor means = tensor({{5.0, 3.4, 1.5, 0.25}, {5.9, 2.8, 4.3, 1.3}, {6.6, 3.0, 5.6, 2.0}});      // a row for each kind
  Tensor kinds = cast(random_uniform({count}, rng, 0, 3), DType::int32);                            // 0, 1 or 2
  Tensor size = 0.06 * random_normal({count, 1}, rng), shape = 0.05 * random_normal({count, 4}, rng);
  Tensor flowers = gather(means, kinds) * (1 + size + shape);                                       // (count, 4)
  return {slice(flowers, 1, 0, 3), slice(flowers, 1, 3)};
}
//! [data]

//! [model]
class PetalWidth : public Layer {
 public:
  using Layer::Layer;                                              // (name, device, rng)

  Tensor operator()(const Tensor& measured, Mode mode) {           // (batch, 3)
    Tensor x = relu(hidden_(measured));                            // (batch, 32)
    return width_(dropout_(x, mode));                              // (batch, 1), in cm
  }

 private:
  Dense   hidden_{this, "hidden", {.in = 3, .units = 32}};
  Dropout dropout_{this, "dropout", 0.1};
  Dense   width_{this, "width", {.in = 32, .units = 1}};
};
//! [model]

int train(int epochs, int batch, std::uint64_t seed, int shown) {
  //! [before]
  Rng rng(seed);                                                   // all random numbers of a run come from here
  Flowers learned = draw_flowers(120, rng.stream("learned")), unseen = draw_flowers(30, rng.stream("unseen"));
  auto batches = dataset(std::pair{learned.measured, learned.width}).shuffle(120, rng.stream("order")).batch(batch);
  PetalWidth model("petal_width", Device{}, rng);
  Adam optimizer({.learning_rate = 3e-3});
  print(model);
  //! [before]

  //! [loop]
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    Mean mean_loss;
    for (const auto& [measured, width] : batches) {                // (batch, 3) and (batch, 1)
      GradientTape tape;                                           // records what follows
      Tensor loss = mean_squared_error(model(measured, Mode::training), width);
      Gradients gradients = tape.gradient(loss, model.variables());
      optimizer.apply(gradients);

      mean_loss.update(loss);
      if (optimizer.steps() <= shown) {
        fmt::print("\nstep {}\nloss {}\n{}", optimizer.steps(), describe(loss), describe(gradients));
      }
    }
    if (epoch == 1 || epoch % 10 == 0) fmt::print("epoch {:2}  loss {:.4f}\n", epoch, mean_loss.result());
  }
  //! [loop]

  //! [after]
  Tensor said = model(unseen.measured, Mode::inference);
  fmt::print("petals it never saw: off by {:.2f} cm; by {:.2f} cm if it always predicted the mean\n",
             std::sqrt(mean_squared_error(said, unseen.width).item()), std::sqrt(reduce_variance(unseen.width).item()));
  print("predicted, and true", concat({slice(said, 0, 0, 3), slice(unseen.width, 0, 0, 3)}, 1));
  //! [after]
  return 0;
}

int main(int argc, char** argv) {
  int epochs = 40, batch = 10, shown = 0;
  std::uint64_t seed = 7777;
  Arguments arguments("start", "The smallest whole program: the width of a petal from three other measurements.");
  arguments.add("--epochs", epochs, "Passes over the data").at_least(1);
  arguments.add("--batch", batch, "Flowers per step").at_least(1);
  arguments.add("--seed", seed, "Where all random numbers start; equal seeds give equal runs");
  arguments.add("--print", shown, "Show the loss and the gradients of the first NUMBER steps").at_least(0);
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  return run_app([&] { return train(epochs, batch, seed, shown); });
}
