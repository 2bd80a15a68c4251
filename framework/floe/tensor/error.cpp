// The one layout of all messages.
#include <floe/tensor/error.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/tensor/tensor.h>
#include <floe/tensor/variable_names.h>

namespace floe {

FileError::FileError(const std::filesystem::path& path, std::string_view where, std::string_view message)
    : Error(where.empty() ? fmt::format("{}: {}", path.string(), message)
                          : fmt::format("{}: {}: {}", path.string(), where, message)) {}

std::string message(std::string_view op, std::string_view what, std::initializer_list<Shown> tensors, Location where) {
  return message(op, what, std::span(tensors.begin(), tensors.size()), where);
}

std::string message(std::string_view op, std::string_view what, std::span<const Shown> tensors, Location where) {
  std::string text = fmt::format("{}: {}", op, what);

  std::size_t role_width = 0, shape_width = 0;
  for (const Shown& shown : tensors) {
    role_width = std::max(role_width, shown.role.size());
    shape_width = std::max(shape_width, to_string(shown.tensor.shape()).size());
  }

  for (const Shown& shown : tensors) {
    std::string line =
        fmt::format("\n  {:<{}}  {:<{}}", shown.role, role_width, to_string(shown.tensor.shape()), shape_width);
    if (shown.tensor.dtype() != DType::float32) line += fmt::format("   {}", name(shown.tensor.dtype()));
    if (!shown.axes.empty()) line += fmt::format("   {}", shown.axes);
    if (std::string path = variable_name(shown.tensor.id()); !path.empty()) line += fmt::format("   [{}]", path);
    text += line.substr(0, line.find_last_not_of(' ') + 1);
  }

  Location place = caller(where);
  if (place.file) text += fmt::format("\n  at {}:{}", place.file, place.line);
  return text;
}

std::string count(long long number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace floe
