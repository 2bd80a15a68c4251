// Loops over fixed parts: each part once, what a part throws comes out, and one thread inside another loop.
#include <floe/backend/parallel.h>

#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <floe/tensor/error.h>
#include <support/messages.h>

namespace floe {
namespace {

template <class Test>
void for_each_way(Test test) {
  test([](std::int64_t size, std::int64_t grain, const auto& body) { parallel_ranges(size, grain, body); });
  test([](std::int64_t size, std::int64_t grain, const auto& body) { parallel_queue(size, grain, body); });
}

TEST(ParallelRanges, CoverEverythingOnce) {
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    for_each_way([](auto loop) {
      std::vector<int> visits(1000);
      loop(1000, 7, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      EXPECT_EQ(visits, std::vector<int>(1000, 1));
      loop(0, 7, [](std::int64_t, std::int64_t) { FAIL(); });
    });
  }
}

TEST(ParallelRanges, LetExceptionsOut) {
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    for_each_way([](auto loop) {
      auto fail = [&] {
        loop(100, 1, [](std::int64_t begin, std::int64_t) {
          if (begin % 10 == 3) throw MemoryError("no memory");
        });
      };
      EXPECT_EQ(test::error_of<MemoryError>(fail), "no memory");
    });
  }
}

TEST(ParallelRanges, RunInOneThreadInsideAnother) {
  omp_set_num_threads(3);
  for_each_way([](auto loop) {
    std::vector<int> strangers(64);
    loop(64, 1, [&](std::int64_t outer, std::int64_t) {
      std::thread::id self = std::this_thread::get_id();
      loop(100, 1, [&](std::int64_t, std::int64_t) {
        strangers[static_cast<std::size_t>(outer)] += std::this_thread::get_id() != self;
      });
    });
    EXPECT_EQ(strangers, std::vector<int>(64, 0));
  });
}

TEST(ParallelRanges, KeepToOneThreadWhereToldTo) {
  omp_set_num_threads(3);
  {
    OneThread one_thread;
    EXPECT_EQ(thread_count(), 1);
    std::thread::id self = std::this_thread::get_id();
    for_each_way([&](auto loop) {
      loop(100, 1, [&](std::int64_t, std::int64_t) { EXPECT_EQ(std::this_thread::get_id(), self); });
    });
  }
  EXPECT_EQ(thread_count(), 3);
}

}  // namespace
}  // namespace floe
