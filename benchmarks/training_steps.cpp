// One training step of each app on all threads; the penguins' against the bare primitives of its convolutions and
// products, which it cannot be faster than.
#include <floe/floe.h>

#include "steps/steps.h"
#include "support/bare.h"
#include "support/report.h"

using namespace floe;

namespace {

void penguins(benchmark::State& state) {
  auto step = bench::penguins_step(state.range(0));
  bench::Bare bare;
  bench::add_penguins_step(bare, state.range(0));
  double seconds = bench::timed(state, [&] { (*step)(); });
  bare();
  state.counters["of_bare"] = bench::seconds_of(5, bare) / seconds;
  state.counters["images/s"] = static_cast<double>(state.range(0)) / seconds;
}
BENCHMARK(penguins)->ArgName("batch")->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();

void snowflakes(benchmark::State& state) {
  auto step = bench::snowflakes_step(state.range(0));
  state.counters["images/s"] = static_cast<double>(state.range(0)) / bench::timed(state, [&] { (*step)(); });
}
BENCHMARK(snowflakes)->ArgName("batch")->Arg(100)->Unit(benchmark::kMillisecond)->UseRealTime();

void ratings(benchmark::State& state) {  // the tour's last stop: two embeddings and their dot product
  struct SimpleDot : Layer {
    using Layer::Layer;
    Embedding users{this, "users", {.entries = 300, .units = 64}},
        movies{this, "movies", {.entries = 500, .units = 64}};
  };
  Rng rng(1);
  SimpleDot model("simple_dot", Device{}, rng);
  Adam optimizer({.learning_rate = 1e-3});
  Tensor users = cast(random_uniform({32}, rng, 0, 300), DType::int32),
         movies = cast(random_uniform({32}, rng, 0, 500), DType::int32), stars = random_uniform({32}, rng);
  bench::timed(state, [&] {
    GradientTape tape;
    Tensor loss = mean_squared_error(reduce_sum(model.users(users) * model.movies(movies), -1), stars);
    optimizer.apply(tape.gradient(loss, model.variables()));
  });
}
BENCHMARK(ratings)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
