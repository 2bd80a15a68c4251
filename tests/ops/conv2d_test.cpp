// Convolutions: against plain loops over every kind of window, on each library, and their refusals.
#include <floe/ops/conv2d.h>

#include <gtest/gtest.h>

#include <floe/backend/settings.h>
#include <support/messages.h>
#include <support/op_case.h>
#include <support/plain_conv2d.h>

namespace floe {
namespace {

using namespace test;

struct Convolution {
  std::string name;
  Shape x, filters;
  ConvOptions options;
};

const std::vector<Convolution> small = {
    {"one by one", {1, 1, 1, 1}, {1, 1, 1, 1}, {}},
    {"3x3 same", {2, 5, 4, 2}, {3, 3, 2, 3}, {}},
    {"3x3 valid", {2, 5, 4, 2}, {3, 3, 2, 3}, {.padding = Padding::valid}},
    {"5x5 stride 2 same on even", {1, 6, 8, 2}, {5, 5, 2, 2}, {.strides = 2}},
    {"5x5 stride 2 same on odd", {1, 7, 5, 1}, {5, 5, 1, 2}, {.strides = 2}},
    {"4x4 stride 2 same", {1, 6, 6, 1}, {4, 4, 1, 2}, {.strides = 2}},
    {"2x2 same", {1, 3, 3, 1}, {2, 2, 1, 1}, {}},
    {"stride larger than the kernel", {1, 7, 8, 2}, {2, 1, 2, 2}, {.strides = 3, .padding = Padding::valid}},
    {"stride larger than the kernel, same", {1, 7, 8, 2}, {1, 2, 2, 2}, {.strides = 3}},
    {"strides that differ", {1, 6, 7, 2}, {3, 2, 2, 2}, {.strides = {2, 1}}},
    {"pads that differ", {1, 4, 5, 2}, {3, 3, 2, 2}, {.padding = Padding::of(0, 2, 1, 3)}},
    {"pads with stride", {1, 5, 4, 1}, {3, 3, 1, 2}, {.strides = {2, 3}, .padding = Padding::of(2, 0, 3, 1)}},
    {"windows in the padding alone", {1, 2, 2, 1}, {2, 2, 1, 1}, {.padding = Padding::of(3)}},
    {"dilation", {1, 7, 6, 2}, {3, 2, 2, 2}, {.dilation = {2, 3}}},
    {"dilation, valid", {1, 7, 6, 2}, {3, 2, 2, 2}, {.padding = Padding::valid, .dilation = {2, 3}}},
    {"dilation and stride", {1, 9, 8, 1}, {3, 3, 1, 2}, {.strides = 2, .dilation = 2}},
    {"two groups", {2, 4, 4, 4}, {3, 3, 2, 6}, {.groups = 2}},
    {"a group for each channel", {2, 4, 4, 3}, {3, 3, 1, 3}, {.strides = 2, .groups = 3}},
    {"a group for each channel, two results", {1, 4, 3, 3}, {2, 2, 1, 6}, {.padding = Padding::valid, .groups = 3}},
    {"two groups, tall filters", {2, 5, 6, 4}, {3, 2, 2, 6}, {.groups = 2}},
    {"two groups, wide filters", {1, 6, 7, 4}, {2, 3, 2, 4}, {.strides = {1, 2}, .groups = 2}},
    {"a group for each channel, tall filters", {1, 7, 6, 3}, {3, 2, 1, 6}, {.dilation = {1, 2}, .groups = 3}},
    {"kernel as large as the image", {2, 4, 3, 2}, {4, 3, 2, 3}, {.padding = Padding::valid}},
    {"kernel larger than the image", {1, 2, 3, 1}, {5, 5, 1, 2}, {}},
    {"a row", {2, 1, 6, 2}, {1, 3, 2, 2}, {}},
    {"a column", {2, 6, 1, 2}, {3, 1, 2, 2}, {.padding = Padding::valid}},
    {"no images", {0, 5, 4, 2}, {3, 3, 2, 3}, {}},
    {"no channels in", {2, 5, 4, 0}, {3, 3, 0, 3}, {}},
    {"no channels out", {2, 5, 4, 2}, {3, 3, 2, 0}, {}},
};

// Sizes that fill vectors, parts of the batch and blocks, or just do not.
std::vector<Convolution> medium() {
  std::vector<Convolution> all;
  for (std::int64_t channels : {1, 3, 16, 17}) {
    all.push_back({"in", {5, 7, 6, channels}, {3, 3, channels, 8}, {}});
    all.push_back({"out", {5, 7, 6, 4}, {3, 3, 4, channels}, {.strides = 2}});
    all.push_back({"both", {2, 6, 5, channels}, {5, 5, channels, channels}, {.strides = 2}});
  }
  for (std::int64_t batch : {1, 5, 17, 33, 65}) {
    all.push_back({"batch", {batch, 6, 6, 3}, {3, 3, 3, 5}, {}});
    all.push_back({"batch, stride 2", {batch, 8, 8, 16}, {5, 5, 16, 8}, {.strides = 2}});
  }
  all.push_back({"groups", {17, 6, 6, 32}, {3, 3, 16, 48}, {.groups = 2}});
  all.push_back({"narrow groups", {5, 6, 6, 12}, {3, 3, 3, 8}, {.strides = 2, .groups = 4}});
  all.push_back({"groups, tall", {5, 9, 8, 16}, {5, 3, 8, 16}, {.groups = 2}});
  all.push_back({"groups, wide", {17, 8, 9, 32}, {2, 3, 16, 48}, {.strides = {2, 1}, .groups = 2}});
  all.push_back({"depthwise, wide", {5, 8, 9, 16}, {1, 4, 1, 16}, {.groups = 16}});
  all.push_back({"depthwise", {17, 6, 6, 17}, {3, 3, 1, 17}, {.groups = 17}});
  all.push_back({"depthwise of 16", {5, 6, 6, 16}, {3, 3, 1, 16}, {.strides = 2, .groups = 16}});
  all.push_back({"dilation", {5, 12, 11, 16}, {3, 3, 16, 16}, {.dilation = {2, 3}}});
  all.push_back({"pads", {5, 9, 8, 16}, {4, 3, 16, 16}, {.strides = {2, 1}, .padding = Padding::of(0, 3, 2, 1)}});
  all.push_back({"padding alone", {5, 2, 2, 16}, {2, 2, 16, 16}, {.padding = Padding::of(3)}});
  all.push_back({"one by one", {5, 9, 8, 17}, {1, 1, 17, 16}, {}});
  all.push_back({"stride beyond the kernel", {5, 11, 12, 16}, {2, 2, 16, 16}, {.strides = 3}});
  all.push_back({"the penguins' first", {3, 28, 28, 1}, {5, 5, 1, 64}, {.strides = 2}});
  return all;
}

OpCase conv_case(const Convolution& c) {
  return {c.name + " " + to_string(c.x) + " " + to_string(c.filters),
          {normal(c.x, 1), normal(c.filters, 2)},
          [=](const Tensors& x) { return conv2d(x[0], x[1], c.options); },
          [=](const Tensors& x) { return plain_conv2d(x[0], x[1], c.options); }};
}

// The convolution from c.x back to c.x: its result is the transposed one's input.
OpCase transpose_case(const Convolution& c) {
  Shape small = result_of(c.x, c.filters, c.options);
  const ConvOptions& o = c.options;
  ConvTransposeOptions options{o.strides, o.padding, o.dilation, -1, o.groups};
  Tensor y = conv2d_transpose(zeros(small), zeros(c.filters), {o.strides, o.padding, o.dilation, -1, o.groups});
  Shape result = y.shape();
  return {c.name + " " + to_string(small) + " " + to_string(c.filters),
          {normal(small, 1), normal(c.filters, 2)},
          [=](const Tensors& x) { return conv2d_transpose(x[0], x[1], options); },
          [=](const Tensors& x) { return plain_conv2d_transpose(x[0], x[1], result, o); }};
}

OpCases cases(OpCase (*of)(const Convolution&), const std::vector<Convolution>& convolutions) {
  OpCases all;
  for (const Convolution& c : convolutions) all.push_back(of(c));
  return all;
}

TEST(Conv2d, MatchesPlainLoops) {
  for_each_case(cases(conv_case, small), expect_reference);
  for_each_case(cases(conv_case, medium()), expect_reference);
}
TEST(Conv2d, GradientsMatchCentralDifferences) { for_each_case(cases(conv_case, small), expect_gradients); }
TEST(Conv2d, SecondOrderMatchesCentralDifferences) { for_each_case(cases(conv_case, small), expect_second_order); }
TEST(Conv2d, RecordedGradientsEqualTheFirst) {
  for_each_case(cases(conv_case, small), expect_recorded_gradients_alike);
}
TEST(Conv2d, Float32IsWithinSixtyFourUlpOnEachLibrary) {
  for_each_case(cases(conv_case, small), expect_float32);
  for_each_case(cases(conv_case, medium()), expect_float32);
}

TEST(Conv2dTranspose, MatchesPlainLoops) {
  for_each_case(cases(transpose_case, small), expect_reference);
  for_each_case(cases(transpose_case, medium()), expect_reference);
}
TEST(Conv2dTranspose, GradientsMatchCentralDifferences) {
  for_each_case(cases(transpose_case, small), expect_gradients);
}
TEST(Conv2dTranspose, SecondOrderMatchesCentralDifferences) {
  for_each_case(cases(transpose_case, small), expect_second_order);
}
TEST(Conv2dTranspose, RecordedGradientsEqualTheFirst) {
  for_each_case(cases(transpose_case, small), expect_recorded_gradients_alike);
}
TEST(Conv2dTranspose, Float32IsWithinSixtyFourUlpOnEachLibrary) {
  for_each_case(cases(transpose_case, small), expect_float32);
  for_each_case(cases(transpose_case, medium()), expect_float32);
}

TEST(Conv2d, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Convolution& c : std::vector<Convolution>{
           {"", {64, 14, 14, 16}, {5, 5, 16, 32}, {.strides = 2}},
           {"", {70, 14, 14, 16}, {5, 5, 16, 32}, {.strides = 2}},
           {"", {70, 28, 28, 1}, {5, 5, 1, 16}, {.strides = 2}},
           {"", {70, 9, 9, 12}, {3, 3, 6, 8}, {.groups = 2}},
       }) {
    expect_same_bits_for_any_threads(conv_case(c));
    expect_same_bits_for_any_threads(transpose_case(c));
  }
}

TEST(Conv2d, AnImagesResultDoesNotDependOnItsNeighboursOnEigen) {
  CpuLibrary before = cpu_library();
  set_cpu_library(CpuLibrary::eigen);
  Tensor x = cast(normal({20, 6, 5, 3}, 1), DType::float32), w = cast(normal({3, 3, 3, 4}, 2), DType::float32),
         y = conv2d(x, w);
  for (std::int64_t i = 0; i < 20; ++i)
    EXPECT_TRUE(close(conv2d(slice(x, 0, i, i + 1), w), slice(y, 0, i, i + 1), 4 * ulp_of_largest(y)));
  set_cpu_library(before);
}

// --- Sizes as TensorFlow has them ------------------------------------------------------------------------------------

TEST(Conv2d, SamePadsTheOddPixelBelowAndToTheRight) {
  // 5 taps with stride 2 on 28 pixels: 14 results, one pixel before and two after, so the first result misses one tap.
  Tensor x = ones({1, 28, 28, 1}), w = ones({5, 5, 1, 1}), y = conv2d(x, w, {.strides = 2});
  ASSERT_EQ(y.shape(), (Shape{1, 14, 14, 1}));
  EXPECT_EQ(y[0][0][0].item(), 16);
  EXPECT_EQ(y[0][0][1].item(), 20);
  EXPECT_EQ(y[0][13][13].item(), 9);
  EXPECT_EQ(y[0][13][5].item(), 15);
}

TEST(Conv2dTranspose, HasTensorFlowsSizes) {
  struct Size {
    std::int64_t in, kernel, stride, extra;
    Padding padding;
    std::int64_t out;
  };
  for (const Size& s : std::vector<Size>{
           {7, 5, 2, -1, Padding::same, 14},
           {7, 5, 2, 0, Padding::same, 13},
           {7, 5, 2, 1, Padding::same, 14},
           {7, 5, 1, -1, Padding::same, 7},
           {7, 3, 2, -1, Padding::valid, 15},
           {7, 2, 2, -1, Padding::valid, 14},
           {7, 2, 3, -1, Padding::valid, 21},
           {7, 3, 2, 0, Padding::valid, 15},
           {7, 3, 2, 1, Padding::valid, 16},
           {7, 4, 2, -1, Padding::of(1), 14},
           {7, 4, 2, 1, Padding::of(1), 15},
           {1, 4, 1, -1, Padding::of(0), 4},
       }) {
    Tensor y = conv2d_transpose(zeros({1, s.in, s.in, 1}), zeros({s.kernel, s.kernel, 1, 1}),
                                {.strides = s.stride, .padding = s.padding, .output_padding = s.extra});
    EXPECT_EQ(y.dim(1), s.out) << s.in << " kernel " << s.kernel << " stride " << s.stride << " output padding "
                               << s.extra;
    EXPECT_EQ(y.dim(2), s.out);
  }
}

TEST(Conv2dTranspose, OutputPaddingAddsRowsAndColumnsAtTheEnd) {
  OpCases all;
  for (Size2 extra : {Size2(0), Size2(1), Size2(0, 1), Size2(1, 0)}) {
    for (const Padding& padding : {Padding::same, Padding::valid, Padding::of(1, 0, 2, 1)}) {
      ConvTransposeOptions options{.strides = 2, .padding = padding, .output_padding = extra};
      Shape result = conv2d_transpose(zeros({1, 3, 4, 2}), zeros({3, 3, 1, 2}), options).shape();
      all.push_back({"output padding " + std::to_string(extra.height) + ", " + std::to_string(extra.width),
                     {normal({1, 3, 4, 2}, 1), normal({3, 3, 1, 2}, 2)},
                     [=](const Tensors& x) { return conv2d_transpose(x[0], x[1], options); },
                     [=](const Tensors& x) {
                       return plain_conv2d_transpose(x[0], x[1], result, {.strides = 2, .padding = padding});
                     }});
    }
  }
  for_each_case(all, expect_reference);
  for_each_case(all, expect_differentiable);
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Conv2d, RefusesWhatDoesNotFit) {
  Tensor x({2, 5, 4, 3}), w({3, 3, 3, 4}), gray({2, 5, 4, 1}), flat({5, 4, 3}), whole({2, 5, 4, 3}, DType::int32),
      wide({3, 3, 3, 4}, DType::float64), none;
  std::string shown =
      "\n  input    (2, 5, 4, 3)   batch, height, width, channels\n  filters  (3, 3, 3, 4)   height, width, in, out";
  EXPECT_MESSAGE(
      ShapeError, conv2d(gray, w),
      "conv2d: input has 1 channel but filters take 3\n  input    (2, 5, 4, 1)   batch, height, width, channels\n"
      "  filters  (3, 3, 3, 4)   height, width, in, out");
  EXPECT_MESSAGE(ShapeError, conv2d(x, w, {.groups = 3}),
                 "conv2d: input has 3 channels but filters take 3 in each of 3 groups" + shown);
  EXPECT_MESSAGE(ShapeError, conv2d(Tensor({2, 5, 4, 9}), w, {.groups = 3}),
                 "conv2d: 4 output channels cannot be divided into 3 groups\n  input    (2, 5, 4, 9)   batch, height, "
                 "width, channels\n"
                 "  filters  (3, 3, 3, 4)   height, width, in, out");
  EXPECT_MESSAGE(ShapeError, conv2d(flat, w),
                 "conv2d: input needs rank 4 but has rank 3\n  input  (5, 4, 3)   batch, height, width, channels");
  EXPECT_MESSAGE(ShapeError, conv2d(x, flat),
                 "conv2d: filters needs rank 4 but has rank 3\n  filters  (5, 4, 3)   height, width, in, out");
  EXPECT_MESSAGE(DTypeError, conv2d(whole, w),
                 "conv2d: needs float32 or float64; cast() converts\n  input  (2, 5, 4, 3)   int32");
  EXPECT_MESSAGE(DTypeError, conv2d(x, wide),
                 "conv2d: input is float32 but filters is float64; cast() converts\n  input    (2, 5, 4, 3)\n"
                 "  filters  (3, 3, 3, 4)   float64");
  EXPECT_MESSAGE(ValueError, conv2d(x, none), "conv2d: filters has no value yet");
  EXPECT_MESSAGE(ValueError, conv2d(x, w, {.strides = {0, 1}}),
                 "conv2d: strides must be from 1 to 2147483647, not 0 by 1" + shown);
  EXPECT_MESSAGE(ValueError, conv2d(x, w, {.dilation = 0}),
                 "conv2d: dilation must be from 1 to 2147483647, not 0 by 0" + shown);
  EXPECT_MESSAGE(ValueError, conv2d(x, w, {.groups = 0}), "conv2d: groups must be 1 or more, and are 0" + shown);
  EXPECT_MESSAGE(ValueError, conv2d(x, w, {.padding = Padding::of(-1)}),
                 "conv2d: padding must be from 0 to 2147483647, not -1 by -1" + shown);
  EXPECT_MESSAGE(ShapeError, conv2d(x, Tensor({0, 3, 3, 4})),
                 "conv2d: the filters have no taps\n  input    (2, 5, 4, 3)   batch, height, width, channels\n"
                 "  filters  (0, 3, 3, 4)   height, width, in, out");
  EXPECT_MESSAGE(ShapeError, conv2d(x, w, {.padding = Padding::valid, .dilation = 2}),
                 "conv2d: the filters reach over 5 by 5, more than the padded input" + shown);
}

TEST(Conv2dTranspose, RefusesWhatDoesNotFit) {
  Tensor x({2, 5, 4, 3}), w({3, 3, 2, 3});
  std::string shown =
      "\n  input    (2, 5, 4, 3)   batch, height, width, channels\n  filters  (3, 3, 2, 3)   height, width, out, in";
  EXPECT_MESSAGE(ShapeError, conv2d_transpose(x, Tensor({3, 3, 3, 2})),
                 "conv2d_transpose: input has 3 channels but filters take 2\n  input    (2, 5, 4, 3)   batch, height, "
                 "width, channels\n"
                 "  filters  (3, 3, 3, 2)   height, width, out, in");
  EXPECT_MESSAGE(ShapeError, conv2d_transpose(x, w, {.groups = 2}),
                 "conv2d_transpose: 3 channels cannot be divided into 2 groups" + shown);
  EXPECT_MESSAGE(ShapeError, conv2d_transpose(x, w, {.strides = 2, .output_padding = 2}),
                 "conv2d_transpose: this stride and padding bring no image of 11 by 9 to the input's size; change the "
                 "output padding" +
                     shown);
}

}  // namespace
}  // namespace floe
