// inspect: gradients as a table.
#include <floe/watch/inspect.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace floe {

std::string describe(const Gradients& gradients) {
  std::size_t path_width = 8, shape_width = 5;
  for (const auto& [variable, gradient] : gradients) {
    path_width = std::max(path_width, variable->path().size());
    shape_width = std::max(shape_width, to_string(gradient.shape()).size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {:>10}  {:>10}  {:>10}  {}\n", "variable", path_width, "shape",
                                 shape_width, "norm", "min", "max", "first values");
  for (const auto& [variable, gradient] : gradients) {
    double squares = 0, low = INFINITY, high = -INFINITY;
    std::int64_t not_finite = 0;
    std::string first;
    const Tensor here = gradient.on(Device{});
    dispatch(here.dtype(), [&]<class T>() {
      std::int64_t shown = 0;
      for (T element : here.span<T>()) {
        double value = static_cast<double>(element);
        if (shown++ < 3) first += fmt::format("{:.3g} ", value);
        if (!std::isfinite(value)) {
          ++not_finite;
          continue;
        }
        squares += value * value, low = std::min(low, value), high = std::max(high, value);
      }
    });
    text += fmt::format("{:<{}}  {:<{}}  {:>10.4g}  {:>10.4g}  {:>10.4g}  {}", variable->path(), path_width,
                        to_string(gradient.shape()), shape_width, std::sqrt(squares), low, high, first);
    if (not_finite) text += fmt::format("[{} not finite] ", not_finite);
    text.back() = '\n';
  }
  return text;
}

void print(const Gradients& gradients) { fmt::print("{}", describe(gradients)); }
void print(std::string_view name, const Gradients& gradients) { fmt::print("{}:\n{}", name, describe(gradients)); }

}  // namespace floe
