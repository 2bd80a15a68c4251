// Schedules: the rates of Keras step by step, at every edge, in a loop, and what they refuse.
#include <floe/optimizers/schedules.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <floe/optimizers/optimizers.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;

constexpr double pi = 3.14159265358979323846;
constexpr std::int64_t last_step = std::numeric_limits<std::int64_t>::max();

struct Row {
  std::int64_t step;
  double rate;
};

void expect_rates(const Schedule& schedule, std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_NEAR(schedule(row.step), row.rate, 1e-15) << "step " << row.step;
}

// --- Numbers ---------------------------------------------------------------------------------------------------------

TEST(ConstantSchedule, IsTheSameAtEveryStep) {
  Schedule schedule = schedules::constant(0.25);
  for (std::int64_t step : {std::int64_t{0}, std::int64_t{1}, last_step}) EXPECT_EQ(schedule(step), 0.25);
  EXPECT_EQ(schedules::constant(0)(3), 0);
}

TEST(ExponentialDecay, FollowsItsFormula) {
  Schedule smooth = schedules::exponential_decay({.learning_rate = 0.1, .decay_steps = 7, .decay_rate = 0.96}),
           stairs = schedules::exponential_decay(
               {.learning_rate = 0.1, .decay_steps = 7, .decay_rate = 0.96, .staircase = true});
  for (int step = 0; step < 100; ++step) {
    EXPECT_NEAR(smooth(step), 0.1 * std::exp(std::log(0.96) * step / 7), 1e-15) << step;
    double product = 0.1;
    for (int i = 0; i < step / 7; ++i) product *= 0.96;
    EXPECT_NEAR(stairs(step), product, 1e-15) << step;
  }
}

TEST(ExponentialDecay, HasTheseNumbers) {
  expect_rates(schedules::exponential_decay({.learning_rate = 8, .decay_steps = 2, .decay_rate = 0.25}),
               {{0, 8}, {1, 4}, {2, 2}, {3, 1}, {4, 0.5}, {last_step, 0}});
  expect_rates(schedules::exponential_decay({.learning_rate = 8, .decay_steps = 2, .decay_rate = 0.25, .staircase = true}),
               {{0, 8}, {1, 8}, {2, 2}, {3, 2}, {4, 0.5}, {5, 0.5}, {last_step, 0}});
  EXPECT_EQ(schedules::exponential_decay({.learning_rate = 1, .decay_steps = 1, .decay_rate = 2})(10), 1024)
      << "a rate may grow";
}

TEST(CosineDecay, FollowsItsFormula) {
  Schedule schedule = schedules::cosine_decay({.learning_rate = 0.3, .decay_steps = 50, .alpha = 0.1});
  for (int step = 0; step <= 50; ++step) {
    double expected = 0.3 * ((1 - 0.1) * 0.5 * (1 + std::cos(pi * step / 50)) + 0.1);
    EXPECT_NEAR(schedule(step), expected, 1e-15) << step;
  }
}

TEST(CosineDecay, HasTheseNumbers) {
  expect_rates(schedules::cosine_decay({.learning_rate = 8, .decay_steps = 6}),
               {{0, 8}, {2, 6}, {3, 4}, {4, 2}, {6, 0}, {7, 0}, {last_step, 0}});
  expect_rates(schedules::cosine_decay({.learning_rate = 8, .decay_steps = 6, .alpha = 0.5}),
               {{0, 8}, {2, 7}, {3, 6}, {4, 5}, {6, 4}, {7, 4}, {last_step, 4}});
  expect_rates(schedules::cosine_decay({.learning_rate = 8, .decay_steps = 1, .alpha = 1}), {{0, 8}, {1, 8}, {2, 8}});
}

// As Keras: its decay_steps count from the end of the warm-up, and its alpha is a part of the target.
TEST(CosineDecay, WarmsUpInAStraightLine) {
  expect_rates(schedules::cosine_decay(
                   {.learning_rate = 0, .decay_steps = 6, .alpha = 0.5, .warmup_steps = 4, .warmup_target = 8}),
               {{0, 0}, {1, 2}, {2, 4}, {3, 6}, {4, 8}, {6, 7}, {7, 6}, {8, 5}, {9, 4 + 4 * (1 - std::sqrt(0.75)) / 2},
                {10, 4}, {11, 4}, {last_step, 4}});
  expect_rates(schedules::cosine_decay({.learning_rate = 2, .decay_steps = 2, .warmup_steps = 1, .warmup_target = 4}),
               {{0, 2}, {1, 4}, {2, 2}, {3, 0}, {4, 0}});
  expect_rates(schedules::cosine_decay({.learning_rate = 4, .decay_steps = 2, .warmup_steps = 2, .warmup_target = 0}),
               {{0, 4}, {1, 2}, {2, 0}, {3, 0}});
}

TEST(Piecewise, KeepsTheEarlierRateAtABoundaryItself) {
  expect_rates(schedules::piecewise({0, 10, 11}, {4, 3, 2, 1}),
               {{0, 4}, {1, 3}, {9, 3}, {10, 3}, {11, 2}, {12, 1}, {last_step, 1}});
  expect_rates(schedules::piecewise({1000}, {0.5, 0.25}), {{0, 0.5}, {999, 0.5}, {1000, 0.5}, {1001, 0.25}});
  expect_rates(schedules::piecewise({}, {0.5}), {{0, 0.5}, {7, 0.5}});
}

// --- In a loop -------------------------------------------------------------------------------------------------------

TEST(Schedules, SetTheRateOfEachStep) {
  Schedule rate = schedules::piecewise({1}, {0.5, 0.25});
  Variable w("w", zeros({1}));
  SGD sgd;
  Gradients gradients;
  gradients.add(w, ones({1}));
  for (double expected : {-0.5, -1., -1.25, -1.5}) {
    sgd.set_learning_rate(rate(sgd.steps()));
    sgd.apply(gradients);
    EXPECT_EQ(w.value().item(), expected);
  }
}

TEST(Schedules, GiveTheSameRateHoweverOftenAndInWhichOrder) {
  Schedule schedule = schedules::cosine_decay({.learning_rate = 1, .decay_steps = 10}), copy = schedule;
  double late = schedule(7), early = schedule(2);
  EXPECT_EQ(copy(2), early);
  EXPECT_EQ(copy(7), late);
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Schedules, RefuseStepsBelowZero) {
  const std::pair<Schedule, const char*> table[] = {
      {schedules::constant(1), "constant: a step is 0 or more, not -1"},
      {schedules::exponential_decay({.learning_rate = 1, .decay_steps = 1, .decay_rate = 1}),
       "exponential_decay: a step is 0 or more, not -1"},
      {schedules::cosine_decay({.learning_rate = 1, .decay_steps = 1}), "cosine_decay: a step is 0 or more, not -1"},
      {schedules::piecewise({}, {1}), "piecewise: a step is 0 or more, not -1"},
  };
  for (const auto& row : table) EXPECT_EQ(error_of<ValueError>([&] { row.first(-1); }), row.second);
}

TEST(Schedules, RefuseBadArguments) {
  using namespace schedules;
  const std::pair<std::function<void()>, const char*> table[] = {
      {[] { constant(-1); }, "constant: the rate must be finite and 0 or more, but is -1"},
      {[] { constant(NAN); }, "constant: the rate must be finite and 0 or more, but is nan"},
      {[] { exponential_decay({.learning_rate = -1, .decay_steps = 1, .decay_rate = 1}); },
       "exponential_decay: option .learning_rate must be finite and 0 or more, but is -1"},
      {[] { exponential_decay({.learning_rate = 1, .decay_rate = 1}); },
       "exponential_decay: option .decay_steps must be 1 or more, but is 0"},
      {[] { exponential_decay({.learning_rate = 1, .decay_steps = 1}); },
       "exponential_decay: option .decay_rate must be finite and above 0, but is 0"},
      {[] { exponential_decay({.learning_rate = 1, .decay_steps = 1, .decay_rate = INFINITY}); },
       "exponential_decay: option .decay_rate must be finite and above 0, but is inf"},
      {[] { cosine_decay({.learning_rate = INFINITY, .decay_steps = 1}); },
       "cosine_decay: option .learning_rate must be finite and 0 or more, but is inf"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = -5}); },
       "cosine_decay: option .decay_steps must be 1 or more, but is -5"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = 1, .alpha = 1.5}); },
       "cosine_decay: option .alpha must be from 0 to 1, but is 1.5"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = 1, .alpha = NAN}); },
       "cosine_decay: option .alpha must be from 0 to 1, but is nan"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = 1, .warmup_steps = -1}); },
       "cosine_decay: option .warmup_steps must be 0 or more, but is -1"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = 1, .warmup_steps = 1, .warmup_target = -1}); },
       "cosine_decay: option .warmup_target must be finite and 0 or more, but is -1"},
      {[] { cosine_decay({.learning_rate = 1, .decay_steps = 1, .warmup_target = 2}); },
       "cosine_decay: option .warmup_target needs .warmup_steps"},
      {[] { piecewise({1, 2}, {1, 2}); },
       "piecewise: takes one more rate than boundaries; rates are 2, boundaries 2"},
      {[] { piecewise({}, {}); }, "piecewise: takes one more rate than boundaries; rates are 0, boundaries 0"},
      {[] { piecewise({1}, {1, -1}); }, "piecewise: each rate must be finite and 0 or more, but is -1"},
      {[] { piecewise({-1}, {1, 1}); }, "piecewise: a boundary is 0 or more, not -1"},
      {[] { piecewise({5, 5}, {1, 1, 1}); }, "piecewise: the boundaries must increase, and 5 follows 5"},
      {[] { piecewise({5, 4}, {1, 1, 1}); }, "piecewise: the boundaries must increase, and 4 follows 5"},
  };
  for (const auto& [make, message] : table) EXPECT_EQ(error_of<ValueError>(make), message);
}

}  // namespace
}  // namespace floe
