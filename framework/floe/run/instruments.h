// Instruments: what every app can be asked to show of its training, beside the loop instead of in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <floe/run/arguments.h>
#include <floe/watch/numerics.h>
#include <floe/watch/profile.h>
#include <floe/watch/tensorboard.h>

namespace floe {

// What --print, --check-numerics, --profile and --tensorboard ask for, around a loop:
//
//   Instruments instruments(flags, optimizer.steps());
//   for (const Tensor& images : batches) {
//     std::int64_t step = instruments.begin_step();
//     ...
//     if (instruments.print()) fmt::print("{}", describe(gradients));
//   }
//   instruments.end_epoch();
class Instruments {
 public:
  // Those that the flags ask for; `done` steps were made before, in the run that this one resumes. FileError if the
  // folder of --tensorboard cannot be written.
  Instruments(const CommonArguments& flags, std::int64_t done);

  std::int64_t begin_step();                           // its number, from 1; --check-numerics names it
  std::int64_t step() const { return step_; }          // of the last begin_step()
  bool print() const { return step_ <= last_printed_; }  // is it one of the first steps, which --print shows?

  // After the first epoch, --profile prints its table to stdout, leaves OUT/trace.json (FileError if it cannot) and
  // ends.
  void end_epoch();

  SummaryWriter board;  // for --tensorboard; without it, nothing is written

 private:
  std::filesystem::path trace_;
  std::int64_t step_, last_printed_;
  std::optional<CheckNumerics> check_;
  std::optional<Profile> profile_;
};

}  // namespace floe
