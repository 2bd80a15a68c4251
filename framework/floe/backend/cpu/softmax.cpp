// Softmax and its logarithm over rows of the last axis, and their gradients.
#include <limits>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/pointwise.h>

namespace floe::cpu {
namespace {

struct Sum {
  template <class S> static constexpr S identity = 0;
  template <class S> static Packet<S> join(Packet<S> a, Packet<S> b) { return a + b; }
  template <class S> static S across(Packet<S> lanes) { return Eigen::internal::predux(lanes.raw); }
};

// NaN may get lost here: its exponential will show it.
struct Maximum {
  template <class S> static constexpr S identity = -std::numeric_limits<S>::infinity();
  template <class S> static Packet<S> join(Packet<S> a, Packet<S> b) { return Eigen::internal::pmax(a.raw, b.raw); }
  template <class S> static S across(Packet<S> lanes) { return Eigen::internal::predux_max(lanes.raw); }
};

// term(in[i]...) for a whole row, joined lane by lane and then across the lanes.
template <class Join, class S, class Term, class... In>
S join_row(std::int64_t size, Term term, const S* first, const In*... rest) {
  constexpr int width = Packet<S>::size;
  Packet<S> total(Join::template identity<S>);
  std::int64_t i = 0;
  for (; i + width <= size; i += width) {
    total = Join::join(total, term(Packet<S>::load(first + i), Packet<S>::load(rest + i)...));
  }
  if (int left = static_cast<int>(size - i)) {
    alignas(64) S lanes[width];
    std::fill_n(lanes, width, Join::template identity<S>);
    term(Packet<S>::load_part(first + i, left), Packet<S>::load_part(rest + i, left)...).store_part(lanes, left);
    total = Join::join(total, Packet<S>::load(lanes));
  }
  return Join::across(total);
}

// The sum of term(in[i]...), in blocks so that long rows lose no digits.
template <class S, class Term, class... In>
S sum_row(std::int64_t size, Term term, const In*... in) {
  constexpr std::int64_t block = cuts::softmax_block;
  double total = 0;
  for (std::int64_t i = 0; i < size; i += block) {
    total += join_row<Sum>(std::min(block, size - i), term, (in + i)...);
  }
  return static_cast<S>(total);
}

// out[i] = formula(in[i]...) along a row.
template <class S, class Formula, class... In>
void map_row(std::int64_t size, Formula formula, S* out, const In*... in) {
  packet_row<S>(false, size, formula, out, std::pair{in, std::int64_t{1}}...);
}

// body(offset, size) for each row of the last axis.
template <class Body>
void for_rows(const Tensor& x, Body body) {
  std::int64_t size = x.dim(-1), rows = size == 0 ? 0 : x.elements() / size;
  parallel_ranges(rows, rows_per_part(size), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row * size, size);
  });
}

}  // namespace

// The maximum is taken off first: exp never overflows and the sum is at least 1.
void softmax(const Tensor& x, bool logarithm, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S* in = x.data<S>();
    S* out = y.mutable_data<S>();
    for_rows(x, [&](std::int64_t offset, std::int64_t size) {
      const S* from = in + offset;
      S* to = out + offset;
      S top = join_row<Maximum>(size, [](auto value) { return value; }, from);
      if (logarithm) {
        S log_sum = std::log(sum_row<S>(size, [&](auto value) { return math::exp(value - top); }, from));
        map_row<S>(size, [&](auto value) { return value - top - log_sum; }, to, from);
      } else {
        map_row<S>(size, [&](auto value) { return math::exp(value - top); }, to, from);
        S total = sum_row<S>(size, [](auto value) { return value; }, static_cast<const S*>(to));
        map_row<S>(size, [&](auto value) { return value / total; }, to, static_cast<const S*>(to));
      }
    });
  });
}

// softmax: dx = y * (dy - sum(dy * y)); its logarithm: dx = dy - exp(y) * sum(dy). Nothing comes from or to a class of
// probability 0, even where dy is infinite.
void softmax_gradient(const Tensor& dy, const Tensor& y, bool logarithm, Tensor& dx) {
  dispatch_floating(y.dtype(), [&]<class S>() {
    const S *slopes = dy.data<S>(), *values = y.data<S>();
    S* out = dx.mutable_data<S>();
    for_rows(y, [&](std::int64_t offset, std::int64_t size) {
      const S *slope_row = slopes + offset, *value_row = values + offset;
      if (logarithm) {
        S total = sum_row<S>(size, [](auto slope) { return slope; }, slope_row);
        auto formula = [&](auto slope, auto value) {
          return slope - math::multiply_no_nan(decltype(slope)(total), math::exp(value));
        };
        map_row<S>(size, formula, out + offset, slope_row, value_row);
      } else {
        S total = sum_row<S>(
            size, [](auto slope, auto value) { return math::multiply_no_nan(slope, value); }, slope_row, value_row);
        auto formula = [&](auto slope, auto value) { return math::multiply_no_nan(slope - total, value); };
        map_row<S>(size, formula, out + offset, slope_row, value_row);
      }
    });
  });
}

}  // namespace floe::cpu
