// Run: epochs, steps, and what is reported of them.
#include <floe/run/run.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/backend/backend_name.h>
#include <floe/backend/settings.h>
#include <floe/tensor/print.h>

namespace floe {
namespace {

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

}  // namespace

Run::Run(std::string program, const CommonArguments& flags, RunOptions options)
    : program_(std::move(program)),
      flags_(flags),
      options_(options),
      device_(device_for(flags)),
      checkpoint_(flags.out / "checkpoint") {
  set_gpu_precision(parse_precision(flags.precision));
  std::filesystem::create_directories(folder());
  checkpoint_.add("epoch", epochs_);
  checkpoint_.add("step", steps_);
}

std::string Run::backend() const { return fmt::format("{}, {}", to_string(device_), backend_name(device_)); }

// --- Going on, or using what is there --------------------------------------------------------------------------------

std::int64_t Run::use_trained() {
  if (std::optional<RestoreReport> report = checkpoint_.restore_latest()) {
    fmt::print("trained until epoch {}: {}\n", epochs_, report->path.string());
    return epochs_;
  }
  std::filesystem::remove(folder());  // if it is empty, as when it was made for this
  std::string out =
      folder() == std::filesystem::path("out") / program_ ? "" : fmt::format(" --out {}", folder().string());
  throw ValueError(
      fmt::format("{} holds no trained model yet; ./floe run {}{} trains one", folder().string(), program_, out));
}

void Run::begin() {
  if (flags_.resume) {
    std::optional<RestoreReport> report = checkpoint_.restore_latest();
    fmt::print("{}\n", report ? report->text() : "there is no checkpoint to resume from: a new run begins");
    if (report) log_ = CsvLog::restored(folder() / "losses.csv", epochs_);
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
  if (!profile_) return;
  fmt::print("{}", profile_->table());
  profile_->save_trace(folder() / "trace.json");
  profile_.reset();
}

void Run::end_epoch() {
  end_steps();
  ++epochs_;

  // Report: a line, points of curves, a row.
  std::string line = fmt::format("epoch {:3}", epochs_);
  std::vector<std::string> columns{"epoch"};
  std::vector<double> row;
  for (auto& [name, mean] : numbers_) {
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
  if (!log_) log_.emplace(folder() / "losses.csv", columns);
  log_->require_columns(columns);
  log_->append(epochs_, row);

  // Only now that all of it is on the disk does the checkpoint say so.
  checkpoint_.save(epochs_);
  numbers_.clear();
}

// --- What the loop reports -------------------------------------------------------------------------------------------

Mean& Run::number_called(const std::string& name) {
  auto found = std::find_if(numbers_.begin(), numbers_.end(), [&](const auto& entry) { return entry.first == name; });
  return found != numbers_.end() ? found->second : numbers_.emplace_back(name, Mean()).second;
}

void Run::report(const NamedTensors& losses) {
  for (const auto& [name, loss] : losses) {
    number_called(name).update(loss);
    if (steps_ % options_.board_every == 0) board_->scalar("step/" + name, loss, steps_);
  }
}

void Run::number(const std::string& name, double value) {
  Mean& mean = number_called(name);
  mean.reset();
  mean.update(value);
}

void Run::print(const NamedTensors& values, std::initializer_list<std::reference_wrapper<const Gradients>> gradients) {
  if (steps_ > last_printed_) return;
  fmt::print("\nstep {}\n", steps_);
  for (const auto& [name, value] : values) fmt::print("  {:<12} {}\n", name, describe(value));
  for (const Gradients& table : gradients) fmt::print("{}", describe(table));
}

}  // namespace floe
