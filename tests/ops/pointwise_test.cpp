// Pointwise functions: values, gradients of two orders, extreme arguments, dtypes and refusals.
#include <floe/ops/pointwise.h>

#include <limits>
#include <map>
#include <numbers>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double exact_softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
double exact_normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

struct Unary {
  std::string name;
  Tensor (*op)(const Tensor&);
  double (*reference)(double);
  Tensor (*draw)(const Shape&);
  double low, high;  // where each float32 value is within `ulps` of its own last place
  int ulps;
  double at_plus_infinity, at_minus_infinity;
};

Tensor any(const Shape& shape) { return normal(shape); }
Tensor positive(const Shape& shape) { return uniform(shape, 0.2, 3); }
Tensor above_minus_one(const Shape& shape) { return uniform(shape, -0.8, 3); }
Tensor off_kinks(const Shape& shape) { return distinct(shape); }

const std::vector<Unary> unaries = {
    {"exp", [](const Tensor& x) { return exp(x); }, [](double x) { return std::exp(x); }, any, -104, 88.7, 2, infinity,
     0},
    {"expm1", [](const Tensor& x) { return expm1(x); }, [](double x) { return std::expm1(x); }, any, -20, 88.7, 3,
     infinity, -1},
    {"log", [](const Tensor& x) { return log(x); }, [](double x) { return std::log(x); }, positive, 1e-45, 3e38, 2,
     infinity, nan},
    {"log1p", [](const Tensor& x) { return log1p(x); }, [](double x) { return std::log1p(x); }, above_minus_one, -0.999,
     3e38, 2, infinity, nan},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, positive, 1e-45, 3e38, 0,
     infinity, nan},
    {"rsqrt", [](const Tensor& x) { return rsqrt(x); }, [](double x) { return 1 / std::sqrt(x); }, positive, 1e-45,
     3e38, 1, 0, nan},
    {"square", [](const Tensor& x) { return square(x); }, [](double x) { return x * x; }, any, -1e19, 1e19, 1, infinity,
     infinity},
    {"abs", [](const Tensor& x) { return abs(x); }, [](double x) { return std::abs(x); }, off_kinks, -3e38, 3e38, 0,
     infinity, infinity},
    {"sin", [](const Tensor& x) { return sin(x); }, [](double x) { return std::sin(x); }, any, -1e5, 1e5, 3, nan, nan},
    {"cos", [](const Tensor& x) { return cos(x); }, [](double x) { return std::cos(x); }, any, -1e5, 1e5, 3, nan, nan},
    {"tanh", [](const Tensor& x) { return tanh(x); }, [](double x) { return std::tanh(x); }, any, -20, 20, 3, 1, -1},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, exact_sigmoid, any, -104, 87, 3, 1, 0},
    {"relu", [](const Tensor& x) { return relu(x); }, [](double x) { return std::max(x, 0.0); }, off_kinks, -3e38, 3e38,
     0, infinity, 0},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, [](double x) { return x < 0 ? 0.2 * x : x; },
     off_kinks, -1e38, 3e38, 1, infinity, -infinity},
    {"leaky_relu_0.3", [](const Tensor& x) { return leaky_relu(x, 0.3); }, [](double x) { return x < 0 ? 0.3 * x : x; },
     off_kinks, -1e38, 3e38, 1, infinity, -infinity},
    {"elu", [](const Tensor& x) { return elu(x); }, [](double x) { return x < 0 ? std::expm1(x) : x; }, off_kinks, -20,
     3e38, 3, infinity, -1},
    {"elu_0.5", [](const Tensor& x) { return elu(x, 0.5); }, [](double x) { return x < 0 ? 0.5 * std::expm1(x) : x; },
     off_kinks, -20, 3e38, 3, infinity, -0.5},
    {"softplus", [](const Tensor& x) { return softplus(x); }, exact_softplus, any, -104, 3e38, 3, infinity, 0},
    {"erf", [](const Tensor& x) { return erf(x); }, [](double x) { return std::erf(x); }, any, -10, 10, 2, 1, -1},
    {"gelu", [](const Tensor& x) { return gelu(x); }, exact_gelu, any, -15, 1e38, 16, infinity, 0},
    {"normal_cdf", [](const Tensor& x) { return normal_cdf(x); }, exact_normal_cdf, any, -15, 10, 16, 1, 0},
    {"clip", [](const Tensor& x) { return clip(x, -0.5, 0.5); }, [](double x) { return std::clamp(x, -0.5, 0.5); },
     off_kinks, -3e38, 3e38, 0, 0.5, -0.5},
};

const std::vector<Shape> shapes = {{}, {1}, {0}, {0, 3}, {2, 3}, {1, 1, 5}, {17}, {3, 1, 11}};

OpCases cases() {
  OpCases all;
  for (const Unary& one : unaries) {
    for (const Shape& shape : shapes) {
      all.push_back(
          {one.name + " " + to_string(shape),
           {one.draw(shape)},
           [=](const Tensors& x) { return one.op(x[0]); },
           [=](const Tensors& x) { return made(shape, [&](const Index& i) { return one.reference(at(x[0], i)); }); }});
    }
  }
  return all;
}

TEST(Pointwise, MatchesTheStandardLibrary) { for_each_case(cases(), expect_reference); }
TEST(Pointwise, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Pointwise, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Pointwise, RecordedGradientsEqualTheKernels) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Pointwise, Float32IsWithinSixtyFourUlp) { for_each_case(cases(), expect_float32); }

TEST(Pointwise, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Unary& one : unaries) {
    SCOPED_TRACE(one.name);
    expect_same_bits_for_any_threads({"", {one.draw({100, 1301})}, [&](const Tensors& x) { return one.op(x[0]); }});
  }
}

TEST(Pointwise, AnElementsValueAndSlopeDoNotDependOnItsPlace) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (const Unary& one : unaries) {
      SCOPED_TRACE(one.name + " " + std::string(name(dtype)));
      Tensor values = cast(one.draw({7}), dtype), together = one.op(values);
      auto slope = [&](Tensor x) {
        GradientTape tape;
        tape.watch(x);
        return tape.gradient(one.op(x), x);
      };
      Tensor slopes = slope(values);
      for (std::int64_t length = 1; length <= 40; ++length) {
        Tensor which = made(
                   {length}, [](const Index&i) { return i[0] % 7; }, DType::int64),
               x = gather(values, which);
        ASSERT_TRUE(same_bits(one.op(x), gather(together, which)));
        ASSERT_TRUE(same_bits(slope(x), gather(slopes, which)));
      }
    }
  }
}

// --- Extreme values --------------------------------------------------------------------------------------------------

// Points from low to high: evenly spaced, and also in powers of two towards 0 and outwards.
std::vector<float> sweep(double low, double high) {
  std::vector<float> points;
  for (int i = 0; i <= 4000; ++i)
    points.push_back(static_cast<float>(std::lerp(std::max(low, -100.0), std::min(high, 100.0), i / 4000.0)));
  for (double size = 1e-44; size < 3.3e38; size *= 1.37) {
    if (size <= high && size >= low) points.push_back(static_cast<float>(size));
    if (-size <= high && -size >= low) points.push_back(static_cast<float>(-size));
  }
  return points;
}

TEST(Pointwise, EachFloat32IsWithinAFewUlpOfItself) {
  for (const Unary& one : unaries) {
    std::vector<float> points = sweep(one.low, one.high);
    Tensor x = tensor(points, {static_cast<std::int64_t>(points.size())}), y = one.op(x);
    double worst = 0;
    float where = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      double truth = one.reference(static_cast<double>(points[i]));
      float size = std::abs(static_cast<float>(truth));
      if (!std::isfinite(size)) continue;
      double ulp =
          static_cast<double>(std::nextafter(size, std::numeric_limits<float>::infinity())) - static_cast<double>(size);
      double off = std::abs(static_cast<double>(y.data<float>()[i]) - truth) / ulp;
      if (!(off <= worst)) worst = off, where = points[i];
    }
    EXPECT_LE(worst, one.ulps + 0.5) << one.name << " at " << where;
  }
}

TEST(Pointwise, NanStaysNan) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (const Unary& one : unaries) {
      for (std::int64_t size : {1, 16, 19}) {
        Tensor y = one.op(full({size}, nan, dtype));
        EXPECT_TRUE(close(y, full({size}, nan), 0)) << one.name << " " << name(dtype);
      }
    }
  }
}

TEST(Pointwise, InfinitiesHaveTheirLimits) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (const Unary& one : unaries) {
      Tensor y = one.op(cast(tensor(std::vector<double>{infinity, -infinity}, {2}), dtype));
      Tensor expected = cast(tensor(std::vector<double>{one.at_plus_infinity, one.at_minus_infinity}, {2}), dtype);
      EXPECT_TRUE(close(y, expected, 0)) << one.name << " " << name(dtype);
    }
  }
}

TEST(Pointwise, ExpReachesZeroAndInfinity) {
  EXPECT_TRUE(close(exp(tensor({-104.0, 89.0, 0.0})), tensor(std::vector<double>{0, infinity, 1}, {3}), 0));
  Tensor x = tensor(std::vector<double>{-746, 710, 0}, {3});
  EXPECT_TRUE(close(exp(x), tensor(std::vector<double>{0, infinity, 1}, {3}), 0));
  EXPECT_TRUE(close(expm1(tensor({-104.0, 89.0, 0.0})), tensor(std::vector<double>{-1, infinity, 0}, {3}), 0));
}

TEST(Pointwise, LogarithmsHaveTheirEdges) {
  EXPECT_TRUE(close(log(tensor({0.0, -1.0, 1.0})), tensor(std::vector<double>{-infinity, nan, 0}, {3}), 0));
  EXPECT_TRUE(close(log1p(tensor({-1.0, -2.0, 0.0})), tensor(std::vector<double>{-infinity, nan, 0}, {3}), 0));
  EXPECT_TRUE(close(sqrt(tensor({0.0, -1.0})), tensor(std::vector<double>{0, nan}, {2}), 0));
  EXPECT_TRUE(close(rsqrt(tensor({0.0, -1.0})), tensor(std::vector<double>{infinity, nan}, {2}), 0));
}

// The slope of an op at each element of x, by the kernel or by recorded ops; and what that changes by.
Tensor slope_of(Tensor (*op)(const Tensor&), Tensor x, bool differentiable = false) {
  GradientTape tape;
  tape.watch(x);
  return tape.gradient(op(x), x, {.differentiable = differentiable});
}

Tensor curve_of(Tensor (*op)(const Tensor&), Tensor x) {
  GradientTape tape(persistent);
  tape.watch(x);
  return tape.gradient(tape.gradient(op(x), x, {.differentiable = true}), x);
}

TEST(Pointwise, SlopesAtNanAreNan) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (const Unary& one : unaries) {
      for (std::int64_t size : {1, 16, 19}) {
        for (bool differentiable : {false, true}) {
          Tensor x = full({size}, nan, dtype);
          EXPECT_TRUE(close(slope_of(one.op, x, differentiable), x, 0)) << one.name << " " << name(dtype);
        }
      }
    }
  }
}

TEST(Pointwise, SlopesAtInfinitiesAreTheirLimits) {
  struct Limits {
    std::vector<double> slope, curve;  // at infinity and at -infinity; only at infinity if the function ends at 0
  };
  const std::map<std::string, Limits> limits = {
      {"exp", {{infinity, 0}, {infinity, 0}}},
      {"expm1", {{infinity, 0}, {infinity, 0}}},
      {"log", {{0}, {0}}},
      {"log1p", {{0}, {0}}},
      {"sqrt", {{0}, {0}}},
      {"rsqrt", {{0}, {0}}},
      {"square", {{infinity, -infinity}, {2, 2}}},
      {"abs", {{1, -1}, {0, 0}}},
      {"tanh", {{0, 0}, {0, 0}}},
      {"sigmoid", {{0, 0}, {0, 0}}},
      {"relu", {{1, 0}, {0, 0}}},
      {"leaky_relu", {{1, 0.2}, {0, 0}}},
      {"leaky_relu_0.3", {{1, 0.3}, {0, 0}}},
      {"elu", {{1, 0}, {0, 0}}},
      {"elu_0.5", {{1, 0}, {0, 0}}},
      {"softplus", {{1, 0}, {0, 0}}},
      {"erf", {{0, 0}, {0, 0}}},
      {"normal_cdf", {{0, 0}, {0, 0}}},
      {"gelu", {{1, 0}, {0, 0}}},
      {"clip", {{0, 0}, {0, 0}}},
  };
  for (const Unary& one : unaries) {
    if (std::isnan(one.at_plus_infinity)) continue;  // sin and cos have none
    SCOPED_TRACE(one.name);
    const auto& [slope, curve] = limits.at(one.name);
    for (DType dtype : {DType::float32, DType::float64}) {
      for (double far : {1000.0, infinity}) {
        if (far == 1000 && (one.at_plus_infinity == infinity && slope[0] != 1)) continue;
        Tensor x = slice(cast(tensor(std::vector<double>{far, -far}, {2}), dtype), 0, 0, std::ssize(slope));
        auto expected = [&](const std::vector<double>& of) { return cast(tensor(of, x.shape()), dtype); };
        const double tolerance = far == 1000 ? 1e-4 : 0;
        EXPECT_TRUE(close(slope_of(one.op, x), expected(slope), tolerance));
        EXPECT_TRUE(close(slope_of(one.op, x, true), expected(slope), tolerance));
        EXPECT_TRUE(close(curve_of(one.op, x), expected(curve), tolerance));
      }
    }
  }
}

TEST(Pointwise, NothingComesBackThroughASlopeOfZero) {
  struct Chain {
    const char* name;
    Tensor (*op)(const Tensor&);
    double x;
  };
  for (const Chain& one : std::vector<Chain>{
           {"log(relu)", [](const Tensor& x) { return log(relu(x)); }, -1},
           {"log(relu) at 0", [](const Tensor& x) { return log(relu(x)); }, 0},
           {"log(leaky_relu 0)", [](const Tensor& x) { return log(leaky_relu(x, 0)); }, -1},
           {"log(-elu 0)", [](const Tensor& x) { return log(-elu(x, 0)); }, -1},
           {"sqrt(clip)", [](const Tensor& x) { return sqrt(clip(x, 0, 1)); }, -1},
           {"rsqrt(1 - clip)", [](const Tensor& x) { return rsqrt(1 - clip(x, 0, 1)); }, 2},
           {"sqrt(abs)", [](const Tensor& x) { return sqrt(abs(x)); }, 0},
           {"sqrt(square)", [](const Tensor& x) { return sqrt(square(x)); }, 0},
           {"log(exp)", [](const Tensor& x) { return log(exp(x)); }, -1000},
           {"log(sigmoid)", [](const Tensor& x) { return log(sigmoid(x)); }, -1000},
           {"log(1 - tanh)", [](const Tensor& x) { return log(1 - tanh(x)); }, infinity},
           {"log(maximum)", [](const Tensor& x) { return log(maximum(x, 0)); }, -1},
           {"log(where)", [](const Tensor& x) { return log(where(x > 0.0, x, 0.0)); }, -1},
           {"sqrt(pow)", [](const Tensor& x) { return sqrt(pow(x, 2)); }, 0},
       }) {
    for (DType dtype : {DType::float32, DType::float64}) {
      for (std::int64_t size : {1, 16, 19}) {
        Tensor x = full({size}, one.x, dtype);
        EXPECT_TRUE(close(slope_of(one.op, x), zeros_like(x), 0)) << one.name;
        EXPECT_TRUE(close(slope_of(one.op, x, true), zeros_like(x), 0)) << one.name;
      }
    }
  }
  // Nor does a curve: the second gradient of what is flat is 0 as well.
  for (auto op : {+[](const Tensor& x) { return log(relu(x)); }, +[](const Tensor& x) { return sqrt(clip(x, 0, 1)); }})
    EXPECT_EQ(curve_of(op, tensor({-1.0})).item(), 0);
}

TEST(Pointwise, FlatSlopesKeepTheirDigits) {
  struct Slope {
    const char* name;
    Tensor (*op)(const Tensor&);
    double x, slope;
  };
  for (const Slope& one : std::vector<Slope>{
           {"elu", [](const Tensor& x) { return elu(x); }, -20, 2.0611536224385578e-09},
           {"expm1", [](const Tensor& x) { return expm1(x); }, -20, 2.0611536224385578e-09},
           {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, 20, 2.0611536139418493e-09},
           {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, -20, 2.0611536139418493e-09},
           {"tanh", [](const Tensor& x) { return tanh(x); }, 10, 8.2446144557673974e-09},
           {"tanh", [](const Tensor& x) { return tanh(x); }, -10, 8.2446144557673974e-09},
           {"softplus", [](const Tensor& x) { return softplus(x); }, -20, 2.0611536181902037e-09},
           {"erf", [](const Tensor& x) { return erf(x); }, 5, 1.5670866531017336e-11},
           {"normal_cdf", [](const Tensor& x) { return normal_cdf(x); }, -10, 7.6945986267064193e-23},
           {"gelu", [](const Tensor& x) { return gelu(x); }, -10, -7.6184000964648141e-22},
       }) {
    for (DType dtype : {DType::float32, DType::float64}) {
      for (bool differentiable : {false, true}) {
        const double found = slope_of(one.op, full({1}, one.x, dtype), differentiable).item();
        EXPECT_NEAR(found / one.slope, 1, dtype == DType::float32 ? 2e-6 : 1e-13) << one.name << " at " << one.x;
      }
    }
  }
}

TEST(Pointwise, WhatIsBelowTheNormalNumbersIsNotClamped) {
  struct Value {
    const char* name;
    Tensor (*op)(const Tensor&);
    double (*reference)(double);
    double single, twice;  // arguments in float32 and float64
  };
  for (const Value& one : std::vector<Value>{
           {"log", [](const Tensor& x) { return log(x); }, std::log, 1e-40, 5e-324},
           {"log1p", [](const Tensor& x) { return log1p(x); }, std::log1p, 1e-40, 5e-324},
           {"expm1", [](const Tensor& x) { return expm1(x); }, std::expm1, 3e-45, 5e-324},
           {"sqrt", [](const Tensor& x) { return sqrt(x); }, std::sqrt, 1e-40, 5e-324},
           {"rsqrt", [](const Tensor& x) { return rsqrt(x); }, [](double x) { return 1 / std::sqrt(x); }, 1e-40,
            5e-324},
           {"exp", [](const Tensor& x) { return exp(x); }, std::exp, -90, -720},
           {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, std::exp, -90, -720},
           {"softplus", [](const Tensor& x) { return softplus(x); }, std::exp, -90, -720},
           {"gelu", [](const Tensor& x) { return gelu(x); }, exact_gelu, -13.5, -38},
           {"divide", [](const Tensor& x) { return x / 4; }, [](double x) { return x / 4; }, 1.5e-38, 3e-308},
       }) {
    for (DType dtype : {DType::float32, DType::float64}) {
      const bool single = dtype == DType::float32;
      Tensor x = full({19}, single ? one.single : one.twice, dtype);
      const double truth = one.reference(element(x, 3)), smallest = single ? 0x1p-149 : 0x1p-1074;
      EXPECT_NEAR(element(one.op(x), 3), truth, std::abs(truth) * (single ? 3e-7 : 1e-13) + 2 * smallest)
          << one.name << " " << name(dtype);
    }
  }
  EXPECT_NEAR(log(full({1}, 1e-40, DType::float32)).item(), -92.1034, 1e-4);
}

TEST(Pointwise, OverflowsOnlyBeyondTheLargestNumber) {
  for (auto op : {+[](const Tensor& x) { return exp(x); }, +[](const Tensor& x) { return expm1(x); }}) {
    EXPECT_NEAR(op(full({1}, 88.72, DType::float32)).item() / std::exp(static_cast<double>(88.72f)), 1, 1e-6);
    EXPECT_EQ(op(full({1}, 88.73, DType::float32)).item(), infinity);
    EXPECT_NEAR(op(full({1}, 709.78, DType::float64)).item() / std::exp(709.78), 1, 1e-12);
    EXPECT_EQ(op(full({1}, 709.79, DType::float64)).item(), infinity);
  }
}

TEST(Pointwise, SlopesAtKinksAreAsPromised) {
  auto slope_at_zero = [](auto op) {
    Tensor x = zeros({1});
    GradientTape tape;
    tape.watch(x);
    return tape.gradient(op(x), x).template item<double>();
  };
  EXPECT_EQ(slope_at_zero([](const Tensor& x) { return relu(x); }), 0);
  EXPECT_EQ(slope_at_zero([](const Tensor& x) { return abs(x); }), 0);
  EXPECT_EQ(slope_at_zero([](const Tensor& x) { return clip(x, 0, 1); }), 1);
  EXPECT_EQ(slope_at_zero([](const Tensor& x) { return clip(x, -1, 0); }), 1);
  EXPECT_EQ(slope_at_zero([](const Tensor& x) { return elu(x, 1); }), 1);
}

// --- Functions without a gradient ------------------------------------------------------------------------------------

TEST(Pointwise, RoundingMatchesTheStandardLibrary) {
  std::vector<double> points = {-2.5, -1.5, -0.5,      -0.4, 0.0,      0.5,       1.5,
                                2.5,  2.6,  1e6 + 0.5, -7,   infinity, -infinity, nan};
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor x = cast(tensor(points, {static_cast<std::int64_t>(points.size())}), dtype);
    auto expected = [&](double (*f)(double)) {
      return made(
          x.shape(), [&](const Index& i) { return f(at(x, i)); }, dtype);
    };
    EXPECT_TRUE(close(floor(x), expected(std::floor), 0));
    EXPECT_TRUE(close(ceil(x), expected(std::ceil), 0));
    EXPECT_TRUE(close(round(x), expected(std::nearbyint), 0));
    EXPECT_TRUE(close(sign(x), expected([](double v) { return v > 0 ? 1.0 : v < 0 ? -1.0 : 0 * v; }), 0));
    EXPECT_TRUE(
        same_bits(isnan(x), made(
                                x.shape(), [&](const Index& i) { return std::isnan(at(x, i)); }, DType::boolean)));
    EXPECT_TRUE(same_bits(isfinite(x),
                          made(
                              x.shape(), [&](const Index& i) { return std::isfinite(at(x, i)); }, DType::boolean)));
  }
}

TEST(Pointwise, FunctionsWithoutAGradientSayWhichTheyAre) {
  Tensor x = tensor({1.5, -2.5});
  GradientTape tape(persistent);
  tape.watch(x);
  int line = __LINE__ + 1;
  Tensor y = reduce_sum(floor(x));
  std::string expected =
      "gradient: no path from the target to a tensor of shape (2,)\n  no gradient flows through floor at "
      "tests/ops/pointwise_test.cpp:";
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x), expected + std::to_string(line));
}

TEST(Pointwise, SomeTakeIntegers) {
  for (DType dtype : {DType::int32, DType::int64}) {
    Tensor x = cast(tensor({-7, 0, 5}), dtype);
    EXPECT_TRUE(same_bits(abs(x), cast(tensor({7, 0, 5}), dtype)));
    EXPECT_TRUE(same_bits(sign(x), cast(tensor({-1, 0, 1}), dtype)));
    EXPECT_TRUE(same_bits(clip(x, -2, 3), cast(tensor({-2, 0, 3}), dtype)));
    EXPECT_TRUE(same_bits(clip(x, 0, infinity), cast(tensor({0, 0, 5}), dtype)));
    EXPECT_TRUE(same_bits(clip(x, -infinity, 0), cast(tensor({-7, 0, 0}), dtype)));
  }
  Tensor bytes = cast(tensor({0, 5, 250}), DType::uint8);
  EXPECT_TRUE(same_bits(clip(bytes, -5, 100), cast(tensor({0, 5, 100}), DType::uint8)));
  EXPECT_TRUE(same_bits(clip(bytes, 3, 1000), cast(tensor({3, 5, 250}), DType::uint8)));
  EXPECT_TRUE(same_bits(sign(bytes), cast(tensor({0, 1, 1}), DType::uint8)));
}

TEST(Pointwise, ClipOfIntegersKeepsAllTheirDigits) {
  std::int64_t large = (std::int64_t{1} << 53) + 1;
  Tensor x = tensor(std::vector<std::int64_t>{large, -large}, {2});
  EXPECT_EQ(clip(x, -1, infinity).to_vector<std::int64_t>(), (std::vector<std::int64_t>{large, -1}));
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Pointwise, RefusesWhatDoesNotFit) {
  Tensor x({2}), whole({2, 3}, DType::int32), flags({4}, DType::boolean), none;
  EXPECT_MESSAGE(DTypeError, exp(whole), "exp: needs float32 or float64; cast() converts\n  x  (2, 3)   int32");
  EXPECT_MESSAGE(DTypeError, floor(whole), "floor: needs float32 or float64; cast() converts\n  x  (2, 3)   int32");
  EXPECT_MESSAGE(DTypeError, isnan(whole), "isnan: needs float32 or float64; cast() converts\n  x  (2, 3)   int32");
  EXPECT_MESSAGE(DTypeError, abs(flags), "abs: needs numbers; cast() converts\n  x  (4,)   bool");
  EXPECT_MESSAGE(DTypeError, clip(flags, 0, 1), "clip: needs numbers; cast() converts\n  x  (4,)   bool");
  EXPECT_MESSAGE(ValueError, relu(none), "relu: x has no value yet");
  EXPECT_MESSAGE(ValueError, clip(x, 1, -1), "clip: low must not exceed high: 1 and -1\n  x  (2,)");
  EXPECT_MESSAGE(ValueError, clip(x, 0, nan), "clip: low must not exceed high: 0 and nan\n  x  (2,)");
  EXPECT_MESSAGE(ValueError, clip(whole, 0.2, 0.8),
                 "clip: there is no whole number from 0.2 to 0.8\n  x  (2, 3)   int32");
  EXPECT_MESSAGE(ValueError, leaky_relu(x, -0.5),
                 "leaky_relu: the slope must be finite and 0 or more, but is -0.5\n  x  (2,)");
  EXPECT_MESSAGE(ValueError, elu(x, -1), "elu: alpha must be finite and 0 or more, but is -1\n  x  (2,)");
}

}  // namespace
}  // namespace floe
