// Schedules: learning rates as functions of the step, with the values of Keras. A schedule holds no state, so a run that
// was resumed continues with the rates that it would have had:
//
//   Schedule rate = schedules::cosine_decay({.learning_rate = 1e-3, .decay_steps = 10'000});
//   ...
//   optimizer.set_learning_rate(rate(optimizer.steps()));
//   optimizer.apply(tape.gradient(loss, model.variables()));
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace floe {

// The rate of the step that follows `step` others; ValueError for a negative one.
using Schedule = std::function<double(std::int64_t step)>;

// The options of an exponential_decay, by name.
struct ExponentialDecayOptions {
  double learning_rate = 0;      // of step 0
  std::int64_t decay_steps = 0;  // after this many steps, the rate is decay_rate times what it was; 0: missing
  double decay_rate = 0;         // 0: missing
  bool staircase = false;        // all at once after that many steps, not a little after each
};

// The options of a cosine_decay, by name.
struct CosineDecayOptions {
  double learning_rate = 0;       // of step 0
  std::int64_t decay_steps = 0;   // after the warm-up, until the end of the decay; 0: missing
  double alpha = 0;               // the part that is left at the end, from 0 to 1
  std::int64_t warmup_steps = 0;  // at first, in a straight line from learning_rate to warmup_target; 0: none
  double warmup_target = 0;       // where the decay then begins
};

// Each: ValueError for a rate that is not finite or is below 0, and for the others as below.
namespace schedules {

Schedule constant(double learning_rate);  // the same throughout

// rate * decay_rate^(step / decay_steps), the exponent rounded down if `staircase`. ValueError unless decay_steps is 1
// or more, and decay_rate finite and above 0.
Schedule exponential_decay(ExponentialDecayOptions options);

// From the start s to alpha * s, and there it stays: s * (alpha + (1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2).
// s is learning_rate, or warmup_target with a warm-up, whose steps come before these. Loshchilov and Hutter, "SGDR",
// 2016. ValueError unless decay_steps is 1 or more, alpha from 0 to 1, and warmup_steps 0 or more, and for a
// warmup_target without warmup_steps.
Schedule cosine_decay(CosineDecayOptions options);

// rates[0] up to and including the step boundaries[0], then rates[1], and so on; the last one after the last boundary.
// ValueError unless the boundaries are 0 or more and increase, and there is one more rate than boundaries.
Schedule piecewise(std::vector<std::int64_t> boundaries, std::vector<double> rates);

}  // namespace schedules
}  // namespace floe
