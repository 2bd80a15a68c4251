// Cells of Gravner and Griffeath's automaton updated in a second: the whole hexagon on one and two cores, a twelfth,
// and flakes of the training set.
#include <benchmark/benchmark.h>

#include <omp.h>

#include <datasets/snowflakes/gravner_griffeath.h>
#include <datasets/snowflakes/growths.h>
#include <datasets/snowflakes/picture.h>
#include <datasets/snowflakes/snowflakes.h>

using namespace floe;
using namespace floe::snowflakes;

namespace {

constexpr int warm_up = 2500;  // updates until all cells of the smaller hexagon feel the crystal

void update(benchmark::State& state, GravnerGriffeath::Part part) {
  int radius = static_cast<int>(state.range(0)), before = omp_get_max_threads();
  omp_set_num_threads(static_cast<int>(state.range(1)));
  GravnerGriffeath flake(growth_named("plate"), radius, 0, part);
  for (int i = 0; i < warm_up; ++i) flake.update();
  std::int64_t cells = 0;
  flake.each_cell([&](int, int) { ++cells; });
  for (auto _ : state) flake.update();
  state.SetItemsProcessed(state.iterations() * cells);
  omp_set_num_threads(before);
}

void whole(benchmark::State& state) { update(state, GravnerGriffeath::Part::whole); }
BENCHMARK(whole)
    ->ArgNames({"radius", "threads"})
    ->Args({150, 1})
    ->Args({150, 2})
    ->Args({400, 1})
    ->Args({400, 2})
    ->UseRealTime();

void twelfth(benchmark::State& state) { update(state, GravnerGriffeath::Part::twelfth); }
BENCHMARK(twelfth)->ArgNames({"radius", "threads"})->Args({150, 1})->Args({400, 1})->UseRealTime();

void flake_of_201_cells(benchmark::State& state) {  // grown and drawn at 28 and 64 pixels
  Rng rng(1);
  int kind = 0;
  for (auto _ : state) {
    GravnerGriffeath flake(draw_growth(kind, rng), 150);
    flake.grow(201, 30000);
    benchmark::DoNotOptimize(grey_picture(flake, 28, 250));
    benchmark::DoNotOptimize(grey_picture(flake, 64, 250));
    kind = (kind + 1) % static_cast<int>(kind_names().size());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(flake_of_201_cells)->Iterations(45)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
