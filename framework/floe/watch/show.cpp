// show: pixels as characters of a terminal.
#include <floe/watch/show.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include <floe/pictures/png.h>
#include <floe/files/system.h>

namespace floe {
namespace {

using Rgb = std::array<int, 3>;

Rgb colour_at(const Tensor& pixels, std::int64_t y, std::int64_t x) {
  std::int64_t channels = pixels.rank() == 3 ? pixels.dim(2) : 1;
  const std::uint8_t* pixel = pixels.data<std::uint8_t>() + (y * pixels.dim(1) + x) * channels;
  if (channels == 1) return {pixel[0], pixel[0], pixel[0]};
  int opacity = channels == 4 ? pixel[3] : 255;
  auto level = [&](int i) { return (pixel[i] * opacity + 127) / 255; };
  return {level(0), level(1), level(2)};
}

// Squares of this many pixels as one of their mean colour; those at the right and lower edges may be cut.
Tensor shrunk(const Tensor& pixels, std::int64_t factor) {
  std::int64_t height = pixels.dim(0), width = pixels.dim(1);
  Tensor small({(height + factor - 1) / factor, (width + factor - 1) / factor, 3}, DType::uint8);
  std::uint8_t* out = small.mutable_data<std::uint8_t>();
  for (std::int64_t top = 0; top < height; top += factor) {
    for (std::int64_t left = 0; left < width; left += factor) {
      std::int64_t sums[3] = {}, count = 0;
      for (std::int64_t y = top; y < std::min(top + factor, height); ++y) {
        for (std::int64_t x = left; x < std::min(left + factor, width); ++x, ++count) {
          Rgb colour = colour_at(pixels, y, x);
          for (std::size_t i = 0; i < 3; ++i) sums[i] += colour[i];
        }
      }
      for (std::int64_t sum : sums) *out++ = static_cast<std::uint8_t>((sum + count / 2) / count);
    }
  }
  return small;
}

bool terminal_has_colours() {
  const char *no_colour = std::getenv("NO_COLOR"), *terminal = std::getenv("TERM");  // no-color.org
  bool dumb = terminal && std::string_view(terminal) == "dumb";
  return os::is_terminal(stdout) && !dumb && (!no_colour || !*no_colour);
}

}  // namespace

std::string half_blocks(const Tensor& image) {
  Tensor pixels = to_pixels(image, "half_blocks");
  auto code = [](int ground, Rgb c) { return fmt::format("\x1b[{};2;{};{};{}m", ground, c[0], c[1], c[2]); };
  std::string text;
  for (std::int64_t y = 0; y < pixels.dim(0); y += 2) {
    std::string before;  // a colour stays until the next one
    for (std::int64_t x = 0; x < pixels.dim(1); ++x) {
      std::string colours = code(38, colour_at(pixels, y, x));
      if (y + 1 < pixels.dim(0)) colours += code(48, colour_at(pixels, y + 1, x));
      if (colours != before) text += colours;
      text += "▀";
      before = colours;
    }
    text += "\x1b[0m\n";
  }
  return text;
}

void show(const Tensor& image, const ShowOptions& options) {
  if (options.columns < 0) throw ValueError(fmt::format("show: columns must be 0 or more, but is {}", options.columns));
  Tensor picture = image.rank() == 4 ? make_grid(image) : image;
  Tensor pixels = to_pixels(picture, "show");
  if (!terminal_has_colours()) {
    save_png(options.path, pixels);
    fmt::print("{}\n", options.path.string());
    return;
  }
  int columns = options.columns ? options.columns : os::terminal_columns(stdout);
  std::int64_t factor = (pixels.dim(1) + columns - 1) / columns;
  fmt::print("{}", half_blocks(factor > 1 ? shrunk(pixels, factor) : pixels));
}

}  // namespace floe
