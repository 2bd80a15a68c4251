// What the snowflakes app leaves to look at.
#include "pictures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <datasets/snowflakes/snowflakes.h>

namespace vae {
namespace {

struct Colour {
  const char* name;
  std::array<std::uint8_t, 3> rgb;
};

constexpr Colour colours[] = {{"red", {230, 25, 75}},     {"green", {60, 180, 75}},  {"yellow", {255, 225, 25}},
                              {"blue", {67, 120, 230}},   {"orange", {245, 130, 48}}, {"cyan", {70, 240, 240}},
                              {"magenta", {240, 50, 230}}, {"white", {255, 255, 255}}, {"brown", {170, 110, 40}}};
constexpr int colour_count = static_cast<int>(std::size(colours));
constexpr int side = 512, radius = 2;
constexpr double reach = 4;

// The value of an image at a place between its pixels.
float between(const float* image, int size, double row, double column) {
  int top = static_cast<int>(std::floor(row)), left = static_cast<int>(std::floor(column));
  auto at = [&](int i, int j) { return i < 0 || j < 0 || i >= size || j >= size ? 0.f : image[i * size + j]; };
  auto down = static_cast<float>(row - top), right = static_cast<float>(column - left);
  return (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
         down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
}

Tensor manifold(Model& model) {
  Tensor steps = linspace(-4, 4, 16);
  Tensor across = tile(steps, {16}), down = reshape(tile(expand_dims(-steps, 1), {1, 16}), {-1});
  Tensor codes = stack({across, down}, 1);                          // (256, 2)
  return model.decode(pad(codes, {{0, 0}, {0, model.latent - 2}}));
}

}  // namespace

void draw_pictures(Model& model, const Tensor& images, const Tensor& kinds, const Tensor& held_out,
                   const Tensor& sample_codes, const std::filesystem::path& folder) {
  std::int64_t side = images.dim(1);
  auto picture = [&](const char* name, const Tensor& drawn, int columns) {
    save_grid(folder / name, snowflakes::in_colour(drawn),
              {.columns = columns, .background = 0, .scale = side == 28 ? 2 : 1});
  };
  picture("samples.png", model.decode(sample_codes), 8);
  picture("manifold.png", manifold(model), 16);
  Tensor input = slice(held_out, 0, 0, std::min<std::int64_t>(64, held_out.dim(0)));
  picture("reconstructions.png", reshape(stack({input, model.decode(model.encode(input))}, 1), {-1, side, side, 1}), 16);
  save_png(folder / "codes.png", scatter(model.encode(images), kinds));
}

void draw_walk(Model& model, const Tensor& images, std::pair<int, int> between, const std::filesystem::path& path) {
  auto code = [&](int i) { return model.encode(slice(images, 0, i, i + 1)); };
  Tensor from = code(between.first), to = code(between.second), share = linspace(0, 1, 24);
  Tensor there = from + expand_dims(share, 1) * (to - from);        // (24, latent)
  Tensor drawn = snowflakes::in_colour(model.decode(concat({there, flip(there, {0})}, 0)));
  Tensors frames;
  for (std::int64_t i = 0; i < drawn.dim(0); ++i) {
    frames.push_back(enlarge(drawn[i], static_cast<int>(256 / images.dim(1))));
  }
  save_animation(path, frames, 80);
}

Tensor scatter(const Tensor& points, const Tensor& kinds) {
  Tensor image = full({side, side, 3}, 32, DType::uint8);
  std::uint8_t* pixels = image.mutable_data<std::uint8_t>();
  auto paint = [&](int row, int column, const std::array<std::uint8_t, 3>& rgb) {
    if (row < 0 || column < 0 || row >= side || column >= side) return;
    std::copy(rgb.begin(), rgb.end(), pixels + (row * side + column) * 3);
  };
  auto pixel_of = [](float value) {
    return static_cast<int>(std::clamp((value + reach) / (2 * reach), 0.0, 1.0) * (side - 1) + 0.5);
  };
  for (int i = 0; i < side; ++i) paint(side / 2, i, {90, 90, 90}), paint(i, side / 2, {90, 90, 90});

  const float* xy = points.data<float>();
  for (std::int64_t i = 0; i < points.dim(0); ++i) {
    int column = pixel_of(xy[i * points.dim(1)]), row = side - 1 - pixel_of(xy[i * points.dim(1) + 1]);
    for (int down = -radius; down <= radius; ++down) {
      for (int right = -radius; right <= radius; ++right) {
        bool inside = down * down + right * right <= radius * radius + 1;
        if (inside) paint(row + down, column + right, colours[kinds.data<std::int32_t>()[i] % colour_count].rgb);
      }
    }
  }
  return image;
}

std::string colours_of(const std::vector<std::string>& kind_names) {
  std::string text;
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    text += fmt::format("{}{} {}", i ? ", " : "", colours[i % colour_count].name, kind_names[i]);
  }
  return text;
}

double asymmetry(const Tensor& images) {
  int size = static_cast<int>(images.dim(1));
  double centre = (size - 1) / 2.0, cosine = 0.5, sine = std::sqrt(0.75), difference = 0, total = 0;
  for (std::int64_t n = 0; n < images.dim(0); ++n) {
    const float* image = images.data<float>() + n * size * size;
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) {
        double down = i - centre, right = j - centre;
        if (down * down + right * right > centre * centre) continue;
        float turned = between(image, size, centre + cosine * down + sine * right, centre + cosine * right - sine * down);
        difference += std::abs(turned - image[i * size + j]);
        total += image[i * size + j];
      }
    }
  }
  return difference / total;
}

}  // namespace vae
