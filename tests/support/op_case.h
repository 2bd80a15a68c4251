// The facts that hold for every op, checked on tables of cases: a new op is a row.
#pragma once

#include <functional>
#include <string>

#include <omp.h>

#include <gtest/gtest.h>

#include <floe/backend/settings.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/tape.h>
#include <support/devices.h>
#include <support/tensors.h>

namespace floe::test {

using Function = std::function<Tensor(const Tensors&)>;

struct OpCase {
  std::string name;
  Tensors inputs;  // float64 where a gradient is wanted; others, such as indices, stay as they are
  Function op;
  Function reference = nullptr;  // plain loops in double
};
using OpCases = std::vector<OpCase>;

// The op on a GPU, of inputs that are copied there and a result that is copied back: both copies are recorded, so
// gradients come back as well.
inline OpCase on(Device device, OpCase one) {
  one.name += " on " + to_string(device);
  one.op = [device, op = one.op](const Tensors& inputs) {
    Tensors there;
    for (const Tensor& x : inputs) there.push_back(to(x, device));
    return to(op(there), Device{});
  };
  return one;
}

// Each case on every device of this machine.
template <class Check>
void for_each_case(const OpCases& cases, Check check) {
  for (const OpCase& one : cases) {
    SCOPED_TRACE(one.name);
    check(one);
    for (Device gpu : gpus()) check(on(gpu, one));
  }
}

// --- Gradients of a function -----------------------------------------------------------------------------------------

// The weights that an output is multiplied with before it is summed: a gradient that is the same nowhere. Their values
// are float32 numbers, the same in either dtype.
inline Tensor weights_for(const Tensor& y) {
  return cast(cast(uniform(y.shape(), -1, 1, 77), DType::float32), y.dtype());
}

inline std::vector<std::size_t> floating(const Tensors& inputs) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (is_floating(inputs[i].dtype())) places.push_back(i);
  }
  return places;
}

// The value of an op, and the gradients of its weighted sum with respect to every floating input.
struct ValueAndGradients {
  Tensor value;
  Tensors gradients;
};

inline ValueAndGradients value_and_gradients(const Function& op, Tensors inputs) {
  GradientTape tape;
  Tensors sources;
  for (std::size_t i : floating(inputs)) tape.watch(inputs[i]), sources.push_back(inputs[i]);
  Tensor y = op(inputs);
  return {y.detached(), tape.gradient(y, sources, {.output_gradient = weights_for(y)})};
}

// The gradients of sum(w * sin(y)): what flows into the op depends on the inputs as well.
inline Tensors curved_gradients(const Function& op, Tensors inputs, bool differentiable) {
  GradientTape tape;
  Tensors sources;
  for (std::size_t i : floating(inputs)) tape.watch(inputs[i]), sources.push_back(inputs[i]);
  Tensor y = op(inputs);
  return tape.gradient(reduce_sum(sin(y) * weights_for(y)), sources, {.differentiable = differentiable});
}

// (f(x + h) - f(x - h)) / 2h for each element of one input; f gives several tensors, and each is weighted.
template <class Several>
Tensor central_differences(const Several& f, Tensors inputs, std::size_t input) {
  constexpr double step = 1e-6;
  Tensor slopes(inputs[input].shape(), DType::float64);
  Tensors weights;
  for (std::int64_t i = 0; i < slopes.elements(); ++i) {
    double x = inputs[input].data<double>()[i];
    inputs[input].mutable_data<double>()[i] = x + step;
    Tensors above = f(inputs);
    inputs[input].mutable_data<double>()[i] = x - step;
    Tensors below = f(inputs);
    inputs[input].mutable_data<double>()[i] = x;
    double slope = 0;
    for (std::size_t k = 0; k < above.size(); ++k) {
      if (weights.size() == k) weights.push_back(weights_for(above[k]));
      const double *p = above[k].data<double>(), *q = below[k].data<double>(), *weight = weights[k].data<double>();
      for (std::int64_t j = 0; j < above[k].elements(); ++j) slope += (p[j] - q[j]) * weight[j];
    }
    slopes.mutable_data<double>()[i] = slope / ((x + step) - (x - step));
  }
  return slopes;
}

// Each element within 1e-6 * max(1, |slope|).
inline void expect_slopes(const Tensor& found, const Tensor& slopes) {
  ASSERT_EQ(found.shape(), slopes.shape());
  ASSERT_EQ(found.dtype(), DType::float64);
  for (std::int64_t i = 0; i < found.elements(); ++i) {
    double g = element(found, i), numeric = element(slopes, i);
    ASSERT_LE(std::abs(g - numeric), 1e-6 * std::max(1.0, std::abs(numeric)))
        << "element " << i << ": gradient " << g << ", central difference " << numeric;
  }
}

// --- The facts -------------------------------------------------------------------------------------------------------

// As the plain loops compute it, to 1e-12 of the largest element.
inline void expect_reference(const OpCase& one) {
  Tensor found = one.op(one.inputs), expected = one.reference(one.inputs);
  EXPECT_TRUE(close(found, expected, 1e-12 * std::max(1e-3, largest(expected))));
}

inline void expect_gradients(const OpCase& one) {
  Tensors gradients = value_and_gradients(one.op, one.inputs).gradients;
  std::vector<std::size_t> places = floating(one.inputs);
  for (std::size_t k = 0; k < places.size(); ++k) {
    SCOPED_TRACE("input " + std::to_string(places[k]));
    expect_slopes(gradients[k],
                  central_differences([&](const Tensors& x) { return Tensors{one.op(x)}; }, one.inputs, places[k]));
  }
}

inline void expect_second_order(const OpCase& one) {
  Tensors inputs = one.inputs, sources;
  GradientTape tape;
  for (std::size_t i : floating(inputs)) tape.watch(inputs[i]), sources.push_back(inputs[i]);
  Tensors first = curved_gradients(one.op, inputs, true);
  Tensor contracted = zeros({}, DType::float64);
  for (const Tensor& gradient : first) contracted = contracted + reduce_sum(gradient * weights_for(gradient));
  Tensors second = tape.gradient(contracted, sources, {.missing = Missing::zero});
  std::vector<std::size_t> places = floating(inputs);
  for (std::size_t k = 0; k < places.size(); ++k) {
    SCOPED_TRACE("input " + std::to_string(places[k]));
    auto gradients = [&](const Tensors& x) { return curved_gradients(one.op, x, false); };
    expect_slopes(second[k], central_differences(gradients, one.inputs, places[k]));
  }
}

// The gradient kernels and the gradients recorded for higher orders are the same functions.
inline void expect_recorded_gradients_alike(const OpCase& one) {
  Tensors inputs = one.inputs;
  Tensors fused = curved_gradients(one.op, inputs, false);
  GradientTape outer;
  for (std::size_t i : floating(inputs)) outer.watch(inputs[i]);
  Tensors recorded = curved_gradients(one.op, inputs, true);
  for (std::size_t k = 0; k < fused.size(); ++k) {
    EXPECT_TRUE(close(recorded[k], fused[k], 1e-12 * std::max(1e-3, largest(fused[k]))))
        << "input " << floating(inputs)[k];
  }
}

// body() with each library that multiplies float32 matrices.
template <class Body>
void for_each_library(Body body) {
  CpuLibrary before = cpu_library();
  for (CpuLibrary library : {CpuLibrary::eigen, CpuLibrary::onednn}) {
    if (library == CpuLibrary::onednn && !has_onednn()) continue;
    SCOPED_TRACE(library == CpuLibrary::onednn ? "on oneDNN" : "on Eigen");
    set_cpu_library(library);
    body();
  }
  set_cpu_library(before);
}

inline Tensors cast_floating(Tensors inputs, DType dtype) {
  for (Tensor& x : inputs) {
    if (is_floating(x.dtype())) x = cast(x, dtype);
  }
  return inputs;
}

// float32 values and gradients are within 64 units in the last place of the largest element of float64's.
inline void expect_float32(const OpCase& one) {
  Tensors inputs = cast_floating(one.inputs, DType::float32);
  const auto exact = value_and_gradients(one.op, cast_floating(inputs, DType::float64));
  for_each_library([&] {
    const auto& [truth, slopes] = exact;
    auto [value, gradients] = value_and_gradients(one.op, inputs);
    EXPECT_EQ(value.dtype(), DType::float32);
    EXPECT_TRUE(close(value, truth, 64 * ulp_of_largest(truth)));
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      EXPECT_EQ(gradients[k].dtype(), DType::float32);
      EXPECT_TRUE(close(gradients[k], slopes[k], 64 * ulp_of_largest(slopes[k])))
          << "gradient of input " << floating(inputs)[k];
    }
  });
}

// All of the above but the reference.
inline void expect_differentiable(const OpCase& one) {
  expect_gradients(one);
  expect_second_order(one);
  expect_recorded_gradients_alike(one);
  expect_float32(one);
}

// One thread and several give the same bits, forwards and backwards, in float32.
inline void expect_same_bits_for_any_threads(const OpCase& one, std::initializer_list<int> several = {2, 3}) {
  Tensors inputs = cast_floating(one.inputs, DType::float32);
  int before = omp_get_max_threads();
  for_each_library([&] {
    omp_set_num_threads(1);
    auto [value, gradients] = value_and_gradients(one.op, inputs);
    for (int threads : several) {
      SCOPED_TRACE(std::to_string(threads) + " threads");
      omp_set_num_threads(threads);
      auto [other_value, other_gradients] = value_and_gradients(one.op, inputs);
      EXPECT_TRUE(same_bits(other_value, value));
      for (std::size_t k = 0; k < gradients.size(); ++k)
        EXPECT_TRUE(same_bits(other_gradients[k], gradients[k])) << "gradient " << k;
    }
  });
  omp_set_num_threads(before);
}

}  // namespace floe::test
