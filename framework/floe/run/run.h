// Run: what surrounds a training loop, so that the loop can be the loop. It keeps, counts, reports and shows; it never
// trains, and knows models and optimizers only by their state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <floe/files/csv.h>
#include <floe/files/system.h>
#include <floe/metrics/metrics.h>
#include <floe/run/arguments.h>
#include <floe/run/checkpoint.h>
#include <floe/run/progress.h>
#include <floe/watch/inspect.h>
#include <floe/watch/numerics.h>
#include <floe/watch/profile.h>
#include <floe/watch/tensorboard.h>

namespace floe {

// How a run reports what it does, by name.
struct RunOptions {
  int decimals = 3;      // of the numbers in an epoch's line
  int board_every = 10;  // steps from one point of a step's curve to the next, for --tensorboard
  bool trained = false;  // not to train, but to use what was trained before: see use_trained()
};

// One training from its flags to its last picture, made before the first variable:
//
//   Run run("penguins", flags);
//   Generator generator("generator", run.device(), rng);
//   run.keep("generator", generator);
//   while (run.next_epoch()) {
//     for (const Tensor& images : run.steps(drawings)) {
//       ...                                                    // the training step, in full view
//       run.report({{"generator", g_loss}, {"discriminator", d_loss}});
//       run.print({{"images", images}, {"g_loss", g_loss}}, {g_gradients, d_gradients});
//     }
//     run.number("distance", distance());
//   }
//
// An epoch ends at the next next_epoch(): then its line is printed, a row goes to FOLDER/losses.csv, and the checkpoint
// is saved. So what the loop leaves behind is whole before the checkpoint says so, and a run that was killed repeats at
// most one epoch. Equal runs leave equal files, in whatever pieces they were made.
//
// A folder holds one run, and one process trains in it at a time. Without --resume, an earlier run in the app's own
// folder is moved aside whole, to FOLDER-1 or the next number that is free; one in a folder of --out is refused, unless
// --overwrite replaces it. It is known by its checkpoints or its losses.csv; what else is there is left alone.
//
// A loss or a trainable variable that became NaN or infinite, or a number that is NaN, ends the run, and that epoch
// leaves no checkpoint.
class Run {
 public:
  template <class E>
  class Steps;

  // Sets the process's GPU precision to that of the flags, and makes sure of the folder without a change to it: the
  // first next_epoch() makes it. ValueError and DeviceError as device_for(); ValueError if the folder, or that of
  // --tensorboard, cannot be written, if another process trains in it, and if it holds a run that has to stay.
  // FileError if its losses.csv is no run's.
  Run(std::string program, const CommonArguments& flags, RunOptions options = {});
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Device device() const { return device_; }                           // of --device
  const std::filesystem::path& folder() const { return flags_.out; }  // of --out
  std::string backend() const;  // "cpu, oneDNN 2.6.3 and Eigen 3.4.0, 2 threads", for an app's first line

  // Whatever the rest of a run depends on: layers, optimizers, datasets, random streams, numbers, tensors. See
  // Checkpoint::add(). Trainable variables also become histograms for --tensorboard.
  template <class T>
  void keep(const std::string& name, T& part) {
    checkpoint_.add(name, part);
  }

  // For an app that uses a trained model, with .trained: what is kept becomes that of the last checkpoint. ValueError
  // with the command that trains one, if there is none; FileError as restore_latest(). Returns the epochs that it
  // was trained for.
  std::int64_t use_trained();

  // Ends the previous epoch; true if there is another one. The first call sees to an earlier run in the folder: it
  // restores its last checkpoint under --resume. Then it starts what the flags want to see: --check-numerics, --profile,
  // --tensorboard. TrainingError if a trainable variable is no longer finite.
  bool next_epoch();
  std::int64_t epoch() const { return epochs_ + 1; }               // the running one, from 1
  bool is_last_epoch() const { return epoch() == flags_.epochs; }  // of --epochs
  std::int64_t step() const { return steps_; }                     // the running one, from 1, over all epochs

  // The dataset's elements, one a step, with a line of progress.
  template <class E>
  Steps<E> steps(Dataset<E>& dataset) {
    return {*this, dataset};
  }

  // The losses of a step, of one element each: an epoch's line and row have their means, in this order. TrainingError
  // with the step since which one of them has been NaN or infinite: here on a CPU, at the end of the epoch on a GPU,
  // which is not waited for.
  void report(const NamedTensors& losses);
  // A number of the running epoch, after the losses. TrainingError if it is NaN; an infinity may be meant.
  void number(const std::string& name, double value);

  // In the first steps, as many as --print gives: each value in a line, then each table of gradients.
  void print(const NamedTensors& values, std::initializer_list<std::reference_wrapper<const Gradients>> gradients);

  SummaryWriter& board() { return *board_; }  // for --tensorboard, from the first next_epoch() on; else writes nothing

 private:
  struct Number {
    std::string name;
    Mean mean{};
    std::vector<std::int64_t> steps{};  // in which its losses were reported
  };

  bool holds_run() const;
  void take_folder();
  void lock_folder();
  void make_room();
  void begin();
  Number& number_called(const std::string& name);
  [[noreturn]] void fail(const std::string& what) const;
  void require_finite(const Number& loss) const;
  void require_finite_all();
  void begin_steps(std::int64_t steps);
  void begin_step();
  void end_steps();
  void end_epoch();

  std::string program_;
  CommonArguments flags_;
  RunOptions options_;
  Device device_;
  os::File lock_;  // the folder, from when it is there
  Checkpoint checkpoint_;
  std::optional<CsvLog> log_;  // from the first row on
  std::optional<SummaryWriter> board_;
  std::optional<CheckNumerics> check_;
  std::optional<Profile> profile_;
  std::optional<Progress> progress_;

  std::int64_t epochs_ = 0, steps_ = 0;  // done so far
  std::int64_t last_printed_ = 0;
  bool in_epoch_ = false;
  std::vector<Number> numbers_;  // of the running epoch, in the order in which they came
};

// What run.steps(dataset) gives to a loop.
template <class E>
class Run::Steps {
 public:
  // One loop: a step begins with each element.
  class Iterator {
   public:
    Iterator(Run& run, Dataset<E>& dataset) : run_(run), at_(dataset.begin()) { begin_step(); }
    const E& operator*() const { return *at_; }
    bool operator==(std::default_sentinel_t end) const { return at_ == end; }
    Iterator& operator++() {
      run_.progress_->step();
      ++at_;
      begin_step();
      return *this;
    }

   private:
    void begin_step() { at_ == std::default_sentinel ? run_.end_steps() : run_.begin_step(); }

    Run& run_;
    typename Dataset<E>::Iterator at_;
  };

  // Of a dataset, which outlives the loop, as the run does.
  Steps(Run& run, Dataset<E>& dataset) : run_(run), dataset_(dataset) {}

  Iterator begin() {
    run_.begin_steps(dataset_.size());
    return {run_, dataset_};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  Run& run_;
  Dataset<E>& dataset_;
};

}  // namespace floe
