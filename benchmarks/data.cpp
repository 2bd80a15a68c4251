// What comes before and after a step: batches of images, and checkpoints.
#include "support/report.h"

#include <filesystem>

#include <floe/floe.h>

using namespace floe;

namespace {

void batches(benchmark::State& state) {  // shuffled, converted, with or without a thread that prepares them
  Rng rng(1);
  Tensor images = cast(random_uniform({10000, 28, 28, 1}, rng) * 255, DType::uint8);
  auto data = dataset(images).shuffle(10000, rng).batch(64).map([](const Tensor& bytes) {
    return (cast(bytes, DType::float32) - 127.5) / 127.5;
  });
  if (state.range(0)) data = data.prefetch();
  std::int64_t count = 0;
  for (auto _ : state)
    for (const Tensor& batch : data) count += batch.dim(0);
  state.SetItemsProcessed(count);
}
BENCHMARK(batches)->ArgName("prefetch")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

struct Network : Layer {
  using Layer::Layer;
  Dense one{this, "one", {.in = 2048, .units = 2048}}, two{this, "two", {.in = 2048, .units = 2048}};
};

// 32 MiB of parameters, with their checksums, to a file in the temporary folder and back.
struct Saved {
  Saved() : folder(std::filesystem::temp_directory_path() / "floe-checkpoint-benchmark"), checkpoint(folder) {
    checkpoint.add("network", network);
  }
  ~Saved() { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
  Network network{"network", Device{}, Rng(1)};
  Checkpoint checkpoint;
};

void checkpoint_write(benchmark::State& state) {
  Saved saved;
  std::int64_t step = 0;
  for (auto _ : state) saved.checkpoint.save(++step);
  state.SetBytesProcessed(state.iterations() * saved.network.parameter_count() * 4);
}
BENCHMARK(checkpoint_write)->Unit(benchmark::kMillisecond)->UseRealTime();

void checkpoint_read(benchmark::State& state) {
  Saved saved;
  saved.checkpoint.save(1);
  for (auto _ : state) benchmark::DoNotOptimize(saved.checkpoint.restore_latest());
  state.SetBytesProcessed(state.iterations() * saved.network.parameter_count() * 4);
}
BENCHMARK(checkpoint_read)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
