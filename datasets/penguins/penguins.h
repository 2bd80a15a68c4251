// Penguin pictures as tensors: drawn here, or read from the files of Quick, Draw!.
#pragma once

#include <cstdint>
#include <filesystem>

#include <floe/tensor/tensor.h>

namespace floe::penguins {

// `count` drawn penguins, uint8 (count, 28, 28, 1), 0 background and 255 stroke, all distinct for a count up to 40,000
// and the default seed. Made on the first call, in about 4 seconds for 40,000 on two cores, and kept in the user's
// cache folder under a name with seed, count and generator_version, with checksums; a folder that cannot be written is
// not an error, and a file that changed is drawn again, which a line on stderr tells.
Tensor draw(std::int64_t count = 40000, std::uint64_t seed = 7777);

// The drawings of a file, uint8 (count, 28, 28, 1): a bitmap .npy, uint8 (count, 784), or a simplified .ndjson, whose
// strokes are rasterised as the bitmaps were. FileError for another kind of file and for what is wrong in it.
Tensor load(const std::filesystem::path& path);

}  // namespace floe::penguins
