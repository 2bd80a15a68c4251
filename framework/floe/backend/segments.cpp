// Segments: a stable sort by digits, and the cuts.
#include <floe/backend/segments.h>

#include <array>
#include <numeric>

#include <floe/backend/dispatch.h>

namespace floe {
namespace {

// Digit by digit, the lowest first, which takes as long whatever the indices are.
template <class Index>
std::vector<std::int64_t> sorted_places(const Index* index, std::int64_t count, std::int64_t rows) {
  constexpr int bits = 11;
  constexpr std::int64_t digits = 1 << bits;
  std::vector<std::int64_t> order(static_cast<std::size_t>(count)), next(order.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (int shift = 0; shift < 63 && (rows - 1) >> shift > 0; shift += bits) {
    auto digit = [&](std::int64_t place) { return static_cast<std::int64_t>(index[place]) >> shift & (digits - 1); };
    std::array<std::int64_t, digits + 1> begins{};
    for (std::int64_t place : order) ++begins[digit(place) + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    for (std::int64_t place : order) next[begins[digit(place)]++] = place;
    order.swap(next);
  }
  return order;
}

}  // namespace

Segments::Segments(const Tensor& indices, std::int64_t all_rows) {
  constexpr std::int64_t most = 256;  // places in a piece
  const std::int64_t count = indices.elements();
  dispatch_index(indices, [&](const auto* index) {
    order = sorted_places(index, count, all_rows);
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t row = static_cast<std::int64_t>(index[order[i]]);
      bool new_row = rows.empty() || rows.back() != row;
      if (!new_row && i - pieces.back() < most) continue;
      if (new_row) rows.push_back(row), parts.push_back(static_cast<std::int64_t>(pieces.size()));
      pieces.push_back(i);
    }
  });
  parts.push_back(static_cast<std::int64_t>(pieces.size()));
  pieces.push_back(count);
}

}  // namespace floe
