// Paths in the plane, and an unsteady hand that turns them into strokes.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include <floe/tensor/rng.h>

#include "drawing.h"

namespace floe::penguins {

// x to the right, y downwards, in any unit.
struct Point {
  float x = 0, y = 0;

  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
  friend Point operator*(Point a, float factor) { return {a.x * factor, a.y * factor}; }
};

float length(Point a);

// `a` turned about the origin, from x towards y, by `angle` radians.
Point turned(Point a, float angle);

// Points to be joined by straight lines.
using Path = std::vector<Point>;

// The Catmull-Rom curve through `knots`, at least 2; `closed` leads on from the last to the first.
Path smooth(std::span<const Point> knots, bool closed = false);
Path smooth(std::initializer_list<Point> knots, bool closed = false);

// The ellipse about `centre` with half axes `half`, from the angle `start` on through `sweep` radians.
Path arc(Point centre, Point half, float start, float sweep);

// `first`, then `second`: a corner where they meet.
Path joined(Path first, const Path& second);

// A zigzag from top to bottom that blackens the inside of the outline; rows are `spacing` apart.
Path hatched(const Path& outline, float spacing);

// A hand that holds a pen: every path comes out as one stroke, a little off its place and a little shaky.
class Pen {
 public:
  // `unsteadiness` is the typical deviation of a point, in the unit of the paths.
  Pen(Rng& rng, float unsteadiness) : rng_(rng), unsteadiness_(unsteadiness) {}

  void draw(const Path& path);

  // Draws a closed path from a random point of it on, and misses or overshoots its start.
  void draw_closed(const Path& path);

  // All strokes, mapped by x and y to the corner and the scale of a Drawing, in whole numbers and without the points
  // that are within 2 of the line through their neighbours, as the simplified Quick, Draw! files are made.
  Drawing finish() const;

  // Replaces every point by transform(point).
  template <typename Transform>
  void transform(const Transform& transform) {
    for (Path& stroke : strokes_) {
      for (Point& point : stroke) point = transform(point);
    }
  }

 private:
  Rng& rng_;
  float unsteadiness_;
  std::vector<Path> strokes_;
};

}  // namespace floe::penguins
