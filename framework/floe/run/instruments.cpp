// Instruments: made from the flags of an app.
#include <floe/run/instruments.h>

#include <fmt/format.h>

namespace floe {

Instruments::Instruments(const CommonArguments& flags, std::int64_t done)
    : board(flags.tensorboard, {.first_step = done + 1}),
      trace_(flags.out / "trace.json"),
      step_(done),
      last_printed_(done + flags.print) {
  if (flags.check_numerics) check_.emplace();
  if (flags.profile) profile_.emplace();
}

std::int64_t Instruments::begin_step() {
  ++step_;
  if (check_) check_->step(step_);
  return step_;
}

void Instruments::end_epoch() {
  if (!profile_) return;
  fmt::print("{}", profile_->table());
  profile_->save_trace(trace_);
  profile_.reset();
}

}  // namespace floe
