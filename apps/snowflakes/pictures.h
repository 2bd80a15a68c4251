// What the snowflakes app leaves to look at, and a measure of how six-fold its flakes are.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "networks.h"

namespace vae {

// Into the folder, each in the colours of the talk:
//   samples.png          the drawings of sample_codes (64, latent), 8 x 8
//   manifold.png         the codes from -4 to 4 in both directions, 16 x 16; further numbers of a code are 0
//   reconstructions.png  eight pairs of columns: a flake that was held out, and what the model makes of it
//   codes.png            where the codes of `images` lie, coloured by `kinds` (int32 (count,)), as scatter() has it
void draw_pictures(Model& model, const Tensor& images, const Tensor& kinds, const Tensor& held_out,
                   const Tensor& sample_codes, const std::filesystem::path& folder);

// An animation from one of the images to another by way of their codes, and back.
void draw_walk(Model& model, const Tensor& images, std::pair<int, int> between, const std::filesystem::path& path);

// Points (count, 2 or more), of which the first two numbers count, over the square from -4 to 4, coloured by their kind
// (int32 (count,)): an image uint8 (512, 512, 3). The axes are drawn; points beyond the square lie on its edge.
Tensor scatter(const Tensor& points, const Tensor& kinds);

// "red plates, green ferns": which colour of a scatter is which kind.
std::string colours_of(const std::vector<std::string>& kind_names);

// How much images (count, side, side, 1) change under a turn of 60 degrees about their centre: the mean absolute
// difference inside the inscribed circle, as a share of the mean value there. 0 for a flake that is the same six times.
double asymmetry(const Tensor& images);

}  // namespace vae
