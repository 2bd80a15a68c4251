// matmul: against plain loops for every way to transpose and broadcast, on each library.
#include <floe/ops/matmul.h>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

struct Product {
  Shape a, b;
};

// As (rows, inner) and (inner, columns); the transposed kinds are made from these.
const std::vector<Product> small = {
    {{1, 1}, {1, 1}},
    {{2, 3}, {3, 4}},
    {{1, 5}, {5, 1}},
    {{4, 1}, {1, 3}},
    {{2, 3, 4}, {4, 2}},
    {{3, 4}, {2, 4, 2}},
    {{2, 3, 4}, {2, 4, 2}},
    {{2, 1, 2, 3}, {3, 3, 2}},
    {{1, 2, 3}, {2, 3, 2}},
    {{2, 2, 3}, {1, 3, 2}},
    {{2, 1, 2, 2}, {1, 3, 2, 2}},
    {{0, 3}, {3, 4}},
    {{2, 3}, {3, 0}},
    {{2, 0}, {0, 3}},
    {{0, 2, 3}, {3, 2}},
    {{2, 2, 0}, {0, 3}},
    {{0, 2, 3}, {0, 3, 2}},
    {{2, 0, 3}, {2, 3, 4}},
    {{1, 1, 1, 1, 2, 3}, {3, 2}},
};

const std::vector<Product> medium = {
    {{17, 33}, {33, 16}},       {{1, 300}, {300, 17}},   {{65, 1}, {1, 65}},
    {{3, 17, 16}, {3, 16, 33}}, {{5, 3, 100}, {100, 3}}, {{16, 3136}, {3136, 100}},
    {{300, 40}, {40, 257}},     {{7, 6272}, {6272, 1}},  {{33, 2048}, {2048, 64}},
};

Shape turned(Shape shape) {
  std::swap(shape[shape.rank() - 2], shape[shape.rank() - 1]);
  return shape;
}

Tensor plain_matmul(const Tensor& a, const Tensor& b, MatmulOptions options) {
  int rank = std::max(a.rank(), b.rank());
  Shape result;
  for (int axis = -rank; axis < -2; ++axis) {
    std::int64_t one = -axis > a.rank() ? 1 : a.dim(axis), other = -axis > b.rank() ? 1 : b.dim(axis);
    result.append(one == 1 ? other : one);
  }
  result.append(a.dim(options.transpose_a ? -1 : -2));
  result.append(b.dim(options.transpose_b ? -2 : -1));
  std::int64_t inner = a.dim(options.transpose_a ? -2 : -1);
  auto index = [](const Index& place, const Tensor& x, std::int64_t row, std::int64_t column) {
    Index i(place.end() - x.rank(), place.end() - 2);
    i.push_back(row), i.push_back(column);
    return i;
  };
  return made(result, [&](const Index& i) {
    std::int64_t row = i[i.size() - 2], column = i[i.size() - 1];
    double sum = 0;
    for (std::int64_t k = 0; k < inner; ++k) {
      sum += at(a, options.transpose_a ? index(i, a, k, row) : index(i, a, row, k)) *
             at(b, options.transpose_b ? index(i, b, column, k) : index(i, b, k, column));
    }
    return sum;
  });
}

OpCases cases(const std::vector<Product>& products) {
  OpCases all;
  for (const Product& p : products) {
    for (bool ta : {false, true}) {
      for (bool tb : {false, true}) {
        MatmulOptions options{ta, tb};
        Shape a = ta ? turned(p.a) : p.a, b = tb ? turned(p.b) : p.b;
        all.push_back({to_string(a) + (ta ? " transposed " : " ") + to_string(b) + (tb ? " transposed" : ""),
                       {normal(a, 1), normal(b, 2)},
                       [=](const Tensors& x) { return matmul(x[0], x[1], options); },
                       [=](const Tensors& x) { return plain_matmul(x[0], x[1], options); }});
      }
    }
  }
  return all;
}

TEST(MatmulSlow, MatchesPlainLoops) {
  for_each_case(cases(small), expect_reference);
  for_each_case(cases(medium), expect_reference);
}
TEST(Matmul, GradientsMatchCentralDifferences) { for_each_case(cases(small), expect_gradients); }
TEST(Matmul, SecondOrderMatchesCentralDifferences) { for_each_case(cases(small), expect_second_order); }
TEST(Matmul, RecordedGradientsEqualTheFirst) { for_each_case(cases(small), expect_recorded_gradients_alike); }
TEST(Matmul, Float32IsWithinSixtyFourUlpOnEachLibrary) {
  for_each_case(cases(small), expect_float32);
  for_each_case(cases(medium), expect_float32);
}

TEST(Matmul, TakesOneTensorTwice) {
  expect_differentiable({"", {normal({3, 3})}, [](const Tensors& x) { return matmul(x[0], x[0]); }});
  expect_differentiable(
      {"", {normal({2, 3})}, [](const Tensors& x) { return matmul(x[0], x[0], {.transpose_a = true}); }});
  expect_differentiable(
      {"", {normal({2, 3})}, [](const Tensors& x) { return matmul(x[0], x[0], {.transpose_b = true}); }});
}

TEST(Matmul, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Product& p : std::vector<Product>{{{300, 500}, {500, 700}},
                                               {{64, 3136}, {3136, 100}},
                                               {{64, 6272}, {6272, 10}},
                                               {{10, 60, 70}, {10, 70, 50}}}) {
    SCOPED_TRACE(to_string(p.a) + " " + to_string(p.b));
    for (bool turn : {false, true}) {
      Shape a = turn ? turned(p.a) : p.a, b = turn ? turned(p.b) : p.b;
      expect_same_bits_for_any_threads({"", {normal(a, 1), normal(b, 2)}, [=](const Tensors& x) {
                                          return matmul(x[0], x[1], {turn, turn});
                                        }});
    }
  }
}

TEST(Matmul, RefusesWhatDoesNotFit) {
  Tensor a({2, 3}), b({4, 5}), vector({3}), wide({3, 2}, DType::float64), whole({2, 3}, DType::int32), many({2, 3, 4}),
      other({3, 4, 5}), none;
  EXPECT_MESSAGE(ShapeError, matmul(a, b),
                 "matmul: the inner axes differ: a has 3 and b has 4\n  a  (2, 3)   ..., rows, inner\n  b  (4, 5)   "
                 "..., inner, columns");
  EXPECT_MESSAGE(ShapeError, matmul(a, b, {true, true}),
                 "matmul: the inner axes differ: a has 2 and b has 5\n  a  (2, 3)   ..., inner, rows\n  b  (4, 5)   "
                 "..., columns, inner");
  EXPECT_MESSAGE(
      ShapeError, matmul(a, vector),
      "matmul: needs matrices, rank 2 or more\n  a  (2, 3)   ..., rows, inner\n  b  (3,)     ..., inner, columns");
  EXPECT_MESSAGE(ShapeError, matmul(many, other),
                 "matmul: the leading axes (2,) and (3,) cannot be broadcast\n  a  (2, 3, 4)   ..., rows, inner\n"
                 "  b  (3, 4, 5)   ..., inner, columns");
  EXPECT_MESSAGE(DTypeError, matmul(a, wide),
                 "matmul: a is float32 but b is float64; cast() converts\n  a  (2, 3)\n  b  (3, 2)   float64");
  EXPECT_MESSAGE(DTypeError, matmul(whole, b),
                 "matmul: a is int32 but b is float32; cast() converts\n  a  (2, 3)   int32\n  b  (4, 5)");
  EXPECT_MESSAGE(ValueError, matmul(a, none), "matmul: b has no value yet");
}

}  // namespace
}  // namespace floe
