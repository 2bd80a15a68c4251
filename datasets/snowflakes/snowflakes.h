// Snowflake pictures as tensors: grown here by a cellular automaton, or a user's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe::snowflakes {

// The same flakes at two sizes; crystal is bright on black.
struct Flakes {
  Tensor images28;  // uint8 (count, 28, 28, 1)
  Tensor images64;  // uint8 (count, 64, 64, 1)
  Tensor kinds;     // int32 (count,), indices into kind_names()
};

// The types of crystal: "plate", "sectored plate", ...
const std::vector<std::string>& kind_names();

// `count` flakes, at least one, of all kinds in turn, grown to 201 cells or more and shown at 50 to 95 % of the frame;
// the first ones of a seed are the same for every count. Made on the first call, while a progress bar shows how far,
// and kept in the user's cache folder under a name with seed, count and generator_version, with checksums; a folder that
// cannot be written is not an error, and a file that changed is grown again, which a line on stderr tells. ValueError for
// a count below 1.
Flakes grow(std::int64_t count = 2070, std::uint64_t seed = 7777);

// A user's own pictures, uint8 (count, side, side, 1): all .png files of a folder in the order of their names (other
// files are passed over), or an .npy with (count, height, width) or (count, height, width, 1), uint8 or floating from 0
// to 1. Colours become grey, on black where they are transparent; the middle square is resized to `side` by averaging
// over areas. ValueError for a side beyond 1 to 1024; FileError for whatever is wrong with a file, before memory is
// taken for more than it holds or for more than 4096 x 4096 pixels.
Tensor load(const std::filesystem::path& path, int side);

// Grey images (count, side, side, 1), float32 from 0 to 1, in the colours of the talk, from dark to light: uint8 (count,
// side, side, 3).
Tensor in_colour(const Tensor& images);

// How much such images, float32 on the CPU, change under a turn of 60 degrees about their centre: the mean absolute
// difference inside the inscribed circle, as a share of the mean value there. 0 for a flake that is the same six times.
double asymmetry(const Tensor& images);

}  // namespace floe::snowflakes
