// Arguments: the command line of an app, with the flags that all apps share.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <floe/tensor/device.h>
#include <floe/tensor/error.h>

namespace floe {

// A flag and the variable that takes its value.
class Argument {
 public:
  // For numbers, ends included: parse() refuses the rest in a sentence.
  Argument& at_least(double least);
  Argument& at_most(double most);
  Argument& below(double bound);  // itself not included

  // Flags that make no sense beside this one: parse() refuses a command line with both.
  Argument& excludes(std::vector<std::string> flags);
  // Becomes true if the flag is on the command line.
  Argument& noted_in(bool& given);

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
  std::optional<double> least_{}, most_{}, bound_{};
  std::vector<std::string> excluded_{};
  bool given_ = false, *noted_in_ = nullptr;
};

// The flags of a program, and the variables that take their values:
//
//   int main(int argc, char** argv) {
//     int epochs = 50;
//     Arguments arguments("penguins", "A DCGAN that learns to draw penguins.");
//     arguments.add("--epochs", epochs, "Passes over the data").at_least(1);
//     if (auto status = arguments.parse(argc, argv)) return *status;
class Arguments {
 public:
  // The program's name, for errors, and a sentence about it, for --help.
  Arguments(std::string program, std::string about) : program_(std::move(program)), about_(std::move(about)) {}

  // T is bool, int, std::int64_t, std::uint64_t, double, std::pair<int, int>, std::string or std::filesystem::path. The
  // variable holds the default, which --help shows, and must outlive parse(). Flags begin with "--"; one for a bool
  // takes no value and makes it true, one for a pair takes two. A name without "--" is a positional argument: its value
  // is given alone.
  template <class T>
    requires std::is_constructible_v<Argument::Target, T*>
  Argument& add(const std::string& flag, T& value, const std::string& help) {
    return add_target(flag, &value, help);
  }

  // Nothing if the app should run. Else the status to exit with: 0 after --help, 2 after one sentence on stderr about
  // what is wrong with the command line, or that the help could not be written. Printing loses what cannot be written
  // from here on, as in run_app().
  std::optional<int> parse(int argc, const char* const* argv);

 private:
  Argument& add_target(const std::string& flag, Argument::Target target, const std::string& help);
  void require_known(const std::vector<std::string>& rest) const;
  void require_compatible() const;

  std::string program_, about_;
  std::deque<Argument> arguments_;
};

// What every app takes. An app sets its own defaults: CommonArguments common{.epochs = 50, .batch = 256}.
struct CommonArguments {
  int epochs = 1;                       // 1 or more
  int batch = 32;                       // examples per step, 1 or more
  std::uint64_t seed = 0;
  std::string device = "cpu";           // for device_for()
  std::string precision = "float32";    // of a GPU: float32, tf32 or bf16
  std::filesystem::path data{};         // empty: the app's own
  std::filesystem::path out{};          // folder for pictures, losses and checkpoints
  bool out_given = false;               // by the user, who may have something there
  bool resume = false;
  bool overwrite = false;
  std::filesystem::path tensorboard{};  // folder for events; empty: none
  int print = 0;                        // first steps whose tensors and gradients are shown, 0 or more
  bool check_numerics = false;
  bool profile = false;                 // Profile, of the first epoch
};

// The flags --epochs, --batch, ..., --check-numerics and --profile, with what `common` holds as their defaults.
// --resume and --overwrite exclude each other.
void add_common(Arguments& arguments, CommonArguments& common);

// The device that --device names. DeviceError for a device that this build or this machine lacks, ValueError for a
// --precision that is unknown or that the device lacks. Run sets the precision.
Device device_for(const CommonArguments& common);

// ValueError with the flag's name unless files can be made in the folder that it gives, or, where there is none yet,
// the folder itself. Makes neither.
void require_writable(std::string_view flag, const std::filesystem::path& folder);

// A training that has failed, although nothing is wrong with its command line, its data or the machine.
class TrainingError : public Error {
 public:
  using Error::Error;
};

// Returns what `body` returns. An exception out of it becomes "PROGRAM: MESSAGE" on stderr and 2, or 1 if
// it is a TrainingError.
//
// From here on stdout comes line by line, even into a file or a pipe, and neither a full disk nor a pipe that nobody
// reads any more stops the program: what it prints is lost, and it goes on. If `body` returns 0 after something printed
// to stdout was lost, that becomes a sentence on stderr and 2. What is lost of stderr is not told.
int run_app(const std::function<int()>& body);

}  // namespace floe
