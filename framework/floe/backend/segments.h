// Segments: which rows are added to one, for a GPU, which cannot look through all indices for each row.
#pragma once

#include <cstdint>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe {

// Places sorted by the row that each names, equal ones in their order, and cut into pieces of one row, 256 places at
// most. Each piece is added up first, in order, and then the pieces of a row, in order: one row that all places name is
// work for many threads, and the sum never depends on how many there are.
struct Segments {
  // `indices` are int32 or int64, on the CPU, and each is 0 or more and below `rows`.
  Segments(const Tensor& indices, std::int64_t rows);

  std::vector<std::int64_t> order;   // the places
  std::vector<std::int64_t> pieces;  // where each piece begins in `order`, and where the last ends
  std::vector<std::int64_t> rows;    // those that are named, rising
  std::vector<std::int64_t> parts;   // where the pieces of each of them begin, and where the last ends
};

}  // namespace floe
