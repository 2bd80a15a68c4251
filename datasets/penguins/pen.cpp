// Curves through points, hatching, the shaking hand, and the simplification of what it drew.
#include "pen.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace floe::penguins {
namespace {

constexpr float full_turn = 2 * std::numbers::pi_v<float>;

float path_length(const Path& path) {
  float sum = 0;
  for (std::size_t i = 1; i < path.size(); ++i) sum += length(path[i] - path[i - 1]);
  return sum;
}

// The smallest box around all points.
struct Box {
  Point low{1e9f, 1e9f}, high{-1e9f, -1e9f};

  explicit Box(const std::vector<Path>& paths) {
    for (const Path& path : paths) {
      for (const Point point : path) {
        low = {std::min(low.x, point.x), std::min(low.y, point.y)};
        high = {std::max(high.x, point.x), std::max(high.y, point.y)};
      }
    }
  }

  // What makes its larger side 255.
  float scale() const { return 255 / std::max({high.x - low.x, high.y - low.y, 1e-6f}); }
};

// The distance of `point` from the straight line from `a` to `b`.
float distance_to_line(Point point, Point a, Point b) {
  const Point line = b - a, off = point - a;
  const float squared = line.x * line.x + line.y * line.y;
  const float along = squared > 0 ? std::clamp((off.x * line.x + off.y * line.y) / squared, 0.0f, 1.0f) : 0;
  return length(off - line * along);
}

// Ramer, Douglas and Peucker: appends to `kept` what is needed of path[first + 1 .. last] to stay within `tolerance`.
void simplify(const Path& path, std::size_t first, std::size_t last, float tolerance, Path& kept) {
  std::size_t farthest = first;
  float distance = tolerance;
  for (std::size_t i = first + 1; i < last; ++i) {
    const float here = distance_to_line(path[i], path[first], path[last]);
    if (here > distance) {
      distance = here;
      farthest = i;
    }
  }
  if (farthest == first) {
    kept.push_back(path[last]);
    return;
  }
  simplify(path, first, farthest, tolerance, kept);
  simplify(path, farthest, last, tolerance, kept);
}

}  // namespace

float length(Point a) { return std::sqrt(a.x * a.x + a.y * a.y); }

Point turned(Point a, float angle) {
  const float cosine = std::cos(angle), sine = std::sin(angle);
  return {a.x * cosine - a.y * sine, a.x * sine + a.y * cosine};
}

Path smooth(std::span<const Point> knots, bool closed) {
  constexpr int pieces = 6;
  const int count = static_cast<int>(knots.size());
  const auto knot = [&](int i) {
    const int index = closed ? (i + count) % count : std::clamp(i, 0, count - 1);
    return knots[static_cast<std::size_t>(index)];
  };

  Path path{knots.front()};
  for (int i = 0; i < (closed ? count : count - 1); ++i) {
    const Point before = knot(i - 1), from = knot(i), to = knot(i + 1), after = knot(i + 2);
    for (int piece = 1; piece <= pieces; ++piece) {
      const float t = static_cast<float>(piece) / pieces;
      const Point linear = (to - before) * t;
      const Point square = (before * 2 - from * 5 + to * 4 - after) * (t * t);
      const Point cubic = (from * 3 - before - to * 3 + after) * (t * t * t);
      path.push_back(from + (linear + square + cubic) * 0.5f);
    }
  }
  return path;
}

Path smooth(std::initializer_list<Point> knots, bool closed) {
  return smooth(std::span<const Point>(knots.begin(), knots.size()), closed);
}

Path arc(Point centre, Point half, float start, float sweep) {
  const int pieces = std::max(4, static_cast<int>(std::abs(sweep) * 4));
  Path path;
  for (int i = 0; i <= pieces; ++i) {
    const float angle = start + sweep * static_cast<float>(i) / static_cast<float>(pieces);
    path.push_back(centre + Point{half.x * std::cos(angle), half.y * std::sin(angle)});
  }
  return path;
}

Path joined(Path first, const Path& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Path hatched(const Path& outline, float spacing) {
  const auto by_y = [](Point a, Point b) { return a.y < b.y; };
  const auto [top, bottom] = std::minmax_element(outline.begin(), outline.end(), by_y);

  Path zigzag;
  bool leftwards = false;
  for (float y = top->y + spacing / 2; y < bottom->y; y += spacing) {
    // Find where the row enters and leaves the outline.
    float left = 1e9f, right = -1e9f;
    for (std::size_t i = 0; i < outline.size(); ++i) {
      const Point a = outline[i], b = outline[(i + 1) % outline.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      const float x = a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y);
      left = std::min(left, x);
      right = std::max(right, x);
    }
    if (left > right) continue;

    // Cross it, in turns from either side.
    zigzag.push_back({leftwards ? right : left, y});
    zigzag.push_back({leftwards ? left : right, y});
    leftwards = !leftwards;
  }
  return zigzag;
}

void Pen::draw(const Path& path) {
  if (path.empty()) return;

  // Two slow waves along the stroke: long ones bend it, shorter ones make it tremble.
  struct Wave {
    Point amplitude;
    float frequency, phase;
  };
  Wave waves[2];
  for (int i = 0; i < 2; ++i) {
    const float amount = unsteadiness_ * (i == 0 ? 1.0f : 0.4f);
    const Point amplitude{amount * rng_.normal(), amount * rng_.normal()};
    const float frequency = full_turn * (i == 0 ? rng_.uniform(0.3f, 1.5f) : rng_.uniform(2.5f, 6.0f));
    waves[i] = {amplitude, frequency, rng_.uniform(0, full_turn)};
  }
  const Point misplaced{0.5f * unsteadiness_ * rng_.normal(), 0.5f * unsteadiness_ * rng_.normal()};

  // Short strokes shake less.
  const float whole = path_length(path);
  const float scale = std::min(1.0f, 0.3f + whole);
  float along = 0;
  Path stroke;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i > 0) along += length(path[i] - path[i - 1]);
    Point point = path[i] + misplaced;
    for (const Wave& wave : waves) {
      point = point + wave.amplitude * (scale * std::sin(wave.frequency * along + wave.phase));
    }
    stroke.push_back(point);
  }
  strokes_.push_back(std::move(stroke));
}

void Pen::draw_closed(const Path& path) {
  // Start anywhere, mostly near the top, which is where the paths begin.
  const int count = static_cast<int>(path.size());
  const int start = rng_.bernoulli(0.7f) ? 0 : rng_.below(count);
  const int gap = static_cast<int>(std::lround(static_cast<float>(count) * 0.04f * rng_.normal()));

  Path stroke;
  for (int i = 0; i < std::max(3, count + 1 - gap); ++i) {
    stroke.push_back(path[static_cast<std::size_t>((start + i) % count)]);
  }
  draw(stroke);
}

Drawing Pen::finish() const {
  // Leave out the points that add nothing.
  const float tolerance = 2 / Box(strokes_).scale();
  std::vector<Path> simple;
  for (const Path& stroke : strokes_) {
    Path& kept = simple.emplace_back(Path{stroke.front()});
    simplify(stroke, 0, stroke.size() - 1, tolerance, kept);
  }

  // Move what is left to the corner, scale it and round.
  const Box box(simple);
  Drawing drawing;
  for (const Path& stroke : simple) {
    Stroke& out = drawing.emplace_back();
    for (const Point point : stroke) {
      const Point placed = (point - box.low) * box.scale();
      out.x.push_back(std::round(placed.x));
      out.y.push_back(std::round(placed.y));
    }
  }
  return drawing;
}

}  // namespace floe::penguins
