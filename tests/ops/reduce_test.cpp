// Reductions, running sums, positions and the k largest: against plain loops over any axes, and their edges.
#include <floe/ops/reduce.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

using Values = std::vector<double>;

double sum_of(const Values& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
double mean_of(const Values& v) { return v.empty() ? nan : sum_of(v) / static_cast<double>(v.size()); }
double variance_of(const Values& v) {
  Values squares;
  double mean = mean_of(v);
  for (double x : v) squares.push_back((x - mean) * (x - mean));
  return mean_of(squares);
}
double logsumexp_of(const Values& v) {
  double sum = 0;
  for (double x : v) sum += std::exp(x);
  return std::log(sum);
}

struct Reduction {
  std::string name;
  Tensor (*op)(Operand, Axes, bool);
  double (*reference)(const Values&);
  Tensor (*draw)(const Shape&);
  bool over_nothing = true;
};

Tensor any(const Shape& shape) { return normal(shape); }
Tensor no_ties(const Shape& shape) { return distinct(shape); }
// Factors about 1, with zeros among them: none, one or two in a product.
Tensor with_zeros(const Shape& shape) {
  Tensor x = uniform(shape, 0.5, 1.5);
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    if (i % 5 == 3 || i % 7 == 4) x.mutable_data<double>()[i] = 0;
  }
  return x;
}

const std::vector<Reduction> reductions = {
    {"reduce_sum", reduce_sum, sum_of, any},
    {"reduce_mean", reduce_mean, mean_of, any},
    {"reduce_variance", reduce_variance, variance_of, any},
    {"reduce_max", reduce_max, [](const Values& v) { return *std::max_element(v.begin(), v.end()); }, no_ties, false},
    {"reduce_min", reduce_min, [](const Values& v) { return *std::min_element(v.begin(), v.end()); }, no_ties, false},
    {"reduce_prod", reduce_prod,
     [](const Values& v) { return std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<>()); }, with_zeros},
    {"reduce_logsumexp", reduce_logsumexp, logsumexp_of, any},
};

struct Over {
  Shape shape;
  Axes axes;
};

const std::vector<Over> small = {
    {{}, {}},
    {{1}, {}},
    {{5}, {}},
    {{5}, 0},
    {{2, 3}, {}},
    {{2, 3}, 0},
    {{2, 3}, 1},
    {{2, 3}, -1},
    {{2, 3}, {0, 1}},
    {{2, 3, 4}, 1},
    {{2, 3, 4}, {0, 2}},
    {{2, 3, 4}, {-1, 0}},
    {{2, 3, 4}, {1, 2}},
    {{1, 3, 1}, {0, 2}},
    {{1, 3, 1}, 1},
    {{2, 1, 3}, {0, 1}},
    {{2, 1, 3, 1, 2}, {0, 2, 4}},
    {{2, 2, 1, 2, 2, 1}, {1, 4}},
    {{3, 11}, 0},
    {{11, 3}, 0},
    {{3, 17}, 1},
    {{0, 3}, 1},
    {{2, 3}, std::vector<int>{}},
};
const std::vector<Over> over_nothing = {{{0}, {}}, {{0, 3}, 0}, {{2, 0, 3}, 1}, {{2, 0}, {0, 1}}};

std::vector<bool> reduced_axes(const Over& over) {
  std::vector<bool> reduced(static_cast<std::size_t>(over.shape.rank()), over.axes.all());
  for (int axis : over.axes.list()) reduced[axis < 0 ? axis + over.shape.rank() : axis] = true;
  return reduced;
}

Tensor plain(const Tensor& x, const Over& over, bool keepdims, double (*reference)(const Values&),
             DType dtype = DType::float64) {
  std::vector<bool> reduced = reduced_axes(over);
  Shape kept, result;
  for (int axis = 0; axis < x.rank(); ++axis) {
    kept.append(reduced[axis] ? 1 : x.dim(axis));
    if (keepdims || !reduced[axis]) result.append(kept[axis]);
  }
  std::vector<Values> groups(static_cast<std::size_t>(kept.elements()));
  for_each_index(x.shape(), [&](const Index& i) {
    std::int64_t place = 0;
    for (int axis = 0; axis < x.rank(); ++axis) place = place * kept[axis] + (reduced[axis] ? 0 : i[axis]);
    groups[place].push_back(at(x, i));
  });
  auto group = groups.begin();
  return made(
      result, [&](const Index&) { return reference(*group++); }, dtype);
}

std::string named(const std::string& op, const Over& over, bool keepdims) {
  std::string axes = over.axes.all() ? " over all" : " over";
  for (int axis : over.axes.list()) axes += " " + std::to_string(axis);
  return op + " " + to_string(over.shape) + axes + (keepdims ? ", kept" : "");
}

OpCases cases() {
  OpCases all;
  for (const Reduction& one : reductions) {
    auto add = [&](const Over& over) {
      for (bool keepdims : {false, true}) {
        all.push_back({named(one.name, over, keepdims),
                       {one.draw(over.shape)},
                       [=](const Tensors& x) { return one.op(x[0], over.axes, keepdims); },
                       [=](const Tensors& x) { return plain(x[0], over, keepdims, one.reference); }});
      }
    };
    for (const Over& over : small) add(over);
    if (one.over_nothing) {
      for (const Over& over : over_nothing) add(over);
    }
  }
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{2, 3}}) {
    all.push_back({"norm " + to_string(shape),
                   {uniform(shape, 0.5, 2)},
                   [](const Tensors& x) { return norm(x[0]); },
                   [](const Tensors& x) {
                     return plain(x[0], {x[0].shape(), {}}, false, [](const Values& v) {
                       return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
                     });
                   }});
  }
  return all;
}

bool finite(const OpCase& one) {
  Tensor y = one.reference(one.inputs);
  for (std::int64_t i = 0; i < y.elements(); ++i) {
    if (!std::isfinite(element(y, i))) return false;
  }
  return true;
}

// Where the value is finite; NaN over nothing has no slope to compare.
OpCases finite_cases() {
  OpCases all = cases();
  std::erase_if(all, [](const OpCase& one) { return !finite(one); });
  return all;
}

TEST(Reduce, MatchesPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Reduce, GradientsMatchCentralDifferences) { for_each_case(finite_cases(), expect_gradients); }
TEST(Reduce, SecondOrderMatchesCentralDifferences) { for_each_case(finite_cases(), expect_second_order); }
TEST(Reduce, RecordedGradientsEqualTheFirst) { for_each_case(finite_cases(), expect_recorded_gradients_alike); }
TEST(Reduce, GradientsOverNothingAreEmptyOrZero) {
  for (const OpCase& one : cases()) {
    if (finite(one)) continue;
    SCOPED_TRACE(one.name);
    Tensor gradient = value_and_gradients(one.op, one.inputs).gradients[0];
    EXPECT_EQ(gradient.shape(), one.inputs[0].shape());
  }
}

// The variance of one element is 0, and its gradient only rounding.
TEST(Reduce, Float32IsWithinSixtyFourUlp) {
  OpCases all = finite_cases();
  std::erase_if(all, [](const OpCase& one) {
    return one.name.starts_with("reduce_variance") && largest(one.reference(one.inputs)) == 0;
  });
  for_each_case(all, expect_float32);
}

TEST(Reduce, LongSumsKeepTheirDigits) {
  for (const Over& over : std::vector<Over>{
           {{1000003}, {}}, {{100003, 7}, 0}, {{7, 100003}, 1}, {{3, 40001, 5}, 1}, {{40, 50, 60}, {0, 2}}}) {
    for (const Reduction& one : reductions) {
      if (one.name == "reduce_prod") continue;
      SCOPED_TRACE(named(one.name, over, false));
      Tensor x = cast(uniform(over.shape, 0, 1), DType::float32), truth = plain(x, over, false, one.reference);
      EXPECT_TRUE(close(one.op(x, over.axes, false), truth, 64 * ulp_of_largest(truth)));
    }
  }
}

TEST(Reduce, VarianceKeepsItsDigitsFarFromZero) {
  Tensor x = cast(normal({10000}), DType::float32) + 1000.0;
  Tensor truth = plain(x, {x.shape(), {}}, false, variance_of);
  EXPECT_TRUE(close(reduce_variance(x), truth, 64 * ulp_of_largest(truth)));
}

TEST(Reduce, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Reduction& one : reductions) {
    for (const Over& over : std::vector<Over>{{{200003}, {}},
                                              {{300, 401}, 0},
                                              {{300, 401}, 1},
                                              {{40, 70, 50}, {0, 2}},
                                              {{40, 70, 50}, 1},
                                              {{100001, 3}, 0}}) {
      SCOPED_TRACE(named(one.name, over, false));
      expect_same_bits_for_any_threads(
          {"", {one.draw(over.shape)}, [&](const Tensors& x) { return one.op(x[0], over.axes, false); }});
    }
  }
  expect_same_bits_for_any_threads({"", {normal({300, 401})}, [](const Tensors& x) { return norm(x[0]); }});
}

TEST(Reduce, ARowsResultDoesNotDependOnItsPlace) {
  for (const Reduction& one : reductions) {
    SCOPED_TRACE(one.name);
    for (std::int64_t length = 1; length <= 40; ++length) {
      Tensor x = cast(one.draw({3, length}), DType::float32), y = one.op(x, 1, false);
      for (std::int64_t row = 0; row < 3; ++row)
        ASSERT_TRUE(same_bits(one.op(slice(x, 0, row, row + 1), 1, false), slice(y, 0, row, row + 1)));
    }
  }
}

// --- Dtypes and special values ---------------------------------------------------------------------------------------

TEST(Reduce, SumsAndExtremesTakeIntegers) {
  for (DType dtype : {DType::int32, DType::int64}) {
    Tensor x = cast(tensor({{3, -1, 7}, {5, 5, -9}}), dtype);
    EXPECT_TRUE(same_bits(reduce_sum(x, 1), cast(tensor({9, 1}), dtype)));
    EXPECT_TRUE(same_bits(reduce_max(x, 0), cast(tensor({5, 5, 7}), dtype)));
    EXPECT_TRUE(same_bits(reduce_min(x, 1), cast(tensor({-1, -9}), dtype)));
    EXPECT_TRUE(same_bits(cumsum(x, 1), cast(tensor({{3, 2, 9}, {5, 10, 1}}), dtype)));
  }
  Tensor bytes = cast(tensor({3, 255, 0}), DType::uint8);
  EXPECT_EQ(reduce_max(bytes).item(), 255);
  EXPECT_EQ(reduce_min(bytes).item(), 0);
  std::int64_t large = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(reduce_sum(tensor(std::vector<std::int64_t>{large, 1}, {2})).item<std::int64_t>(), large + 1);
}

TEST(Reduce, NanReachesTheResult) {
  for (std::int64_t place : {0, 7, 39}) {
    Tensor x = normal({40});
    x.mutable_data<double>()[place] = nan;
    for (DType dtype : {DType::float32, DType::float64}) {
      for (const Reduction& one : reductions)
        EXPECT_TRUE(std::isnan(one.op(cast(x, dtype), {}, false).item())) << one.name << " with NaN at " << place;
    }
  }
}

TEST(Reduce, TiesShareTheGradient) {
  Tensor x = tensor({{2.0, 5.0, 5.0}, {1.0, 1.0, 1.0}});
  GradientTape tape(persistent);
  tape.watch(x);
  EXPECT_TRUE(close(tape.gradient(reduce_max(x, 1), x),
                    tensor(std::vector<double>{0, 0.5, 0.5, 1 / 3., 1 / 3., 1 / 3.}, {2, 3}), 1e-7));
  EXPECT_TRUE(close(tape.gradient(reduce_min(x, 1), x),
                    tensor(std::vector<double>{1, 0, 0, 1 / 3., 1 / 3., 1 / 3.}, {2, 3}), 1e-7));
}

TEST(Reduce, LogSumExpNeitherOverflowsNorForgets) {
  Tensor x = tensor({{10000.0, 10000.0}, {-10000.0, -10001.0}});
  EXPECT_TRUE(close(reduce_logsumexp(x, 1),
                    tensor(std::vector<double>{10000 + std::log(2.0), -10000 + std::log1p(std::exp(-1.0))}, {2}),
                    64 * ulp_of_largest(x)));
  Tensor edges = tensor(std::vector<double>{-infinity, -infinity, -infinity, 3, infinity, 3}, {3, 2});
  EXPECT_TRUE(close(reduce_logsumexp(edges, 1), tensor(std::vector<double>{-infinity, 3, infinity}, {3}), 0));
  Tensor y = tensor({10000.0, 10000.0});
  GradientTape tape;
  tape.watch(y);
  EXPECT_TRUE(close(tape.gradient(reduce_logsumexp(y), y), tensor({0.5, 0.5}), 0));
}

TEST(Reduce, AnyAndAllMatchPlainLoops) {
  for (const Over& over : small) {
    Tensor x = greater(normal(over.shape), 0.5);
    for (bool keepdims : {false, true}) {
      SCOPED_TRACE(named("", over, keepdims));
      auto any_of = [](const Values& v) {
        return static_cast<double>(std::any_of(v.begin(), v.end(), [](double b) { return b != 0; }));
      };
      auto all_of = [](const Values& v) {
        return static_cast<double>(std::all_of(v.begin(), v.end(), [](double b) { return b != 0; }));
      };
      EXPECT_TRUE(same_bits(reduce_any(x, over.axes, keepdims), plain(x, over, keepdims, any_of, DType::boolean)));
      EXPECT_TRUE(same_bits(reduce_all(x, over.axes, keepdims), plain(x, over, keepdims, all_of, DType::boolean)));
    }
  }
  Tensor none({0}, DType::boolean);
  EXPECT_FALSE(reduce_any(none).item<bool>());
  EXPECT_TRUE(reduce_all(none).item<bool>());
}

TEST(Reduce, SumsOfIntegersWrap) {
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  Tensor x = full({100000}, most, DType::int32);
  std::int32_t wrapped = static_cast<std::int32_t>(100000u * static_cast<std::uint32_t>(most));
  EXPECT_EQ(reduce_sum(x).item<std::int32_t>(), wrapped);
  EXPECT_EQ(cumsum(x, 0)[-1].item<std::int32_t>(), wrapped);
  std::int64_t large = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(reduce_sum(tensor(std::vector<std::int64_t>(3, large), {3})).item<std::int64_t>(), large - 2);
}

TEST(Reduce, DoesNotMistakeKeepdimsForAnAxis) {
  static_assert(std::is_convertible_v<int, Axes> && !std::is_convertible_v<bool, Axes>);
  Tensor x = test::normal({2, 3});
  EXPECT_EQ(reduce_sum(x, {}, true).shape(), (Shape{1, 1}));
  EXPECT_TRUE(same_bits(reduce_sum(x, std::vector<int>{}), x)) << "an empty list names no axis";
}

TEST(Norm, OfZerosHasGradientsOfEveryOrder) {
  for (bool batch : {false, true}) {
    Tensor x = zeros(batch ? Shape{2, 3} : Shape{3}, DType::float64);
    GradientTape outer;
    outer.watch(x);
    GradientTape inner;
    inner.watch(x);
    Tensor y = norm(x);
    EXPECT_EQ(y.item(), 0);
    Tensor first = inner.gradient(y, x, {.differentiable = true});
    EXPECT_TRUE(same_bits(first, zeros_like(x)));
    EXPECT_TRUE(test::close(outer.gradient(first, x, {.missing = Missing::zero}), zeros_like(x), 0));
  }
  EXPECT_TRUE(std::isnan(norm(tensor({1., std::nan("")})).item()));
}

TEST(Norm, NeitherOverflowsNorVanishes) {
  struct Range {
    DType dtype;
    std::vector<double> sizes;
    double tolerance;
  };
  for (const Range& range : {Range{DType::float32, {1e20, 2e38, 1e-25, 5 * 0x1p-130, 1e15, 1e-15, 1}, 2e-7},
                             Range{DType::float64, {1e200, 1e308, 1e-200, 5 * 0x1p-1040, 1e120, 1e-120, 1}, 1e-15}}) {
    for (double size : range.sizes) {
      Tensor sides = cast(tensor({3.0, -4.0}), range.dtype), direction = sides / 5.0, x = sides * (size / 5);
      GradientTape tape(persistent);
      tape.watch(x);
      Tensor y = norm(x), slope = tape.gradient(y, x, {.differentiable = true});
      EXPECT_NEAR(y.item() / size, 1, 3 * range.tolerance) << size;
      EXPECT_TRUE(close(slope, direction, 3 * range.tolerance)) << size;
      if (size == 1) {
        EXPECT_TRUE(close(tape.gradient(slope, x), cast(tensor({1.12, 0.84}), range.dtype), 1e-6));
      }
    }
  }
  EXPECT_EQ(norm(tensor(std::vector<double>{infinity, 1}, {2})).item(), infinity);
  EXPECT_EQ(norm(zeros({0, 3})).item(), 0);
}

TEST(Mean, OfEqualsIsWhatTheyAre) {
  for (DType dtype : {DType::float32, DType::float64}) {
    for (std::int64_t size = 1; size < 300; ++size) {
      Tensor x = ones({size, 2}, dtype);
      ASSERT_EQ(reduce_mean(x).item(), 1) << size;
      ASSERT_TRUE(same_bits(reduce_mean(x, 0), ones({2}, dtype))) << size;
      ASSERT_EQ(reduce_variance(x).item(), 0) << size;
      GradientTape tape;
      tape.watch(x);
      ASSERT_TRUE(same_bits(tape.gradient(reduce_mean(x), x), ones({size, 2}, dtype) / static_cast<double>(2 * size)));
    }
  }
}

TEST(Extremes, AnInfiniteGradientReachesTheWinnersAlone) {
  for (auto op :
       {+[](const Tensor& x) { return reduce_max(x, {}); }, +[](const Tensor& x) { return -reduce_min(-x, {}); }}) {
    Tensor x = tensor(std::vector<double>{-1, 0, -infinity, -2}, {4});
    GradientTape tape(persistent);
    tape.watch(x);
    Tensor y = sqrt(op(x)), first = tape.gradient(y, x, {.differentiable = true});
    EXPECT_TRUE(close(first, tensor(std::vector<double>{0, infinity, 0, 0}, {4}), 0));
    Tensor second = tape.gradient(first, x);
    EXPECT_TRUE(close(second, tensor(std::vector<double>{0, -infinity, 0, 0}, {4}), 0));
  }
}

TEST(Extremes, NanTakesTheGradient) {
  Tensor x = tensor(std::vector<double>{1, nan, 3}, {3});
  GradientTape tape(persistent);
  tape.watch(x);
  Tensor top = reduce_max(x), bottom = reduce_min(x);
  EXPECT_TRUE(close(tape.gradient(top, x), tensor({0.0, 1.0, 0.0}), 0));
  EXPECT_TRUE(close(tape.gradient(bottom, x), tensor({0.0, 1.0, 0.0}), 0));
}

TEST(LogSumExp, OfNothingPossibleHasNoGradient) {
  Tensor x = full({3}, -infinity, DType::float64);
  GradientTape tape;
  tape.watch(x);
  Tensor y = reduce_logsumexp(x);
  EXPECT_EQ(y.item(), -infinity);
  EXPECT_TRUE(close(tape.gradient(y, x), zeros({3}), 0));
}

// --- Positions -------------------------------------------------------------------------------------------------------

TEST(ArgMax, MatchesPlainLoops) {
  for (const auto& [shape, axis] : std::vector<std::pair<Shape, int>>{{{5}, 0},
                                                                      {{1}, 0},
                                                                      {{2, 3}, 0},
                                                                      {{2, 3}, 1},
                                                                      {{2, 7, 4}, 1},
                                                                      {{2, 7, 4}, -1},
                                                                      {{3, 300, 2}, 1},
                                                                      {{4, 600}, 0},
                                                                      {{0, 3}, 1}}) {
    for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
      SCOPED_TRACE(to_string(shape) + " axis " + std::to_string(axis) + " " + std::string(name(dtype)));
      Tensor x = cast(cast(uniform(shape, 0, 6), DType::int32), dtype);  // with ties
      auto first_largest = [](const Values& v) {
        return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
      };
      auto first_smallest = [](const Values& v) {
        return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin());
      };
      EXPECT_TRUE(same_bits(argmax(x, axis), plain(x, {shape, axis}, false, first_largest, DType::int64)));
      EXPECT_TRUE(same_bits(argmin(x, axis), plain(x, {shape, axis}, false, first_smallest, DType::int64)));
    }
  }
}

TEST(ArgMax, TheFirstNanWins) {
  Tensor x = tensor(std::vector<double>{1, nan, 5, nan, infinity}, {5});
  EXPECT_EQ(argmax(x).item<int>(), 1);
  EXPECT_EQ(argmin(x).item<int>(), 1);
  EXPECT_EQ(argmax(full({4}, -infinity)).item<int>(), 0);
}

// --- Running sums and the k largest ----------------------------------------------------------------------------------

OpCases cumsum_cases() {
  OpCases all;
  for (const auto& [shape, axis] : std::vector<std::pair<Shape, int>>{{{1}, 0},
                                                                      {{5}, 0},
                                                                      {{5}, -1},
                                                                      {{2, 3}, 0},
                                                                      {{2, 3}, 1},
                                                                      {{2, 3, 4}, 1},
                                                                      {{2, 1, 3}, 1},
                                                                      {{0, 3}, 0},
                                                                      {{0, 3}, 1},
                                                                      {{3, 0}, 0}}) {
    for (bool exclusive : {false, true}) {
      for (bool reverse : {false, true}) {
        int along = axis < 0 ? axis + shape.rank() : axis;
        all.push_back({"cumsum " + to_string(shape) + " axis " + std::to_string(axis) +
                           (exclusive ? " exclusive" : "") + (reverse ? " reverse" : ""),
                       {normal(shape)},
                       [=, axis = axis](const Tensors& x) { return cumsum(x[0], axis, exclusive, reverse); },
                       [=, shape = shape](const Tensors& x) {
                         return made(shape, [&](const Index& i) {
                           double sum = 0;
                           for (Index j = i; j[along] >= 0 && j[along] < shape[along]; j[along] += reverse ? 1 : -1)
                             sum += exclusive && j == i ? 0 : at(x[0], j);
                           return sum;
                         });
                       }});
      }
    }
  }
  return all;
}

TEST(CumSum, MatchesPlainLoops) { for_each_case(cumsum_cases(), expect_reference); }
TEST(CumSum, IsDifferentiable) { for_each_case(cumsum_cases(), expect_differentiable); }
TEST(CumSum, GivesTheSameBitsForAnyNumberOfThreads) {
  for (int axis : {0, 1, 2})
    expect_same_bits_for_any_threads(
        {"", {normal({40, 60, 50})}, [=](const Tensors& x) { return cumsum(x[0], axis); }});
}

OpCases top_k_cases() {
  OpCases all;
  for (const auto& [shape, k] : std::vector<std::pair<Shape, std::int64_t>>{{{1}, 1},
                                                                            {{5}, 3},
                                                                            {{5}, 5},
                                                                            {{2, 3}, 1},
                                                                            {{2, 3}, 2},
                                                                            {{2, 2, 4}, 3},
                                                                            {{2, 3}, 0},
                                                                            {{0, 3}, 2},
                                                                            {{3, 0}, 0}}) {
    all.push_back({"top_k " + to_string(shape) + " " + std::to_string(k),
                   {distinct(shape)},
                   [=, k = k](const Tensors& x) { return top_k(x[0], k).values; },
                   [=, shape = shape, k = k](const Tensors& x) {
                     Shape result = shape;
                     result[shape.rank() - 1] = k;
                     return made(result, [&](Index i) {
                       std::size_t rank = static_cast<std::size_t>(i.back());
                       Values row;
                       for (i.back() = 0; i.back() < shape[shape.rank() - 1]; ++i.back()) row.push_back(at(x[0], i));
                       std::sort(row.rbegin(), row.rend());
                       return row[rank];
                     });
                   }});
  }
  return all;
}

TEST(TopK, MatchesSorting) { for_each_case(top_k_cases(), expect_reference); }
TEST(TopK, IsDifferentiable) { for_each_case(top_k_cases(), expect_differentiable); }
TEST(TopK, OfEqualsTheFirstComesFirstAndNanBeforeAll) {
  TopK top = top_k(tensor(std::vector<double>{2, 7, nan, 7, infinity}, {5}), 5);
  EXPECT_EQ(top.indices.to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 4, 1, 3, 0}));
  EXPECT_TRUE(close(top.values, tensor(std::vector<double>{nan, infinity, 7, 7, 2}, {5}), 0));
  EXPECT_EQ(top_k(tensor({3, 9, 9}), 2).indices.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 2}));
}
TEST(TopK, GivesTheSameBitsForAnyNumberOfThreads) {
  expect_same_bits_for_any_threads({"", {normal({300, 401})}, [](const Tensors& x) { return top_k(x[0], 7).values; }});
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Reduce, RefusesWhatDoesNotFit) {
  Tensor x({2, 3}), nothing({2, 0}), flags = zeros({2}, DType::boolean), bytes({2}, DType::uint8), whole({2}, DType::int32),
      none;
  EXPECT_MESSAGE(ShapeError, reduce_sum(x, 2), "reduce_sum: there is no axis 2 in rank 2\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, reduce_mean(x, -3), "reduce_mean: there is no axis -3 in rank 2\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, reduce_max(x, {1, -1}), "reduce_max: axis 1 is named twice\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, reduce_variance(x, 5), "reduce_variance: there is no axis 5 in rank 2\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, reduce_max(nothing, 1), "reduce_max: there is no element to choose from\n  x  (2, 0)");
  EXPECT_MESSAGE(ShapeError, argmax(nothing), "argmax: there is no element to choose from\n  x  (2, 0)");
  EXPECT_MESSAGE(ShapeError, argmin(Tensor(Shape{})), "argmin: there is no axis -1 in rank 0\n  x  ()");
  EXPECT_MESSAGE(DTypeError, reduce_sum(flags), "reduce_sum: needs numbers; cast() converts\n  x  (2,)   bool");
  EXPECT_MESSAGE(DTypeError, reduce_sum(bytes), "reduce_sum: does not take uint8; cast() converts\n  x  (2,)   uint8");
  EXPECT_MESSAGE(DTypeError, reduce_mean(whole),
                 "reduce_mean: needs float32 or float64; cast() converts\n  x  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, reduce_any(x), "reduce_any: needs a bool tensor, such as comparisons give\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, reduce_any(flags, 1), "reduce_any: there is no axis 1 in rank 1\n  x  (2,)   bool");
  EXPECT_MESSAGE(ShapeError, reduce_all(flags, 1), "reduce_all: there is no axis 1 in rank 1\n  x  (2,)   bool");
  EXPECT_MESSAGE(ShapeError, cumsum(x, 2), "cumsum: there is no axis 2 in rank 2\n  x  (2, 3)");
  EXPECT_MESSAGE(ValueError, top_k(x, 4), "top_k: cannot take 4 of 3 elements of the last axis\n  x  (2, 3)");
  EXPECT_MESSAGE(ShapeError, top_k(Tensor(Shape{}), 1), "top_k: a scalar has no axis to choose along\n  x  ()");
  EXPECT_MESSAGE(DTypeError, norm(whole), "norm: needs float32 or float64; cast() converts\n  x  (2,)   int32");
  EXPECT_MESSAGE(ValueError, reduce_sum(none), "reduce_sum: x has no value yet");
}

}  // namespace
}  // namespace floe
