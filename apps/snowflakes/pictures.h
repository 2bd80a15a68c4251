// What the snowflakes app leaves to look at, each in the colours of the talk.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "networks.h"

namespace vae {

// Flakes (count, side, side, 1) side by side below a line of text; 0 columns make as square a picture as can be.
void save_flakes(const std::filesystem::path& path, const Tensor& flakes, int columns, const std::string& text);

// Into the folder:
//   samples.png          the drawings of sample_codes (64, latent)
//   manifold.png         the codes from -4 to 4 in both directions; further numbers of a code are 0
//   reconstructions.png  eight pairs of columns: a flake that was held out, and what the model makes of it
//   codes.png            where the codes of `images` lie, coloured by `kinds` (int32 (count,)), indices of `kind_names`
void draw_pictures(Model& model, const Tensor& images, const Tensor& kinds, const std::vector<std::string>& kind_names,
                   const Tensor& held_out, const Tensor& sample_codes, const std::filesystem::path& folder);

// An animation from one of the images to another by way of their codes, and back.
void draw_walk(Model& model, const Tensor& images, std::pair<int, int> between, const std::filesystem::path& path);

}  // namespace vae
