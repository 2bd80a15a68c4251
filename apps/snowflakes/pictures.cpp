// What the snowflakes app leaves to look at.
#include "pictures.h"

#include <algorithm>

#include <fmt/format.h>

#include <datasets/snowflakes/snowflakes.h>

namespace vae {
namespace {

constexpr Colour dark = {32, 32, 32}, dim = {90, 90, 90}, light = {220, 220, 220};
constexpr Colour kind_colours[] = {{230, 25, 75},  {60, 180, 75},  {255, 225, 25},  {67, 120, 230}, {245, 130, 48},
                                   {70, 240, 240}, {240, 50, 230}, {255, 255, 255}, {170, 110, 40}};
constexpr double side = 512, reach = 4;                            // of the plane that codes.png shows

Tensor manifold(Model& model) {
  Tensor steps = linspace(-reach, reach, 16);
  Tensor across = tile(steps, {16}), down = reshape(tile(expand_dims(-steps, 1), {1, 16}), {-1});
  Tensor codes = stack({across, down}, 1);                          // (256, 2)
  return model.decode(pad(codes, {{0, 0}, {0, model.latent - 2}}));
}

// The first two numbers of codes (count, latent) as points on the plane; those beyond it lie on its edge.
Tensor scatter(const Tensor& codes, const Tensor& kinds, const std::vector<std::string>& names) {
  Drawing drawing(static_cast<int>(side) + 200, static_cast<int>(side), dark);
  auto place = [](float value) { return side / 2 + std::clamp<double>(value, -reach, reach) * side / (2 * reach); };
  drawing.line({0, side / 2}, {side, side / 2}, {.colour = dim});
  drawing.line({side / 2, 0}, {side / 2, side}, {.colour = dim});
  for (int tick : {-3, -2, -1, 1, 2, 3}) {
    std::string text = std::to_string(tick);
    drawing.text({place(tick), side / 2 + 14}, text, {.size = 12, .colour = light, .align = Align::centre});
    drawing.text({side / 2 - 6, side - place(tick)}, text,
                 {.size = 12, .colour = light, .align = Align::right, .anchor = Anchor::middle});
  }
  auto colour = [](std::size_t kind) { return kind_colours[kind % std::size(kind_colours)]; };
  const float* xy = codes.data<float>();
  for (std::int64_t i = 0; i < codes.dim(0); ++i, xy += codes.dim(1)) {
    drawing.disc({place(xy[0]), side - place(xy[1])}, 2.5, {.colour = colour(kinds.data<std::int32_t>()[i])});
  }
  for (std::size_t kind = 0; kind < names.size(); ++kind) {
    double y = 24 + 22 * static_cast<double>(kind);
    drawing.disc({side + 16, y}, 5, {.colour = colour(kind)});
    drawing.text({side + 30, y}, names[kind], {.size = 16, .colour = light, .anchor = Anchor::middle});
  }
  return drawing.image();
}

}  // namespace

void save_flakes(const std::filesystem::path& path, const Tensor& flakes, int columns, const std::string& text) {
  int scale = flakes.dim(1) == 28 ? 2 : 1;
  save_png(path, caption(make_grid(snowflakes::in_colour(flakes), {.columns = columns, .background = 0, .scale = scale}), text));
}

void draw_pictures(Model& model, const Tensor& images, const Tensor& kinds, const std::vector<std::string>& kind_names,
                   const Tensor& held_out, const Tensor& sample_codes, const std::filesystem::path& folder) {
  Tensor input = slice(held_out, 0, 0, std::min<std::int64_t>(64, held_out.dim(0)));
  Tensor pairs = reshape(stack({input, model.decode(model.encode(input))}, 1), {-1, images.dim(1), images.dim(1), 1});
  save_flakes(folder / "samples.png", model.decode(sample_codes), 8, "decoded from normal draws");
  save_flakes(folder / "manifold.png", manifold(model), 16, "decoded from -4 to 4 across, and from -4 to 4 upwards");
  save_flakes(folder / "reconstructions.png", pairs, 16, "in pairs: a flake that was held out, and what is made of it");
  save_png(folder / "codes.png", scatter(model.encode(images), kinds, kind_names));
}

void draw_walk(Model& model, const Tensor& images, std::pair<int, int> between, const std::filesystem::path& path) {
  auto code = [&](int i) { return model.encode(slice(images, 0, i, i + 1)); };
  Tensor from = code(between.first), to = code(between.second), share = linspace(0, 1, 24);
  Tensor there = from + expand_dims(share, 1) * (to - from);        // (24, latent)
  Tensor drawn = snowflakes::in_colour(model.decode(concat({there, flip(there, {0})}, 0)));
  Tensors frames;
  for (std::int64_t i = 0; i < drawn.dim(0); ++i) {
    frames.push_back(caption(enlarge(drawn[i], static_cast<int>(256 / images.dim(1))),
                             fmt::format("from flake {} to flake {}", between.first, between.second)));
  }
  save_animation(path, frames, 80);
}

}  // namespace vae
