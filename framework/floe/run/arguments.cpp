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

template <class T>
T Argument::number(const std::string& text) const {
  T number = number_of<T>(flag_, text);
  auto value = static_cast<double>(number);
  auto refuse = [&](const std::string& range) {
    throw ValueError(fmt::format("{} is {}, but must be {}", flag_, text, range));
  };
  if (least_ && value < *least_) refuse(fmt::format("{} or more", *least_));
  if (most_ && value > *most_) refuse(fmt::format("{} or less", *most_));
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
  CLI::App app(about_, program_);
  app.allow_extras();  // to name the nearest flag for one that is unknown
  for (Argument& argument : arguments_) {
    if (bool** value = std::get_if<bool*>(&argument.target_)) {
      app.add_flag(argument.flag_, **value, argument.help_);
      continue;
    }
    CLI::Option* option = app.add_option(argument.flag_, [&](const CLI::results_t& texts) {
      argument.read(texts);
      return true;
    }, argument.help_);
    option->type_name(argument.type_name())->default_str(argument.default_text());
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);  // to refuse a second value by name
    option->expected(static_cast<int>(argument.values()));
  }

  try {
    app.parse(argc, argv);
    require_known(app.remaining());
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ArgumentMismatch& error) {
    std::string text = error.what();  // "--epochs: 1 required NUMBER missing"
    fmt::print(stderr, "{}: {} needs a value\n", program_, text.substr(0, text.find(':')));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program_, error.what());
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

void add_common(Arguments& arguments, CommonArguments& common) {
  arguments.add("--epochs", common.epochs, "Passes over the data").at_least(1);
  arguments.add("--batch", common.batch, "Examples per step").at_least(1);
  arguments.add("--seed", common.seed, "Where all random numbers start; equal seeds give equal runs");
  arguments.add("--device", common.device, "Where to compute: cpu, cuda (the first GPU) or cuda:NUMBER");
  arguments.add("--precision", common.precision, "How a GPU multiplies: float32, tf32 or bf16");
  arguments.add("--data", common.data, "Data to learn from, instead of the app's own");
  arguments.add("--out", common.out, "Folder for pictures, losses and checkpoints");
  arguments.add("--resume", common.resume, "Continue from the last checkpoint in the folder");
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

int run_app(const std::function<int()>& body) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // lines come when they are written, even into a file or a pipe
  std::string what;
  try {
    return body();
  } catch (const std::filesystem::filesystem_error& error) {
    what = fmt::format("{}: {}", error.path1().string(), error.code().message());
  } catch (const std::bad_alloc&) {
    what = "there is not enough memory";
  } catch (const std::exception& error) {
    what = error.what();
  }
  fmt::print(stderr, "{}: {}\n", os::program_name(), what);
  return 2;
}

}  // namespace floe
