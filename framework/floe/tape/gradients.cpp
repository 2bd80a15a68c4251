// Gradients: finding one by its variable.
#include <floe/tape/gradients.h>

#include <fmt/format.h>

namespace floe {

const Tensor& Gradients::operator[](const Variable& variable) const {
  for (const Entry& entry : entries_) {
    if (entry.variable == &variable) return entry.gradient;
  }
  throw ValueError(fmt::format("gradients: {} was not requested", variable.path()));
}

const Tensor& Gradients::operator[](const std::string& path) const {
  for (const Entry& entry : entries_) {
    if (entry.variable->path() == path) return entry.gradient;
  }
  throw ValueError(fmt::format("gradients: {} was not requested", path));
}

}  // namespace floe
