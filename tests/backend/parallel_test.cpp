// Work in fixed parts: each part once, and what a part throws comes out of the loop.
#include <floe/backend/cpu/parallel.h>

#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <floe/tensor/error.h>
#include <support/messages.h>

namespace floe {
namespace {

TEST(ParallelRanges, CoverEverythingOnce) {
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    std::vector<int> visits(1000);
    cpu::parallel_ranges(1000, 7, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
    });
    EXPECT_EQ(visits, std::vector<int>(1000, 1));
  }
}

TEST(ParallelRanges, LetExceptionsOut) {
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    auto fail = [&] {
      cpu::parallel_ranges(100, 1, [](std::int64_t begin, std::int64_t) {
        if (begin % 10 == 3) throw MemoryError("no memory");
      });
    };
    EXPECT_EQ(test::error_of<MemoryError>(fail), "no memory");
  }
}

}  // namespace
}  // namespace floe
