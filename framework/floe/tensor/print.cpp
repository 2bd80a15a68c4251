// How tensors are shown.
#include <floe/tensor/print.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

#include <fmt/format.h>

namespace floe {
namespace {

constexpr std::int64_t elide_above = 1000;  // elements, as NumPy does
constexpr std::int64_t edge = 3;            // shown at either end of an elided axis

// How all numbers of one tensor are written, so that they align: NumPy's choice of fixed or scientific.
struct Format {
  bool floating = false, scientific = false;
  int decimals = 0;
  std::size_t width = 0;

  std::string operator()(double value) const {
    if (!floating) return fmt::format("{}", static_cast<long long>(value));
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (scientific) return fmt::format("{:.{}e}", value, decimals);
    std::string text = fmt::format("{:.{}f}", value, decimals);
    return decimals == 0 ? text + "." : text;
  }
};

// The indices of an axis that are printed; -1 stands for the dots.
std::vector<std::int64_t> shown_indices(std::int64_t size, bool elide) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < size; ++i) {
    if (!elide || size <= 2 * edge || i < edge || i >= size - edge) indices.push_back(i);
    else if (i == edge) indices.push_back(-1);
  }
  return indices;
}

class Printer {
 public:
  explicit Printer(const Tensor& tensor) : tensor_(tensor), elide_(tensor.elements() > elide_above) {
    visit(0, 0, [&](double value) { values_.push_back(value); });
    choose_format();
  }

  std::string text() {
    if (tensor_.rank() == 0) return cell(tensor_.item());
    return nested(0, 0);
  }

 private:
  template <class Each>
  void visit(int axis, std::int64_t offset, Each each) {
    if (axis == tensor_.rank()) return each(at(offset));
    for (std::int64_t i : shown_indices(tensor_.dim(axis), elide_)) {
      if (i >= 0) visit(axis + 1, offset * tensor_.dim(axis) + i, each);
    }
  }

  double at(std::int64_t offset) const {
    return dispatch(tensor_.dtype(), [&]<class T>() { return static_cast<double>(tensor_.data<T>()[offset]); });
  }

  void choose_format() {
    format_.floating = is_floating(tensor_.dtype());
    double largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (double value : values_) {
      if (!std::isfinite(value) || value == 0) continue;
      largest = std::max(largest, std::abs(value));
      smallest = std::min(smallest, std::abs(value));
    }
    format_.scientific = format_.floating && largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
    if (format_.floating) {
      for (double value : values_) {
        if (std::isfinite(value)) format_.decimals = std::max(format_.decimals, needed_decimals(value));
      }
    }
    for (double value : values_) format_.width = std::max(format_.width, cell_text(value).size());
  }

  // The fewest decimals, up to NumPy's eight, that read back as the same float32 (or float64).
  int needed_decimals(double value) const {
    for (int decimals = format_.scientific ? 1 : 0; decimals < 8; ++decimals) {
      std::string text = format_.scientific ? fmt::format("{:.{}e}", value, decimals) : fmt::format("{:.{}f}", value, decimals);
      double back = std::stod(text);
      if (tensor_.dtype() == DType::float32 ? static_cast<float>(back) == static_cast<float>(value) : back == value) return decimals;
    }
    return 8;
  }

  std::string cell_text(double value) const {
    if (tensor_.dtype() == DType::boolean) return value != 0 ? "True" : "False";
    return format_(value);
  }

  std::string cell(double value) const { return fmt::format("{:>{}}", cell_text(value), format_.width); }

  std::string nested(int axis, std::int64_t offset) {
    if (axis == tensor_.rank()) return cell(at(offset));
    bool innermost = axis == tensor_.rank() - 1;
    std::string separator = innermost ? " " : std::string(static_cast<std::size_t>(tensor_.rank() - axis - 1), '\n') +
                                                  std::string(static_cast<std::size_t>(axis + 1), ' ');
    std::string text = "[";
    bool first = true;
    for (std::int64_t i : shown_indices(tensor_.dim(axis), elide_)) {
      if (!first) text += separator;
      text += i < 0 ? "..." : nested(axis + 1, offset * tensor_.dim(axis) + i);
      first = false;
    }
    return text + "]";
  }

  const Tensor& tensor_;
  bool elide_;
  std::vector<double> values_;
  Format format_;
};

}  // namespace

std::string to_string(const Tensor& tensor) {
  if (!tensor.defined()) return "Tensor(undefined)";
  std::string values = Printer(tensor).text();
  const char* lead = tensor.rank() > 1 ? "\n" : "";
  return fmt::format("Tensor({}{}, shape={}, dtype={})", lead, values, to_string(tensor.shape()), name(tensor.dtype()));
}

std::string describe(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0;
  std::int64_t nans = 0, infs = 0, finite = 0;
  dispatch(tensor.dtype(), [&]<class T>() {
    for (T element : tensor.span<T>()) {
      double value = static_cast<double>(element);
      if (std::isnan(value)) ++nans;
      else if (std::isinf(value)) ++infs;
      else low = std::min(low, value), high = std::max(high, value), sum += value, ++finite;
    }
  });
  std::string range = finite ? fmt::format("min {:.6g}, mean {:.6g}, max {:.6g}", low, sum / static_cast<double>(finite), high)
                             : std::string("no finite values");
  return fmt::format("shape {}, {} on {}, {}, {} NaN, {} Inf", to_string(tensor.shape()), name(tensor.dtype()),
                     to_string(tensor.device()), range, nans, infs);
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace floe
