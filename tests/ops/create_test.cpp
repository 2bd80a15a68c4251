// Tensors of one value or of a regular row, and the numbers that are refused.
#include <floe/ops/create.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <floe/ops/shape_ops.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

TEST(Makers, FillWithOneNumber) {
  EXPECT_EQ(full({2, 2}, 7, DType::uint8).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>(4, 7)));
  EXPECT_EQ(zeros({3}).to_vector<float>(), std::vector<float>(3, 0));
  EXPECT_TRUE(same_bits(ones_like(zeros({2}, DType::float64)), full({2}, 1, DType::float64)));
  EXPECT_EQ(full({2}, 0.1, DType::float64).to_vector<double>()[0], 0.1);
  EXPECT_TRUE(full({1}, 1, DType::boolean).item<bool>());
}

TEST(Makers, GiveIdentityMatrices) {
  EXPECT_EQ(eye(3).to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(eye(0).shape(), (Shape{0, 0}));
  EXPECT_EQ(eye(2, DType::int64).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0, 0, 1}));
}

TEST(Makers, CountInRanges) {
  EXPECT_EQ(range(0, 4).to_vector<int>(), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(range(5, 0, -2).to_vector<int>(), (std::vector<int>{5, 3, 1}));
  EXPECT_EQ(range(0, 1, 0.25, DType::float32).to_vector<float>(), (std::vector<float>{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(range(4, 0).shape(), Shape{0});
  EXPECT_EQ(range(1LL << 40, (1LL << 40) + 2, 1, DType::int64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{1LL << 40, (1LL << 40) + 1}));
}

TEST(Makers, RefuseNumbersThatTheTypeLacks) {
  EXPECT_EQ(error_of<ValueError>([] { full({2}, 256, DType::uint8); }), "full: 256 is not a value of uint8");
  EXPECT_EQ(error_of<ValueError>([] { full({2}, 0.5, DType::int32); }), "full: 0.5 is not a value of int32");
  EXPECT_EQ(error_of<ValueError>([] { full({2}, 2, DType::boolean); }), "full: 2 is not a value of bool");
  EXPECT_EQ(error_of<ValueError>([] { full({2}, 0x1p63, DType::int64); }),
            "full: 9.223372036854776e+18 is not a value of int64");
  EXPECT_EQ(error_of<ValueError>([] { pad(zeros({2}, DType::uint8), {{1, 1}}, -1); }),
            "pad: -1 is not a value of uint8");
  Rng rng(1);
  EXPECT_EQ(error_of<ValueError>([&] { random_bernoulli({2}, rng, 0.5, DType::uint8, {}, 300); }),
            "random_bernoulli: 300 is not a value of uint8");
  EXPECT_EQ(error_of<ValueError>([] { range(0, 1, 0.25); }),
            "range: the step is 0.25 but the dtype is int32; use a floating one");
  EXPECT_EQ(error_of<ValueError>([] { range(0.5, 3); }), "range: 0.5 is not a value of int32");
  EXPECT_EQ(error_of<ValueError>([] { range(0, 257, 1, DType::uint8); }), "range: 256 is not a value of uint8");
  EXPECT_EQ(range(0, 256, 1, DType::uint8)[255].item(), 255);
}

TEST(Makers, RefuseRangesWithoutEnd) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(error_of<ValueError>([] { range(0, 1, 0); }), "range: the step cannot be 0");
  EXPECT_EQ(error_of<ValueError>([] { range(0, infinity); }), "range: the stop must be finite, but is inf");
  EXPECT_EQ(error_of<ValueError>([] { range(0, 1e300); }), "range: 0 to 1e+300 by 1 cannot be counted");
  EXPECT_EQ(error_of<ValueError>([] { range(0, std::nan("")); }), "range: the stop must be finite, but is nan");
}

TEST(Makers, SpaceEvenlyToBothEnds) {
  EXPECT_EQ(linspace(0, 1, 5).to_vector<float>(), (std::vector<float>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(linspace(-0.1, 0.3, 7, DType::float64).to_vector<double>().back(), 0.3);
  EXPECT_EQ(linspace(3, 9, 1).to_vector<float>(), std::vector<float>{3});
  EXPECT_EQ(linspace(3, 9, 0).elements(), 0);
  EXPECT_EQ(error_of<DTypeError>([] { linspace(0, 1, 2, DType::int32); }),
            "linspace: gives float32 or float64, not int32");
  EXPECT_EQ(error_of<ShapeError>([] { linspace(0, 1, -2); }), "tensor: sizes cannot be negative, as in (-2,)");
}

}  // namespace
}  // namespace floe
