// Dispatch over dtypes: each goes its own way, and what has none is refused by name, also by the kernels themselves.
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/backend/formulas.h>
#include <floe/backend/dispatch.h>
#include <floe/backend/kernels.h>
#include <floe/backend/reductions.h>
#include <floe/tensor/error.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

constexpr DType every[] = {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean};
constexpr auto none = static_cast<DType>(17);

template <class Action>
std::string refusal(Action action) {
  return error_of<DTypeError>(action);
}

TEST(Dispatch, CallsWithTheTypeOfEachDtype) {
  for (DType dtype : every) {
    dispatch(dtype, [&]<class T>() { EXPECT_EQ(dtype_of<T>(), dtype); });
    dispatch_item(dtype, [&]<class T>() { EXPECT_EQ(sizeof(T), item_size(dtype)) << name(dtype); });
  }
  for (DType dtype : {DType::float32, DType::float64})
    dispatch_floating(dtype, [&]<class T>() { EXPECT_EQ(dtype_of<T>(), dtype); });
  for (DType dtype : {DType::int32, DType::int64})
    dispatch_index(dtype, [&]<class T>() { EXPECT_EQ(dtype_of<T>(), dtype); });
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    auto check = [&]<class T>() {
      EXPECT_EQ(sizeof(T), item_size(dtype));
      EXPECT_EQ(std::is_floating_point_v<T>, is_floating(dtype));
    };
    dispatch_product(dtype, check);
    if (dtype != DType::uint8) dispatch_sum(dtype, check);
  }
}

TEST(Dispatch, RefusesWhatIsNoDtype) {
  auto nothing = []<class>() { FAIL(); };
  EXPECT_EQ(refusal([] { name(none); }), "name: takes a dtype of Floe, not dtype 17");
  EXPECT_EQ(refusal([] { item_size(none); }), "dispatch: takes a dtype of Floe, not dtype 17");
  EXPECT_EQ(refusal([] { Tensor({2}, none); }), "dispatch: takes a dtype of Floe, not dtype 17");
  EXPECT_EQ(refusal([&] { dispatch(none, nothing); }), "dispatch: takes a dtype of Floe, not dtype 17");
  EXPECT_EQ(refusal([&] { dispatch_floating(none, nothing); }),
            "dispatch_floating: takes float32 and float64, not dtype 17");
  EXPECT_EQ(refusal([&] { dispatch_item(none, nothing); }), "dispatch_item: takes a dtype of Floe, not dtype 17");
  EXPECT_EQ(refusal([&] { dispatch_index(none, nothing); }), "dispatch_index: takes int32 and int64, not dtype 17");
  EXPECT_EQ(refusal([&] { dispatch_sum(none, nothing); }),
            "dispatch_sum: takes float32, float64, int32 and int64, not dtype 17");
  EXPECT_EQ(refusal([&] { formulas::dispatch_taken<formulas::Add>(none, nothing); }),
            "dispatch: takes a dtype of Floe, not dtype 17");
}

TEST(Dispatch, RefusesADtypeThatItHasNoWayFor) {
  auto nothing = []<class>() { FAIL(); };
  for (DType dtype : every) {
    std::string ending = ", not " + std::string(name(dtype));
    if (!is_floating(dtype)) {
      EXPECT_EQ(refusal([&] { dispatch_floating(dtype, nothing); }),
                "dispatch_floating: takes float32 and float64" + ending);
      EXPECT_EQ(refusal([&] { formulas::dispatch_taken<formulas::Divide>(dtype, nothing); }),
                "dispatch_taken: takes float32 and float64" + ending);
    }
    if (dtype != DType::int32 && dtype != DType::int64) {
      EXPECT_EQ(refusal([&] { dispatch_index(dtype, nothing); }), "dispatch_index: takes int32 and int64" + ending);
      EXPECT_EQ(refusal([&] { dispatch_index(zeros({1}, dtype), [](const auto*) { FAIL(); }); }),
                "dispatch_index: takes int32 and int64" + ending);
    }
    if (dtype == DType::boolean) {
      EXPECT_EQ(refusal([&] { formulas::dispatch_taken<formulas::Add>(dtype, nothing); }),
                "dispatch_taken: takes numbers" + ending);
    } else {
      EXPECT_EQ(refusal([&] { formulas::dispatch_taken<formulas::And>(dtype, nothing); }),
                "dispatch_taken: takes bool" + ending);
    }
    if (dtype == DType::boolean || dtype == DType::uint8) {
      EXPECT_EQ(refusal([&] { dispatch_sum(dtype, nothing); }),
                "dispatch_sum: takes float32, float64, int32 and int64" + ending);
    }
  }
}

// Ops refuse these before, in words of their own.
TEST(Kernels, RefuseADtypeThatTheyHaveNoWayFor) {
  Tensor whole = zeros({4}, DType::int32), flags = zeros({4}, DType::boolean), numbers = zeros({4}),
         places = zeros({2}), top = zeros({2});
  EXPECT_EQ(refusal([&] { cpu::random_uniform({}, 0, 1, whole); }),
            "dispatch_floating: takes float32 and float64, not int32");
  EXPECT_EQ(refusal([&] { cpu::random_normal({}, 0, 1, whole); }),
            "dispatch_floating: takes float32 and float64, not int32");
  EXPECT_EQ(refusal([&] { cpu::add(flags, flags, flags); }), "add: takes numbers, not bool");
  EXPECT_EQ(refusal([&] { cpu::top_k(numbers, top, places); }), "dispatch_index: takes int32 and int64, not float32");
  EXPECT_EQ(refusal([&] { cpu::softmax(whole, false, whole); }),
            "dispatch_floating: takes float32 and float64, not int32");
}

}  // namespace
}  // namespace floe
