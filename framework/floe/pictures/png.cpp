// PNG through stb_image_write, and the few chunks that make several pictures one animation.
#include <floe/pictures/png.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include <floe/files/checksum.h>
#include <floe/files/file.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace floe {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 28;  // stb counts in int, and may need twice the bytes

std::int64_t channels_of(const Tensor& image) { return image.rank() == 3 ? image.dim(2) : 1; }

void require_dtype(std::string_view op, const Tensor& image) {
  if (image.dtype() == DType::uint8 || is_floating(image.dtype())) return;
  throw DTypeError(fmt::format("{}: takes images of uint8, float32 or float64, not {}", op, name(image.dtype())));
}

// An image that can be written, on the CPU.
Tensor require_image(std::string_view op, const Tensor& given) {
  Tensor image = to_write(op, given);
  require_dtype(op, image);
  bool has_rank = image.rank() == 2 || image.rank() == 3;
  std::int64_t channels = has_rank ? channels_of(image) : 0;
  if (channels != 1 && channels != 3 && channels != 4) {
    throw ShapeError(
        message(op, "takes an image of 1, 3 or 4 channels", {{"image", image, "height, width, channels"}}));
  }
  if (image.elements() == 0 || image.elements() > most_bytes) {
    throw ShapeError(message(op, fmt::format("takes an image of 1 to {} values", most_bytes),
                             {{"image", image, "height, width, channels"}}));
  }
  return image;
}

// --- Chunks ----------------------------------------------------------------------------------------------------------

// What stb writes: a signature of 8 bytes, IHDR, one IDAT, IEND; each chunk has 4 bytes of length, 4 of type, and 4 of
// checksum around its data.
constexpr std::size_t signature_bytes = 8, chunk_bytes = 12, header_bytes = chunk_bytes + 13;
constexpr std::size_t data_at = signature_bytes + header_bytes + 8;

std::string_view signature_and_header(std::string_view png) { return png.substr(0, signature_bytes + header_bytes); }

// The compressed pixels.
std::string_view pixels(std::string_view png) { return png.substr(data_at, png.size() - data_at - 4 - chunk_bytes); }

std::string big_endian(std::int64_t number, int bytes = 4) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

std::string chunk(std::string_view type, std::string_view data) {
  std::string typed = fmt::format("{}{}", type, data);
  std::uint32_t checksum = crc32(std::as_bytes(std::span(typed)));
  return big_endian(static_cast<std::int64_t>(data.size())) + typed + big_endian(checksum);
}

}  // namespace

Tensor to_pixels(const Tensor& given, std::string_view op) {
  Tensor image = require_image(op, given);
  if (image.dtype() == DType::uint8) return image;
  Tensor result(image.shape(), DType::uint8);
  std::uint8_t* out = result.mutable_data<std::uint8_t>();
  dispatch_floating(image.dtype(), [&]<class T>() {
    for (T value : image.span<T>()) {
      double level = std::round((static_cast<double>(value) + 1) * 127.5);
      *out++ = std::isnan(level) ? 0 : static_cast<std::uint8_t>(std::clamp(level, 0.0, 255.0));
    }
  });
  return result;
}

std::string encode_png(const Tensor& image) {
  Tensor bytes = to_pixels(image, "encode_png");
  int height = static_cast<int>(image.dim(0)), width = static_cast<int>(image.dim(1));
  int channels = static_cast<int>(channels_of(image)), size = 0;
  std::unique_ptr<unsigned char, decltype(&std::free)> png(
      stbi_write_png_to_mem(bytes.data<std::uint8_t>(), width * channels, width, height, channels, &size), &std::free);
  if (!png) throw MemoryError("encode_png: no memory for the compressed picture");
  return {reinterpret_cast<const char*>(png.get()), static_cast<std::size_t>(size)};
}

void save_png(const std::filesystem::path& path, const Tensor& image) {
  require_image("save_png", image);
  std::string png = encode_png(image);
  write_atomically(path, [&](Writer& file) { file.write(png); });
}

// --- Grids -----------------------------------------------------------------------------------------------------------

Tensor enlarge(const Tensor& given, int scale) {
  if (scale < 1) throw ValueError(fmt::format("enlarge: scale is {}; expected 1 or more", scale));
  const Tensor image = to_write("enlarge", given);
  if (image.rank() != 3) {
    throw ShapeError(message("enlarge", "takes an image", {{"image", image, "height, width, channels"}}));
  }
  std::int64_t height = image.dim(0), width = image.dim(1), channels = image.dim(2);
  Tensor result(counted("enlarge", {{"image", image, "height, width, channels"}}, {},
                        [&] {
                          return Shape{(Counted(height) * scale).value(), (Counted(width) * scale).value(), channels};
                        }),
                image.dtype());
  if (result.elements() == 0) return result;
  std::size_t pixel_bytes = static_cast<std::size_t>(channels) * item_size(image.dtype());
  std::size_t row_bytes = static_cast<std::size_t>(width * scale) * pixel_bytes;
  const std::byte* in = static_cast<const std::byte*>(image.raw());
  std::byte* out = static_cast<std::byte*>(result.raw_mutable());

  for (std::int64_t y = 0; y < height; ++y) {
    // One row of wide pixels, then its copies below.
    std::byte* row = out;
    for (std::int64_t x = 0; x < width; ++x, in += pixel_bytes) {
      for (int i = 0; i < scale; ++i, out += pixel_bytes) std::memcpy(out, in, pixel_bytes);
    }
    for (int i = 1; i < scale; ++i, out += row_bytes) std::memcpy(out, row, row_bytes);
  }
  return result;
}

Tensor make_grid(const Tensor& given, const GridOptions& options) {
  // Check.
  const Tensor images = to_write("make_grid", given);
  require_dtype("make_grid", images);
  if ((images.rank() != 3 && images.rank() != 4) || images.elements() == 0) {
    throw ShapeError(
        message("make_grid", "takes one image or more", {{"images", images, "count, height, width, channels"}}));
  }
  if (options.columns < 0 || options.padding < 0 || options.scale < 1 ||
      !(options.background >= 0 && options.background <= 1)) {
    throw ValueError(
        fmt::format("make_grid: columns {}, padding {}, scale {}, background {}; expected columns and padding "
                    "from 0, scale from 1, background from 0 to 1",
                    options.columns, options.padding, options.scale, options.background));
  }

  // Lay out: a margin, then cells of an image and a margin.
  std::int64_t count = images.dim(0), channels = images.rank() == 4 ? images.dim(3) : 1;
  std::int64_t root = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  std::int64_t columns = options.columns > 0 ? options.columns : root;
  std::int64_t rows = (count + columns - 1) / columns;
  auto length = [&](Counted cells, Counted size) {
    return (cells * (size * options.scale + options.padding) + options.padding).value();
  };
  const Shape shape = counted("make_grid", {{"images", images, "count, height, width, channels"}}, {}, [&] {
    return Shape{length(rows, images.dim(1)), length(columns, images.dim(2)), channels};
  });

  // Paint the background, then each image row by row.
  double background =
      images.dtype() == DType::uint8 ? std::round(options.background * 255) : options.background * 2 - 1;
  Tensor grid = full(shape, background, images.dtype());
  const std::int64_t height = images.dim(1) * options.scale, width = images.dim(2) * options.scale;
  std::size_t pixel_bytes = static_cast<std::size_t>(channels) * item_size(images.dtype());
  std::size_t row_bytes = static_cast<std::size_t>(width) * pixel_bytes;
  std::byte* out = static_cast<std::byte*>(grid.raw_mutable());
  for (std::int64_t i = 0; i < count; ++i) {
    Tensor image = images.view({images.dim(1), images.dim(2), channels}, i * images.dim(1) * images.dim(2) * channels);
    Tensor large = enlarge(image, options.scale);
    std::int64_t top = options.padding + i / columns * (height + options.padding);
    std::int64_t left = options.padding + i % columns * (width + options.padding);
    for (std::int64_t y = 0; y < height; ++y) {
      std::memcpy(out + static_cast<std::size_t>((top + y) * shape[1] + left) * pixel_bytes,
                  static_cast<const std::byte*>(large.raw()) + static_cast<std::size_t>(y) * row_bytes, row_bytes);
    }
  }
  return grid;
}

void save_grid(const std::filesystem::path& path, const Tensor& images, const GridOptions& options) {
  save_png(path, make_grid(images, options));
}

// --- Animations ------------------------------------------------------------------------------------------------------

void save_animation(const std::filesystem::path& path, const std::vector<Tensor>& frames, int milliseconds) {
  // Check.
  if (frames.empty()) throw ValueError("save_animation: there are no frames");
  if (milliseconds < 1 || milliseconds > 65535) {
    throw ValueError(fmt::format("save_animation: {} milliseconds for a frame; expected 1 to 65535", milliseconds));
  }
  for (const Tensor& frame : frames) {
    require_image("save_animation", frame);
    if (frame.shape() != frames[0].shape()) {
      throw ShapeError(message("save_animation", "the frames differ in shape",
                               {{"first", frames[0], "height, width, channels"}, {"other", frame}}));
    }
  }

  write_atomically(path, [&](Writer& file) {
    std::uint32_t sequence = 0;  // counts the chunks of the animation, for viewers to see that none is missing
    for (const Tensor& frame : frames) {
      std::string png = encode_png(frame);
      if (sequence == 0) {
        file.write(signature_and_header(png));
        std::string for_ever = big_endian(0);
        file.write(chunk("acTL", big_endian(static_cast<std::int64_t>(frames.size())) + for_ever));
      }

      // The delay is a fraction of a second; the frame stays, and replaces what was there.
      std::string size = big_endian(frame.dim(1)) + big_endian(frame.dim(0)), corner = big_endian(0) + big_endian(0);
      std::string delay = big_endian(milliseconds, 2) + big_endian(1000, 2), replace = big_endian(0, 2);
      bool first = sequence == 0;
      file.write(chunk("fcTL", big_endian(sequence++) + size + corner + delay + replace));
      if (first) file.write(chunk("IDAT", pixels(png)));
      else file.write(chunk("fdAT", big_endian(sequence++) + std::string(pixels(png))));
    }
    file.write(chunk("IEND", ""));
  });
}

}  // namespace floe
