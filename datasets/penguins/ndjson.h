// The strokes of Quick, Draw!'s simplified .ndjson files, read one line at a time.
#pragma once

#include <filesystem>
#include <functional>

#include "drawing.h"

namespace floe::penguins {

// Calls `each` for every drawing of the file at `path`, in order; drawings that Google's network did not recognise
// come too, as they are in the published bitmaps. One JSON object per line, at most 1 MiB long, with the keys
//   word, countrycode, timestamp, key_id  (text),  recognized  (true or false),
//   drawing  (needed: at least one stroke [[x...], [y...]]; x and y equally many, at least one, numbers 0..255).
// Only one line is held in memory. Empty lines are accepted only at the end of the file.
// Throws FileError naming the line for whatever else it meets, after `each` has seen the drawings before it.
// Format: github.com/googlecreativelab/quickdraw-dataset, "Simplified drawing files".
void read_ndjson(const std::filesystem::path& path, const std::function<void(const Drawing&)>& each);

}  // namespace floe::penguins
