// What can go wrong and how it is reported: the exception types, and the one layout of all messages.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <floe/tensor/location.h>

namespace floe {

// Every exception of the library. The message is complete: what disagrees, the values, and the remedy if there is one.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ShapeError : public Error { public: using Error::Error; };     // sizes or ranks that do not fit
class DTypeError : public Error { public: using Error::Error; };     // an element type that does not fit
class DeviceError : public Error { public: using Error::Error; };    // a device that is absent or differs
class ValueError : public Error { public: using Error::Error; };     // an option or number out of its range
class GradientError : public Error { public: using Error::Error; };  // a tape asked for what it cannot give
class NumericsError : public Error { public: using Error::Error; };  // a NaN or infinity where a check forbids it
class MemoryError : public Error { public: using Error::Error; };    // no memory; a smaller batch may still fit

// A file that cannot be read or written: "PATH: WHERE: MESSAGE", with `where` such as "line 12" or "offset 80".
class FileError : public Error {
 public:
  // Puts the three together; an empty `where` is left out.
  FileError(const std::filesystem::path& path, std::string_view where, std::string_view message);
};

class Tensor;

// One line of a message that shows a tensor: its role, shape, what the axes mean, and the variable it belongs to.
struct Shown {
  std::string_view role;       // "input", "filters"
  const Tensor& tensor;        // must outlive this
  std::string_view axes = {};  // "batch, height, width, channels"
};

// "OP: WHAT", a line for each tensor, and the place: `where`, or the call around it that a CallScope names.
//
//   conv2d: input has 1 channel but filters take 3
//     input    (256, 28, 28, 1)   batch, height, width, channels
//     filters  (5, 5, 3, 64)      height, width, in, out   [discriminator.conv1.filters]
//     at apps/penguins/penguins.cpp:41
std::string message(std::string_view op, std::string_view what, std::initializer_list<Shown> tensors = {},
                    Location where = {});
std::string message(std::string_view op, std::string_view what, std::span<const Shown> tensors, Location where = {});

// "1 channel", "3 channels".
std::string count(long long number, std::string_view noun);

}  // namespace floe
