// Checkpoint: three walks over the state of its parts, to gather values, to compare them with a file, to replace them.
#include <floe/run/checkpoint.h>

#include <algorithm>
#include <exception>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <floe/files/file.h>
#include <floe/files/safetensors.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/record.h>
#include <floe/tensor/parse.h>

namespace floe {
namespace {

constexpr std::string_view file_start = "checkpoint-", file_end = ".safetensors";
constexpr std::size_t most_listed = 10;

// A file that could be read, but is of something else: no reason to fall back to an older one.
class MisfitError : public FileError {
 public:
  using FileError::FileError;
};

// --- The three walks -------------------------------------------------------------------------------------------------

class Gather : public State {
 public:
  NamedTensors values;

  void tensor(const std::string& name, Tensor& value) override { values.emplace_back(name, value); }
  void variable(const std::string& name, Variable& variable) override { values.emplace_back(name, variable.value()); }
  void names(const std::string&, const std::function<void(const std::string&)>&) override {}
};

// The sizes after a transpose(). ValueError unless each axis is named once.
Shape in_order(const Shape& shape, const RestoreSource& source, const std::string& name) {
  if (source.axes.empty()) return shape;
  std::vector<int> sorted = source.axes, each(static_cast<std::size_t>(shape.rank()));
  std::sort(sorted.begin(), sorted.end());
  std::iota(each.begin(), each.end(), 0);
  if (sorted != each) {
    std::string remedy = each.empty()
                             ? "fit (), which has none"
                             : fmt::format("name each axis of {} once, from 0 to {}", to_string(shape), each.back());
    throw ValueError(fmt::format("restore: the axes ({}) of {} do not {}", fmt::join(source.axes, ", "), name, remedy));
  }
  Shape result;
  for (int axis : source.axes) result.append(shape[axis]);
  return result;
}

class Compare : public State {
 public:
  std::vector<std::pair<std::string, RestoreSource>> matched;  // where each of report.matched is
  std::set<std::string> emptied;  // what the file was saved without

  Compare(const SafetensorsFile& file, const RestoreOptions& options, RestoreReport& report)
      : options_(options), report_(report) {
    for (const SafetensorsEntry& entry : file.entries()) entries_[entry.name] = &entry;
  }

  void tensor(const std::string& name, Tensor&) override { compare(name, nullptr); }
  void variable(const std::string& name, Variable& variable) override { compare(name, &variable.value()); }

  void names(const std::string& prefix, const std::function<void(const std::string&)>& found) override {
    for (auto at = entries_.lower_bound(prefix); at != entries_.end() && at->first.starts_with(prefix); ++at) {
      found(at->first.substr(prefix.size()));
    }
  }

  void together(const std::string& owner, const std::vector<std::pair<std::string, Tensor*>>& tensors) override {
    auto absent = [&](const auto& named) {
      RestoreSource source = source_of(named.first);
      return !source.name.empty() && !entries_.contains(source.name);
    };
    if (!entries_.contains(source_of(owner).name) || !std::all_of(tensors.begin(), tensors.end(), absent))
      return State::together(owner, tensors);
    for (const auto& [name, value] : tensors) emptied.insert(name);
  }

  void list_unexpected() {
    for (const auto& [name, entry] : entries_) {
      if (!asked_.contains(name)) report_.unexpected.push_back(name);
    }
  }

 private:
  RestoreSource source_of(const std::string& name) const {
    return options_.source ? options_.source(name) : RestoreSource{name};
  }

  // `like`: the value whose shape and dtype it must have.
  void compare(const std::string& name, const Tensor* like) {
    RestoreSource source = source_of(name);
    if (source.name.empty()) return;
    std::string told = source.name == name ? name : fmt::format("{} as {}", name, source.name);
    auto found = entries_.find(source.name);
    if (found == entries_.end()) return report_.missing.push_back(told);
    asked_.insert(source.name);
    const SafetensorsEntry& entry = *found->second;
    Shape shape = in_order(entry.shape, source, told);
    if (like && !(shape == like->shape() && entry.dtype == like->dtype()))
      return report_.reshaped.push_back({told, like->shape(), shape, like->dtype(), entry.dtype});
    report_.matched.push_back(name);
    matched.emplace_back(name, std::move(source));
  }

  const RestoreOptions& options_;
  RestoreReport& report_;
  std::set<std::string> asked_;  // names in the file
  std::map<std::string, const SafetensorsEntry*> entries_;
};

class Replace : public State {
 public:
  // Tensors that are not among the values stay, but for those that are `emptied`.
  Replace(const NamedTensors& values, std::set<std::string> emptied)
      : values_(values.begin(), values.end()), emptied_(std::move(emptied)) {}

  void tensor(const std::string& name, Tensor& value) override {
    if (auto found = values_.find(name); found != values_.end()) value = found->second.on(value.device());
    else if (emptied_.contains(name)) value = {};
  }
  void variable(const std::string& name, Variable& variable) override {
    if (auto found = values_.find(name); found != values_.end())
      variable.assign(found->second.on(variable.value().device()));
  }
  void names(const std::string& prefix, const std::function<void(const std::string&)>& found) override {
    for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix); ++at) {
      found(at->first.substr(prefix.size()));
    }
  }

 private:
  std::map<std::string, Tensor> values_;
  std::set<std::string> emptied_;
};

// --- Files and texts -------------------------------------------------------------------------------------------------

// The step of checkpoint-STEP.safetensors.
std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(file_start) || !name.ends_with(file_end)) return {};
  std::string_view number = std::string_view(name).substr(file_start.size());
  auto step = parse_number<std::int64_t>(number.substr(0, number.size() - file_end.size()));
  return step && *step >= 0 ? step : std::nullopt;
}

std::map<std::int64_t, std::filesystem::path> checkpoints_in(const std::filesystem::path& folder) {
  std::map<std::int64_t, std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (auto step = step_of(at->path().filename().string())) files[*step] = at->path();
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw FileError(folder, "", fmt::format("the folder cannot be read: {}", error.message()));
  }
  return files;
}

// Temporaries of all checkpoints in the folder, also of steps that will not be saved again.
void sweep_temporaries(const std::filesystem::path& folder) {
  std::set<std::string> targets;
  std::error_code error;
  std::filesystem::directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    std::size_t target_end = name.rfind(file_end) + file_end.size();
    if (name.ends_with(".tmp") && step_of(name.substr(0, target_end))) targets.insert(name.substr(0, target_end));
  }
  for (const std::string& target : targets) sweep_orphans(folder / target);
}

// " (a, b, c, and 7 more)", or nothing.
std::string listed(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most_listed));
  std::string text = fmt::format(" ({}", fmt::join(names.begin(), end, ", "));
  if (names.size() > most_listed) text += fmt::format(", and {} more", names.size() - most_listed);
  return text + ")";
}

std::string listed(const std::vector<RestoreReport::Reshaped>& reshaped) {
  std::vector<std::string> texts;
  for (const auto& value : reshaped) {
    texts.push_back(fmt::format("{}: {} {} here, {} {} in the file", value.name, to_string(value.shape),
                                name(value.dtype), to_string(value.shape_in_file), name(value.dtype_in_file)));
  }
  return listed(texts);
}

std::string misfits(const RestoreReport& report) {
  std::string text = fmt::format("{} missing{}", report.missing.size(), listed(report.missing));
  if (report.reshaped.empty()) return text;
  return text + fmt::format("; {} of another shape or dtype{}", report.reshaped.size(), listed(report.reshaped));
}

}  // namespace

std::string RestoreReport::text() const {
  std::string what = step < 0 ? "" : fmt::format("{} {} from ", unit, step);
  std::string text = fmt::format("restored {}{}: {}; {}", what, path.string(),
                                 count(static_cast<long long>(matched.size()), "value"), misfits(*this));
  if (!unexpected.empty()) text += fmt::format("; {} not requested{}", unexpected.size(), listed(unexpected));
  for (const std::string& reason : left_out) text += fmt::format("\nleft out {}", reason);
  return text;
}

// --- Parts -----------------------------------------------------------------------------------------------------------

Checkpoint::Checkpoint(std::filesystem::path folder, CheckpointOptions options)
    : folder_(folder.empty() ? "." : std::move(folder)), options_(std::move(options)) {
  if (options_.keep < 1) throw ValueError(fmt::format("checkpoint: .keep must be 1 or more, but is {}", options_.keep));
}

void Checkpoint::add(const std::string& name, std::int64_t& number) {
  add_part(name, [&number, name](State& state) { state.number(name, number); });
}

void Checkpoint::add(const std::string& name, Rng& rng) {
  add_part(name, [&rng, name](State& state) { state.rng(name, rng); });
}

void Checkpoint::add(const std::string& name, Variable& variable) {
  add_part(name, [&variable, name](State& state) { state.variable(name, variable); });
}

void Checkpoint::add(const std::string& name, Tensor& value) {
  add_part(name, [&value, name](State& state) { state.tensor(name, value); });
}

void Checkpoint::add_part(const std::string& name, std::function<void(State&)> state) {
  bool taken = std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
  if (taken) throw ValueError(fmt::format("checkpoint: there is already a part called {}", in_quotes(name)));
  parts_.push_back({name, std::move(state)});
}

void Checkpoint::visit(State& state) const {
  for (const Part& part : parts_) part.state(state);
}

// --- Saving and restoring --------------------------------------------------------------------------------------------

std::filesystem::path Checkpoint::save(std::int64_t step) {
  if (step < 0) throw ValueError(fmt::format("checkpoint: a step is 0 or more, not {}", step));
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw FileError(folder_, "", fmt::format("the folder cannot be made: {}", error.message()));

  Gather state;
  visit(state);
  for (const auto& [name, value] : state.values) {
    if (!value.defined()) throw ValueError(fmt::format("checkpoint: {} has no value yet", name));
  }
  std::filesystem::path path = folder_ / fmt::format("{}{:08}{}", file_start, step, file_end);
  save_safetensors(path, state.values, {{"step", fmt::to_string(step)}});

  // Only now that the new file is on the disk may others go.
  std::map<std::int64_t, std::filesystem::path> files = checkpoints_in(folder_);
  int kept = 0;
  for (auto at = files.rbegin(); at != files.rend(); ++at) {
    if (at->first > step || kept++ >= options_.keep) std::filesystem::remove(at->second, error);
  }
  sweep_temporaries(folder_);
  return path;
}

std::optional<std::int64_t> Checkpoint::latest() const {
  std::map<std::int64_t, std::filesystem::path> files = checkpoints_in(folder_);
  if (files.empty()) return {};
  return files.rbegin()->first;
}

void Checkpoint::remove_all() {
  for (const auto& [step, path] : checkpoints_in(folder_)) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) throw FileError(path, "", "cannot be removed: " + in_words(error));
  }
}

std::optional<RestoreReport> Checkpoint::restore_latest() {
  std::map<std::int64_t, std::filesystem::path> files = checkpoints_in(folder_);
  std::vector<std::string> left_out;
  std::exception_ptr newest;
  for (auto at = files.rbegin(); at != files.rend(); ++at) {
    try {
      RestoreReport report = restore(at->second);
      report.left_out = left_out;
      return report;
    } catch (const MisfitError&) {
      throw;
    } catch (const FileError& unreadable) {
      left_out.push_back(unreadable.what());
      if (!newest) newest = std::current_exception();
    }
  }
  if (newest) std::rethrow_exception(newest);
  return {};
}

RestoreReport Checkpoint::restore(const std::filesystem::path& path, RestoreOptions options) {
  // Compare names, shapes and dtypes.
  SafetensorsFile file(path);
  RestoreReport report;
  report.path = path;
  report.unit = options_.unit;
  if (auto text = file.metadata().find("step"); text != file.metadata().end()) {
    report.step = parse_number<std::int64_t>(text->second).value_or(report.step);
  }
  Compare compare(file, options, report);
  visit(compare);
  compare.list_unexpected();
  if (!options.partial && !(report.missing.empty() && report.reshaped.empty())) {
    throw MisfitError(path, "", "it does not fit: " + misfits(report));
  }

  // Read all values, which checks their checksums.
  NoRecording silence;
  NamedTensors values;
  for (const auto& [name, source] : compare.matched) {
    Tensor value = file.load(source.name);
    values.emplace_back(name, source.axes.empty() ? value : transpose(value, source.axes));
  }

  // Replace them. A dataset may still refuse its place; then everything goes back.
  Gather before;
  visit(before);
  try {
    Replace replace(values, compare.emptied);
    visit(replace);
  } catch (...) {
    Replace replace(before.values, std::set(report.matched.begin(), report.matched.end()));
    visit(replace);
    throw;
  }
  return report;
}

}  // namespace floe
