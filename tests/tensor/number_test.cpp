// Numbers beside tensors, and how numbers become elements: exact, at the end of the type, or refused.
#include <floe/tensor/number.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/tensor/tensor.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // the first that no double holds
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::lowest(),
                       highest = std::numeric_limits<std::int64_t>::max();

TEST(Number, KeepsIntegersOfEveryTypeAsTheyAre) {
  EXPECT_EQ(Number(odd).whole(), odd);
  EXPECT_EQ(Number(odd).as<std::int64_t>(), odd);
  EXPECT_EQ(Number(static_cast<std::uint64_t>(odd)).whole(), odd);
  EXPECT_EQ(Number(lowest).whole(), lowest);
  EXPECT_EQ(Number(static_cast<std::uint64_t>(highest)).whole(), highest);
  EXPECT_EQ(Number(true).whole(), 1);
  EXPECT_EQ(Number(static_cast<signed char>(-3)).whole(), -3);
  EXPECT_EQ(Number(static_cast<unsigned char>(200)).whole(), 200);
  EXPECT_EQ(Number(std::numeric_limits<std::uint64_t>::max()).whole(), std::nullopt);
  EXPECT_EQ(Number(std::numeric_limits<std::uint64_t>::max()).real(), 0x1p64);
}

TEST(Number, KnowsWhichRealNumbersAreWhole) {
  EXPECT_EQ(Number(-0x1p63).whole(), lowest);
  EXPECT_EQ(Number(0x1p53).whole(), odd - 1);
  for (double none : {0.5, nan, infinity, -infinity, 0x1p63, -0x1.0000000000001p63})
    EXPECT_EQ(Number(none).whole(), std::nullopt) << none;
}

TEST(Number, IsWrittenWithAllItsDigits) {
  EXPECT_EQ(Number(odd).text(), "9007199254740993");
  EXPECT_EQ(Number(-2).text(), "-2");
  EXPECT_EQ(Number(2.0).text(), "2");
  EXPECT_EQ(Number(0.1).text(), "0.1");
  EXPECT_EQ(Number(1e300).text(), "1e+300");
}

TEST(Number, FitsWhereItsValueExists) {
  struct Case {
    Number number;
    DType dtype;
    bool fits;
  };
  const Case table[] = {
      {odd, DType::int64, true},        {highest, DType::int64, true}, {0x1p63, DType::int64, false},
      {lowest, DType::int64, true},     {-0x1p63, DType::int64, true}, {std::uint64_t{1} << 63, DType::int64, false},
      {odd, DType::int32, false},       {-1, DType::uint8, false},     {255, DType::uint8, true},
      {256, DType::uint8, false},       {2, DType::boolean, false},    {true, DType::boolean, true},
      {0.5, DType::int64, false},       {nan, DType::int32, false},    {odd, DType::float64, true},
      {0x1p31 - 1, DType::int32, true}, {0x1p31, DType::int32, false}};
  for (const Case& one : table) EXPECT_EQ(fits(one.number, one.dtype), one.fits) << one.number.text();
}

// item() follows cast(): one rule, whatever the types.
TEST(Item, GoesToTheEndOfItsTypeAndTakesNanAsZero) {
  Tensor large = full({}, 1e20, DType::float64), none = full({}, nan, DType::float64), small = full({}, -1e20);
  EXPECT_EQ(large.item<int>(), std::numeric_limits<int>::max());
  EXPECT_EQ(large.item<std::int64_t>(), highest);
  EXPECT_EQ(large.item<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(large.item<std::uint8_t>(), 255);
  EXPECT_EQ(large.item<signed char>(), 127);
  EXPECT_EQ(small.item<int>(), std::numeric_limits<int>::lowest());
  EXPECT_EQ(small.item<std::int64_t>(), lowest);
  EXPECT_EQ(small.item<std::uint64_t>(), 0u);
  EXPECT_EQ(none.item<int>(), 0);
  EXPECT_EQ(none.item<std::int64_t>(), 0);
  EXPECT_EQ(full({}, infinity).item<int>(), std::numeric_limits<int>::max());
  EXPECT_EQ(full({}, -2.9).item<int>(), -2);
}

TEST(Item, KeepsTheDigitsOfIntegersAndWrapsThemInSmallerTypes) {
  Tensor x = full({}, odd, DType::int64);
  EXPECT_EQ(x.item<std::int64_t>(), odd);
  EXPECT_EQ(x.item<std::uint64_t>(), static_cast<std::uint64_t>(odd));
  EXPECT_EQ(x.item<int>(), 1);
  EXPECT_EQ(x.item<bool>(), true);
  EXPECT_EQ(full({}, lowest, DType::int64).item<std::int64_t>(), lowest);
}

}  // namespace
}  // namespace floe
