// Schedules: arguments checked once, and the formulas.
#include <floe/optimizers/schedules.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include <fmt/format.h>

#include <floe/tensor/error.h>
#include <floe/tensor/number_ranges.h>

namespace floe::schedules {
namespace {

void require_decay_steps(std::string_view schedule, std::int64_t steps) {
  if (steps < 1) throw ValueError(fmt::format("{}: option .decay_steps must be 1 or more, but is {}", schedule, steps));
}

// The formula as a function of steps that are 0 or more.
template <class Formula>
Schedule from_zero(std::string_view schedule, Formula formula) {
  return [=](std::int64_t step) -> double {
    if (step < 0) throw ValueError(fmt::format("{}: a step is 0 or more, not {}", schedule, step));
    return formula(step);
  };
}

}  // namespace

Schedule constant(double learning_rate) {
  require_number("constant", "the rate", learning_rate, numbers::from_0);
  return from_zero("constant", [=](std::int64_t) { return learning_rate; });
}

Schedule exponential_decay(ExponentialDecayOptions options) {
  require_number("exponential_decay", "option .learning_rate", options.learning_rate, numbers::from_0);
  require_decay_steps("exponential_decay", options.decay_steps);
  require_number("exponential_decay", "option .decay_rate", options.decay_rate, numbers::above_0);
  return from_zero("exponential_decay", [=](std::int64_t step) {
    double times = static_cast<double>(step) / static_cast<double>(options.decay_steps);
    if (options.staircase) times = std::floor(times);
    return options.learning_rate * std::pow(options.decay_rate, times);
  });
}

Schedule cosine_decay(CosineDecayOptions options) {
  require_number("cosine_decay", "option .learning_rate", options.learning_rate, numbers::from_0);
  require_number("cosine_decay", "option .warmup_target", options.warmup_target, numbers::from_0);
  require_decay_steps("cosine_decay", options.decay_steps);
  require_number("cosine_decay", "option .alpha", options.alpha, numbers::from_0_to_1);
  if (options.warmup_steps < 0) {
    throw ValueError(
        fmt::format("cosine_decay: option .warmup_steps must be 0 or more, but is {}", options.warmup_steps));
  }
  if (options.warmup_target != 0 && options.warmup_steps == 0)
    throw ValueError("cosine_decay: option .warmup_target needs .warmup_steps");

  return from_zero("cosine_decay", [=](std::int64_t step) {
    double start = options.learning_rate;
    if (options.warmup_steps > 0) {
      double rise = options.warmup_target - start;
      if (step < options.warmup_steps)
        return start + rise * (static_cast<double>(step) / static_cast<double>(options.warmup_steps));
      start = options.warmup_target;
    }
    auto decayed = static_cast<double>(std::min(step - options.warmup_steps, options.decay_steps));
    double cosine = std::cos(std::numbers::pi * decayed / static_cast<double>(options.decay_steps));
    return start * (options.alpha + (1 - options.alpha) * (1 + cosine) / 2);
  });
}

Schedule piecewise(std::vector<std::int64_t> boundaries, std::vector<double> rates) {
  if (rates.size() != boundaries.size() + 1) {
    throw ValueError(fmt::format("piecewise: takes one more rate than boundaries; rates are {}, boundaries {}",
                                 rates.size(), boundaries.size()));
  }
  for (double rate : rates) require_number("piecewise", "each rate", rate, numbers::from_0);
  for (std::size_t i = 0; i < boundaries.size(); ++i) {
    if (boundaries[i] < 0) throw ValueError(fmt::format("piecewise: a boundary is 0 or more, not {}", boundaries[i]));
    if (i > 0 && boundaries[i] <= boundaries[i - 1]) {
      throw ValueError(
          fmt::format("piecewise: the boundaries must increase, and {} follows {}", boundaries[i], boundaries[i - 1]));
    }
  }
  return from_zero("piecewise", [boundaries = std::move(boundaries), rates = std::move(rates)](std::int64_t step) {
    auto reached = std::lower_bound(boundaries.begin(), boundaries.end(), step);
    return rates[static_cast<std::size_t>(reached - boundaries.begin())];
  });
}

}  // namespace floe::schedules
