// Memory: counted to the moment, given back with the last reference, and refused without harm.
#include <floe/tensor/memory.h>

#include <algorithm>
#include <cstdint>
#include <thread>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/tensor/tensor.h>
#include <support/child.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

constexpr std::size_t mebibyte = 1 << 20;

TEST(Memory, FallsTheMomentTheLastReferenceGoes) {
  std::size_t before = memory_in_use();
  Tensor first({1000, 1000});
  std::size_t held = memory_in_use() - before;
  EXPECT_GE(held, 4'000'000u);
  EXPECT_LE(held, 5'000'000u) << "at most a fifth of a block is waste";
  Tensor second = first, row = first[3];
  EXPECT_EQ(memory_in_use() - before, held);
  first = Tensor();
  second = Tensor();
  EXPECT_EQ(memory_in_use() - before, held) << "a slice holds its whole";
  row = Tensor();
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Memory, IsNeverWastedByMoreThanAFifth) {
  for (std::size_t bytes = 1; bytes < 64 * mebibyte; bytes += bytes / 3 + 1) {
    std::size_t before = memory_in_use();
    Storage storage(bytes, {});
    std::size_t held = memory_in_use() - before;
    EXPECT_GE(held, bytes);
    EXPECT_LE(held, std::max<std::size_t>(bytes + 63, bytes + bytes / 4)) << bytes;
  }
}

TEST(Memory, StandsOnLinesOf64Bytes) {
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65}, std::size_t{5000}, 3 * mebibyte}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(Storage(bytes, {}).data()) % 64, 0u) << bytes;
  }
}

TEST(Memory, RemembersItsPeak) {
  reset_peak_memory();
  std::size_t before = peak_memory();
  EXPECT_EQ(before, memory_in_use());
  { Tensor x({mebibyte}, DType::uint8), y({2 * mebibyte}, DType::uint8); }
  EXPECT_EQ(peak_memory() - before, 3 * mebibyte);
  EXPECT_EQ(memory_in_use(), before);
  reset_peak_memory();
  EXPECT_EQ(peak_memory(), before);
}

TEST(Memory, IsGivenBackToTheSystem) {
  { Tensor x = zeros({64, 1024, 1024}, DType::uint8); }
  release_cached_memory();
  std::size_t before = memory_in_use();
  Tensor x = zeros({64, 1024, 1024}, DType::uint8);
  EXPECT_EQ(memory_in_use() - before, 64 * mebibyte);
}

TEST(Memory, ThatNoMachineHasIsRefused) {
  std::size_t in_use = memory_in_use();
  EXPECT_EQ(error_of<MemoryError>([] { Tensor({1LL << 50}); }),
            "memory: 4503599627370496 bytes requested on cpu, " + std::to_string(in_use) +
                " bytes in use, no more available; try a smaller batch");
  EXPECT_EQ(memory_in_use(), in_use);
  EXPECT_EQ(ones({1000}).span<float>()[999], 1) << "and work goes on";
}

TEST(Memory, ThatIsNotThereIsRefusedAndWorkGoesOn) {
  if (!test::can_limit_memory) GTEST_SKIP() << "the sanitizer ends the process instead";
  constexpr auto fill_and_refill = []() -> std::string {
    test::limit_memory(256 * mebibyte);
    Tensors held;
    std::string message = error_of<MemoryError>([&] {
      for (;;) held.push_back(zeros({16, 1024, 1024}, DType::uint8));
    });
    std::size_t count = held.size();
    held.clear();
    for (std::size_t i = 0; i < count; ++i) held.push_back(ones({16, 1024, 1024}, DType::uint8));
    return message.substr(0, message.find(',')) + (count > 4 ? ", and then as many again" : ", too early");
  };
  EXPECT_EQ(test::in_child(fill_and_refill), "memory: 16777216 bytes requested on cpu, and then as many again");
}

TEST(Memory, CountsWhatThreadsHold) {
  std::size_t before = memory_in_use();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 2000; ++i) Tensor x({1 + i % 700}), y = x, z = std::move(x);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_in_use(), before);
}

}  // namespace
}  // namespace floe
