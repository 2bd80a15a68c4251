// Run: epochs, steps, and what is reported of them.
#include <floe/run/run.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <floe/backend/backend_name.h>
#include <floe/backend/settings.h>
#include <floe/files/file.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/tape/record.h>
#include <floe/tensor/print.h>
#include <floe/tensor/size.h>

namespace floe {
namespace {

constexpr const char *losses_name = "losses.csv", *trace_name = "trace.json";

// Every trainable variable of a part, as a histogram.
class Histograms : public State {
 public:
  Histograms(SummaryWriter& board, std::int64_t step) : board_(board), step_(step) {}

  void tensor(const std::string&, Tensor&) override {}
  void variable(const std::string&, Variable& variable) override {
    if (variable.trainable()) board_.histograms({&variable}, step_);
  }
  void names(const std::string&, const std::function<void(const std::string&)>&) override {}

 private:
  SummaryWriter& board_;
  std::int64_t step_;
};

// The first trainable variable with a NaN or an infinity.
class FirstNotFinite : public State {
 public:
  std::string name;  // empty: there is none

  void tensor(const std::string&, Tensor&) override {}
  void variable(const std::string&, Variable& variable) override {
    if (!name.empty() || !variable.trainable() || !is_floating(variable.value().dtype())) return;
    NoRecording silence;
    if (!reduce_all(isfinite(variable)).item<bool>()) name = variable.path();
  }
  void names(const std::string&, const std::function<void(const std::string&)>&) override {}
};

}  // namespace

Run::Run(std::string program, const CommonArguments& flags, RunOptions options)
    : program_(std::move(program)),
      flags_(flags),
      options_(options),
      device_(device_for(flags)),
      checkpoint_(flags.out / "checkpoint", {.unit = "epoch"}) {
  set_gpu_precision(parse_precision(flags.precision));
  take_folder();
  checkpoint_.add("epoch", epochs_);
  checkpoint_.add("step", steps_);
}

std::string Run::backend() const { return fmt::format("{}, {}", to_string(device_), backend_name(device_)); }

// --- The folder ------------------------------------------------------------------------------------------------------

// Is there anything of a run that would be lost? FileError for a table of someone else's.
bool Run::holds_run() const {
  if (checkpoint_.latest()) return true;
  std::filesystem::path table = folder() / losses_name;
  if (!std::filesystem::exists(table)) return false;
  InputFile file(table);
  std::string start = file.read_text(0, std::min<std::uint64_t>(file.size(), 6), "the first column");
  if (start != "epoch," && start != "epoch\n") {
    file.refuse("line 1",
                fmt::format("expected the losses of a run, found {}; another --out keeps both", file.impostor()));
  }
  return true;
}

// Refuses a folder that cannot be this run's, while nothing has been done yet; changes nothing.
void Run::take_folder() {
  require_writable("--out", folder());
  require_writable("--out", folder() / "checkpoint");
  if (!flags_.tensorboard.empty()) require_writable("--tensorboard", flags_.tensorboard);
  if (options_.trained) return;
  lock_folder();
  if (holds_run() && flags_.out_given && !flags_.resume && !flags_.overwrite) {
    throw ValueError(fmt::format("--out is {}, which holds a run: --resume continues it, --overwrite replaces it",
                                 folder().string()));
  }
}

// If it is there already. The folder itself is locked, so nothing is left in it.
void Run::lock_folder() {
  std::error_code absent;
  os::File file = os::open_file(folder(), absent);
  if (!file || (lock_ && lock_.is_at(folder()))) return;
  if (!file.lock() || !file.is_at(folder())) {
    throw ValueError(fmt::format("--out is {}, where another process is training; another --out keeps both apart",
                                 folder().string()));
  }
  lock_ = std::move(file);
}

// For a new run, which does not mix its files with those of an earlier one.
void Run::make_room() {
  if (flags_.resume || !holds_run()) return;
  if (flags_.overwrite) {
    checkpoint_.remove_all();
    for (const char* name : {losses_name, trace_name}) std::filesystem::remove(folder() / name);
    return;
  }
  std::filesystem::path aside;
  for (int i = 1; std::filesystem::exists(aside = fmt::format("{}-{}", folder().string(), i)); ++i) {}
  std::filesystem::rename(folder(), aside);
  fmt::print("the earlier run is in {} now\n", aside.string());
}

// --- Going on, or using what is there --------------------------------------------------------------------------------

std::int64_t Run::use_trained() {
  if (std::optional<RestoreReport> report = checkpoint_.restore_latest()) {
    fmt::print("trained until epoch {}: {}\n", epochs_, report->path.string());
    return epochs_;
  }
  std::string out =
      folder() == std::filesystem::path("out") / program_ ? "" : fmt::format(" --out {}", folder().string());
  throw ValueError(
      fmt::format("{} holds no trained model yet; ./floe run {}{} trains one", folder().string(), program_, out));
}

void Run::begin() {
  make_room();
  make_folder(folder());
  lock_folder();
  if (flags_.resume) {
    std::optional<RestoreReport> report = checkpoint_.restore_latest();
    fmt::print("{}\n", report ? report->text() : "there is no checkpoint to resume from: a new run begins");
    if (report) log_ = CsvLog::restored(folder() / losses_name, epochs_);
    if (epochs_ >= flags_.epochs) {
      fmt::print("there is nothing left to train: --epochs is {}, and epoch {} is done\n", flags_.epochs, epochs_);
    }
  }
  last_printed_ = steps_ + flags_.print;
  board_.emplace(flags_.tensorboard, SummaryOptions{.first_step = steps_ + 1});
  if (flags_.check_numerics) check_.emplace();
  if (flags_.profile) profile_.emplace();
}

// --- Epochs and steps ------------------------------------------------------------------------------------------------

bool Run::next_epoch() {
  if (!board_) begin();
  if (in_epoch_) end_epoch();
  in_epoch_ = epochs_ < flags_.epochs;
  return in_epoch_;
}

void Run::begin_steps(std::int64_t steps) { progress_.emplace(fmt::format("epoch {:3}", epoch()), steps); }

void Run::begin_step() {
  ++steps_;
  if (check_) check_->step(steps_);
}

void Run::end_steps() {
  if (progress_) progress_->finish();
  if (profile_) {
    fmt::print("{}", profile_->table());
    profile_->save_trace(folder() / trace_name);
    profile_.reset();
  }
  require_finite_all();
}

void Run::end_epoch() {
  end_steps();
  ++epochs_;

  // Report: a line, points of curves, a row.
  std::string line = fmt::format("epoch {:3}", epochs_);
  std::vector<std::string> columns{"epoch"};
  std::vector<double> row;
  for (auto& [name, mean, steps] : numbers_) {
    columns.push_back(name);
    row.push_back(mean.result());
    line += fmt::format("  {} {:.{}f}", name, row.back(), options_.decimals);
    board_->scalar("epoch/" + name, row.back(), steps_);
  }
  fmt::print("{}\n", line);
  if (board_->is_open()) {
    Histograms histograms(*board_, steps_);
    checkpoint_.visit(histograms);
  }
  if (!log_) log_.emplace(folder() / losses_name, columns);
  log_->require_columns(columns);
  log_->append(epochs_, row);

  // Only now that all of it is on the disk does the checkpoint say so.
  checkpoint_.save(epochs_);
  numbers_.clear();
}

// --- What the loop reports -------------------------------------------------------------------------------------------

Run::Number& Run::number_called(const std::string& name) {
  auto found = std::find_if(numbers_.begin(), numbers_.end(), [&](const auto& number) { return number.name == name; });
  return found != numbers_.end() ? *found : numbers_.emplace_back(Number{name});
}

void Run::report(const NamedTensors& losses) {
  for (const auto& [name, loss] : losses) {
    Number& number = number_called(name);
    number.mean.update(loss);
    number.steps.push_back(steps_);
    require_finite(number);
    if (steps_ % options_.board_every == 0) board_->scalar("step/" + name, loss, steps_);
  }
}

void Run::number(const std::string& name, double value) {
  if (std::isnan(value)) fail(fmt::format("{} is NaN in epoch {}", name, epoch()));
  Mean& mean = number_called(name).mean;
  mean.reset();
  mean.update(value);
}

// --- A training that fails -------------------------------------------------------------------------------------------

void Run::fail(const std::string& what) const {
  std::optional<std::int64_t> last = checkpoint_.latest();
  throw TrainingError(
      fmt::format("{}, so the training has failed; {}; --check-numerics shows where it begins", what,
                  last ? fmt::format("the last checkpoint is that of epoch {}", *last) : "there is no checkpoint"));
}

void Run::require_finite(const Number& loss) const {
  std::optional<std::int64_t> since = loss.mean.not_finite_since();
  if (!since || loss.steps.empty()) return;
  std::size_t place = std::min(to_size(*since), loss.steps.size() - 1);
  fail(fmt::format("the loss {} has been NaN or infinite since step {}, in epoch {}", loss.name, loss.steps[place],
                   epoch()));
}

// Once in an epoch: a loss may still be finite when the step that follows it breaks a variable.
void Run::require_finite_all() {
  for (Number& number : numbers_) {
    number.mean.result();
    require_finite(number);
  }
  FirstNotFinite variables;
  checkpoint_.visit(variables);
  if (!variables.name.empty()) fail(fmt::format("{} holds NaN or infinity after epoch {}", variables.name, epoch()));
}

void Run::print(const NamedTensors& values, std::initializer_list<std::reference_wrapper<const Gradients>> gradients) {
  if (steps_ > last_printed_) return;
  fmt::print("\nstep {}\n", steps_);
  for (const auto& [name, value] : values) fmt::print("  {:<12} {}\n", name, describe(value));
  for (const Gradients& table : gradients) fmt::print("{}", describe(table));
}

}  // namespace floe
