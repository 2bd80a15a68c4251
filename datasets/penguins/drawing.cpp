// The round pen on the canvas: the distance to the nearest stroke at 16 points of each pixel becomes its coverage.
#include "drawing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace floe::penguins {
namespace {

constexpr float canvas_side = 304;  // 256 for the drawing, 2 * 16 of padding, 16 for the width of the line
constexpr float margin = 24;        // half of what is not the drawing
constexpr float drawing_side = 256;
constexpr float pen_radius = 8;

constexpr int samples_per_pixel = 4;  // along each side
constexpr int samples = image_side * samples_per_pixel;
constexpr float pitch = canvas_side / samples;
constexpr float reach = pen_radius + pitch / 2;  // beyond it a sample's own square is not touched

struct Point {
  float x, y;
};

// The squared distance from every sample of the canvas to the nearest stroke, as far as it is within reach.
class Canvas {
 public:
  Canvas() { squared_distance_.fill(reach * reach); }

  // Draws the straight line from `a` to `b`, both in canvas units; `a` may equal `b`.
  void line(Point a, Point b) {
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float squared_length = dx * dx + dy * dy;
    const float inverse = squared_length > 0 ? 1 / squared_length : 0;

    const int x_begin = first_sample(std::min(a.x, b.x)), x_end = last_sample(std::max(a.x, b.x)) + 1;
    const int y_begin = first_sample(std::min(a.y, b.y)), y_end = last_sample(std::max(a.y, b.y)) + 1;
    for (int row = y_begin; row < y_end; ++row) {
      float* distances = &squared_distance_[static_cast<std::size_t>(row * samples)];
      const float from_a_y = centre(row) - a.y;
      for (int column = x_begin; column < x_end; ++column) {
        const float from_a_x = centre(column) - a.x;
        const float along = std::clamp((from_a_x * dx + from_a_y * dy) * inverse, 0.0f, 1.0f);
        const float off_x = from_a_x - along * dx, off_y = from_a_y - along * dy;
        distances[column] = std::min(distances[column], off_x * off_x + off_y * off_y);
      }
    }
  }

  // The mean coverage of the pixel's samples, 0..255.
  std::uint8_t pixel(int row, int column) const {
    float sum = 0;
    for (int y = row * samples_per_pixel; y < (row + 1) * samples_per_pixel; ++y) {
      for (int x = column * samples_per_pixel; x < (column + 1) * samples_per_pixel; ++x) {
        const float distance = std::sqrt(squared_distance_[static_cast<std::size_t>(y * samples + x)]);
        sum += std::min((reach - distance) / pitch, 1.0f);
      }
    }
    return static_cast<std::uint8_t>(sum * (255.0f / (samples_per_pixel * samples_per_pixel)) + 0.5f);
  }

 private:
  static float centre(int sample) { return (static_cast<float>(sample) + 0.5f) * pitch; }
  static int first_sample(float low) {
    return static_cast<int>(std::clamp(std::ceil((low - reach) / pitch - 0.5f), 0.0f, static_cast<float>(samples)));
  }
  static int last_sample(float high) {
    return static_cast<int>(std::clamp(std::floor((high + reach) / pitch - 0.5f), -1.0f, samples - 1.0f));
  }

  std::array<float, static_cast<std::size_t>(samples) * samples> squared_distance_;
};

// How far a drawing is moved to the middle of the canvas.
Point offset(const Drawing& drawing) {
  Point largest{0, 0};
  for (const Stroke& stroke : drawing) {
    for (const float x : stroke.x) largest.x = std::max(largest.x, x);
    for (const float y : stroke.y) largest.y = std::max(largest.y, y);
  }
  return {(drawing_side - largest.x) / 2 + margin, (drawing_side - largest.y) / 2 + margin};
}

}  // namespace

void rasterise(const Drawing& drawing, std::span<std::uint8_t, image_size> image) {
  Canvas canvas;
  const Point shift = offset(drawing);
  for (const Stroke& stroke : drawing) {
    for (std::size_t i = 0; i < stroke.x.size(); ++i) {
      const std::size_t before = i == 0 ? 0 : i - 1;  // the first point alone is a dot
      canvas.line({stroke.x[before] + shift.x, stroke.y[before] + shift.y},
                  {stroke.x[i] + shift.x, stroke.y[i] + shift.y});
    }
  }
  for (int row = 0; row < image_side; ++row) {
    for (int column = 0; column < image_side; ++column) {
      image[static_cast<std::size_t>(row * image_side + column)] = canvas.pixel(row, column);
    }
  }
}

}  // namespace floe::penguins
