// A user's own pictures: PNG by stb_image behind checks of its own, and NumPy arrays.
#include "snowflakes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <floe/files/checksum.h>
#include <floe/files/file.h>
#include <floe/files/npy.h>
#include <floe/tensor/error.h>

namespace {

// What a file may make the decoder take at once: 4096 x 4096 pixels of four channels in 16 bits, twice.
constexpr std::size_t most_memory = std::size_t{1} << 28;

void* take_memory(std::size_t bytes) { return bytes <= most_memory ? std::malloc(bytes) : nullptr; }
void* grow_memory(void* old, std::size_t bytes) { return bytes <= most_memory ? std::realloc(old, bytes) : nullptr; }

}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_MALLOC(size) take_memory(size)
#define STBI_REALLOC(old, size) grow_memory(old, size)
#define STBI_FREE(old) std::free(old)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace floe::snowflakes {
namespace {

constexpr int largest_side = 1024;
constexpr std::int64_t most_pixels = std::int64_t{4096} * 4096;
constexpr std::uint64_t longest_file = std::uint64_t{1} << 28;

// --- Resizing --------------------------------------------------------------------------------------------------------

// The middle square of a picture, value(y, x) from 0 to 255, at another size: each pixel is the mean over its area.
template <class Value>
void resize(std::int64_t height, std::int64_t width, int side, std::uint8_t* out, Value value) {
  std::int64_t square = std::min(height, width), top = (height - square) / 2, left = (width - square) / 2;
  double step = static_cast<double>(square) / side;
  auto overlap = [&](std::int64_t at, int pixel) {
    return std::min<double>(static_cast<double>(at + 1), (pixel + 1) * step) -
           std::max<double>(static_cast<double>(at), pixel * step);
  };
  auto first = [&](int pixel) { return static_cast<std::int64_t>(pixel * step); };
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      double sum = 0, area = 0;
      for (std::int64_t i = first(y); i < square && overlap(i, y) > 0; ++i) {
        for (std::int64_t j = first(x); j < square && overlap(j, x) > 0; ++j) {
          double weight = overlap(i, y) * overlap(j, x);
          sum += weight * value(top + i, left + j);
          area += weight;
        }
      }
      *out++ = static_cast<std::uint8_t>(std::lround(sum / area));
    }
  }
}

// --- PNG -------------------------------------------------------------------------------------------------------------

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (char byte : bytes.substr(0, 4)) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

// Refuses what is incomplete or damaged, chunk by chunk: stb_image checks neither the end nor checksums.
void check_png(const InputFile& file, std::string_view bytes) {
  constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";
  if (!bytes.starts_with(signature)) {
    file.refuse(at_offset(0), fmt::format("expected a PNG file, found {}", file.impostor()));
  }
  bool first = true, ended = false;
  for (std::size_t at = signature.size(); at < bytes.size() || !ended;) {
    if (ended) file.refuse(at_offset(at), "expected the end of the file, found bytes after the last chunk");
    if (bytes.size() - at < 12 || big_endian(bytes.substr(at)) > bytes.size() - at - 12) {
      file.refuse(at_offset(at), fmt::format("expected a whole chunk, the file ends after {} bytes", bytes.size()));
    }
    std::size_t length = big_endian(bytes.substr(at));
    std::string_view type = bytes.substr(at + 4, 4), data = bytes.substr(at + 8, length);
    std::uint32_t computed = crc32(std::as_bytes(std::span(bytes.substr(at + 4, 4 + length))));
    if (computed != big_endian(bytes.substr(at + 8 + length))) {
      file.refuse(at_offset(at), fmt::format("expected a chunk of checksum {:08x}, found {:08x}",
                                             big_endian(bytes.substr(at + 8 + length)), computed));
    }
    if (first) {
      if (type != "IHDR" || length != 13) file.refuse(at_offset(at), "expected the header (IHDR, 13 bytes)");
      std::int64_t width = big_endian(data), height = big_endian(data.substr(4));
      if (width < 1 || height < 1 || width > most_pixels || height > most_pixels || width * height > most_pixels) {
        file.refuse(at_offset(at + 8),
                    fmt::format("expected 1 to {} pixels, found {} x {}", most_pixels, width, height));
      }
    }
    if (type == "IDAT" && length == 0) file.refuse(at_offset(at), "expected data in the chunk IDAT, found none");
    first = false;
    ended = type == "IEND";
    at += 12 + length;
  }
}

void read_png(const std::filesystem::path& path, int side, std::uint8_t* out) {
  InputFile file(path);
  if (file.size() > longest_file) {
    file.refuse("", fmt::format("expected at most {} bytes, found {}", longest_file, file.size()));
  }
  std::string bytes = file.read_text(0, file.size(), "the picture");
  check_png(file, bytes);
  int width = 0, height = 0, channels = 0;
  std::unique_ptr<stbi_uc, decltype(&std::free)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width,
                            &height, &channels, 0),
      &std::free);
  if (!pixels)
    file.refuse("pixels", fmt::format("expected a PNG that can be decoded, found: {}", stbi_failure_reason()));
  resize(height, width, side, out, [&](std::int64_t y, std::int64_t x) {
    const stbi_uc* pixel = pixels.get() + (y * width + x) * channels;
    double grey = channels < 3 ? pixel[0] : 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    return channels % 2 == 0 ? grey * pixel[channels - 1] / 255 : grey;
  });
}

bool is_png(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".png";
}

Tensor load_folder(const std::filesystem::path& folder, int side) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    std::error_code unknown;
    if (is_png(entries->path()) && !entries->is_directory(unknown)) paths.push_back(entries->path());
  }
  if (error) throw FileError(folder, "", "expected a folder that can be read, found: " + error.message());
  if (paths.empty()) throw FileError(folder, "", "expected pictures whose names end in .png, found none");
  std::sort(paths.begin(), paths.end());
  std::int64_t count = static_cast<std::int64_t>(paths.size());
  Tensor images({count, side, side, 1}, DType::uint8);
  std::uint8_t* out = images.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    read_png(paths[static_cast<std::size_t>(i)], side, out + i * side * side);
  }
  return images;
}

// --- NumPy -----------------------------------------------------------------------------------------------------------

Tensor load_array(const std::filesystem::path& path, int side) {
  NpyFile file(path);
  const Shape& shape = file.shape();
  bool pictures = shape.rank() == 3 || (shape.rank() == 4 && shape[3] == 1);
  bool fits = file.dtype() == DType::uint8 || is_floating(file.dtype());
  if (!pictures || !fits || shape.elements() == 0) {
    throw FileError(path, "header",
                    fmt::format("expected uint8 or floating pictures of shape (count, height, width) or (count, "
                                "height, width, 1), found {} of shape {}",
                                name(file.dtype()), to_string(shape)));
  }
  std::int64_t count = shape[0], height = shape[1], width = shape[2];
  if (height > most_pixels || width > most_pixels || height * width > most_pixels) {
    throw FileError(path, "header", fmt::format("expected 1 to {} pixels, found {} x {}", most_pixels, height, width));
  }
  Tensor images({count, side, side, 1}, DType::uint8);
  std::uint8_t* out = images.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i, out += side * side) {
    Tensor image = file.rows(i, i + 1);
    if (file.dtype() == DType::uint8) {
      const std::uint8_t* in = image.data<std::uint8_t>();
      resize(height, width, side, out,
             [&](std::int64_t y, std::int64_t x) { return static_cast<double>(in[y * width + x]); });
      continue;
    }
    dispatch_floating(file.dtype(), [&]<class T>() {
      const T* in = image.data<T>();
      for (std::int64_t k = 0; k < height * width; ++k) {
        if (in[k] >= 0 && in[k] <= 1) continue;
        throw FileError(path, fmt::format("picture {}", i),
                        fmt::format("expected values from 0 to 1, found {}", in[k]));
      }
      resize(height, width, side, out,
             [&](std::int64_t y, std::int64_t x) { return 255 * static_cast<double>(in[y * width + x]); });
    });
  }
  return images;
}

}  // namespace

Tensor load(const std::filesystem::path& path, int side) {
  if (side < 1 || side > largest_side) {
    throw ValueError(fmt::format("load: side is {} pixels; expected 1 to {}", side, largest_side));
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return load_folder(path, side);
  if (path.extension() == ".npy") return load_array(path, side);
  throw FileError(path, "", "expected a folder of .png files or a file that ends in .npy");
}

}  // namespace floe::snowflakes
