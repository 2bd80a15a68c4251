// Gradients that come in parts: slices in a loop cost what the whole does, and writing in place touches no one's tensor.
#include <functional>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/custom_gradient.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>
#include <support/devices.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::same_bits;

// The elements that ops have written; a view is none.
class Written : public OpObserver {
 public:
  void op(const OpInfo&, TensorRefs inputs, std::span<Tensor* const> outputs) override {
    const auto* memory = static_cast<const std::byte*>(inputs[0]->raw());
    const auto* place = static_cast<const std::byte*>(outputs[0]->raw());
    auto bytes = static_cast<std::size_t>(inputs[0]->elements()) * item_size(inputs[0]->dtype());
    if (place >= memory && place < memory + bytes) return;
    for (const Tensor* output : outputs) elements += output->elements();
  }

  std::int64_t elements = 0;
};

using Loop = std::function<Tensors(const Tensor&)>;

struct Case {
  const char* name;
  Loop parts;  // of a tensor (steps, steps, 4)
};

std::vector<Case> loops() {
  auto each = [](auto part) {
    return [part](const Tensor& x) {
      Tensors parts;
      for (std::int64_t t = 0; t < x.dim(0); ++t) parts.push_back(part(x, t));
      return parts;
    };
  };
  return {
      {"x[t]", each([](const Tensor& x, std::int64_t t) { return x[t]; })},
      {"leading slices", each([](const Tensor& x, std::int64_t t) { return slice(x, 0, t, t + 1); })},
      {"inner slices", each([](const Tensor& x, std::int64_t t) { return slice(x, 1, t, t + 1); })},
      {"unstack", [](const Tensor& x) { return unstack(x); }},
      {"unstack of an inner axis", [](const Tensor& x) { return unstack(x, 1); }},
      {"split", [](const Tensor& x) { return split(x, 0, x.dim(0)); }},
      {"split of an inner axis", [](const Tensor& x) { return split(x, -2, x.dim(1)); }},
  };
}

Tensor gradient_of_loop(const Loop& parts, std::int64_t steps, bool differentiable = false) {
  Variable x("x", cast(test::normal({steps, steps, 4}), DType::float32));
  GradientTape tape;
  Tensor state;
  for (const Tensor& part : parts(x)) state = state.defined() ? sin(state) + part : part * 1.0;
  return tape.gradient(state, x, {.differentiable = differentiable});
}

TEST(Parts, OfALoopCostWhatTheWholeDoes) {
  for (const auto& [name, parts] : loops()) {
    SCOPED_TRACE(name);
    auto written = [&loop = parts](std::int64_t steps) {
      Written watching;
      gradient_of_loop(loop, steps);
      return static_cast<double>(watching.elements) / static_cast<double>(steps * steps * 4);
    };
    EXPECT_LT(written(64), 1.1 * written(16)) << "for each element of x";
  }
}

TEST(Parts, HoldNoMoreThanOneWhole) {
  constexpr std::int64_t steps = 64, whole = steps * steps * 4 * 4;
  for (const auto& [name, parts] : loops()) {
    SCOPED_TRACE(name);
    reset_peak_memory();
    std::size_t before = peak_memory();
    gradient_of_loop(parts, steps);
    EXPECT_LT(peak_memory() - before, 6u * whole) << "x, its parts, a state and a sine for each step, the gradient";
  }
}

TEST(Parts, AddUpAsOpsDo) {
  for (const auto& [name, parts] : loops()) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(same_bits(gradient_of_loop(parts, 9), gradient_of_loop(parts, 9, true)));
  }
}

// What flows back to `middle` and to x where both are asked for, twice, and the tensor that flows into the target. None
// may change after it was given.
void expect_untouched(const std::function<Tensor(const Tensor& middle)>& target_of, Device device) {
  Variable x("x", to(cast(test::normal({6, 5}), DType::float32), device));
  GradientTape tape{persistent};
  Tensor middle = x * 2.0, target = target_of(middle);
  Tensor flows = to(cast(test::normal(target.shape(), 2), DType::float32), device);
  std::vector<float> flowed = flows.to_vector<float>();
  Tensors first = tape.gradient(target, Tensors{middle, x}, {.output_gradient = flows});
  std::vector<float> to_middle = first[0].to_vector<float>(), to_x = first[1].to_vector<float>();
  Tensors second = tape.gradient(target, Tensors{x, middle}, {.output_gradient = flows});
  Tensors recorded = tape.gradient(target, Tensors{middle, x}, {.differentiable = true, .output_gradient = flows});
  EXPECT_EQ(flows.to_vector<float>(), flowed);
  EXPECT_EQ(first[0].to_vector<float>(), to_middle);
  EXPECT_EQ(first[1].to_vector<float>(), to_x);
  EXPECT_TRUE(same_bits(second[0].on(Device{}), first[1].on(Device{})));
  EXPECT_TRUE(same_bits(second[1].on(Device{}), first[0].on(Device{})));
  EXPECT_TRUE(same_bits(recorded[0].on(Device{}), first[0].on(Device{})));
  EXPECT_TRUE(same_bits(recorded[1].on(Device{}), first[1].on(Device{})));
}

TEST(Parts, AreNeverWrittenIntoSomeoneElsesTensor) {
  Tensors given;
  auto through = [&](const Tensor& x) {
    return custom_gradient(
        x, [](const Tensor& x) { return x; },
        [&](const Tensor& dy, const Tensor&, const Tensor&) {
          given.push_back(dy);
          return dy;
        });
  };
  std::vector<std::function<Tensor(const Tensor&)>> targets{
      // The gradient of the whole comes first, in the tensor that flows in, and parts are added to it.
      [](const Tensor& m) {
        return reshape(stack({m[0], m[1], m[2], m[3], m[4], m[5]}), {6, 5}) + m;
      },
      [](const Tensor& m) {
        return m + concat({slice(m, 0, 3), slice(m, 0, 0, 3)}, 0);
      },
      [](const Tensor& m) {
        return m + concat({slice(m, 1, 2), slice(m, 1, 0, 2)}, 1);
      },
      [](const Tensor& m) {
        return concat({m, slice(m, 0, 2, 3)}, 0) + concat({slice(m, 0, 5), m}, 0);
      },
      // Parts first, then the whole; parts that overlap; parts of parts.
      [](const Tensor& m) { return (m + slice(m, 0, 1, 2)) + (slice(m, 0, 0, 6, 2)[1] + slice(m, 1, 1, 2)); },
      [](const Tensor& m) { return slice(m, 0, 0, 4) + slice(m, 0, 1, 5) + slice(m, 0, 2, 6); },
      [](const Tensor& m) { return slice(slice(m, 0, 1), 1, 1)[2] + slice(slice(m, 0, 1), 1, 1)[0] + m[1][1]; },
      [](const Tensor& m) { return slice(m, 0, 2, 2) + slice(m, 0, 0, 1) + slice(m, 0, 3, 3); },
      // Gradients that are held by functions of the user.
      [&](const Tensor& m) { return through(m) + through(m)[2] + through(m[1]) + m[0]; },
  };
  std::vector<Device> devices = test::gpus();
  devices.push_back(Device{});
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (Device device : devices) {
      SCOPED_TRACE(std::to_string(i) + " on " + to_string(device));
      given.clear();
      expect_untouched(targets[i], device);
    }
  }
}

TEST(Parts, LeaveAloneWhatAFunctionOfTheUserHolds) {
  Variable x("x", ones({4, 2}));
  Tensor held;
  GradientTape tape;
  Tensor y = custom_gradient(
      x, [](const Tensor& x) { return x; },
      [&](const Tensor& dy, const Tensor&, const Tensor&) { return held = dy * 3.0; });
  Tensor z = x.value()[0] + x.value()[3];
  Tensor target = reduce_sum(y) + reduce_sum(z);  // the whole comes back first
  EXPECT_EQ(tape.gradient(target, x).to_vector<float>(), (std::vector<float>{4, 4, 3, 3, 3, 3, 4, 4}));
  EXPECT_EQ(held.to_vector<float>(), std::vector<float>(8, 3));
}

TEST(Parts, LeaveAloneWhatAnObserverHolds) {
  struct Keeper : OpObserver {
    void op(const OpInfo& op, TensorRefs, std::span<Tensor* const> outputs) override {
      if (std::string(op.name) != "slice_gradient") return;
      kept.push_back(*outputs[0]);
      values.push_back(outputs[0]->to_vector<float>());
    }
    Tensors kept;
    std::vector<std::vector<float>> values;
  };
  for (int axis : {0, 1}) {
    Variable x("x", ones({4, 4}));
    GradientTape tape;
    Tensor y = slice(x, axis, 0, 2) * 2.0 + slice(x, axis, 1, 3) * 3.0 + slice(x, axis, 0, 2) * 5.0;
    Keeper keeper;
    Tensor dx = tape.gradient(y, x);
    EXPECT_EQ(keeper.kept.size(), 3u);
    for (std::size_t i = 0; i < keeper.kept.size(); ++i) EXPECT_EQ(keeper.kept[i].to_vector<float>(), keeper.values[i]);
    EXPECT_EQ((axis == 0 ? transpose(dx) : dx)[3].to_vector<float>(), (std::vector<float>{7, 10, 3, 0}));
  }
}

TEST(Parts, AreSeenWhereTheyAreAdded) {
  struct Names : OpObserver {
    void op(const OpInfo& op, TensorRefs, std::span<Tensor* const> outputs) override {
      const OpInfo* of = gradient_of();
      all.push_back(std::string(op.name) + " " + to_string(outputs[0]->shape()) +
                    (of ? std::string(" < ") + of->name : ""));
    }
    std::vector<std::string> all;
  };
  Variable x("x", ones({3, 2}));
  GradientTape tape;
  Tensor y = slice(x, 0, 0, 1) + slice(x, 0, 2, 3);
  Names names;
  tape.gradient(y, x);
  EXPECT_EQ(names.all, (std::vector<std::string>{"slice_gradient (3, 2) < slice", "slice_gradient (1, 2) < slice"}));
}

TEST(Parts, OfOneOpAreReportedOnce) {
  struct Outputs : OpObserver {
    void op(const OpInfo& op, TensorRefs, std::span<Tensor* const> outputs) override {
      all.push_back(std::string(op.name) + " " + std::to_string(outputs.size()));
    }
    std::vector<std::string> all;
  } seen;
  Tensor x = ones({6, 2});
  split(x, 0, 3);
  unstack(x, 1);
  EXPECT_EQ(seen.all, (std::vector<std::string>{"split 3", "unstack 2"}));
}

}  // namespace
}  // namespace floe
