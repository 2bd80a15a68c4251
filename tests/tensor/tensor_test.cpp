// Tensors: what they hold, what they share, and that a value never changes under its holder.
#include <floe/tensor/tensor.h>

#include <functional>
#include <limits>
#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/ops/shape_ops.h>
#include <floe/tensor/memory.h>
#include <floe/tensor/rng.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

constexpr DType all_dtypes[] = {DType::float32, DType::float64, DType::int32,
                                DType::int64,   DType::uint8,   DType::boolean};

TEST(DTypes, HaveNamesAndSizes) {
  std::string names;
  std::vector<std::size_t> sizes;
  for (DType dtype : all_dtypes) names += std::string(name(dtype)) + " ", sizes.push_back(item_size(dtype));
  EXPECT_EQ(names, "float32 float64 int32 int64 uint8 bool ");
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 8, 4, 8, 1, 1}));
  EXPECT_TRUE(is_floating(DType::float64));
  EXPECT_FALSE(is_floating(DType::boolean));
}

TEST(Devices, HaveNames) {
  EXPECT_EQ(to_string(Device{}), "cpu");
  EXPECT_EQ(to_string(Device{Device::Kind::cuda, 2}), "cuda:2");
  EXPECT_EQ(parse_device("cpu"), Device{});
  EXPECT_EQ(error_of<DeviceError>([] { parse_device("tpu"); }), "device: expected cpu, cuda or cuda:NUMBER, found 'tpu'");
  if (gpu_count() > 0) return;  // else each of these is refused, with the reason
  std::string why = error_of<DeviceError>([] { zeros({2}, DType::float32, {Device::Kind::cuda}); });
  EXPECT_TRUE(why.starts_with("device: this ")) << why;
  EXPECT_TRUE(why.ends_with(", so cuda:0 is not available; use cpu")) << why;
}

TEST(Shapes, ReadLikeTuples) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{3}), "(3,)");
  EXPECT_EQ(to_string(Shape{2, 3}), "(2, 3)");
}

TEST(Shapes, CountTheirElements) {
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ((Shape{1LL << 40, 0, 1LL << 40}).elements(), 0);
  EXPECT_EQ((Shape{1LL << 32, 1LL << 32}).elements(), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE((Shape{0, 1LL << 62}).countable());
  EXPECT_FALSE((Shape{0, 1LL << 62, 4}).countable());
}

TEST(Shapes, HaveSixAxesAtMost) {
  EXPECT_EQ((Shape{1, 2, 3, 4, 5, 6}).rank(), 6);
  EXPECT_EQ(error_of<ShapeError>([] { Shape{1, 2, 3, 4, 5, 6, 7}; }),
            "shape: a tensor has at most 6 axes; (1, 2, 3, 4, 5, 6) already has them all");
}

TEST(Tensors, OfEveryDtypeAndRankHoldWhatWasWritten) {
  for (DType dtype : all_dtypes) {
    Shape shape;
    for (int rank = 0; rank <= Shape::max_rank; ++rank) {
      dispatch(dtype, [&]<class T>() {
        Tensor x(shape, dtype);
        ASSERT_EQ(x.rank(), rank);
        ASSERT_EQ(x.dtype(), dtype);
        for (std::int64_t i = 0; i < x.elements(); ++i) x.mutable_data<T>()[i] = static_cast<T>(i % 3);
        std::vector<T> values = x.to_vector<T>();
        ASSERT_EQ(static_cast<std::int64_t>(values.size()), std::int64_t{1} << rank);
        for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<T>(i % 3));
      });
      if (rank < Shape::max_rank) shape.append(2);
    }
  }
}

TEST(Tensors, ComeFromLiterals) {
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).shape(), (Shape{2, 2}));
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(tensor({1., 2.}).dtype(), DType::float32);
  EXPECT_EQ(tensor({1.f}).dtype(), DType::float32);
  EXPECT_EQ(tensor({true, false}).dtype(), DType::boolean);
  EXPECT_EQ(tensor(std::int64_t{5}).dtype(), DType::int64);
  EXPECT_EQ(tensor(3).shape(), Shape{});
  EXPECT_EQ(tensor({{{1, 2}}, {{3, 4}}, {{5, 6}}}).shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(tensor(std::vector<double>{1, 2, 3}, Shape{3, 1}).dtype(), DType::float64);
}

TEST(Tensors, RefuseRaggedRows) {
  EXPECT_EQ(error_of<ShapeError>([] { tensor({{1, 2}, {3}}); }), "tensor: rows differ in length: 2 and 1");
  EXPECT_EQ(error_of<ShapeError>([] { tensor({{{1, 2}}, {{3}}}); }), "tensor: rows differ in length: 2 and 1");
}

TEST(Tensors, RefuseValuesThatDoNotFillTheShape) {
  EXPECT_EQ(error_of<ShapeError>([] { tensor(std::vector<float>(5), Shape{2, 3}); }),
            "tensor: 5 values do not fill shape (2, 3), which takes 6");
}

TEST(Tensors, MayBeEmpty) {
  for (const Shape& shape : {Shape{0}, Shape{2, 0, 3}, Shape{0, 1LL << 62}}) {
    Tensor x(shape);
    EXPECT_TRUE(x.defined());
    EXPECT_EQ(x.elements(), 0);
    EXPECT_TRUE(x.to_vector<float>().empty());
  }
}

TEST(Tensors, WithoutAValueSaySo) {
  Tensor nothing;
  EXPECT_FALSE(nothing.defined());
  EXPECT_EQ(error_of<ValueError>([&] { nothing.item(); }), "item: the tensor has no value yet");
  EXPECT_FALSE(nothing.unique());
  for (const std::function<void()>& use : std::initializer_list<std::function<void()>>{
           [&] { nothing.data<int>(); }, [&] { nothing.to_vector<float>(); }, [&] { nothing.span<float>(); },
           [&] { nothing.mutable_data<float>(); }, [&] { nothing.raw_mutable(); }})
    EXPECT_EQ(error_of<ValueError>(use), "tensor: it has no value yet");
  Tensor given = zeros({2}), taken = std::move(given);
  EXPECT_EQ(error_of<ValueError>([&] { given.data<float>(); }), "tensor: it has no value yet");
}

// What each member says: its result in words, or its error.
std::vector<std::string> members_of(Tensor& x) {
  auto say = [](const std::function<std::string()>& member) {
    try {
      return member();
    } catch (const Error& error) { return std::string(error.what()); }
  };
  return {
      say([&] { return std::to_string(x.defined()) + std::to_string(x.unique()); }),
      say([&] { return to_string(x.shape()) + std::to_string(x.rank()) + " " + std::to_string(x.elements()); }),
      say([&] { return std::to_string(x.dim(0)); }),
      say([&] { return std::string(name(x.dtype())) + to_string(x.device()) + std::to_string(x.id().number()); }),
      say([&] { return x.raw() ? "bytes" : "null"; }),
      say([&] { return x.view({}).raw() ? "bytes" : "null"; }),
      say([&] { return x.detached().raw() ? "bytes" : "null"; }),
      say([&] { return x.on(Device{}).raw() ? "bytes" : "null"; }),
      say([&] { return x.raw_mutable() ? "bytes" : "null"; }),
      say([&] { return x.data<float>() ? "bytes" : "null"; }),
      say([&] { return x.mutable_data<float>() ? "bytes" : "null"; }),
      say([&] { return std::to_string(x.span<float>().size()); }),
      say([&] { return std::to_string(x.to_vector<float>().size()); }),
      say([&] { return std::to_string(x.item()); }),
      say([&] { return to_string(x[0].shape()); }),
      say([&] { return to_string(x); }),
  };
}

TEST(Tensors, ThatWereMovedFromAreWithoutAValueAgain) {
  const Tensor original = tensor<std::int64_t>({{1, 2, 3}, {4, 5, 6}});
  Tensor nothing;
  const std::vector<std::string> expected = members_of(nothing);

  Tensor from = original, to = std::move(from);
  EXPECT_EQ(members_of(from), expected);
  EXPECT_TRUE(same_bits(to, original));
  from = std::move(to);
  EXPECT_EQ(members_of(to), expected);
  EXPECT_TRUE(same_bits(from, original));
  Tensor& itself = from;
  from = std::move(itself);
  EXPECT_TRUE(same_bits(from, original));
  to = std::move(from);
  from = tensor(1.);
  EXPECT_EQ(from.item(), 1) << "it takes a value again";
  std::swap(from, to);
  EXPECT_TRUE(same_bits(from, original));
  to = Tensor(), from = Tensor();
  EXPECT_TRUE(original.unique());
  static_assert(std::is_nothrow_move_constructible_v<Tensor> && std::is_nothrow_move_assignable_v<Tensor>);
}

TEST(Tensors, RefuseAnotherElementType) {
  EXPECT_EQ(error_of<DTypeError>([] { zeros({2}).data<double>(); }),
            "tensor: its elements are float32, not float64; cast() converts");
  EXPECT_EQ(error_of<DTypeError>([] { zeros({2}, DType::boolean).mutable_data<std::uint8_t>(); }),
            "tensor: its elements are bool, not uint8; cast() converts");
}

TEST(Tensors, RefuseImpossibleShapes) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(error_of<ShapeError>([] { Tensor({2, -3}); }), "tensor: sizes cannot be negative, as in (2, -3)");
  EXPECT_EQ(error_of<ShapeError>([] { Tensor({0, -1}); }), "tensor: sizes cannot be negative, as in (0, -1)");
  EXPECT_EQ(error_of<ShapeError>([] { Tensor({1LL << 32, 1LL << 32}); }),
            "tensor: (4294967296, 4294967296) has more elements than can be counted");
  EXPECT_EQ(error_of<ShapeError>([] { Tensor({most / 4}, DType::float64); }),
            "tensor: (2305843009213693951,) has more elements than can be counted");
  EXPECT_EQ(error_of<ShapeError>([] {
              Tensor({0, 1LL << 62, 4});
            }),
            "tensor: (0, 4611686018427387904, 4) has more elements than can be counted");
  EXPECT_EQ(error_of<ShapeError>([] { Tensor({3, most, most}); }),
            "tensor: (3, 9223372036854775807, 9223372036854775807) has more elements than can be counted");
  EXPECT_EQ(error_of<ShapeError>([] { tensor(std::vector<float>{}, Shape{1LL << 32, 1LL << 32}); }),
            "tensor: 0 values do not fill shape (4294967296, 4294967296), which takes 9223372036854775807");
}

TEST(Tensors, ConvertTheirOneElement) {
  EXPECT_EQ(tensor(2.5).item(), 2.5);
  EXPECT_EQ(tensor({{7}}).item<int>(), 7);
  EXPECT_EQ(tensor({true}).item(), 1);
  EXPECT_EQ(error_of<ShapeError>([] { zeros({2, 3}).item(); }),
            "item: needs exactly one element, and the tensor has 6, shape (2, 3)");
  EXPECT_EQ(error_of<ShapeError>([] { zeros({0}).item(); }),
            "item: needs exactly one element, and the tensor has 0, shape (0,)");
}

TEST(Tensors, KeepEveryDigitOfAnInt64) {
  EXPECT_EQ(tensor(std::int64_t{9007199254740993}).item<std::int64_t>(), 9007199254740993);
}

TEST(Tensors, CountAxesFromTheEnd) {
  Tensor x({2, 3, 4});
  EXPECT_EQ(x.dim(-1), 4);
  EXPECT_EQ(x.dim(-3), 2);
  for (int axis : {3, 7, -4, -9})
    EXPECT_EQ(error_of<ShapeError>([&] { x.dim(axis); }), fmt::format("dim: there is no axis {} in rank 3", axis));
}

// --- Sharing ---------------------------------------------------------------------------------------------------------

TEST(Views, ShareStorage) {
  Tensor x = range(0, 24);
  EXPECT_EQ(x.view({2, 3, 4}).data<int>(), x.data<int>());
  EXPECT_EQ(x.view({4}, 20).data<int>(), x.data<int>() + 20);
  EXPECT_EQ(reshape(x, {4, -1}).data<int>(), x.data<int>());
}

TEST(Views, OfTheLeadingAxisDoNotCopy) {
  Tensor x = range(0, 24).view({4, 6});
  std::size_t before = memory_in_use();
  Tensor row = x[2], last = x[-1], rows = slice(x, 0, 1, 3);
  EXPECT_EQ(memory_in_use(), before);
  EXPECT_EQ(row.data<int>(), x.data<int>() + 12);
  EXPECT_EQ(last.data<int>(), x.data<int>() + 18);
  EXPECT_EQ(rows.data<int>(), x.data<int>() + 6);
  EXPECT_EQ(row.shape(), Shape{6});
}

TEST(Views, OutsideTheAxisAreRefused) {
  EXPECT_EQ(error_of<ShapeError>([] { zeros({2, 3})[2]; }),
            "index: 2 is outside the leading axis of size 2\n  x  (2, 3)");
  EXPECT_EQ(error_of<ShapeError>([] { zeros({2, 3})[-3]; }),
            "index: -3 is outside the leading axis of size 2\n  x  (2, 3)");
  EXPECT_EQ(error_of<ShapeError>([] { tensor(1)[0]; }),
            "index: a scalar has no axis to index; item() gives its value\n  x  ()   int32");
}

TEST(Values, NeverChangeUnderAnotherHolder) {
  Tensor x = tensor({1, 2, 3}), copy = x, view = x.view({3, 1}), row = x[1];
  x.mutable_data<int>()[1] = 20;
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 20, 3}));
  EXPECT_EQ(copy.to_vector<int>(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(view.to_vector<int>(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(row.item<int>(), 2);
}

TEST(Values, AreNotAssignedToWhatAnOpGave) {
  static_assert(!std::is_assignable_v<Tensor, Tensor> && std::is_assignable_v<Tensor&, Tensor>);
  static_assert(std::is_nothrow_move_constructible_v<Tensor> && std::is_nothrow_move_assignable_v<Tensor>);
}

TEST(Values, OfAViewAreCopiedWithoutTheRest) {
  Tensor x = range(0, 6).view({3, 2}), row = x[1];
  row.mutable_data<int>()[0] = 20;
  EXPECT_EQ(row.to_vector<int>(), (std::vector<int>{20, 3}));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST(Values, OfASoleOwnerAreWrittenInPlace) {
  Tensor x = zeros({100});
  const float* before = x.data<float>();
  EXPECT_TRUE(x.unique());
  x.mutable_data<float>()[0] = 1;
  EXPECT_EQ(x.data<float>(), before);
  {
    Tensor other = x;
    EXPECT_FALSE(x.unique());
  }
  x.mutable_data<float>()[0] = 2;
  EXPECT_EQ(x.data<float>(), before);
}

}  // namespace
}  // namespace floe
