// Pooling: against plain loops over every kind of window, gradients, ties and refusals.
#include <floe/ops/pool.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

struct Window {
  Shape x;
  PoolOptions options;
  Shape y;
  std::int64_t top, left;  // padding
};

const std::vector<Window> windows = {
    {{1, 1, 1, 1}, {.window = 1}, {1, 1, 1, 1}, 0, 0},
    {{2, 4, 6, 3}, {}, {2, 2, 3, 3}, 0, 0},
    {{1, 5, 5, 2}, {}, {1, 2, 2, 2}, 0, 0},
    {{1, 5, 4, 2}, {.padding = Padding::same}, {1, 3, 2, 2}, 0, 0},
    {{1, 5, 6, 1}, {.window = 3, .strides = 1}, {1, 3, 4, 1}, 0, 0},
    {{1, 5, 6, 2}, {.window = 3, .strides = 2, .padding = Padding::same}, {1, 3, 3, 2}, 1, 0},
    {{1, 7, 8, 1}, {.window = {1, 2}, .strides = 3}, {1, 3, 3, 1}, 0, 0},
    {{1, 4, 5, 2}, {.window = {3, 2}, .strides = {1, 2}, .padding = Padding::of(2, 1, 0, 1)}, {1, 5, 3, 2}, 2, 0},
    {{2, 3, 4, 2}, {.window = {3, 4}}, {2, 1, 1, 2}, 0, 0},
    {{2, 2, 2, 17}, {.window = 2, .strides = 1, .padding = Padding::same}, {2, 2, 2, 17}, 0, 0},
    {{0, 4, 4, 3}, {}, {0, 2, 2, 3}, 0, 0},
    {{2, 4, 4, 0}, {}, {2, 2, 2, 0}, 0, 0},
};

template <class Join>
Tensor plain(const Tensor& x, const Window& w, Join join) {
  Size2 strides = w.options.strides == Size2(0) ? w.options.window : w.options.strides;
  return made(w.y, [&](const Index& i) {
    std::vector<double> values;
    for (std::int64_t row = 0; row < w.options.window.height; ++row) {
      for (std::int64_t column = 0; column < w.options.window.width; ++column) {
        Index from{i[0], i[1] * strides.height - w.top + row, i[2] * strides.width - w.left + column, i[3]};
        if (from[1] >= 0 && from[1] < x.dim(1) && from[2] >= 0 && from[2] < x.dim(2)) values.push_back(at(x, from));
      }
    }
    return join(values);
  });
}

OpCases cases() {
  OpCases all;
  for (const Window& w : windows) {
    all.push_back({"max_pool " + to_string(w.x) + " to " + to_string(w.y),
                   {distinct(w.x)},
                   [=](const Tensors& x) { return max_pool(x[0], w.options); },
                   [=](const Tensors& x) {
                     return plain(x[0], w, [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
                   }});
    all.push_back({"average_pool " + to_string(w.x) + " to " + to_string(w.y),
                   {normal(w.x)},
                   [=](const Tensors& x) { return average_pool(x[0], w.options); },
                   [=](const Tensors& x) {
                     return plain(x[0], w, [](const auto& v) {
                       return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
                     });
                   }});
  }
  return all;
}

TEST(Pool, MatchesPlainLoops) { for_each_case(cases(), expect_reference); }
TEST(Pool, GradientsMatchCentralDifferences) { for_each_case(cases(), expect_gradients); }
TEST(Pool, SecondOrderMatchesCentralDifferences) { for_each_case(cases(), expect_second_order); }
TEST(Pool, RecordedGradientsEqualTheFirst) { for_each_case(cases(), expect_recorded_gradients_alike); }
TEST(Pool, Float32IsWithinSixtyFourUlp) { for_each_case(cases(), expect_float32); }

TEST(Pool, GivesTheSameBitsForAnyNumberOfThreads) {
  for (PoolOptions options : {PoolOptions{}, PoolOptions{.window = 3, .strides = 2, .padding = Padding::same}}) {
    expect_same_bits_for_any_threads(
        {"", {normal({70, 14, 14, 16})}, [=](const Tensors& x) { return max_pool(x[0], options); }});
    expect_same_bits_for_any_threads(
        {"", {normal({70, 14, 14, 16})}, [=](const Tensors& x) { return average_pool(x[0], options); }});
  }
}

TEST(MaxPool, OfEqualsTheFirstTakesTheGradient) {
  Tensor x = ones({1, 2, 2, 1});
  GradientTape tape;
  tape.watch(x);
  EXPECT_TRUE(close(tape.gradient(max_pool(x), x), reshape(tensor({1, 0, 0, 0}), {1, 2, 2, 1}), 0));
}

TEST(MaxPool, NanWins) {
  for (int place = 0; place < 4; ++place) {
    Tensor x = ones({1, 2, 2, 1});
    x.mutable_data<float>()[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(max_pool(x).item())) << place;
  }
  EXPECT_EQ(max_pool(full({1, 2, 2, 1}, -std::numeric_limits<double>::infinity())).item(),
            -std::numeric_limits<double>::infinity());
}

TEST(AveragePool, DividesAlsoItsGradient) {
  for (std::int64_t size : {1, 3, 5, 6, 7, 11}) {
    Tensor x = ones({1, size, size, 1});
    GradientTape tape;
    tape.watch(x);
    Tensor y = average_pool(x, {.window = size});
    EXPECT_EQ(y.item(), 1);
    EXPECT_TRUE(same_bits(tape.gradient(y, x), x / static_cast<double>(size * size))) << size;
  }
}

TEST(Pool, RefusesWhatDoesNotFit) {
  Tensor x({2, 4, 5, 3}), flat({4, 5, 3}), whole({2, 4, 5, 3}, DType::int32), none;
  std::string shown = "\n  x  (2, 4, 5, 3)   batch, height, width, channels";
  EXPECT_MESSAGE(ShapeError, max_pool(flat),
                 "max_pool: x needs rank 4 but has rank 3\n  x  (4, 5, 3)   batch, height, width, channels");
  EXPECT_MESSAGE(DTypeError, average_pool(whole),
                 "average_pool: needs float32 or float64; cast() converts\n  x  (2, 4, 5, 3)   int32");
  EXPECT_MESSAGE(ShapeError, max_pool(x, {.window = {5, 2}}),
                 "max_pool: the window of 5 by 2 is larger than the padded input" + shown);
  EXPECT_MESSAGE(ValueError, max_pool(x, {.window = 0}),
                 "max_pool: window must be from 1 to 2147483647, not 0 by 0" + shown);
  EXPECT_MESSAGE(ValueError, average_pool(x, {.strides = -1}),
                 "average_pool: strides must be from 1 to 2147483647, not -1 by -1" + shown);
  EXPECT_MESSAGE(ValueError, average_pool(x, {.padding = Padding::of(2)}),
                 "average_pool: padding must be 0 or more and smaller than the window" + shown);
  EXPECT_MESSAGE(ValueError, max_pool(none), "max_pool: x has no value yet");
}

}  // namespace
}  // namespace floe
