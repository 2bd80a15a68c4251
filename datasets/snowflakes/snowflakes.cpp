// Snowflake pictures as tensors.
#include "snowflakes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <floe/backend/parallel.h>
#include <floe/files/cache.h>
#include <floe/files/safetensors.h>
#include <floe/tensor/error.h>
#include <floe/run/progress.h>

#include "gravner_griffeath.h"
#include "growths.h"
#include "picture.h"

namespace floe::snowflakes {
namespace {

constexpr int least_cells = 201, most_cells = 221;  // from tip to tip
constexpr double margin = 1.5;                      // radius of the hexagon of vapour against that of the flake
constexpr std::int64_t most_updates = 30000;        // a growth that is slower is drawn anew

Flakes empty_flakes(std::int64_t count) {
  return {Tensor({count, 28, 28, 1}, DType::uint8), Tensor({count, 64, 64, 1}, DType::uint8),
          Tensor({count}, DType::int32)};
}

struct Pictures {
  Tensor side28, side64;
};

Pictures grow_one(int kind, Rng rng) {
  for (;;) {
    Growth growth = draw_growth(kind, rng);
    int cells = least_cells + 2 * rng.below((most_cells - least_cells) / 2 + 1);
    double share = 0.5 + 0.45 * std::sqrt(rng.uniform());  // more large ones than small ones
    GravnerGriffeath flake(growth, static_cast<int>(margin * cells / 2));
    if (!flake.grow(cells, most_updates)) continue;
    double shown = flake.width() / share;
    return {grey_picture(flake, 28, shown), grey_picture(flake, 64, shown)};
  }
}

Flakes grow_all(std::int64_t count, std::uint64_t seed) {
  Flakes flakes = empty_flakes(count);
  std::uint8_t* out28 = flakes.images28.mutable_data<std::uint8_t>();
  std::uint8_t* out64 = flakes.images64.mutable_data<std::uint8_t>();
  std::int32_t* kinds = flakes.kinds.mutable_data<std::int32_t>();
  Rng rng(seed);
  Progress progress("growing snowflakes", count);
  std::mutex one_at_a_time;
  parallel_queue(count, 1, [&](std::int64_t i, std::int64_t) {
    kinds[i] = static_cast<std::int32_t>(i % static_cast<std::int64_t>(kind_names().size()));
    Pictures pictures = grow_one(kinds[i], rng.stream(static_cast<std::uint64_t>(i)));
    std::memcpy(out28 + i * 28 * 28, pictures.side28.raw(), 28 * 28);
    std::memcpy(out64 + i * 64 * 64, pictures.side64.raw(), 64 * 64);
    std::lock_guard lock(one_at_a_time);
    progress.step();
  });
  return flakes;
}

bool alike(const Tensor& a, const Tensor& b) { return a.dtype() == b.dtype() && a.shape() == b.shape(); }

}  // namespace

Flakes grow(std::int64_t count, std::uint64_t seed) {
  if (count < 1) throw ValueError(fmt::format("grow: count is {}; expected 1 or more", count));
  auto load = [&](const std::filesystem::path& path) -> std::optional<Flakes> {
    SafetensorsFile file(path);
    Flakes flakes{file.load("images28"), file.load("images64"), file.load("kinds")}, expected = empty_flakes(count);
    if (alike(flakes.images28, expected.images28) && alike(flakes.images64, expected.images64) &&
        alike(flakes.kinds, expected.kinds)) {
      return flakes;
    }
    return std::nullopt;
  };
  auto save = [](const std::filesystem::path& path, const Flakes& flakes) {
    save_safetensors(path, {{"images28", flakes.images28}, {"images64", flakes.images64}, {"kinds", flakes.kinds}});
  };
  return cached(fmt::format("snowflakes-v{}-{}-seed{}.safetensors", generator_version, count, seed), load,
                [&] { return grow_all(count, seed); }, save);
}

}  // namespace floe::snowflakes
