// A GPU gives what the CPU gives: ops on shapes that take every way through their kernels, to stated tolerances.
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/floe.h>
#include <support/devices.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

class CudaAgreement : public OnGpu {};

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

Tensor floats(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return random_normal(shape, rng);
}

// Whole numbers of the dtype, up to its ends where it is small.
Tensor whole(const Shape& shape, DType dtype, std::uint64_t seed = 1) {
  Rng rng(seed);
  Tensor wide = cast(round(random_uniform(shape, rng, dtype == DType::uint8 ? 0 : -120, 120)), DType::int32);
  return cast(dtype == DType::boolean ? cast(wide > 0, DType::int32) : wide, dtype);
}

Tensor of(const Shape& shape, DType dtype, std::uint64_t seed = 1) {
  return is_floating(dtype) ? cast(floats(shape, seed), dtype) : whole(shape, dtype, seed);
}

// Indices below `bound`, many of them repeated.
Tensor indices(const Shape& shape, int bound, DType dtype = DType::int64) {
  Rng rng(5);
  Tensor x = zeros(shape, DType::int64);
  std::int64_t* at = x.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < x.elements(); ++i) at[i] = rng.below(bound);
  return cast(x, dtype);
}

// The same bits, but any NaN for a NaN: what a processor computes has one of its own.
testing::AssertionResult same_but_for_nans(const Tensor& found, const Tensor& expected) {
  if (found.dtype() != expected.dtype() || !is_floating(found.dtype())) return same_bits(found, expected);
  testing::AssertionResult nans = same_bits(isnan(found), isnan(expected));
  return nans ? same_bits(where(isnan(found), 0.0, found), where(isnan(expected), 0.0, expected)) : nans;
}

struct Case {
  std::string name;
  Tensors inputs;
  std::function<Tensor(const Tensors&)> op;
  double tolerance = 0;  // of the largest element
};

// `gradients`: those of the weighted sum of the result with respect to all floating inputs agree as well.
void expect_agreement(const std::vector<Case>& cases, Device gpu, bool gradients = false) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    auto compare = [&](const Tensor& found, const Tensor& expected) {
      EXPECT_EQ(found.dtype(), expected.dtype());
      if (one.tolerance == 0)
        EXPECT_TRUE(same_but_for_nans(found, expected));
      else
        EXPECT_TRUE(close(found, expected, one.tolerance * std::max(1e-3, largest(expected))));
    };
    Function here = one.op;
    Function there = on(gpu, OpCase{"", {}, one.op}).op;
    if (!gradients) {
      compare(there(one.inputs), here(one.inputs));
      continue;
    }
    ValueAndGradients expected = value_and_gradients(here, one.inputs), found = value_and_gradients(there, one.inputs);
    compare(found.value, expected.value);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
      SCOPED_TRACE("gradient " + std::to_string(i));
      compare(found.gradients[i], expected.gradients[i]);
    }
  }
}

constexpr double rounding = 2e-6;  // of float32, in sums that are ordered otherwise

TEST_F(CudaAgreement, ArithmeticOfEveryDtype) {
  std::vector<Case> cases;
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    for (auto [a, b] : {std::pair{Shape{3, 67}, Shape{3, 67}},
                        {{64}, {}},
                        {{5, 1, 7}, {4, 1}},
                        {{2, 3, 33}, {33}},
                        {{1000, 8}, {8}},
                        {{0, 3}, {3}},
                        {{2, 1, 2, 1, 2, 2}, {1, 3, 1, 5, 1, 2}}}) {
      std::string name = std::string(floe::name(dtype)) + " " + to_string(a) + to_string(b);
      Tensors inputs{of(a, dtype), of(b, dtype, 2)};
      cases.push_back({"add " + name, inputs, [](const Tensors& x) { return x[0] + x[1]; }});
      cases.push_back({"subtract " + name, inputs, [](const Tensors& x) { return x[0] - x[1]; }});
      cases.push_back({"multiply " + name, inputs, [](const Tensors& x) { return x[0] * x[1]; }});
      cases.push_back({"maximum " + name, inputs, [](const Tensors& x) { return maximum(x[0], x[1]); }});
      cases.push_back({"minimum " + name, inputs, [](const Tensors& x) { return minimum(x[0], x[1]); }});
      cases.push_back({"less " + name, inputs, [](const Tensors& x) { return x[0] < x[1]; }});
      cases.push_back({"greater_equal " + name, inputs, [](const Tensors& x) { return x[0] >= x[1]; }});
      cases.push_back({"equal " + name, inputs, [](const Tensors& x) { return equal(x[0], x[1]); }});
      cases.push_back({"a number before " + name, inputs, [](const Tensors& x) { return 3.0 - x[0]; }});
      cases.push_back({"a number behind " + name, inputs, [](const Tensors& x) { return x[0] * 2.0 > 4.0; }});
      cases.push_back({"where " + name, inputs, [](const Tensors& x) { return where(x[0] > 1.0, x[0], x[1]); }});
      cases.push_back({"where numbers " + name, inputs, [](const Tensors& x) { return where(x[0] > 1.0, 2.0, x[1]); }});
      cases.push_back({"abs and sign " + name, inputs, [](const Tensors& x) { return abs(x[0]) * sign(x[0]); }});
      cases.push_back({"clip " + name, inputs, [](const Tensors& x) { return clip(x[0], 1, 100); }});
    }
  }
  expect_agreement(cases, gpu);
}

TEST_F(CudaAgreement, Logic) {
  Tensors inputs{whole({5, 40}, DType::boolean), whole({40}, DType::boolean, 2)};
  expect_agreement({{"and", inputs, [](const Tensors& x) { return logical_and(x[0], x[1]); }},
                    {"or", inputs, [](const Tensors& x) { return logical_or(x[0], x[1]); }},
                    {"not", inputs, [](const Tensors& x) { return logical_not(x[0]); }},
                    {"equal", inputs, [](const Tensors& x) { return equal(x[0], x[1]); }},
                    {"any", inputs, [](const Tensors& x) { return reduce_any(x[0], 1); }},
                    {"all", inputs, [](const Tensors& x) { return reduce_all(x[0], 0); }}},
                   gpu);
}

TEST_F(CudaAgreement, FunctionsAtTheirEdges) {
  Tensor edges = tensor({0.f, -0.f, 1.f, -1.f, 1e-30f, -1e-30f, 88.f, -88.f, 90.f, -110.f, 1e30f, -1e30f, infinity,
                         -infinity, nan, 0.5f, 2.5f, -2.5f});
  std::vector<Case> cases;
  for (auto [name, op] : std::initializer_list<std::pair<const char*, Tensor (*)(Operand)>>{{"exp", exp},
                                                                                            {"expm1", expm1},
                                                                                            {"sqrt", sqrt},
                                                                                            {"rsqrt", rsqrt},
                                                                                            {"square", square},
                                                                                            {"abs", abs},
                                                                                            {"tanh", tanh},
                                                                                            {"sigmoid", sigmoid},
                                                                                            {"relu", relu},
                                                                                            {"softplus", softplus},
                                                                                            {"erf", erf},
                                                                                            {"floor", floor},
                                                                                            {"ceil", ceil},
                                                                                            {"round", round},
                                                                                            {"sign", sign},
                                                                                            {"log", log},
                                                                                            {"log1p", log1p}})
    for (std::int64_t i = 0; i < edges.elements(); ++i)  // one by one: the tolerance is that of each element
      cases.push_back({fmt::format("{} of {}", name, edges[i].item()),
                       {edges[i]},
                       [op = op](const Tensors& x) { return op(x[0]); },
                       5e-7});
  cases.push_back({"isnan", {edges}, [](const Tensors& x) { return isnan(x[0]); }});
  cases.push_back({"isfinite", {edges}, [](const Tensors& x) { return isfinite(x[0]); }});
  cases.push_back({"sign of NaN and 0", {edges}, [](const Tensors& x) { return sign(x[0]); }});
  expect_agreement(cases, gpu);
}

TEST_F(CudaAgreement, CastsBetweenAllDtypes) {
  std::vector<Case> cases;
  const auto dtypes = {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean};
  for (DType from : dtypes) {
    for (DType to : dtypes) {
      Tensor x = of({1000}, from);
      if (is_floating(from))
        x = concat({x * 1e3, cast(tensor({1e20f, -1e20f, infinity, -infinity, nan, 255.5f, 2147483647.f}), from)}, 0);
      cases.push_back({std::string(name(from)) + " to " + std::string(name(to)), {x}, [to](const Tensors& x) {
                         return cast(x[0], to);
                       }});
    }
  }
  expect_agreement(cases, gpu);
}

TEST_F(CudaAgreement, ReductionsOfEveryShape) {
  std::vector<Case> cases;
  for (auto [shape, over] : std::initializer_list<std::pair<Shape, Axes>>{{{100000}, {}},
                                                                          {{3, 20000}, 1},
                                                                          {{20000, 3}, 0},
                                                                          {{20000, 70}, 0},
                                                                          {{5, 4000, 6}, 1},
                                                                          {{3000, 7}, 1},
                                                                          {{2, 3000, 2, 5}, {1, 2}},
                                                                          {{40, 30, 20}, {0, 2}},
                                                                          {{1, 1}, 0},
                                                                          {{70, 300}, 1},
                                                                          {{4, 1, 9}, 1}}) {
    const Axes axes = over;
    std::string name = to_string(shape) + fmt::format(" over {} axes", axes.all() ? -1 : axes.list().size());
    Tensors x{floats(shape)}, i{whole(shape, DType::int32)}, far{floats(shape) + 1000.0};
    auto add = [&](const char* op, Tensors inputs, std::function<Tensor(const Tensors&)> f, double tolerance) {
      cases.push_back({op + (" " + name), std::move(inputs), std::move(f), tolerance});
    };
    add(
        "sum", x, [axes](const Tensors& x) { return reduce_sum(x[0], axes); }, rounding);
    add(
        "sum of int32", i, [axes](const Tensors& x) { return reduce_sum(x[0] * 1e7, axes); }, 0);
    add(
        "mean", far, [axes](const Tensors& x) { return reduce_mean(x[0], axes); }, rounding);
    add(
        "variance", far, [axes](const Tensors& x) { return reduce_variance(x[0], axes); }, 1e-4);
    add(
        "max", x, [axes](const Tensors& x) { return reduce_max(x[0], axes); }, 0);
    add(
        "min", i, [axes](const Tensors& x) { return reduce_min(x[0], axes); }, 0);
    if (axes.all() || axes.list().size() != 1) continue;
    int axis = axes.list()[0];
    add(
        "argmax", i, [axis](const Tensors& x) { return argmax(x[0], axis); }, 0);
    add(
        "argmin", i, [axis](const Tensors& x) { return argmin(x[0], axis); }, 0);
    add(
        "cumsum", x, [axis](const Tensors& x) { return cumsum(x[0], axis); }, rounding);
    add(
        "cumsum, exclusive and reverse", i, [axis](const Tensors& x) { return cumsum(x[0], axis, true, true); }, 0);
  }
  Tensor odd = floats({4, 600});
  odd.mutable_data<float>()[700] = nan, odd.mutable_data<float>()[1300] = infinity;
  cases.push_back({"max with NaN", {odd}, [](const Tensors& x) { return reduce_max(x[0], 1); }});
  cases.push_back({"argmax with NaN", {odd}, [](const Tensors& x) { return argmax(x[0], 1); }});
  cases.push_back({"argmin with NaN", {odd}, [](const Tensors& x) { return argmin(x[0], 1); }});
  for (std::int64_t k : {1, 5, 40}) {
    cases.push_back({"top_k", {whole({3, 40}, DType::int32)}, [k](const Tensors& x) { return top_k(x[0], k).values; }});
    cases.push_back(
        {"top_k", {whole({3, 700}, DType::int32)}, [k](const Tensors& x) { return top_k(x[0], k).indices; }});
    cases.push_back({"top_k with NaN", {odd}, [k](const Tensors& x) { return top_k(x[0], k).indices; }});
  }
  expect_agreement(cases, gpu);
}

TEST_F(CudaAgreement, WhatOnlyMoves) {
  std::vector<Case> cases;
  for (DType dtype : {DType::float32, DType::float64, DType::uint8, DType::boolean}) {
    Tensor matrix = of({130, 70}, dtype), block = of({3, 33, 5, 65}, dtype);
    auto add = [&](const char* name, const Tensor& x, std::function<Tensor(const Tensor&)> f) {
      cases.push_back({std::string(floe::name(dtype)) + " " + name, {x}, [f](const Tensors& x) { return f(x[0]); }});
    };
    add("transpose", matrix, [](const Tensor& x) { return transpose(x); });
    add("transpose of many", block, [](const Tensor& x) { return transpose(x, {0, 3, 2, 1}); });
    add("transpose of others", block, [](const Tensor& x) { return transpose(x, {2, 1, 0, 3}); });
    add("transpose of all", block, [](const Tensor& x) { return transpose(x, {3, 2, 1, 0}); });
    add("slice", block, [](const Tensor& x) { return slice(x, 1, 3, 30, 4); });
    add("slice from within", matrix, [](const Tensor& x) { return slice(x, 0, 1, 7); });
    add("split", block, [](const Tensor& x) { return split(x, 1, 3)[1]; });
    add("unstack", block, [](const Tensor& x) { return unstack(x, -1)[64]; });
    add("flip", block, [](const Tensor& x) { return flip(x, {1, 3}); });
    add("concat", matrix, [](const Tensor& x) { return concat({x, slice(x, 1, 2, 9), x}, 1); });
    add("tile", matrix, [](const Tensor& x) { return tile(x, {2, 3}); });
    add("pad", block, [](const Tensor& x) { return pad(x, {{0, 0}, {1, 2}, {3, 0}, {0, 1}}, 1); });
    add("broadcast_to", of({1, 33, 1}, dtype), [](const Tensor& x) { return broadcast_to(x, {4, 33, 5}); });
    add("gather rows", matrix, [](const Tensor& x) { return gather(x, indices({4, 50}, 130)); });
    add("gather columns", matrix, [](const Tensor& x) { return gather(x, indices({200}, 70, DType::int32), 1); });
    if (dtype != DType::boolean)
      add("scatter", of({600, 7}, dtype), [](const Tensor& x) { return scatter(x, indices({600}, 9), 40); });
  }
  cases.push_back({"one_hot", {indices({5, 6}, 9, DType::int32)}, [](const Tensors& x) { return one_hot(x[0], 9); }});
  // Parts of tensors begin anywhere, also off the lines of 16 bytes that kernels like to read.
  cases.push_back({"unaligned",
                   {floats({1001})},
                   [](const Tensors& x) { return exp(slice(x[0], 0, 1, 1000)) + slice(x[0], 0, 2, 1001) * 2.0; },
                   5e-7});
  expect_agreement(cases, gpu);
}

TEST_F(CudaAgreement, ProductsConvolutionsAndNetworks) {
  std::vector<Case> cases;
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      Shape a = ta ? Shape{65, 33} : Shape{33, 65}, b = tb ? Shape{17, 65} : Shape{65, 17};
      cases.push_back({"matmul",
                       {floats(a), floats(b, 2)},
                       [=](const Tensors& x) {
                         return matmul(x[0], x[1], {ta, tb});
                       },
                       rounding});
      cases.push_back({"matmul of many by one",
                       {floats({3, a[0], a[1]}), floats(b, 2)},
                       [=](const Tensors& x) {
                         return matmul(x[0], x[1], {ta, tb});
                       },
                       rounding});
      cases.push_back({"matmul of one by many",
                       {floats(a), floats({3, b[0], b[1]}, 2)},
                       [=](const Tensors& x) {
                         return matmul(x[0], x[1], {ta, tb});
                       },
                       rounding});
    }
  }
  cases.push_back({"matmul over nothing",
                   {zeros({3, 0}), zeros({0, 4})},
                   [](const Tensors& x) { return matmul(x[0], x[1]); },
                   rounding});
  for (ConvOptions options : {ConvOptions{.strides = 2}, ConvOptions{.padding = Padding::valid},
                              ConvOptions{.padding = Padding::of(2, 0, 1, 3)}, ConvOptions{.dilation = 2, .groups = 2},
                              ConvOptions{.strides = {1, 3}, .padding = Padding::of(0, 4, 0, 0)}}) {
    Tensors inputs{floats({2, 14, 13, 4}), floats({5, 3, 4 / options.groups, 6}, 2), floats({6}, 3)};
    cases.push_back({"conv2d", inputs, [=](const Tensors& x) { return conv2d(x[0], x[1], x[2], options); }, rounding});
  }
  for (int strides : {1, 2, 3}) {
    cases.push_back({"conv2d_transpose",
                     {floats({2, 7, 6, 5}), floats({5, 5, 3, 5}, 2), floats({3}, 3)},
                     [=](const Tensors& x) { return conv2d_transpose(x[0], x[1], x[2], {.strides = strides}); },
                     rounding});
  }
  for (std::int64_t channels : {1, 3, 64, 300}) {
    cases.push_back({"batch_normalization",
                     {floats({500, channels}) * 3.0 + 50.0, floats({channels}, 2), floats({channels}, 3)},
                     [](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2], 1e-3).y; },
                     2e-4});
  }
  for (std::int64_t features : {1, 3, 64, 300, 5001}) {
    cases.push_back({"layer_normalization",
                     {floats({23, features}) * 3.0 + 5.0, floats({features}, 2), floats({features}, 3)},
                     [](const Tensors& x) { return layer_normalization(x[0], x[1], x[2]); },
                     1e-5});
  }
  for (auto [shape, groups] :
       {std::pair{Shape{3, 9, 11, 6}, 2}, {{2, 33, 32, 24}, 3}, {{1, 7, 7, 64}, 8}, {{4, 5, 9}, 1}, {{40, 48}, 4}}) {
    Shape channels{shape[shape.rank() - 1]};
    cases.push_back({"group_normalization " + to_string(shape),
                     {floats(shape) * 3.0 + 5.0, floats(channels, 2), floats(channels, 3)},
                     [groups = groups](const Tensors& x) { return group_normalization(x[0], groups, x[1], x[2]); },
                     1e-5});
  }
  for (const Shape& shape : {Shape{3, 9, 11, 5}, Shape{2, 40, 41, 64}, Shape{1, 7, 7, 3}, Shape{2, 9001, 1}}) {
    Shape channels{shape[shape.rank() - 1]};
    cases.push_back({"instance_normalization " + to_string(shape),
                     {floats(shape) * 3.0 + 5.0, floats(channels, 2), floats(channels, 3)},
                     [](const Tensors& x) { return instance_normalization(x[0], x[1], x[2]); },
                     1e-5});
  }
  for (std::int64_t classes : {1, 10, 300, 1500}) {
    cases.push_back({"softmax", {floats({37, classes})}, [](const Tensors& x) { return softmax(x[0]); }, rounding});
    cases.push_back(
        {"log_softmax", {floats({37, classes}) * 20.0}, [](const Tensors& x) { return log_softmax(x[0]); }, rounding});
  }
  cases.push_back({"max_pool",
                   {distinct({2, 9, 8, 5})},
                   [](const Tensors& x) { return max_pool(x[0], {.window = 3, .strides = 2}); },
                   rounding});
  cases.push_back(
      {"average_pool",
       {floats({2, 9, 8, 5})},
       [](const Tensors& x) { return average_pool(x[0], {.window = 3, .strides = 2, .padding = Padding::same}); },
       rounding});
  cases.push_back({"resize_bilinear",
                   {floats({2, 5, 7, 3})},
                   [](const Tensors& x) {
                     return resize_bilinear(x[0], {13, 4});
                   },
                   rounding});
  cases.push_back({"resize_nearest",
                   {floats({2, 5, 7, 3})},
                   [](const Tensors& x) {
                     return resize_nearest(x[0], {13, 4});
                   },
                   rounding});
  cases.push_back(
      {"embedding", {floats({40, 16})}, [](const Tensors& x) { return gather(x[0], indices({900}, 40)); }, rounding});
  cases.push_back({"cross entropy",
                   {floats({50, 9})},
                   [](const Tensors& x) { return sparse_softmax_cross_entropy(x[0], indices({50}, 9)); },
                   rounding});
  expect_agreement(cases, gpu, true);
}

// Paddings whose sides differ, with every stride and dilation: cuDNN takes equal sides only.
TEST_F(CudaAgreement, ConvolutionsOfAnyPadding) {
  Rng rng(7);
  std::vector<Case> cases;
  while (cases.size() < 120) {
    auto draw = [&](int most) { return static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(most))); };
    std::int64_t height = 4 + draw(5), width = 4 + draw(5), kernel_height = 1 + draw(4), kernel_width = 1 + draw(4);
    int dilation = static_cast<int>(1 + draw(3)), strides = static_cast<int>(1 + draw(3));
    std::int64_t top = draw(4), bottom = draw(4), left = draw(4), right = draw(4);
    if (height + top + bottom <= (kernel_height - 1) * dilation ||
        width + left + right <= (kernel_width - 1) * dilation)
      continue;
    ConvOptions options{.strides = strides, .padding = Padding::of(top, bottom, left, right), .dilation = dilation};
    cases.push_back({fmt::format("({}, {}) by ({}, {}), stride {}, dilation {}, padding {} {} {} {}", height, width,
                                 kernel_height, kernel_width, strides, dilation, top, bottom, left, right),
                     {floats({1, height, width, 2}), floats({kernel_height, kernel_width, 2, 3}, 2), floats({3}, 3)},
                     [=](const Tensors& x) { return conv2d(x[0], x[1], x[2], options); },
                     rounding});
  }
  expect_agreement(cases, gpu, true);
}

// What is drawn depends on the seed alone. Normals come from logarithms and cosines, whose last bits differ.
TEST_F(CudaAgreement, RandomNumbers) {
  auto both = [&](auto draw, auto compare) {
    Rng one(11), other(11);
    for (int times = 0; times < 3; ++times) compare(draw(one, gpu).on(Device{}), draw(other, Device{}));
    EXPECT_EQ(one.position(), other.position());
  };
  auto to_the_bit = [](const Tensor& a, const Tensor& b) { EXPECT_TRUE(same_bits(a, b)); };
  for (std::int64_t size : {1, 2, 3, 4, 1000, 100003}) {
    SCOPED_TRACE(size);
    for (DType dtype : {DType::float32, DType::float64}) {
      both([&](Rng& rng, Device on) { return random_uniform({size}, rng, -1, 3, dtype, on); }, to_the_bit);
      both([&](Rng& rng, Device on) { return random_normal({size}, rng, 0.5, 2, dtype, on); },
           [&](const Tensor& a, const Tensor& b) {
             for (std::int64_t i = 0; i < a.elements(); ++i) {
               double x = element(a, i), y = element(b, i);
               double ulp = dtype == DType::float32 ? std::nextafter(std::abs(static_cast<float>(y)), infinity) -
                                                          std::abs(static_cast<float>(y))
                                                    : std::nextafter(std::abs(y), HUGE_VAL) - std::abs(y);
               ASSERT_LE(std::abs(x - y), 4 * std::max(ulp, dtype == DType::float32 ? 1e-9 : 1e-17)) << i;
             }
           });
    }
    for (DType dtype : {DType::float32, DType::boolean, DType::uint8, DType::int64})
      both([&](Rng& rng, Device on) { return random_bernoulli({size}, rng, 0.3, dtype, on); }, to_the_bit);
  }
}

TEST_F(CudaAgreement, FirstValues) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    for (double value : {0.0, 1.0})
      EXPECT_TRUE(same_bits(full({3, 5}, value, dtype, gpu).on(Device{}), full({3, 5}, value, dtype)));
    EXPECT_TRUE(same_bits(eye(4, dtype, gpu).on(Device{}), eye(4, dtype)));
    EXPECT_TRUE(same_bits(zeros_like(ones({2}, dtype, gpu)).on(Device{}), zeros({2}, dtype)));
  }
  EXPECT_TRUE(same_bits(full({2}, -0.0, DType::float32, gpu).on(Device{}), full({2}, -0.0)));
}

// Sums over many parts and repeated indices, twice and beside other work: the same bits.
TEST_F(CudaAgreement, ResultsAreTheSameEveryTime) {
  auto once = [&] {
    Tensor x = floats({8, 14, 14, 6}).on(gpu), w = floats({5, 5, 6, 8}, 2).on(gpu), table = floats({30, 9}, 3).on(gpu);
    GradientTape tape;
    tape.watch(x), tape.watch(w), tape.watch(table);
    Tensor y = conv2d(x, w, {.strides = 2});
    Tensor loss = reduce_sum(square(y)) + reduce_sum(square(gather(table, indices({700}, 30)))) + reduce_mean(x);
    Tensors results = tape.gradient(loss, Tensors{x, w, table});
    results.push_back(y), results.push_back(loss);
    return results;
  };
  Tensors first = once(), second = once();
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_TRUE(same_bits(second[i].on(Device{}), first[i].on(Device{}))) << i;
}

}  // namespace
}  // namespace floe
