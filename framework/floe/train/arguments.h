// Arguments: the command line of an app, with the flags that all apps share.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace floe {

// A flag and the variable that takes its value.
class Argument {
 public:
  Argument& at_least(double least);  // for numbers
  Argument& at_most(double most);

 private:
  friend class Arguments;
  using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::pair<int, int>*, std::string*,
                              std::filesystem::path*>;

  template <class T> T number(const std::string& text) const;
  void read(const std::vector<std::string>& texts);
  std::size_t values() const;  // how many it takes
  std::string default_text() const;
  const char* type_name() const;

  std::string flag_;
  Target target_;
  std::string help_;
  std::optional<double> least_{}, most_{};
};

//   int main(int argc, char** argv) {
//     int epochs = 50;
//     Arguments arguments("penguins", "A DCGAN that learns to draw penguins.");
//     arguments.add("--epochs", epochs, "Passes over the data").at_least(1);
//     if (auto status = arguments.parse(argc, argv)) return *status;
class Arguments {
 public:
  Arguments(std::string program, std::string about) : program_(std::move(program)), about_(std::move(about)) {}

  // T is bool, int, std::int64_t, std::uint64_t, double, std::pair<int, int>, std::string or std::filesystem::path. The
  // variable holds the default, which --help shows, and must outlive parse(). Flags begin with "--"; one for a bool
  // takes no value and makes it true, one for a pair takes two. A name without "--" is a value that stands for itself.
  template <class T>
    requires std::is_constructible_v<Argument::Target, T*>
  Argument& add(const std::string& flag, T& value, const std::string& help) {
    return add_target(flag, &value, help);
  }

  // Nothing if the app shall go on. Else the status to exit with: 0 after --help, 2 after one sentence on stderr about
  // what is wrong with the command line.
  std::optional<int> parse(int argc, const char* const* argv);

 private:
  Argument& add_target(const std::string& flag, Argument::Target target, const std::string& help);
  void require_known(const std::vector<std::string>& rest) const;

  std::string program_, about_;
  std::deque<Argument> arguments_;
};

// What every app takes. An app sets its own defaults: CommonArguments common{.epochs = 50, .batch = 256}.
struct CommonArguments {
  int epochs = 1;
  int batch = 32;
  std::uint64_t seed = 0;
  std::string device = "cpu";
  std::filesystem::path data{};  // empty: the app's own
  std::filesystem::path out{};
  bool resume = false;
  std::filesystem::path tensorboard{};  // empty: none
  int print = 0;
  bool check_numerics = false;
  bool profile = false;
};

void add_common(Arguments& arguments, CommonArguments& common);

// Gives what `body` gives. An exception that comes out of it becomes "PROGRAM: MESSAGE" on stderr and 2.
int run_app(const std::function<int()>& body);

}  // namespace floe
