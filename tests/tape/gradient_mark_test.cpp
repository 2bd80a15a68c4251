// Gradients of gradients by everything that the first ones depend on: right where they were recorded, and refused where
// they were not. Silence would be a wrong number.
#include <functional>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/tape.h>
#include <support/temp_folder.h>

namespace floe {
namespace {

// The gradient of an inner tape, and what it is differentiated by: 3 v + the gradient gives `second` by v.
struct Nested {
  const char* name;
  std::function<Tensor(GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options)> first;
  double second;
};

// w is 1.5 and v is 2.
const Nested all[] = {
    {"the target alone leads to v",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       return inner.gradient(w * w * v, w, options);  // 2 w v
     },
     3 + 2 * 1.5},
    {"v is the source",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       return inner.gradient(w * v * v, v, options);  // 2 w v
     },
     3 + 2 * 1.5},
    {"of several sources the last",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       Tensor x = tensor(4.0);
       inner.watch(x);
       return inner.gradient(w * v * v + x * w * v, Tensors{w.value(), x}, options)[1];  // w v
     },
     3 + 1.5},
    {"of several sources the first",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       Tensor x = tensor(4.0);
       inner.watch(x);
       return inner.gradient(w * v * v + x * w * v, Tensors{w.value(), x}, options)[0];  // v v + x v
     },
     3 + 2 * 2 + 4},
    {"through a tensor on the way",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       Tensor h = w * v;
       return inner.gradient(square(h), h, options);  // 2 w v
     },
     3 + 2 * 1.5},
    {"the output gradient alone leads to v",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       options.output_gradient = v * v;
       return inner.gradient(w * w, w, options);  // 2 w v v
     },
     3 + 4 * 1.5 * 2},
    {"and then goes on through an op",
     [](GradientTape& inner, const Variable& w, const Variable& v, GradientOptions options) {
       return reshape(inner.gradient(w * w * v, w, options) * 2.0, {});  // 4 w v
     },
     3 + 4 * 1.5},
};

TEST(SecondGradients, ByWhatTheFirstDependsOnAreRightOrRefused) {
  for (bool persistent_inner : {false, true}) {
    for (const Nested& one : all) {
      for (bool differentiable : {false, true}) {
        SCOPED_TRACE(std::string(one.name) + (differentiable ? ", recorded" : ", not recorded"));
        Variable w("w", tensor(1.5)), v("v", tensor(2.));
        GradientTape outer;
        std::optional<GradientTape> inner;
        if (persistent_inner)
          inner.emplace(persistent);
        else
          inner.emplace();
        Tensor first = one.first(*inner, w, v, {.differentiable = differentiable});
        Tensor loss = 3.0 * v + first;
        if (differentiable) {
          EXPECT_EQ(outer.gradient(loss, v).item(), one.second);
        } else {
          std::string message = test::error_of<GradientError>([&] { outer.gradient(loss, v); });
          EXPECT_TRUE(message.starts_with("gradient: the target depends on a gradient that was not recorded"))
              << message;
        }
      }
    }
  }
}

// What a gradient does not depend on is no one's business.
TEST(SecondGradients, ByOtherVariablesAreNotRefused) {
  Variable w("w", tensor(1.5)), v("v", tensor(2.)), other("other", tensor(5.));
  for (const Nested& one : all) {
    GradientTape outer, inner;
    Tensor first = one.first(inner, w, v, {});
    EXPECT_EQ(outer.gradient(other * first, other).item(), first.item()) << one.name;
  }
}

}  // namespace
}  // namespace floe
