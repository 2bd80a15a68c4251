// Integers: no digit is lost beyond 2^53, results that are too large wrap, and the ops that take them agree with sums in
// 128 bits.
#include <functional>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/backend/cpu/cuts.h>
#include <floe/floe.h>
#include <support/devices.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

__extension__ typedef __int128 Wide;  // GCC's and clang's
__extension__ typedef unsigned __int128 Modulo;
constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // the first that no double holds
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::lowest(),
                       highest = std::numeric_limits<std::int64_t>::max();

// visit.operator()<T>() for each integer type.
template <class Visit>
void for_each_type(Visit visit) {
  for (DType dtype : {DType::uint8, DType::int32, DType::int64}) {
    SCOPED_TRACE(name(dtype));
    dispatch(dtype, [&]<class T>() {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) visit.template operator()<T>();
    });
  }
}

// Ends, small numbers of both signs, and some from all over the type.
template <class T>
std::vector<T> samples() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> all{Limits::lowest(),
                     static_cast<T>(Limits::lowest() + 1),
                     Limits::max(),
                     static_cast<T>(Limits::max() - 1),
                     0,
                     1,
                     2,
                     3,
                     7,
                     10};
  for (int small : {-1, -2, -3, -7}) all.push_back(static_cast<T>(small));
  std::mt19937_64 random(1);
  for (int i = 0; i < 20; ++i) all.push_back(static_cast<T>(random()));
  return all;
}

template <class T>
Tensor column(const std::vector<T>& values) {
  return tensor(values, {static_cast<std::int64_t>(values.size()), 1});
}

// Modulo 2^bits, as T holds it.
template <class T>
T wrapped(Wide exact) {
  return static_cast<T>(static_cast<Modulo>(exact));
}

Wide floored(Wide a, Wide b) { return b == 0 ? 0 : a / b - (a % b != 0 && (a < 0) != (b < 0)); }

Wide power(Wide base, Wide exponent) {  // modulo 2^128
  Modulo result = 1, factor = static_cast<Modulo>(base);
  for (Wide left = exponent; left > 0; left /= 2, factor *= factor) result *= left % 2 ? factor : 1;
  return static_cast<Wide>(result);
}

// --- Numbers beside tensors ------------------------------------------------------------------------------------------

TEST(Integers, KeepTheirDigitsBesideATensor) {
  Tensor x = tensor(std::vector<std::int64_t>{0, odd, lowest}, {3});
  auto values = [](const Tensor& y) { return y.to_vector<std::int64_t>(); };
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(values(x + odd), (Values{odd, 2 * odd, lowest + odd}));
  EXPECT_EQ(values(odd - x), (Values{odd, 0, wrapped<std::int64_t>(Wide{odd} - lowest)}));
  EXPECT_EQ(values(x * odd), (Values{0, wrapped<std::int64_t>(Wide{odd} * odd), lowest}));
  EXPECT_EQ(values(maximum(x, odd)), (Values{odd, odd, odd}));
  EXPECT_EQ(values(minimum(x, odd - 1)), (Values{0, odd - 1, lowest}));
  EXPECT_EQ(values(where(equal(x, odd), -odd, x)), (Values{0, -odd, lowest}));
  EXPECT_EQ(values(where(equal(x, odd), x, highest)), (Values{highest, odd, highest}));
  EXPECT_EQ(values(clip(x, -odd, odd - 1)), (Values{0, odd - 1, -odd}));
  EXPECT_EQ(values(clip(x, odd, highest)), (Values{odd, odd, odd}));
  EXPECT_EQ(values(remainder(x, odd - 2)), (Values{0, 2, values(remainder(x, tensor(odd - 2)))[2]}));
  EXPECT_EQ(values(x + static_cast<unsigned long long>(highest))[0], highest);
}

TEST(Integers, AreComparedWithAllTheirDigits) {
  struct Case {
    Tensor (*op)(OperandOrNumber, OperandOrNumber);
    bool below, at, above;  // of odd - 1, odd and odd + 1 compared with odd
  };
  const Case table[] = {{equal, false, true, false},   {not_equal, true, false, true},
                        {less, true, false, false},    {less_equal, true, true, false},
                        {greater, false, false, true}, {greater_equal, false, true, true}};
  Tensor x = tensor(std::vector<std::int64_t>{odd - 1, odd, odd + 1}, {3});
  for (const Case& one : table)
    EXPECT_EQ(one.op(x, odd).to_vector<bool>(), (std::vector<bool>{one.below, one.at, one.above}));
}

TEST(Integers, BeyondAFloatAreRoundedAsCppRounds) {
  EXPECT_EQ((zeros({}, DType::float64) + odd).item(), 0x1p53);
  EXPECT_EQ((zeros({}) + 16777217).item<float>(), 16777216.0f);
}

TEST(Integers, BeyondATypeAreRefused) {
  Tensor x({2}, DType::int32);
  EXPECT_MESSAGE(ValueError, x + odd, "add: 9007199254740993 is beyond int32; cast() converts\n  tensor  (2,)   int32");
  EXPECT_MESSAGE(ValueError, Tensor({2}, DType::int64) + std::numeric_limits<std::uint64_t>::max(),
                 "add: 1.8446744073709552e+19 is beyond int64; cast() converts\n  tensor  (2,)   int64");
  EXPECT_EQ(error_of<ValueError>([] { full({}, odd, DType::int32); }),
            "full: 9007199254740993 is not a value of int32");
}

// --- Made, moved and read --------------------------------------------------------------------------------------------

TEST(Integers, KeepTheirDigitsWhereTheyAreMade) {
  for (std::int64_t value : {odd, -odd, lowest, highest, std::int64_t{-1}, std::int64_t{0}}) {
    Tensor x = full({2}, value, DType::int64);
    EXPECT_EQ(x[1].item<std::int64_t>(), value);
    EXPECT_EQ(to_string(x[0]), fmt::format("Tensor({}, shape=(), dtype=int64)", value));
    EXPECT_EQ(pad(x, {{0, 1}}, value)[2].item<std::int64_t>(), value);
    EXPECT_EQ(cast(cast(x, DType::int64), DType::int64)[0].item<std::int64_t>(), value);
    for (Device gpu : test::gpus()) {
      EXPECT_EQ(full({2}, value, DType::int64, gpu)[1].item<std::int64_t>(), value);
      EXPECT_EQ((zeros({2}, DType::int64, gpu) + value)[1].item<std::int64_t>(), value);
    }
  }
}

TEST(Integers, AreCountedExactly) {
  auto values = [](const Tensor& y) { return y.to_vector<std::int64_t>(); };
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(values(range(odd, odd + 3, 1, DType::int64)), (Values{odd, odd + 1, odd + 2}));
  EXPECT_EQ(values(range(odd, odd - 3, -2, DType::int64)), (Values{odd, odd - 2}));
  EXPECT_EQ(values(range(0, odd, odd - 1, DType::int64)), (Values{0, odd - 1}));
  EXPECT_EQ(values(range(highest - 1, highest, 1, DType::int64)), (Values{highest - 1}));
  EXPECT_EQ(values(range(lowest, highest, highest, DType::int64)), (Values{lowest, -1, highest - 1}));
  EXPECT_EQ(values(range(highest, lowest, lowest, DType::int64)), (Values{highest, -1}));
  EXPECT_EQ(values(range(0, 2.5, 1, DType::int64)), (Values{0, 1, 2}));
  EXPECT_EQ(values(range(0, -2.5, -1, DType::int64)), (Values{0, -1, -2}));
  EXPECT_EQ(values(range(odd, odd, 1, DType::int64)), Values{});
  EXPECT_EQ(values(range(5, -1e300, 1, DType::int64)), Values{});
  EXPECT_EQ(error_of<ValueError>([] { range(lowest, highest, 1, DType::int64); }),
            "range: -9223372036854775808 to 9223372036854775807 by 1 cannot be counted");
  EXPECT_EQ(error_of<ValueError>([] { range(0, 1e300, odd, DType::int64); }),
            "range: 0 to 1e+300 by 9007199254740993 cannot be counted");
  EXPECT_EQ(error_of<ValueError>([] { range(0, odd, odd - 1); }), "range: 9007199254740992 is not a value of int32");
}

TEST(Integers, AreReducedExactly) {
  Tensor x = tensor(std::vector<std::int64_t>{odd, 1, -3, odd + 1}, {4});
  EXPECT_EQ(reduce_sum(x).item<std::int64_t>(), 2 * odd - 1);
  EXPECT_EQ(cumsum(x, 0)[-1].item<std::int64_t>(), 2 * odd - 1);
  EXPECT_EQ(reduce_max(x).item<std::int64_t>(), odd + 1);
  EXPECT_EQ(reduce_min(-x).item<std::int64_t>(), -odd - 1);
  EXPECT_EQ(argmax(x).item<std::int64_t>(), 3);
  EXPECT_EQ(top_k(x, 2).values.to_vector<std::int64_t>(), (std::vector<std::int64_t>{odd + 1, odd}));
  EXPECT_EQ(reduce_prod(tensor(std::vector<std::int64_t>{odd, 3}, {2})).item<std::int64_t>(), 3 * odd);
  EXPECT_EQ(scatter(x, tensor({0, 0, 0, 1}), 2).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{odd - 2, odd + 1}));
}

// --- Ops against 128 bits --------------------------------------------------------------------------------------------

TEST(Integers, AgreeWithWideArithmetic) {
  struct Op {
    const char* name;
    Tensor (*op)(OperandOrNumber, OperandOrNumber);
    Wide (*exact)(Wide, Wide);
    bool takes_negative = true;  // on its right
  };
  const Op table[] = {
      {"add", add, [](Wide a, Wide b) { return a + b; }},
      {"subtract", subtract, [](Wide a, Wide b) { return a - b; }},
      {"multiply", multiply, [](Wide a, Wide b) { return a * b; }},
      {"maximum", maximum, [](Wide a, Wide b) { return a > b ? a : b; }},
      {"minimum", minimum, [](Wide a, Wide b) { return a < b ? a : b; }},
      {"floor_divide", floor_divide, floored},
      {"remainder", remainder, [](Wide a, Wide b) { return b == 0 ? 0 : a - floored(a, b) * b; }},
      {"pow", pow, power, false},
  };
  for_each_type([&]<class T>() {
    for (const Op& one : table) {
      SCOPED_TRACE(one.name);
      std::vector<T> left = samples<T>(), right = left, expected;
      if (!one.takes_negative) std::erase_if(right, [](T value) { return value < 0; });
      for (T a : left) {
        for (T b : right) expected.push_back(wrapped<T>(one.exact(a, b)));
      }
      Tensor a = column(left), b = transpose(column(right));
      EXPECT_EQ(one.op(a, b).template to_vector<T>(), expected);
      for (Device gpu : test::gpus()) EXPECT_EQ(one.op(to(a, gpu), to(b, gpu)).template to_vector<T>(), expected);
    }
  });
}

TEST(Integers, OfOneAgreeWithWideArithmetic) {
  struct Op {
    const char* name;
    Tensor (*op)(Operand);
    Wide (*exact)(Wide);
    bool of_bytes = true;
  };
  const Op table[] = {
      {"abs", abs, [](Wide a) { return a < 0 ? -a : a; }},
      {"square", square, [](Wide a) { return a * a; }},
      {"sign", sign, [](Wide a) -> Wide { return (a > 0) - (a < 0); }},
      {"negative", negative, [](Wide a) { return -a; }, false},
  };
  for_each_type([&]<class T>() {
    for (const Op& one : table) {
      if (std::is_same_v<T, std::uint8_t> && !one.of_bytes) continue;
      SCOPED_TRACE(one.name);
      std::vector<T> expected;
      for (T a : samples<T>()) expected.push_back(wrapped<T>(one.exact(a)));
      EXPECT_EQ(one.op(column(samples<T>())).template to_vector<T>(), expected);
    }
  });
}

TEST(Integers, SumsAndProductsWrap) {
  for_each_type([&]<class T>() {
    std::vector<T> values = samples<T>();
    Wide sum = 0;
    Modulo product = 1;
    std::erase_if(values, [](T value) { return value % 2 == 0; });  // a factor of 2^64 would leave 0
    for (T value : values) sum += value, product *= static_cast<Modulo>(Wide{value});
    Tensor x = column(values);
    EXPECT_EQ(reduce_prod(x).template item<T>(), wrapped<T>(static_cast<Wide>(product)));
    EXPECT_EQ(scatter(reshape(x, {-1}), zeros({x.dim(0)}, DType::int32), 1).template item<T>(), wrapped<T>(sum));
    if (!std::is_same_v<T, std::uint8_t>) {
      EXPECT_EQ(reduce_sum(x).template item<T>(), wrapped<T>(sum));
      EXPECT_EQ(cumsum(x, 0)[-1].template item<T>(), wrapped<T>(sum));
    }
    EXPECT_EQ(reduce_prod(Tensor({2, 0}, dtype_of<T>()), 1).template to_vector<T>(), (std::vector<T>{1, 1}));
  });
}

// Sizes around each cut of a product.
TEST(Integers, MatricesAgreeWithPlainLoops) {
  struct Sizes {
    std::int64_t rows, inner, columns;
  };
  std::vector<Sizes> table{{1, 1, 1}, {3, 3, 5}, {2, 0, 3}, {0, 3, 2}, {257, 3, 129}, {2, 2049, 600}, {40, 31, 300}};
  for (std::int64_t cut : {cpu::cuts::whole_together, cpu::cuts::whole_rows}) {
    for (std::int64_t inner : {cut - 1, cut, cut + 1, 2 * cut, 2 * cut + cut / 3 + 1}) table.push_back({5, inner, 33});
  }
  for_each_type([&]<class T>() {
    std::mt19937_64 random(1);
    for (auto [rows, inner, columns] : table) {
      SCOPED_TRACE(fmt::format("{} {} {}", rows, inner, columns));
      std::vector<T> p(static_cast<std::size_t>(rows * inner)), q(static_cast<std::size_t>(inner * columns)), expected;
      for (T& value : p) value = static_cast<T>(random());
      for (T& value : q) value = static_cast<T>(random());
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t column = 0; column < columns; ++column) {
          std::uint64_t sum = 0;
          for (std::int64_t k = 0; k < inner; ++k) {
            sum += static_cast<std::uint64_t>(p[static_cast<std::size_t>(row * inner + k)]) *
                   static_cast<std::uint64_t>(q[static_cast<std::size_t>(k * columns + column)]);
          }
          expected.push_back(static_cast<T>(sum));
        }
      }
      Tensor a = tensor(p, {rows, inner}), b = tensor(q, {inner, columns});
      for (bool ta : {false, true}) {
        for (bool tb : {false, true}) {
          Tensor left = ta ? transpose(a) : a, right = tb ? transpose(b) : b;
          EXPECT_EQ(matmul(left, right, {ta, tb}).template to_vector<T>(), expected);
          for (Device gpu : test::gpus())
            EXPECT_EQ(matmul(to(left, gpu), to(right, gpu), {ta, tb}).template to_vector<T>(), expected);
        }
      }
    }
  });
}

TEST(Integers, ManyMatricesAreMultipliedLikeEachAlone) {
  struct Shapes {
    Shape a, b;
  };
  const Shapes table[] = {{{2, 3, 4}, {4, 2}}, {{3, 4}, {2, 4, 2}}, {{2, 3, 4}, {2, 4, 2}}, {{2, 1, 2, 3}, {3, 3, 2}}};
  for_each_type([&]<class T>() {
    for (const Shapes& s : table) {
      SCOPED_TRACE(to_string(s.a) + " " + to_string(s.b));
      Tensor a = cast(cast(test::uniform(s.a, 0, 9, 1), DType::int32), dtype_of<T>());
      Tensor b = cast(cast(test::uniform(s.b, 0, 9, 2), DType::int32), dtype_of<T>());
      Tensor exact = matmul(cast(a, DType::float64), cast(b, DType::float64));  // far below 2^53
      EXPECT_TRUE(same_bits(matmul(a, b), cast(cast(exact, DType::int64), dtype_of<T>())));
    }
  });
}

TEST(Integers, TheFirstExampleOfThePostPrintsAsThere) {
  Tensor m1 = tensor({{1, 3, 5, 7}, {2, 4, 6, 8}}), m2 = tensor({{1, 5}, {2, 6}, {3, 7}, {4, 8}});
  EXPECT_EQ(to_string(matmul(m1, m2)), "Tensor(\n[[ 50 114]\n [ 60 140]], shape=(2, 2), dtype=int32)");
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Integers, RefuseWhatTheyHaveNoResultFor) {
  Tensor bytes({2}, DType::uint8), flags({2}, DType::boolean), whole = tensor({1, -2}), none;
  EXPECT_MESSAGE(DTypeError, -bytes, "negative: uint8 has no negative numbers; cast() converts\n  x  (2,)   uint8");
  EXPECT_MESSAGE(DTypeError, -flags, "negative: needs numbers; cast() converts\n  x  (2,)   bool");
  EXPECT_MESSAGE(ValueError, -none, "negative: x has no value yet");
  EXPECT_MESSAGE(ValueError, pow(whole, whole),
                 "pow: integers have no power of -2; cast() converts\n  b  (2,)   int32");
  EXPECT_MESSAGE(ValueError, pow(whole, -1), "pow: integers have no power of -1; cast() converts\n  b  ()   int32");
  EXPECT_MESSAGE(DTypeError, pow(whole, 0.5),
                 "pow: 0.5 is not a whole number but the tensor is int32; cast() converts\n  tensor  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, square(flags), "square: needs numbers; cast() converts\n  x  (2,)   bool");
  EXPECT_MESSAGE(DTypeError, reduce_prod(flags), "reduce_prod: needs numbers; cast() converts\n  x  (2,)   bool");
  EXPECT_MESSAGE(DTypeError, remainder(flags, flags),
                 "remainder: needs numbers; cast() converts\n  a  (2,)   bool\n  b  (2,)   bool");
  EXPECT_MESSAGE(DTypeError, matmul(Tensor({2, 2}, DType::boolean), Tensor({2, 2}, DType::boolean)),
                 "matmul: needs numbers; cast() converts\n  a  (2, 2)   bool");
  EXPECT_MESSAGE(DTypeError, matmul(Tensor({2, 2}, DType::int32), Tensor({2, 2}, DType::int64)),
                 "matmul: a is int32 but b is int64; cast() converts\n  a  (2, 2)   int32\n  b  (2, 2)   int64");
  EXPECT_MESSAGE(ValueError, clip(whole, odd, odd - 1),
                 "clip: there is no whole number from 9007199254740993 to 9007199254740992\n  x  (2,)   int32");
}

}  // namespace
}  // namespace floe
