// Penguin pictures as tensors.
#include "penguins.h"

#include <optional>
#include <vector>

#include <fmt/format.h>

#include <floe/backend/parallel.h>
#include <floe/files/cache.h>
#include <floe/files/npy.h>
#include <floe/files/safetensors.h>

#include "drawing.h"
#include "ndjson.h"
#include "penguin.h"

namespace floe::penguins {
namespace {

Shape image_shape(std::int64_t count) { return {count, image_side, image_side, 1}; }

Tensor draw_all(std::int64_t count, std::uint64_t seed) {
  Tensor images(image_shape(count), DType::uint8);
  std::uint8_t* pixels = images.mutable_data<std::uint8_t>();
  Rng rng(seed);
  parallel_queue(count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      rasterise(draw_penguin(rng.stream(static_cast<std::uint64_t>(i))),
                std::span<std::uint8_t, image_size>(pixels + i * image_size, image_size));
    }
  });
  return images;
}

Tensor load_bitmaps(const std::filesystem::path& path) {
  Tensor rows = load_npy(path);
  bool bitmaps = rows.dtype() == DType::uint8 && rows.rank() == 2 && rows.dim(1) == image_size;
  if (!bitmaps) {
    throw FileError(path, "header",
                    fmt::format("expected uint8 bitmaps of shape (count, {}), found {} of shape {}", image_size,
                                name(rows.dtype()), to_string(rows.shape())));
  }
  return rows.view(image_shape(rows.dim(0)));
}

Tensor load_strokes(const std::filesystem::path& path) {
  std::vector<std::uint8_t> pixels;
  read_ndjson(path, [&](const Drawing& drawing) {
    pixels.resize(pixels.size() + image_size);
    rasterise(drawing, std::span<std::uint8_t, image_size>(pixels.end() - image_size, pixels.end()));
  });
  return tensor(pixels, image_shape(static_cast<std::int64_t>(pixels.size()) / image_size));
}

}  // namespace

Tensor draw(std::int64_t count, std::uint64_t seed) {
  auto load = [&](const std::filesystem::path& path) -> std::optional<Tensor> {
    Tensor images = SafetensorsFile(path).load("images");
    if (images.dtype() == DType::uint8 && images.shape() == image_shape(count)) return images;
    return std::nullopt;
  };
  auto save = [](const std::filesystem::path& path, const Tensor& images) {
    save_safetensors(path, {{"images", images}});
  };
  return cached(
      fmt::format("penguins-v{}-{}-seed{}.safetensors", generator_version, count, seed), load,
      [&] { return draw_all(count, seed); }, save);
}

Tensor load(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return load_bitmaps(path);
  if (path.extension() == ".ndjson") return load_strokes(path);
  throw FileError(path, "", "expected a bitmap file that ends in .npy or a stroke file that ends in .ndjson");
}

}  // namespace floe::penguins
