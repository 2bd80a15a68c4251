// Sizes in memory: what fits is the same number, and what does not is refused, also where memory has 32 bits.
#include <floe/tensor/size.h>

#include <gtest/gtest.h>

#include <floe/tensor/error.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

TEST(Sizes, ThatFitStayWhatTheyAre) {
  EXPECT_EQ(to_size(std::int64_t{0}), 0u);
  EXPECT_EQ(to_size(std::uint64_t{1} << 63), std::size_t{1} << 63);
  EXPECT_EQ(to_size<std::uint32_t>(std::int64_t{4294967295}), 4294967295u);
}

TEST(Sizes, BeyondMemoryAreRefusedAndNeverCut) {
  EXPECT_EQ(error_of<MemoryError>([] { to_size<std::uint32_t>(std::int64_t{1} << 32); }),
            "memory: 4294967296 is beyond what this machine can address, 4294967295; try a smaller batch");
  EXPECT_EQ(error_of<MemoryError>([] { to_size<std::uint32_t>(std::uint64_t{5'000'000'000}); }),
            "memory: 5000000000 is beyond what this machine can address, 4294967295; try a smaller batch");
}

TEST(Counted, CalculatesWhatFits63Bits) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ((Counted(3) * 4 - 2 + 5).value(), 15);
  EXPECT_EQ((Counted(most) - 1 + 1).value(), most);
  EXPECT_EQ((Counted(most / 2) * 2).value(), most - 1);
}

TEST(Counted, RefusesTheRestWithItsNumbers) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(error_of<Uncountable>([] { Counted(most) + 1; }), "9223372036854775807 + 1 is more than can be counted");
  EXPECT_EQ(error_of<Uncountable>([] { Counted(-2) - most; }), "-2 - 9223372036854775807 is more than can be counted");
  EXPECT_EQ(error_of<ShapeError>([] { Counted(most) * 2; }), "9223372036854775807 * 2 is more than can be counted");
}

}  // namespace
}  // namespace floe
