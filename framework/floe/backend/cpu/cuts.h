// Where the kernels cut their work: each size beyond which one goes on in another part, or another way. They decide
// nothing about results, so a fault beyond a cut hides from small tensors: tests/ops/cuts_test.cpp tries sizes around
// each, and fails for one that has no row in its table. So numbers like these stand here and nowhere else.
#pragma once

#include <cstdint>

namespace floe::cpu::cuts {

// Sums and extremes down columns, and normalisation.
inline constexpr std::int64_t unrolled_sum = 16;      // elements of a row that is too short to be cut into lanes
inline constexpr std::int64_t whole_packets = 16;     // columns that fill the packets of any machine
inline constexpr std::int64_t short_line = 256;       // below it, a lane would wait for its own last sum
inline constexpr std::int64_t long_line = 1024;       // beyond it, a part would have few rows for its columns
inline constexpr std::int64_t first_rows = 16;        // whose mean the deviations of a part are taken from
inline constexpr std::int64_t longest_chunk = 16384;  // elements of a row that the caches keep until a second pass
inline constexpr std::int64_t packets_in_block = 64;  // of a sum along a row, so that long rows lose no digits
inline constexpr std::int64_t lane_rows = 256;        // of a sum of slopes: a lane keeps its digits
inline constexpr std::int64_t column_block = 256;     // columns that are walked together, as running sums are
inline constexpr std::int64_t finite_block = 64;      // elements that are looked at for NaN without a branch for each

// Rows of the last axis.
inline constexpr std::int64_t softmax_block = 1024;  // elements of a sum, so that long rows lose no digits

// Pointwise ops and copies.
inline constexpr std::int64_t cached_bytes = 32 << 20;  // of most machines; what the system reports is often wrong
inline constexpr std::int64_t short_row = 256;          // elements of a broadcast row that is worth repeating
inline constexpr std::int64_t tile_bytes = 4096;        // of such a row, repeated
inline constexpr std::int64_t copied_piece = 16384;     // elements of a copy between layouts
inline constexpr std::int64_t copied_rows = 128;        // of such a piece
inline constexpr std::int64_t copied_by_call = 16;      // elements in order that are worth a call; fewer are a loop
inline constexpr std::int64_t byte_rows = 64;           // of bytes that are transposed together

// Random numbers.
inline constexpr std::int64_t philox_blocks = 16;    // of four words, made side by side
inline constexpr std::int64_t random_alone = 16384;  // elements that are not worth a second thread
inline constexpr std::int64_t random_part = 1024;    // elements of a part where there are more

// Products of matrices.
inline constexpr std::int64_t product_side = 256;       // rows and columns of a block are no more,
inline constexpr std::int64_t product_work = 1 << 21;   // unless it has fewer products than this
inline constexpr std::int64_t product_step = 32;        // what a halved side is a multiple of
inline constexpr std::int64_t long_inner = 2048;        // from here on, a small product's inner axis is cut,
inline constexpr std::int64_t inner_chunk = 1024;       // into chunks of this many,
inline constexpr std::int64_t small_product = 1 << 16;  // if it has no more elements
inline constexpr std::int64_t whole_together = 4;       // rows of b, of integers, that are added to a row of c at once
inline constexpr std::int64_t whole_rows = 64;          // over which all rows of a go while they are in the cache

// Convolutions.
inline constexpr std::int64_t unrolled = 1 << 18;    // elements of the windows that are unrolled together
inline constexpr std::int64_t unrolled_images = 16;  // at most, of these
inline constexpr std::int64_t batch_sums = 8;        // parts of the batch that make a sum of a filter's slopes each
inline constexpr std::int64_t onednn_images = 16;    // of a part that one thread gives to oneDNN
inline constexpr std::int64_t onednn_parts = 4;      // what their number is a multiple of
inline constexpr std::int64_t narrow_channels = 3;   // of an image whose gradient is summed directly
inline constexpr std::int64_t narrow_rows = 32;      // of a part of such an image
inline constexpr std::int64_t narrow_pixels = 8;     // that share a filter tap while it is in a register

}  // namespace floe::cpu::cuts
