// Line searches: algorithms that continue or stop by the values they see, for any function that can be differentiated.
#include "stops.h"

#include <cmath>

#include <fmt/core.h>

using namespace floe;

namespace tour {
namespace {

using Function = std::function<Tensor(const Tensor&)>;

// A point, and what a function is like there.
struct Point {
  Tensor x, gradient;
  double value;
};

Point look(const Function& f, const Tensor& at) {
  Tensor x = at;
  GradientTape tape;
  tape.watch(x);
  Tensor y = f(x);
  return {x.detached(), tape.gradient(y, x), y.item()};
}

double dot(const Tensor& a, const Tensor& b) { return reduce_sum(a * b).item(); }

//! [backtracking]
// Half the step until the value falls as far as the slope promises, at least by half (Armijo, 1966).
Point backtrack(const Function& f, const Point& from) {
  double fall = dot(from.gradient, from.gradient);
  for (double rate = 1;; rate /= 2) {
    Point there = look(f, from.x - rate * from.gradient);
    if (!(there.value > from.value - 0.5 * rate * fall)) return there;
  }
}
//! [backtracking]

// A step along `direction` that lowers the value enough and leaves little slope: the strong Wolfe conditions.
// Nocedal and Wright, "Numerical optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
Point wolfe(const Function& f, const Point& from, const Tensor& direction) {
  const double enough = 1e-4, flat = 0.9, slope = dot(from.gradient, direction);
  auto at = [&](double rate) { return look(f, from.x + rate * direction); };
  auto slope_at = [&](const Point& point) { return dot(point.gradient, direction); };
  auto too_high = [&](double rate, const Point& point) { return point.value > from.value + enough * rate * slope; };

  // Between a rate that is good but steep and one that is too far, there is one that meets both.
  auto zoom = [&](double low_rate, Point low, double high_rate) {
    for (int i = 0; i < 50; ++i) {
      double rate = (low_rate + high_rate) / 2;
      Point point = at(rate);
      if (too_high(rate, point) || point.value >= low.value) {
        high_rate = rate;
        continue;
      }
      if (std::abs(slope_at(point)) <= -flat * slope) return point;
      if (slope_at(point) * (high_rate - low_rate) >= 0) high_rate = low_rate;
      low_rate = rate, low = point;
    }
    return low;
  };

  double before_rate = 0;
  Point before = from;
  for (double rate = 1;; rate *= 2) {
    Point point = at(rate);
    if (too_high(rate, point) || (before_rate > 0 && point.value >= before.value)) return zoom(before_rate, before, rate);
    if (std::abs(slope_at(point)) <= -flat * slope) return point;
    if (slope_at(point) >= 0) return zoom(rate, point, before_rate);
    before_rate = rate, before = point;
  }
}

// Rosenbrock's valley: bent, flat at the bottom, with its lowest point, 0, at (1, 1).
Tensor rosenbrock(const Tensor& p) { return square(1 - p[0]) + 100 * square(p[1] - square(p[0])); }

}  // namespace

void line_search(const Settings&) {
  int looks = 0;
  Function f = [&](const Tensor& p) { return ++looks, rosenbrock(p); };
  const Point start = look(f, tensor(std::vector<double>{-1.2, 1}, {2}));
  auto show = [&](int step, const Point& point) {
    fmt::print("step {:5}  value {:.3e}  at ({:.4f}, {:.4f})  {} evaluations\n", step, point.value,
               point.x[0].item(), point.x[1].item(), looks);
  };

  fmt::print("steepest descent with backtracking\n");
  Point point = start;
  for (int step = 1; step <= 1000; ++step) {
    point = backtrack(f, point);
    if (step == 1 || step == 10 || step == 100 || step == 1000) show(step, point);
  }

  // BFGS guesses the inverse of the second derivatives from how gradients change; strong Wolfe keeps the guess positive.
  fmt::print("\nBFGS with a strong Wolfe search\n");
  point = start, looks = 0;
  Tensor inverse = eye(2, DType::float64);
  for (int step = 1; norm(point.gradient).item() > 1e-8; ++step) {
    Tensor direction = -squeeze(floe::matmul(inverse, expand_dims(point.gradient, 1)), {1});
    Point next = wolfe(f, point, direction);
    Tensor s = expand_dims(next.x - point.x, 1), y = expand_dims(next.gradient - point.gradient, 1);   // (2, 1)
    double scale = 1 / dot(s, y);
    Tensor turn = eye(2, DType::float64) - scale * floe::matmul(s, y, {.transpose_b = true});
    inverse = floe::matmul(floe::matmul(turn, inverse), turn, {.transpose_b = true}) +
              scale * floe::matmul(s, s, {.transpose_b = true});
    point = next;
    if (step % 5 == 0 || norm(point.gradient).item() <= 1e-8) show(step, point);
  }
}

}  // namespace tour
