// Arithmetic, comparison and logic: values, broadcasting, gradients, dtypes and refusals.
#include <floe/ops/arithmetic.h>

#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

// Two shapes, and what they broadcast to.
struct Shapes {
  Shape a, b, both;
};

const std::vector<Shapes> shapes = {
    {{}, {}, {}},
    {{1}, {1}, {1}},
    {{3}, {}, {3}},
    {{}, {2, 3}, {2, 3}},
    {{2, 3}, {2, 3}, {2, 3}},
    {{2, 3}, {3}, {2, 3}},
    {{3}, {2, 3}, {2, 3}},
    {{2, 1}, {1, 3}, {2, 3}},
    {{2, 3}, {2, 1}, {2, 3}},
    {{2, 1, 4}, {3, 1}, {2, 3, 4}},
    {{1, 1, 1}, {2}, {1, 1, 2}},
    {{2, 1, 2, 1, 2, 1}, {1, 3, 1, 2, 1, 2}, {2, 3, 2, 2, 2, 2}},
    {{5, 17}, {5, 1}, {5, 17}},
    {{0}, {1}, {0}},
    {{0, 3}, {3}, {0, 3}},
    {{1, 3}, {0, 1}, {0, 3}},
};

struct Binary {
  std::string name;
  Tensor (*op)(OperandOrNumber, OperandOrNumber);
  double (*reference)(double, double);
  Tensor (*draw)(const Shape&, std::uint64_t seed);
};

Tensor any(const Shape& shape, std::uint64_t seed) { return normal(shape, seed); }
Tensor positive(const Shape& shape, std::uint64_t seed) { return uniform(shape, 0.5, 2, seed); }
// Odd seeds give multiples of 0.1 and even ones those moved by 0.05: no element of one is near one of the other.
Tensor apart(const Shape& shape, std::uint64_t seed) { return distinct(shape, seed) + (seed % 2 ? 0.0 : 0.05); }

// Odd seeds give 1 to 1.3 and even ones 0.4 to 0.45 with either sign: quotients stay away from whole numbers.
Tensor far_from_multiples(const Shape& shape, std::uint64_t seed) {
  if (seed % 2) return uniform(shape, 1, 1.1, seed);
  return uniform(shape, 0.4, 0.45, seed) * where(uniform(shape, -1, 1, seed + 9) > 0.0, 1.0, full({}, -1, DType::float64));
}

const std::vector<Binary> binaries = {
    {"add", add, [](double a, double b) { return a + b; }, any},
    {"subtract", subtract, [](double a, double b) { return a - b; }, any},
    {"multiply", multiply, [](double a, double b) { return a * b; }, any},
    {"multiply_no_nan", multiply_no_nan, [](double a, double b) { return a * b; }, any},
    {"divide", divide, [](double a, double b) { return a / b; }, positive},
    {"maximum", maximum, [](double a, double b) { return a > b ? a : b; }, apart},
    {"minimum", minimum, [](double a, double b) { return a < b ? a : b; }, apart},
    {"pow", pow, [](double a, double b) { return std::pow(a, b); }, positive},
    {"remainder", remainder, [](double a, double b) { return a - std::floor(a / b) * b; }, far_from_multiples},
};

OpCases cases() {
  OpCases all;
  for (const Binary& one : binaries) {
    for (const Shapes& s : shapes) {
      all.push_back({one.name + " " + to_string(s.a) + " " + to_string(s.b),
                     {one.draw(s.a, 1), one.draw(s.b, 2)},
                     [=](const Tensors& x) { return one.op(x[0], x[1]); },
                     [=](const Tensors& x) {
                       return made(s.both, [&](const Index& i) { return one.reference(at(x[0], i), at(x[1], i)); });
                     }});
    }
    all.push_back({one.name + " with a number behind",
                   {one.draw({2, 3}, 1)},
                   [=](const Tensors& x) { return one.op(x[0], 1.25); },
                   [=](const Tensors& x) {
                     return made({2, 3}, [&](const Index& i) { return one.reference(at(x[0], i), 1.25); });
                   }});
    all.push_back({one.name + " with a number before",
                   {one.draw({2, 3}, 1)},
                   [=](const Tensors& x) { return one.op(1.25, x[0]); },
                   [=](const Tensors& x) {
                     return made({2, 3}, [&](const Index& i) { return one.reference(1.25, at(x[0], i)); });
                   }});
  }
  for (const Shapes& s : shapes) {
    Tensor condition = greater(normal(s.a, 3), 0.0);
    all.push_back({"where " + to_string(s.a) + " " + to_string(s.b),
                   {condition, normal(s.b, 1), normal(s.both, 2)},
                   [=](const Tensors& x) { return where(x[0], x[1], x[2]); },
                   [=](const Tensors& x) {
                     return made(s.both, [&](const Index& i) { return at(x[0], i) ? at(x[1], i) : at(x[2], i); });
                   }});
  }
  all.push_back({"where with numbers",
                 {greater(normal({2, 3}), 0.0), normal({3}, 2)},
                 [](const Tensors& x) { return where(x[0], x[1], 2.0) + where(x[0], -1.0, x[1]); },
                 [](const Tensors& x) {
                   return made({2, 3}, [&](const Index& i) { return at(x[0], i) ? at(x[1], i) - 1 : 2 + at(x[1], i); });
                 }});
  all.push_back({"negative",
                 {normal({2, 3})},
                 [](const Tensors& x) { return -x[0]; },
                 [](const Tensors& x) {
                   return made({2, 3}, [&](const Index& i) { return -at(x[0], i); });
                 }});
  return all;
}

// One tensor on both sides: two gradients meet.
OpCases cases_with_one_tensor_twice() {
  OpCases all;
  for (const Binary& one : binaries) {
    if (one.draw == apart) continue;
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 2}}) {
      all.push_back({one.name + " " + to_string(shape), {one.draw(shape, 1)}, [=](const Tensors& x) {
                       return one.op(x[0], x[0]);
                     }});
    }
  }
  all.push_back({"expanded in two ways", {positive({3}, 1)}, [](const Tensors& x) {
                   return reshape(x[0], {3, 1}) / x[0] * x[0];
                 }});
  return all;
}

TEST(Arithmetic, MatchesPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Arithmetic, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Arithmetic, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Arithmetic, RecordedGradientsEqualTheFirst) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Arithmetic, Float32IsWithinSixtyFourUlp) { for_each_case(cases(), expect_float32); }
TEST(Arithmetic, TakesOneTensorTwice) { for_each_case(cases_with_one_tensor_twice(), expect_differentiable); }

TEST(Arithmetic, GivesTheSameBitsForAnyNumberOfThreads) {
  const std::vector<Shapes> large = {{{120000}, {120000}, {}},
                                     {{300, 400}, {400}, {}},
                                     {{300, 400}, {300, 1}, {}},
                                     {{120000}, {}, {}},
                                     {{1, 70, 40}, {50, 1, 40}, {}}};
  for (const Binary& one : binaries) {
    for (const Shapes& s : large) {
      SCOPED_TRACE(one.name + " " + to_string(s.a) + " " + to_string(s.b));
      expect_same_bits_for_any_threads(
          {"", {one.draw(s.a, 1), one.draw(s.b, 2)}, [&](const Tensors& x) { return one.op(x[0], x[1]); }});
    }
  }
  expect_same_bits_for_any_threads({"",
                                    {greater(normal({300, 1}), 0.0), normal({300, 400}, 2), normal({400}, 3)},
                                    [](const Tensors& x) { return where(x[0], x[1], x[2]); }});
}

TEST(Arithmetic, AnElementsValueDoesNotDependOnItsPlace) {
  Tensor a = cast(uniform({40}, 0.5, 2, 1), DType::float32), b = cast(uniform({40}, 0.5, 2, 2), DType::float32);
  for (const Binary& one : binaries) {
    SCOPED_TRACE(one.name);
    auto [alone, slopes] = value_and_gradients([&](const Tensors& x) { return one.op(x[0], x[1]); }, {a, b});
    for (std::int64_t begin = 0; begin < 40; ++begin) {
      for (std::int64_t end : {begin + 1, (begin + 41) / 2, std::int64_t{40}}) {
        Tensor p = slice(a, 0, begin, end), q = slice(b, 0, begin, end);
        ASSERT_TRUE(same_bits(one.op(p, q), slice(alone, 0, begin, end)));
        ASSERT_TRUE(same_bits(one.op(reshape(p, {-1, 1}), q),
                              one.op(broadcast_to(reshape(p, {-1, 1}), {end - begin, end - begin}), q)));
      }
    }
  }
}

// --- Dtypes and special values ---------------------------------------------------------------------------------------

TEST(Arithmetic, WorksOnEveryNumericDtype) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    SCOPED_TRACE(name(dtype));
    Tensor a = cast(tensor({7, 2, 5}), dtype), b = cast(tensor({3, 2, 4}), dtype);
    EXPECT_TRUE(same_bits(a + b, cast(tensor({10, 4, 9}), dtype)));
    EXPECT_TRUE(same_bits(a - b, cast(tensor({4, 0, 1}), dtype)));
    EXPECT_TRUE(same_bits(a * b, cast(tensor({21, 4, 20}), dtype)));
    EXPECT_TRUE(same_bits(maximum(a, 4), cast(tensor({7, 4, 5}), dtype)));
    EXPECT_TRUE(same_bits(minimum(4, a), cast(tensor({4, 2, 4}), dtype)));
    EXPECT_TRUE(same_bits(a > b, cast(tensor({1, 0, 1}), DType::boolean)));
    EXPECT_TRUE(same_bits(where(a > b, a, b), cast(tensor({7, 2, 5}), dtype)));
  }
}

TEST(Arithmetic, IntegersKeepAllTheirDigits) {
  std::int64_t large = (std::int64_t{1} << 53) + 1;
  Tensor x = tensor(std::vector<std::int64_t>{large, -large}, {2});
  EXPECT_EQ((x + 1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{large + 1, -large + 1}));
  EXPECT_EQ((x - x).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(maximum(x, x - 1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{large, -large}));
}

TEST(Arithmetic, TakesTheEndsOfAnIntegerType) {
  for (DType dtype : {DType::uint8, DType::int32, DType::int64}) {
    double low = dtype == DType::uint8 ? 0 : dtype == DType::int32 ? -0x1p31 : -0x1p63;
    double high = dtype == DType::uint8 ? 255 : dtype == DType::int32 ? 0x1p31 - 1 : 0x1p63 - 1024;
    EXPECT_EQ((zeros({}, dtype) + low).item(), low);
    EXPECT_EQ((zeros({}, dtype) + high).item(), high);
  }
}

TEST(Arithmetic, SmallIntegersWrapAround) {
  Tensor x = cast(tensor({250, 3}), DType::uint8);
  EXPECT_EQ((x + 10).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{4, 13}));
  EXPECT_EQ((x - 10).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{240, 249}));
}

TEST(Arithmetic, MaximumAndMinimumAreNanIfEitherIs) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor a = cast(tensor(std::vector<double>{nan, 1, nan, -infinity}, {4}), dtype),
           b = cast(tensor(std::vector<double>{1, nan, nan, 2}, {4}), dtype);
    EXPECT_TRUE(close(maximum(a, b), tensor(std::vector<double>{nan, nan, nan, 2}, {4}), 0));
    EXPECT_TRUE(close(minimum(a, b), tensor(std::vector<double>{nan, nan, nan, -infinity}, {4}), 0));
    EXPECT_TRUE(close(maximum(reshape(a, {4, 1}), reshape(b, {1, 4})),
                      made({4, 4},
                           [&](const Index& i) {
                             double p = element(a, i[0]), q = element(b, i[1]);
                             return std::isnan(p) || std::isnan(q) ? nan : std::max(p, q);
                           }),
                      0));
  }
}

TEST(Arithmetic, NanOfMaximumAndMinimumTakesTheGradient) {
  const double nan = std::nan("");
  for (auto op : {maximum, minimum}) {
    Tensor a = tensor({nan, 1.0, nan, 1.0}), b = tensor({2.0, nan, nan, 1.0});
    GradientTape tape;
    tape.watch(a), tape.watch(b);
    Tensors gradients = tape.gradient(op(a, b), {a, b});
    EXPECT_TRUE(close(gradients[0], tensor({1.0, 0.0, 1.0, 1.0}), 0));
    EXPECT_TRUE(close(gradients[1], tensor({0.0, 1.0, 0.0, 0.0}), 0));
  }
}

TEST(Arithmetic, MultiplyNoNanIsZeroWhereTheSecondIs) {
  const double infinity = HUGE_VAL, nan = std::nan("");
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor a = cast(tensor(std::vector<double>{infinity, nan, 2, -infinity, 0}, {5}), dtype);
    Tensor b = cast(tensor({0.0, 0.0, 3.0, 0.5, 7.0}), dtype);
    GradientTape tape;
    tape.watch(a), tape.watch(b);
    Tensor y = multiply_no_nan(a, b);
    EXPECT_TRUE(close(y, cast(tensor(std::vector<double>{0, 0, 6, -infinity, 0}, {5}), dtype), 0));
    Tensors gradients = tape.gradient(y, {a, b}, {.output_gradient = cast(tensor({1.0, 0.0, 1.0, 0.0, 1.0}), dtype)});
    EXPECT_TRUE(close(gradients[0], cast(tensor({0.0, 0.0, 3.0, 0.0, 7.0}), dtype), 0));
    EXPECT_TRUE(close(gradients[1], cast(tensor(std::vector<double>{infinity, 0, 2, 0, 0}, {5}), dtype), 0));
  }
}

TEST(Arithmetic, TiesOfMaximumAndMinimumGiveTheGradientToTheFirst) {
  for (auto op : {maximum, minimum}) {
    Tensor a = tensor({1.0, 2.0}), b = tensor({1.0, 2.0});
    GradientTape tape;
    tape.watch(a), tape.watch(b);
    Tensors gradients = tape.gradient(op(a, b), Tensors{a, b});
    EXPECT_TRUE(close(gradients[0], tensor({1, 1}), 0));
    EXPECT_TRUE(close(gradients[1], tensor({0, 0}), 0));
  }
}

TEST(Arithmetic, DivisionByZeroFollowsIeee) {
  Tensor x = tensor({1.0, -1.0, 0.0});
  EXPECT_TRUE(close(x / 0.0, tensor(std::vector<double>{infinity, -infinity, nan}, {3}), 0));
}

// a // b and a % b as Python 3 prints them, which refuses to divide by 0.
TEST(Arithmetic, FloorDivisionAndRemainderAreThoseOfPython) {
  struct Case {
    double a, b, quotient, left;
  };
  const Case table[] = {
      {7.0, 3.0, 2.0, 1.0},
      {-7.0, 3.0, -3.0, 2.0},
      {7.0, -3.0, -3.0, -2.0},
      {-7.0, -3.0, 2.0, -1.0},
      {1.0, 0.1, 9.0, 0.09999999999999995},
      {-1.0, 0.1, -10.0, 5.551115123125783e-17},
      {6.0, 3.0, 2.0, 0.0},
      {-6.0, 3.0, -2.0, 0.0},
      {6.0, -3.0, -2.0, -0.0},
      {0.0, 3.0, 0.0, 0.0},
      {-0.0, 3.0, -0.0, 0.0},
      {0.0, -3.0, -0.0, -0.0},
      {5.0, infinity, 0.0, 5.0},
      {-5.0, infinity, -1.0, infinity},
      {5.0, -infinity, -1.0, -infinity},
      {-5.0, -infinity, 0.0, -5.0},
      {infinity, 2.0, nan, nan},
      {nan, 2.0, nan, nan},
      {2.0, nan, nan, nan},
      {1e+300, 3.0, 3.3333333333333335e+299, 0.0},
      {9007199254740991.0, 1.0, 9007199254740991.0, 0.0},
      {-9007199254740991.0, 2.0, -4503599627370496.0, 1.0},
      {0.3, 0.1, 2.0, 0.09999999999999998},
      {5e-324, 1.0, 0.0, 5e-324},
      {-5e-324, 1.0, -1.0, 1.0},
      {1, 0, infinity, nan},
      {-1, 0, -infinity, nan},
      {0, 0, nan, nan},
  };
  for (const Case& one : table) {
    SCOPED_TRACE(fmt::format("{} {}", one.a, one.b));
    Tensor a = full({}, one.a, DType::float64), b = full({}, one.b, DType::float64);
    EXPECT_TRUE(same_bits(abs(floor_divide(a, b)), abs(full({}, one.quotient, DType::float64))));
    EXPECT_TRUE(same_bits(abs(remainder(a, b)), abs(full({}, one.left, DType::float64))));
    EXPECT_TRUE(std::isnan(one.left) || std::signbit(remainder(a, b).item()) == std::signbit(one.left));
    EXPECT_TRUE(std::isnan(one.quotient) || std::signbit(floor_divide(a, b).item()) == std::signbit(one.quotient));
  }
}

TEST(Arithmetic, OnlyTheRemainderOfADivisionHasAGradient) {
  Tensor x = tensor({7.5, -7.5});
  GradientTape tape(persistent);
  tape.watch(x);
  EXPECT_TRUE(close(tape.gradient(remainder(x, 2), x), tensor({1, 1}), 0));
  Tensor whole = reduce_sum(floor_divide(x, 2));
  EXPECT_THROW(tape.gradient(whole, x), GradientError);
}

TEST(Arithmetic, PowHasItsEdges) {
  Tensor bases = tensor(std::vector<double>{0, 0, 0, -2, -8, 4, 1}, {7}),
         powers = tensor(std::vector<double>{0, 2, 0.5, 3, 1.0 / 3, -0.5, nan}, {7});
  EXPECT_TRUE(close(pow(bases, powers), tensor(std::vector<double>{1, 0, 0, -8, nan, 0.5, 1}, {7}), 0));
}

TEST(Arithmetic, GradientsOfPowAreFiniteAtBaseZeroAndNegativeBases) {
  Tensor bases = tensor(std::vector<double>{0, 0, 0, -2, -2}, {5}),
         powers = tensor(std::vector<double>{0, 1, 2, 3, 0}, {5});
  GradientTape tape(persistent);
  tape.watch(bases), tape.watch(powers);
  Tensor y = pow(bases, powers);
  EXPECT_TRUE(close(tape.gradient(y, bases), tensor(std::vector<double>{0, 1, 0, 12, 0}, {5}), 0));
  EXPECT_TRUE(close(tape.gradient(y, powers), tensor(std::vector<double>{0, 0, 0, 0, 0}, {5}), 0));
}

TEST(Arithmetic, PowLetsNothingThroughASlopeOfZeroAndKeepsNan) {
  const double nan = std::nan("");
  Tensor p = tensor({0.0, 0.0, 0.0, nan, 2.0}), q = tensor({2.0, 0.0, 1.0, 2.0, nan});
  GradientTape tape;
  tape.watch(p), tape.watch(q);
  Tensors slopes = tape.gradient(pow(p, q), {p, q}, {.output_gradient = tensor({HUGE_VAL, HUGE_VAL, 1.0, 1.0, 1.0})});
  EXPECT_TRUE(close(slopes[0], tensor({0.0, 0.0, 1.0, nan, nan}), 0));
  EXPECT_TRUE(close(slopes[1], tensor({0.0, 0.0, 0.0, nan, nan}), 0));
  EXPECT_EQ(pow(tensor({0.0}), 0).item(), 1);
}

TEST(Arithmetic, SecondGradientOfPowIsFiniteAtBaseZero) {
  for (auto [power, expected] : {std::pair{0.0, 0.0}, {1.0, 0.0}, {2.0, 2.0}, {3.0, 0.0}}) {
    Tensor x = zeros({}, DType::float64);
    GradientTape outer;
    outer.watch(x);
    GradientTape inner;
    inner.watch(x);
    Tensor first = inner.gradient(pow(x, power), x, {.differentiable = true});
    EXPECT_EQ(outer.gradient(first, x, {.missing = Missing::zero}).item(), expected) << "power " << power;
  }
}

TEST(Arithmetic, NumbersStandOnEitherSideOfOperators) {
  Tensor x = tensor({1.0, 2.0, 4.0});
  EXPECT_TRUE(close(8 / x - 1, tensor({7, 3, 1}), 0));
  EXPECT_TRUE(close(2.0 * x + 1, tensor({3, 5, 9}), 0));
  EXPECT_TRUE(close(1 - x, tensor({0, -1, -3}), 0));
}

// --- Comparisons and logic -------------------------------------------------------------------------------------------

TEST(Comparison, MatchesPlainLoops) {
  struct Comparison {
    const char* name;
    Tensor (*op)(OperandOrNumber, OperandOrNumber);
    bool (*reference)(double, double);
  };
  const std::vector<Comparison> comparisons = {
      {"equal", equal, [](double a, double b) { return a == b; }},
      {"not_equal", not_equal, [](double a, double b) { return a != b; }},
      {"less", less, [](double a, double b) { return a < b; }},
      {"less_equal", less_equal, [](double a, double b) { return a <= b; }},
      {"greater", greater, [](double a, double b) { return a > b; }},
      {"greater_equal", greater_equal, [](double a, double b) { return a >= b; }},
  };
  for (const Comparison& one : comparisons) {
    for (const Shapes& s : shapes) {
      for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
        SCOPED_TRACE(std::string(one.name) + " " + to_string(s.a) + " " + to_string(s.b) + " " +
                     std::string(name(dtype)));
        Tensor a = cast(uniform(s.a, 0, 3, 1), DType::int32), b = cast(uniform(s.b, 0, 3, 2), DType::int32);
        a = cast(a, dtype), b = cast(b, dtype);
        Tensor expected = made(
            s.both, [&](const Index& i) { return one.reference(at(a, i), at(b, i)); }, DType::boolean);
        EXPECT_TRUE(same_bits(one.op(a, b), expected));
      }
    }
    Tensor special = tensor(std::vector<double>{nan, infinity, -infinity, 0.0, -0.0}, {5}),
           turned = reshape(special, {5, 1});
    Tensor expected = made(
        {5, 5}, [&](const Index& i) { return one.reference(at(turned, i), at(special, i)); }, DType::boolean);
    EXPECT_TRUE(same_bits(one.op(turned, special), expected)) << one.name;
  }
}

TEST(Logic, MatchesPlainLoops) {
  for (const Shapes& s : shapes) {
    SCOPED_TRACE(to_string(s.a) + " " + to_string(s.b));
    Tensor a = normal(s.a, 1) > 0.0, b = normal(s.b, 2) > 0.0;
    EXPECT_TRUE(same_bits(logical_and(a, b),
                          made(
                              s.both, [&](const Index& i) { return at(a, i) && at(b, i); }, DType::boolean)));
    EXPECT_TRUE(
        same_bits(logical_or(a, b), made(
                                        s.both, [&](const Index& i) { return at(a, i) || at(b, i); }, DType::boolean)));
    EXPECT_TRUE(same_bits(logical_not(a), made(
                                              s.a, [&](const Index& i) { return !at(a, i); }, DType::boolean)));
  }
}

TEST(Where, MovesEveryDtype) {
  Tensor condition = cast(tensor({1, 0, 1}), DType::boolean);
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    Tensor a = cast(tensor({1, 1, 0}), dtype), b = cast(tensor({0, 0, 1}), dtype);
    EXPECT_TRUE(same_bits(where(condition, a, b), cast(tensor({1, 0, 0}), dtype))) << name(dtype);
  }
}

TEST(Where, TakesTheGradientOfTheOtherSideAwayAlsoIfItIsNan) {
  Tensor x = tensor({0.0, 4.0});
  GradientTape tape;
  tape.watch(x);
  Tensor safe = where(x > 0.0, x, 1.0);
  EXPECT_TRUE(close(tape.gradient(where(x > 0.0, sqrt(safe), 0.0), x), tensor({0.0, 0.25}), 0));
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Arithmetic, RefusesWhatDoesNotFit) {
  Tensor a({2, 3}), b({2, 4}), c({3, 1, 5}), wide({2, 3}, DType::float64), whole({2}, DType::int32),
      flags({2}, DType::boolean), none;
  EXPECT_MESSAGE(ShapeError, add(a, b),
                 "add: axis -1 has 3 and 4, and only a size of 1 is repeated\n  a  (2, 3)\n  b  (2, 4)");
  EXPECT_MESSAGE(ShapeError, a * c,
                 "multiply: axis -1 has 3 and 5, and only a size of 1 is repeated\n  a  (2, 3)\n  b  (3, 1, 5)");
  EXPECT_MESSAGE(ShapeError, maximum(c, b),
                 "maximum: axis -1 has 5 and 4, and only a size of 1 is repeated\n  a  (3, 1, 5)\n  b  (2, 4)");
  EXPECT_MESSAGE(DTypeError, a - wide,
                 "subtract: a is float32 but b is float64; cast() converts\n  a  (2, 3)\n  b  (2, 3)   float64");
  EXPECT_MESSAGE(DTypeError, whole / 2,
                 "divide: needs float32 or float64; cast() converts\n  a  (2,)   int32\n  b  ()     int32");
  EXPECT_MESSAGE(
      DTypeError, whole * 0.5,
      "multiply: 0.5 is not a whole number but the tensor is int32; cast() converts\n  tensor  (2,)   int32");
  Tensor bytes({2}, DType::uint8);
  EXPECT_MESSAGE(ValueError, bytes + 256, "add: 256 is beyond uint8; cast() converts\n  tensor  (2,)   uint8");
  EXPECT_MESSAGE(ValueError, bytes - -1, "subtract: -1 is beyond uint8; cast() converts\n  tensor  (2,)   uint8");
  EXPECT_MESSAGE(ValueError, whole + 0x1p31,
                 "add: 2147483648 is beyond int32; cast() converts\n  tensor  (2,)   int32");
  EXPECT_MESSAGE(ValueError, whole * infinity,
                 "multiply: inf is beyond int32; cast() converts\n  tensor  (2,)   int32");
  EXPECT_MESSAGE(
      DTypeError, whole * nan,
      "multiply: nan is not a whole number but the tensor is int32; cast() converts\n  tensor  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, flags + flags, "add: needs numbers; cast() converts\n  a  (2,)   bool\n  b  (2,)   bool");
  EXPECT_MESSAGE(ValueError, add(1, 2), "add: needs at least one tensor");
  EXPECT_MESSAGE(ValueError, none + a, "add: a has no value yet");
  EXPECT_MESSAGE(ValueError, a + none, "add: b has no value yet");
  EXPECT_MESSAGE(ValueError, none + 1, "add: a has no value yet");
}

TEST(Comparison, RefusesWhatDoesNotFit) {
  Tensor a({2}), whole({2}, DType::int32), flags({2}, DType::boolean), other({3}, DType::boolean);
  EXPECT_MESSAGE(DTypeError, a < whole,
                 "less: a is float32 but b is int32; cast() converts\n  a  (2,)\n  b  (2,)   int32");
  EXPECT_MESSAGE(ShapeError, equal(a, Tensor({3})),
                 "equal: axis -1 has 2 and 3, and only a size of 1 is repeated\n  a  (2,)\n  b  (3,)");
  EXPECT_MESSAGE(ValueError, Tensor({2}, DType::uint8) >= 256,
                 "greater_equal: 256 is beyond uint8; cast() converts\n  tensor  (2,)   uint8");
  EXPECT_MESSAGE(ValueError, equal(flags, 2), "equal: 2 is beyond bool; cast() converts\n  tensor  (2,)   bool");
  EXPECT_MESSAGE(DTypeError, logical_and(a, a),
                 "logical_and: needs bool tensors, such as comparisons give\n  a  (2,)\n  b  (2,)");
  EXPECT_MESSAGE(DTypeError, logical_not(whole),
                 "logical_not: needs a bool tensor, such as comparisons give\n  x  (2,)   int32");
  EXPECT_MESSAGE(
      ShapeError, logical_or(flags, other),
      "logical_or: axis -1 has 2 and 3, and only a size of 1 is repeated\n  a  (2,)   bool\n  b  (3,)   bool");
  EXPECT_MESSAGE(DTypeError, where(a, a, a),
                 "where: the condition must be bool, such as comparisons give\n  condition  (2,)");
  EXPECT_MESSAGE(
      ShapeError, where(other, a, 1),
      "where: axis -1 has 3 and 2, and only a size of 1 is repeated\n  condition  (3,)   bool\n  a or b     (2,)");
}

TEST(Arithmetic, NamesTheCallersLineAndVariable) {
  Variable weights("dense.weights", zeros({4}));
  Tensor x({3});
  std::string expected =
      "add: axis -1 has 3 and 4, and only a size of 1 is repeated\n  a  (3,)\n  b  (4,)   [dense.weights]\n  at "
      "tests/ops/arithmetic_test.cpp:";
  int line = __LINE__ + 1;
  EXPECT_EQ(error_of<ShapeError>([&] { x + weights; }), expected + std::to_string(line));
}

}  // namespace
}  // namespace floe
