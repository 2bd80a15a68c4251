// A program outside Floe: it fits a line, and reports what it found.
#include <fmt/format.h>

#include <floe/floe.h>

using namespace floe;

int main() {
  Rng rng(1);
  Rng points = rng.stream("points");
  Tensor x = random_normal({64, 1}, points);
  Tensor y = 3 * x + 1;

  Sequential line("line", Device{}, rng);
  line.add<Dense>("dense", {.in = 1, .units = 1});
  SGD optimizer(0.1);
  for (int step = 0; step < 200; ++step) {
    GradientTape tape;
    Tensor loss = reduce_mean(square(line(x, Mode::training) - y));
    optimizer.apply(tape.gradient(loss, line.variables()));
  }
  fmt::print("at 2 the line is {:.3f}\n", line(tensor({{2.0f}}), Mode::inference).item());
}
