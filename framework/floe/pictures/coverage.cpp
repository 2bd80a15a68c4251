// The distance from a stroke to the centres of pixels, and scan lines through areas.
#include <floe/pictures/coverage.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace floe {
namespace {

std::int64_t floor_pixel(std::int64_t at) { return floor_divide(at, pixel); }

// The pixels of the picture that strands may touch with a pen of this reach.
Mask mask_around(const std::vector<Strand>& strands, std::int64_t reach, std::int64_t width, std::int64_t height) {
  Mask mask{width, height, 0, 0, {}};
  for (const Strand& strand : strands) {
    for (GridPoint point : strand) {
      mask.left = std::min(mask.left, floor_pixel(point.x - reach));
      mask.top = std::min(mask.top, floor_pixel(point.y - reach));
      mask.right = std::max(mask.right, floor_pixel(point.x + reach) + 1);
      mask.bottom = std::max(mask.bottom, floor_pixel(point.y + reach) + 1);
    }
  }
  mask.left = std::max<std::int64_t>(mask.left, 0), mask.top = std::max<std::int64_t>(mask.top, 0);
  mask.right = std::max(mask.left, std::min(mask.right, width));
  mask.bottom = std::max(mask.top, std::min(mask.bottom, height));
  mask.levels.resize(static_cast<std::size_t>((mask.right - mask.left) * (mask.bottom - mask.top)));
  return mask;
}

// A strand as straight pieces, from point to point.
std::vector<GridPoint> flattened(const Strand& strand) {
  std::vector<GridPoint> points{strand.front()};
  for (std::size_t i = 0; i + 3 < strand.size(); i += 3) {
    const GridPoint *p = &strand[i], from = p[0], to = p[3];
    std::int64_t length = 0;
    for (int k = 0; k < 3; ++k) length += std::abs(p[k + 1].x - p[k].x) + std::abs(p[k + 1].y - p[k].y);
    std::int64_t pieces = p[1] == from && p[2] == to ? 1 : std::min<std::int64_t>(4 + length / (3 * pixel), 64);
    for (std::int64_t t = 1; t < pieces; ++t) {
      std::int64_t s = pieces - t, all = pieces * pieces * pieces;
      std::int64_t weights[] = {s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};
      GridPoint sum;
      for (int k = 0; k < 4; ++k) sum.x += weights[k] * p[k].x, sum.y += weights[k] * p[k].y;
      points.push_back({round_divide(sum.x, all), round_divide(sum.y, all)});
    }
    points.push_back(to);
  }
  return points;
}

// How far a place is from a line, in parts of 25,500 to the pixel, and how much of that way leads across and how much
// down, in parts of 25,500 to the way. Of floating point there are roots, products and quotients, which have the same bits
// everywhere, and no sum that could be contracted.
struct Way {
  std::int64_t distance, across, down;
};
constexpr std::int64_t one = 255 * pixel;

// From the line between a and b to (x, y).
Way way(GridPoint a, GridPoint b, std::int64_t x, std::int64_t y) {
  std::int64_t dx = b.x - a.x, dy = b.y - a.y, px = x - a.x, py = y - a.y;
  std::int64_t along = px * dx + py * dy, length_squared = dx * dx + dy * dy;
  auto part = [](std::int64_t length, double of, std::int64_t whole) {
    return static_cast<std::int64_t>(static_cast<double>(std::abs(length)) * static_cast<double>(whole) / of);
  };
  if (along > 0 && along < length_squared) {
    double length = std::sqrt(static_cast<double>(length_squared));
    return {part(px * dy - py * dx, length, 255), part(dy, length, one), part(dx, length, one)};
  }
  if (along > 0) px = x - b.x, py = y - b.y;
  double length = std::sqrt(static_cast<double>(px * px + py * py));
  if (length == 0) return {0, one, 0};
  return {static_cast<std::int64_t>(length * 255), part(px, length, one), part(py, length, one)};
}

// How much of a pixel, of 25,500, lies on this side of a straight edge that is this far beyond its centre, exactly.
std::int64_t before_edge(std::int64_t beyond, std::int64_t across, std::int64_t down) {
  if (beyond < 0) return one - before_edge(-beyond, across, down);
  std::int64_t most = std::max(across, down), least = std::min(across, down), corner = (most + least) / 2;
  if (beyond >= corner) return one;
  if (beyond <= (most - least) / 2) return one / 2 + beyond * one / most;
  std::int64_t rest = corner - beyond;
  return one - rest * rest / most * one / (2 * least);
}

// A pixel is covered by what is between the two edges of the line, so that the ink of a line is its length times its
// width at every angle, even if it is thinner than a pixel.
std::uint8_t line_level(Way way, std::int64_t width) {
  std::int64_t half = width * 255 / 2;
  std::int64_t covered =
      before_edge(half - way.distance, way.across, way.down) - before_edge(-half - way.distance, way.across, way.down);
  return static_cast<std::uint8_t>(std::clamp<std::int64_t>(round_divide(covered, pixel), 0, 255));
}

void cover_line(Mask& mask, GridPoint a, GridPoint b, std::int64_t width) {
  if (a.y > b.y) std::swap(a, b);
  std::int64_t reach = width / 2 + pixel, low = std::min(a.x, b.x), high = std::max(a.x, b.x);
  // Where the line is at a height, as far as it goes.
  auto x_at = [&](std::int64_t y) { return a.x + (b.x - a.x) * (std::clamp(y, a.y, b.y) - a.y) / (b.y - a.y); };
  std::int64_t bottom = std::min(mask.bottom, floor_pixel(b.y + reach) + 1);
  for (std::int64_t row = std::max(mask.top, floor_pixel(a.y - reach)); row < bottom; ++row) {
    std::int64_t y = row * pixel + pixel / 2;
    std::int64_t from = a.y == b.y ? low : x_at(y - reach), to = a.y == b.y ? high : x_at(y + reach);
    std::int64_t right = std::min(mask.right, floor_pixel(std::max(from, to) + reach) + 1);
    for (std::int64_t x = std::max(mask.left, floor_pixel(std::min(from, to) - reach)); x < right; ++x) {
      std::uint8_t& level = mask.at(x, row);
      if (level < 255) level = std::max(level, line_level(way(a, b, x * pixel + pixel / 2, y), width));
    }
  }
}

// Adds what lies between two places of a scan line to the pixels of a row.
void cover_span(const Mask& mask, std::vector<std::int64_t>& row, std::int64_t from, std::int64_t to) {
  from = std::max(from, mask.left * pixel), to = std::min(to, mask.right * pixel);
  for (std::int64_t x = floor_pixel(from); x * pixel < to; ++x) {
    row[static_cast<std::size_t>(x - mask.left)] += std::min(to, (x + 1) * pixel) - std::max(from, x * pixel);
  }
}

// Scan lines: this many in each row of pixels, in the middle of their shares of it.
constexpr std::int64_t lines_in_row = 25, line_step = pixel / lines_in_row;

// Where a border crosses a scan line, and whether it goes down (1) or up (-1) there.
using Crossings = std::vector<std::pair<std::int64_t, int>>;

// For each scan line of the mask, from left to right.
std::vector<Crossings> crossings_of(const Mask& mask, const std::vector<GridPoint>& border) {
  std::int64_t top = mask.top * pixel + line_step / 2, count = (mask.bottom - mask.top) * lines_in_row;
  std::vector<Crossings> lines(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < border.size(); ++i) {
    GridPoint a = border[i], b = border[(i + 1) % border.size()];
    int direction = a.y < b.y ? 1 : -1;
    if (direction < 0) std::swap(a, b);
    // The lines at or below a, and above b.
    std::int64_t first = std::max<std::int64_t>(-floor_divide(top - a.y, line_step), 0);
    std::int64_t last = std::min(-floor_divide(top - b.y, line_step), count);
    for (std::int64_t line = first; line < last; ++line) {
      std::int64_t x = a.x + round_divide((b.x - a.x) * (top + line * line_step - a.y), b.y - a.y);
      lines[static_cast<std::size_t>(line)].emplace_back(x, direction);
    }
  }
  for (Crossings& line : lines) std::sort(line.begin(), line.end());
  return lines;
}

void fill(Mask& mask, const std::vector<GridPoint>& border) {
  std::vector<Crossings> lines = crossings_of(mask, border);
  std::size_t line = 0;
  for (std::int64_t y = mask.top; y < mask.bottom; ++y) {
    std::vector<std::int64_t> row(static_cast<std::size_t>(mask.right - mask.left));
    for (std::int64_t k = 0; k < lines_in_row; ++k, ++line) {
      int winding = 0;
      for (std::size_t i = 0; i + 1 < lines[line].size(); ++i) {
        winding += lines[line][i].second;
        if (winding != 0) cover_span(mask, row, lines[line][i].first, lines[line][i + 1].first);
      }
    }
    for (std::int64_t x = mask.left; x < mask.right; ++x) {
      std::int64_t covered = row[static_cast<std::size_t>(x - mask.left)];
      mask.at(x, y) = static_cast<std::uint8_t>(round_divide(covered * 255, lines_in_row * pixel));
    }
  }
}

}  // namespace

Mask cover_strokes(const std::vector<Strand>& strands, std::int64_t pen, std::int64_t width, std::int64_t height) {
  Mask mask = mask_around(strands, pen / 2 + pixel, width, height);
  for (const Strand& strand : strands) {
    std::vector<GridPoint> points = flattened(strand);
    if (points.size() == 1) points.push_back(points[0]);  // a dot
    for (std::size_t i = 0; i + 1 < points.size(); ++i) cover_line(mask, points[i], points[i + 1], pen);
  }
  return mask;
}

Mask cover_area(const Strand& border, std::int64_t width, std::int64_t height) {
  Mask mask = mask_around({border}, pixel, width, height);
  fill(mask, flattened(border));
  return mask;
}

}  // namespace floe
