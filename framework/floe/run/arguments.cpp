// Arguments: CLI11 takes the command line apart and lays out the help; values and messages are made here.
#include <floe/run/arguments.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>
#include <numeric>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <floe/backend/settings.h>
#include <floe/files/file.h>
#include <floe/files/system.h>
#include <floe/tensor/error.h>
#include <floe/tensor/parse.h>

namespace floe {
namespace {

template <class T>
T number_of(const std::string& flag, const std::string& text) {
  bool beyond = false;
  auto number = parse_number<T>(text, &beyond);
  if (beyond) throw ValueError(fmt::format("{} is {}, which is beyond its range", flag, text));
  if constexpr (std::is_floating_point_v<T>) {
    if (number && std::isfinite(*number)) return *number;
    throw ValueError(fmt::format("{} takes a number, not '{}'", flag, text));
  } else {
    if (number) return *number;
    const char* least = std::is_unsigned_v<T> ? " of 0 or more" : "";
    throw ValueError(fmt::format("{} takes a whole number{}, not '{}'", flag, least, text));
  }
}

// The fewest characters to insert, remove or replace that make one of the other (Levenshtein).
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// In one line, which is lost if stderr cannot be written either.
void report(const std::string& program, std::string_view what) {
  std::fputs(fmt::format("{}: {}\n", program, what).c_str(), stderr);
}

// The status to exit with: 2 instead of 0 if something that was printed got lost.
int status_after_output(const std::string& program, int status) {
  std::error_code lost = os::output_lost();
  if (!lost || status != 0) return status;
  report(program, "not all of its output could be written: " + in_words(lost));
  return 2;
}

}  // namespace

// --- One flag --------------------------------------------------------------------------------------------------------

Argument& Argument::at_least(double least) {
  least_ = least;
  return *this;
}

Argument& Argument::at_most(double most) {
  most_ = most;
  return *this;
}

Argument& Argument::below(double bound) {
  bound_ = bound;
  return *this;
}

Argument& Argument::excludes(std::vector<std::string> flags) {
  excluded_ = std::move(flags);
  return *this;
}

Argument& Argument::noted_in(bool& given) {
  noted_in_ = &given;
  return *this;
}

template <class T>
T Argument::number(const std::string& text) const {
  T number = number_of<T>(flag_, text);
  auto value = static_cast<double>(number);
  auto refuse = [&](const std::string& range) {
    throw ValueError(fmt::format("{} is {}, but must be {}", flag_, text, range));
  };
  if (least_ && value < *least_) refuse(fmt::format("{} or more", *least_));
  if (most_ && value > *most_) refuse(fmt::format("{} or less", *most_));
  if (bound_ && value >= *bound_) refuse(fmt::format("below {}", *bound_));
  return number;
}

void Argument::read(const std::vector<std::string>& texts) {
  for (const std::string& text : texts)
    if (text.starts_with("--")) throw ValueError(fmt::format("{} needs a value, but {} follows", flag_, text));
  if (texts.size() > values()) throw ValueError(fmt::format("{} is given twice", flag_));
  if (texts.size() < values()) throw ValueError(fmt::format("{} needs two values", flag_));

  std::visit([&]<class T>(T* target) {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>) {
      if (texts.front().empty()) throw ValueError(fmt::format("{} needs a value, but is empty", flag_));
      *target = texts.front();
    } else if constexpr (std::is_same_v<T, std::pair<int, int>>) {
      *target = {number<int>(texts[0]), number<int>(texts[1])};
    } else if constexpr (!std::is_same_v<T, bool>) {
      *target = number<T>(texts.front());
    }
  }, target_);
}

std::size_t Argument::values() const { return std::holds_alternative<std::pair<int, int>*>(target_) ? 2 : 1; }

std::string Argument::default_text() const {
  return std::visit([]<class T>(const T* target) -> std::string {
    if constexpr (std::is_same_v<T, std::filesystem::path>) return target->string();
    else if constexpr (std::is_same_v<T, std::pair<int, int>>)
      return fmt::format("{} {}", target->first, target->second);
    else return fmt::format("{}", *target);
  }, target_);
}

const char* Argument::type_name() const {
  if (std::holds_alternative<std::filesystem::path*>(target_)) return "PATH";
  return std::holds_alternative<std::string*>(target_) ? "TEXT" : "NUMBER";
}

// --- All of them -----------------------------------------------------------------------------------------------------

Argument& Arguments::add_target(const std::string& flag, Argument::Target target, const std::string& help) {
  Argument& argument = arguments_.emplace_back();
  argument.flag_ = flag;
  argument.target_ = target;
  argument.help_ = help;
  return argument;
}

std::optional<int> Arguments::parse(int argc, const char* const* argv) {
  os::open_channels();
  CLI::App app(about_, program_);
  app.allow_extras();  // to name the nearest flag for one that is unknown
  std::vector<CLI::Option*> options;
  for (Argument& argument : arguments_) {
    if (bool** value = std::get_if<bool*>(&argument.target_)) {
      options.push_back(app.add_flag(argument.flag_, **value, argument.help_));
      continue;
    }
    CLI::Option* option = app.add_option(argument.flag_, [&](const CLI::results_t& texts) {
      argument.read(texts);
      return true;
    }, argument.help_);
    option->type_name(argument.type_name())->default_str(argument.default_text());
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);  // to refuse a second value by name
    option->expected(static_cast<int>(argument.values()));
    options.push_back(option);
  }

  try {
    app.parse(argc, argv);
    require_known(app.remaining());
    for (std::size_t i = 0; i < options.size(); ++i) arguments_[i].given_ = options[i]->count() > 0;
    require_compatible();
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return status_after_output(program_, 0);
  } catch (const CLI::ArgumentMismatch& error) {
    std::string text = error.what();  // "--epochs: 1 required NUMBER missing"
    report(program_, text.substr(0, text.find(':')) + " needs a value");
  } catch (const std::exception& error) {
    report(program_, error.what());
  }
  return 2;
}

void Arguments::require_known(const std::vector<std::string>& rest) const {
  if (rest.empty()) return;
  std::string flag = rest.front().substr(0, rest.front().find('='));
  if (!flag.starts_with('-')) throw ValueError(fmt::format("'{}' is not expected; flags begin with --", flag));

  auto nearest = std::min_element(arguments_.begin(), arguments_.end(), [&](const Argument& a, const Argument& b) {
    return edits(flag, a.flag_) < edits(flag, b.flag_);
  });
  bool near = nearest != arguments_.end() && 2 * edits(flag, nearest->flag_) <= flag.size();
  throw ValueError(fmt::format("there is no flag {}; {}", flag,
                               near ? fmt::format("did you mean {}?", nearest->flag_) : "--help lists the flags"));
}

void Arguments::require_compatible() const {
  auto given = [&](const std::string& flag) {
    auto is_it = [&](const Argument& other) { return other.flag_ == flag && other.given_; };
    return std::any_of(arguments_.begin(), arguments_.end(), is_it);
  };
  for (const Argument& argument : arguments_) {
    if (argument.noted_in_) *argument.noted_in_ = argument.given_;
    if (!argument.given_) continue;
    for (const std::string& other : argument.excluded_) {
      if (given(other)) throw ValueError(fmt::format("{} and {} do not go together", argument.flag_, other));
    }
  }
}

void add_common(Arguments& arguments, CommonArguments& common) {
  arguments.add("--epochs", common.epochs, "Passes over the data").at_least(1);
  arguments.add("--batch", common.batch, "Examples per step").at_least(1);
  arguments.add("--seed", common.seed, "Where all random numbers start; equal seeds give equal runs");
  arguments.add("--device", common.device, "Where to compute: cpu, cuda (the first GPU) or cuda:NUMBER");
  arguments.add("--precision", common.precision, "How a GPU multiplies: float32, tf32 or bf16");
  arguments.add("--data", common.data, "Data to learn from, instead of the app's own");
  arguments.add("--out", common.out, "Folder for pictures, losses and checkpoints").noted_in(common.out_given);
  arguments.add("--resume", common.resume, "Continue from the last checkpoint in the folder");
  arguments.add("--overwrite", common.overwrite, "Replace the run that is in the folder").excludes({"--resume"});
  arguments.add("--tensorboard", common.tensorboard, "Folder for TensorBoard's events");
  arguments.add("--print", common.print, "Show the tensors and gradients of the first NUMBER steps").at_least(0);
  arguments.add("--check-numerics", common.check_numerics,
                "Stop at the first op that makes a NaN or infinity, and report where");
  arguments.add("--profile", common.profile, "Show where the time of the first epoch went; writes trace.json");
}

Device device_for(const CommonArguments& common) {
  Device device = parse_device(common.device);
  require_precision(parse_precision(common.precision), device);
  return device;
}

void require_writable(std::string_view flag, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path there = std::filesystem::absolute(folder);  // what there is of it
  while (there.has_relative_path() && !std::filesystem::exists(std::filesystem::symlink_status(there, error)))
    there = there.parent_path();
  auto refuse = [&](const std::string& why) {
    throw ValueError(fmt::format("{} is {}, but must be a folder that can be written: {} {}", flag, folder.string(),
                                 there.string(), why));
  };
  if (!std::filesystem::is_directory(there, error)) refuse("is no folder");
  std::filesystem::path probe = there / fmt::format("floe.{}.tmp", os::process_id());
  if (!os::create_file(probe, error)) {
    bool never = error == std::errc::no_such_file_or_directory;  // such as in /proc
    refuse(never ? "takes no files" : "takes no files: " + in_words(error));
  }
  std::filesystem::remove(probe, error);
}

int run_app(const std::function<int()>& body) {
  os::open_channels();
  std::string what;
  int status = 2;
  try {
    return status_after_output(os::program_name(), body());
  } catch (const TrainingError& error) {
    what = error.what(), status = 1;
  } catch (const std::filesystem::filesystem_error& error) {
    what = fmt::format("{}: {}", error.path1().string(), error.code().message());
  } catch (const std::bad_alloc&) {
    what = "there is not enough memory";
  } catch (const std::exception& error) {
    what = error.what();
  }
  report(os::program_name(), what);
  return status;
}

}  // namespace floe
