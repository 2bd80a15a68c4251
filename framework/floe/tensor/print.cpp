// How tensors are shown.
#include <floe/tensor/print.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>

#include <fmt/format.h>

namespace floe {
namespace {

// NumPy's defaults.
constexpr std::int64_t elide_above = 1000;  // elements
constexpr std::int64_t edge = 3;            // shown at either end of an elided axis
constexpr std::size_t line_width = 75;
constexpr int max_decimals = 8;

// The indices of an axis that are printed; -1 stands for the dots.
std::vector<std::int64_t> shown_indices(std::int64_t size, bool elide) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < size; ++i) {
    if (!elide || size <= 2 * edge || i < edge || i >= size - edge) indices.push_back(i);
    else if (i == edge) indices.push_back(-1), i = size - edge - 1;
  }
  return indices;
}

std::string without_trailing(std::string text, char letter) {
  text.erase(text.find_last_not_of(letter) + 1);
  return text;
}

// Always with a point: "12.", "0.50", "1.e-04".
std::string written(double value, int decimals, bool scientific) {
  return scientific ? fmt::format("{:#.{}e}", value, decimals) : fmt::format("{:#.{}f}", value, decimals);
}

// The fewest decimals that read back as the same number, or that eight of them leave without trailing zeros.
template <class T>
int needed_decimals(T value, bool scientific) {
  for (int decimals = 0; decimals < max_decimals; ++decimals) {
    if (static_cast<T>(std::strtod(written(value, decimals, scientific).c_str(), nullptr)) == value) return decimals;
  }
  std::string text = written(value, max_decimals, scientific);
  std::string number = without_trailing(text.substr(0, text.find('e')), '0');
  return static_cast<int>(number.size() - number.find('.') - 1);
}

// Floating-point numbers as NumPy writes them: points align; scientific if large, small, or far apart.
template <class T>
std::vector<std::string> floating_cells(const std::vector<T>& values) {
  T largest = 0, smallest = std::numeric_limits<T>::infinity();
  for (T value : values) {
    if (!std::isfinite(value) || value == 0) continue;
    largest = std::max(largest, std::abs(value));
    smallest = std::min(smallest, std::abs(value));
  }
  bool scientific = largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);

  int most = 0;
  std::size_t exponent_digits = 0;
  for (T value : values) {
    if (!std::isfinite(value)) continue;
    most = std::max(most, needed_decimals(value, scientific));
    if (scientific)
      exponent_digits =
          std::max(exponent_digits, written(value, 0, true).size() - written(value, 0, true).find('e') - 2);
  }

  std::vector<std::string> cells;
  for (T value : values) {
    if (!std::isfinite(value)) {
      cells.push_back(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    } else if (scientific) {
      std::string text = written(value, most, true);
      std::size_t digits_at = text.find('e') + 2;
      cells.push_back(text.insert(digits_at, exponent_digits - (text.size() - digits_at), '0'));
    } else {
      int decimals = needed_decimals(value, false);
      cells.push_back(written(value, decimals, false) + std::string(static_cast<std::size_t>(most - decimals), ' '));
    }
  }
  return cells;
}

// The text of each value, all equally wide.
template <class T>
std::vector<std::string> cells_of(const std::vector<T>& values) {
  std::vector<std::string> cells;
  if constexpr (std::is_floating_point_v<T>) cells = floating_cells(values);
  else
    for (T value : values)
      cells.push_back(std::is_same_v<T, bool> ? (value ? " True" : "False") : fmt::format("{}", value));
  std::size_t width = 0;
  for (const std::string& cell : cells) width = std::max(width, cell.size());
  for (std::string& cell : cells) cell.insert(0, width - cell.size(), ' ');
  return cells;
}

// Brackets, rows and line breaks around the cells, which are in the order in which they are shown.
class Layout {
 public:
  explicit Layout(const Tensor& tensor) : tensor_(tensor.on(Device{})), elide_(tensor.elements() > elide_above) {
    dispatch(tensor.dtype(), [&]<class T>() {
      std::vector<T> values;
      collect(0, 0, values);
      cells_ = cells_of(values);
    });
  }

  std::string text(int axis = 0) {
    if (axis == tensor_.rank()) return cells_[next_++];
    bool innermost = axis == tensor_.rank() - 1;
    std::string indent(static_cast<std::size_t>(axis + 1), ' '), all, line = indent;
    std::string line_break(static_cast<std::size_t>(std::max(1, tensor_.rank() - axis - 1)), '\n');
    for (std::int64_t i : shown_indices(tensor_.dim(axis), elide_)) {
      std::string word = i < 0 ? "..." : text(axis + 1);
      bool full = !innermost || line.size() + word.size() > line_width - indent.size();
      if (full && line.size() > indent.size()) {
        all += without_trailing(line, ' ') + line_break;
        line = indent;
      }
      line += word + " ";
    }
    line.pop_back();
    return "[" + (all + line).substr(indent.size()) + "]";
  }

 private:
  template <class T>
  void collect(int axis, std::int64_t offset, std::vector<T>& values) const {
    if (axis == tensor_.rank()) return values.push_back(tensor_.data<T>()[offset]);
    for (std::int64_t i : shown_indices(tensor_.dim(axis), elide_)) {
      if (i >= 0) collect(axis + 1, offset * tensor_.dim(axis) + i, values);
    }
  }

  const Tensor tensor_;
  bool elide_;
  std::vector<std::string> cells_;
  std::size_t next_ = 0;
};

// One number as NumPy writes a scalar: as many digits as distinguish it from its neighbours.
std::string scalar(const Tensor& tensor) {
  return dispatch(tensor.dtype(), [&]<class T>() -> std::string {
    T value = tensor.item<T>();
    if constexpr (std::is_same_v<T, bool>) return value ? "True" : "False";
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(value)) return "nan";  // without its sign
    std::string text = fmt::format("{}", value);
    bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return std::is_floating_point_v<T> && whole ? text + ".0" : text;
  });
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "Tensor(undefined)";
  std::string values = tensor.rank() == 0 ? scalar(tensor) : tensor.elements() == 0 ? "[]" : Layout(tensor).text();
  const char* lead = values.find('\n') == std::string::npos ? "" : "\n";
  return fmt::format("Tensor({}{}, shape={}, dtype={})", lead, values, to_string(tensor.shape()), name(tensor.dtype()));
}

std::string describe(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  return fmt::format("shape {}, {} on {}, {}", to_string(tensor.shape()), name(tensor.dtype()),
                     to_string(tensor.device()), describe_values(tensor));
}

std::string describe_values(const Tensor& tensor) {
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
  std::int64_t nans = 0, infs = 0, finite = 0;
  dispatch(tensor.dtype(), [&]<class T>() {
    const Tensor here = tensor.on(Device{});
    for (T element : here.span<T>()) {
      double value = static_cast<double>(element);
      if (std::isnan(value)) ++nans;
      else if (std::isinf(value)) ++infs;
      else low = std::min(low, value), high = std::max(high, value), sum += value, ++finite;
    }
  });
  std::string range =
      finite ? fmt::format("min {:.6g}, mean {:.6g}, max {:.6g}", low, sum / static_cast<double>(finite), high)
             : std::string("no finite values");
  return fmt::format("{}, {} NaN, {} Inf", range, nans, infs);
}

void print(const Tensor& tensor) { fmt::print("{}\n", to_string(tensor)); }
void print(std::string_view name, const Tensor& tensor) { fmt::print("{}: {}\n", name, to_string(tensor)); }

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace floe
