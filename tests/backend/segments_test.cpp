// Segments: the places of each row in their order, in pieces that are full but for the last of a row.
#include <floe/backend/segments.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <floe/tensor/rng.h>

namespace floe {
namespace {

using Numbers = std::vector<std::int64_t>;

// The same from a comparison sort.
void expect_segments(const Numbers& index, std::int64_t rows, const Segments& found) {
  Numbers order(index.size()), pieces, named, parts;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return index[a] < index[b]; });
  for (std::int64_t row = 0, i = 0, size = std::ssize(index); row < rows; ++row) {
    std::int64_t end = i;
    while (end < size && index[order[end]] == row) ++end;
    if (end == i) continue;
    named.push_back(row), parts.push_back(std::ssize(pieces));
    for (; i < end; i = std::min(end, i + 256)) pieces.push_back(i);
  }
  parts.push_back(std::ssize(pieces)), pieces.push_back(std::ssize(index));
  EXPECT_EQ(found.order, order);
  EXPECT_EQ(found.pieces, pieces);
  EXPECT_EQ(found.rows, named);
  EXPECT_EQ(found.parts, parts);
}

TEST(Segments, AreThoseOfAStableSort) {
  Rng rng(1);
  for (std::int64_t rows : {1, 2, 40, 2047, 2048, 2049, 5000}) {  // a digit of the sort has 2048 values
    for (std::int64_t count : {0, 1, 255, 256, 257, 3000}) {
      Numbers index(static_cast<std::size_t>(count));
      for (auto& each : index) each = rng.below(static_cast<int>(rows));
      if (count > 2) index[1] = rows - 1, index[2] = 0;
      expect_segments(index, rows, Segments(tensor(index, Shape{count}), rows));
      std::vector<std::int32_t> narrow(index.begin(), index.end());
      expect_segments(index, rows, Segments(tensor(narrow, Shape{count}), rows));
    }
  }
  Numbers far{std::int64_t{1} << 40, 0, (std::int64_t{1} << 40) + 1, 5, std::int64_t{1} << 40};
  Segments found(tensor(far, Shape{5}), (std::int64_t{1} << 40) + 2);
  EXPECT_EQ(found.order, (Numbers{1, 3, 0, 4, 2}));
  EXPECT_EQ(found.rows, (Numbers{0, 5, far[0], far[2]}));
}

}  // namespace
}  // namespace floe
