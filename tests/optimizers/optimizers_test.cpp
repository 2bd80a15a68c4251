// Optimizers: twenty steps against slow references in double, in place or not, and what they refuse.
#include <floe/optimizers/optimizers.h>

#include <cmath>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/losses.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/clip.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

Gradients gradient_of(Variable& variable, const Tensor& gradient) {
  Gradients gradients;
  gradients.add(variable, gradient);
  return gradients;
}

// --- Against references ----------------------------------------------------------------------------------------------

// One number and its state; `step` is the documented formula.
struct Reference {
  double w, a = 0, b = 0;
  std::function<void(Reference&, double g, double t)> step;
};

struct OptimizerCase {
  const char* name;
  std::function<std::unique_ptr<Optimizer>()> make;
  std::function<void(Reference&, double g, double t)> step;
  double first = 0;  // of `a`
};

template <class Kind, class Options>
std::function<std::unique_ptr<Optimizer>()> maker(Options options) {
  return [=] { return std::make_unique<Kind>(options); };
}

const OptimizerCase optimizers[] = {
    {"sgd", maker<SGD>(0.1), [](Reference& r, double g, double) { r.w -= 0.1 * g; }},
    {"momentum", maker<Momentum>(MomentumOptions{.learning_rate = 0.05, .momentum = 0.8}),
     [](Reference& r, double g, double) {
       r.a = 0.8 * r.a - 0.05 * g;
       r.w += r.a;
     }},
    {"nesterov", maker<Momentum>(MomentumOptions{.learning_rate = 0.05, .momentum = 0.8, .nesterov = true}),
     [](Reference& r, double g, double) {
       r.a = 0.8 * r.a - 0.05 * g;
       r.w += 0.8 * r.a - 0.05 * g;
     }},
    {"rmsprop", maker<RMSprop>(RMSpropOptions{.learning_rate = 0.01, .decay = 0.7, .epsilon = 1e-3}),
     [](Reference& r, double g, double) {
       r.a = 0.7 * r.a + 0.3 * g * g;
       r.w -= 0.01 * g / (std::sqrt(r.a) + 1e-3);
     }},
    {"adagrad",
     maker<Adagrad>(AdagradOptions{.learning_rate = 0.05, .initial_accumulator_value = 0.3, .epsilon = 1e-3}),
     [](Reference& r, double g, double) {
       r.a += g * g;
       r.w -= 0.05 * g / (std::sqrt(r.a) + 1e-3);
     },
     0.3},
    {"adam", maker<Adam>(AdamOptions{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3}),
     [](Reference& r, double g, double t) {
       r.a = 0.8 * r.a + 0.2 * g;
       r.b = 0.95 * r.b + 0.05 * g * g;
       r.w -= 0.01 * (r.a / (1 - std::pow(0.8, t))) / (std::sqrt(r.b / (1 - std::pow(0.95, t))) + 1e-3);
     }},
    // As torch.optim.AdamW says it: the parameter is multiplied by 1 - lr * weight_decay before the step.
    {"adamw",
     maker<AdamW>(AdamWOptions{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 2}),
     [](Reference& r, double g, double t) {
       r.w *= 1 - 0.01 * 2;
       r.a = 0.8 * r.a + 0.2 * g;
       r.b = 0.95 * r.b + 0.05 * g * g;
       r.w -= 0.01 * (r.a / (1 - std::pow(0.8, t))) / (std::sqrt(r.b / (1 - std::pow(0.95, t))) + 1e-3);
     }},
};

// The largest distance from the reference after so many steps of one variable.
double distance_from_reference(const OptimizerCase& one, DType dtype, std::int64_t size, int steps) {
  Variable w("w", cast(test::normal({size}), dtype));
  std::vector<Reference> references;
  for (std::int64_t i = 0; i < size; ++i) references.push_back({test::element(w, i), one.first, 0, one.step});
  std::unique_ptr<Optimizer> optimizer = one.make();
  for (int t = 1; t <= steps; ++t) {
    Tensor g = cast(test::normal({size}, static_cast<std::uint64_t>(t)) * (t % 3 ? 1.0 : 1e-4), dtype);
    optimizer->apply(gradient_of(w, g));
    for (std::int64_t i = 0; i < size; ++i) {
      Reference& reference = references[static_cast<std::size_t>(i)];
      reference.step(reference, test::element(g, i), t);
    }
  }
  EXPECT_EQ(optimizer->steps(), steps);
  double distance = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    distance = std::max(distance, std::abs(test::element(w, i) - references[static_cast<std::size_t>(i)].w));
  }
  return distance;
}

TEST(Optimizers, FollowTheirFormulasForTwentySteps) {
  for (const OptimizerCase& one : optimizers) {
    for (DType dtype : {DType::float32, DType::float64}) {
      double tolerance = dtype == DType::float32 ? 2e-6 : 1e-14;
      EXPECT_LE(distance_from_reference(one, dtype, 37, 20), tolerance) << one.name << " " << name(dtype);
    }
  }
}

// Around a register's elements, and around the parts of the cores.
TEST(Optimizers, FollowTheirFormulasAtEverySize) {
  for (const OptimizerCase& one : optimizers) {
    for (DType dtype : {DType::float32, DType::float64}) {
      double tolerance = dtype == DType::float32 ? 2e-6 : 1e-14;
      for (std::int64_t size : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65535, 65536, 65537, 131073}) {
        EXPECT_LE(distance_from_reference(one, dtype, size, 2), tolerance) << one.name << " " << size << name(dtype);
      }
    }
  }
}

TEST(Optimizers, KeepSlotsThatBeginAtAnotherNumberThanZero) {
  Variable w("w", zeros({2})), late("late", zeros({1}));
  Adagrad adagrad({.learning_rate = 1, .initial_accumulator_value = 3, .epsilon = 1e-12});
  adagrad.apply(gradient_of(w, ones({2})));
  EXPECT_EQ(w.value().to_vector<float>(), std::vector<float>(2, -0.5f));
  adagrad.apply(gradient_of(late, ones({1})));
  EXPECT_EQ(late.value().item(), -0.5) << "also for a variable that comes later";
}

TEST(AdamW, DecaysWhatThePredicateNames) {
  Variable weights("weights", full({2, 2}, 8)), bias("bias", full({2}, 8)), unused("unused", full({2}, 8));
  AdamW adamw(
      {.learning_rate = 0.5, .weight_decay = 0.5, .decays = [](const Variable& w) { return w.shape().rank() > 1; }});
  Gradients gradients = gradient_of(weights, zeros({2, 2}));
  gradients.add(bias, zeros({2}));
  adamw.apply(gradients);
  EXPECT_EQ(weights.value().to_vector<float>(), std::vector<float>(4, 6));
  EXPECT_EQ(bias.value().to_vector<float>(), std::vector<float>(2, 8));
  EXPECT_EQ(unused.value().to_vector<float>(), std::vector<float>(2, 8)) << "without a gradient nothing decays";
  AdamW all({.learning_rate = 0.5, .weight_decay = 0.5});
  all.apply(gradient_of(bias, zeros({2})));
  EXPECT_EQ(bias.value().to_vector<float>(), std::vector<float>(2, 6));
}

TEST(AdamW, WithoutDecayIsAdam) {
  Variable a("a", test::normal({37})), b("b", test::normal({37}));
  Adam adam;
  AdamW adamw({.weight_decay = 0});
  for (std::uint64_t t = 1; t <= 5; ++t) {
    adam.apply(gradient_of(a, test::normal({37}, t)));
    adamw.apply(gradient_of(b, test::normal({37}, t)));
  }
  EXPECT_TRUE(same_bits(a, b));
}

TEST(Optimizers, TakeAMissingGradientAsZeroWhereTheTapeWasAskedTo) {
  Variable used("used", ones({1})), unused("unused", ones({1}));
  for (const OptimizerCase& one : optimizers) {
    unused.assign(ones({1}));
    GradientTape tape;
    Tensor loss = used * used;
    std::unique_ptr<Optimizer> optimizer = one.make();
    EXPECT_THROW(optimizer->apply(GradientTape().gradient(tensor(1.), Variables{&unused})), GradientError);
    optimizer->apply(tape.gradient(loss, Variables{&used, &unused}, {.missing = Missing::zero}));
    EXPECT_EQ(unused.value().item(), std::string(one.name) == "adamw" ? 1 - 0.01f * 2 : 1) << one.name;
  }
}

TEST(Optimizers, LeaveFrozenVariablesAlone) {
  for (const OptimizerCase& one : optimizers) {
    Layer model("model", Device{}, Rng(1));
    Dense first(&model, "first", {.in = 2, .units = 3}), last(&model, "last", {.in = 3, .units = 1});
    Variables frozen = first.variables();
    Tensors before{*frozen[0], *frozen[1]};
    first.set_trainable(false);
    std::unique_ptr<Optimizer> optimizer = one.make();
    for (int step = 0; step < 3; ++step) {
      GradientTape tape;
      Tensor loss = mean_squared_error(last(tanh(first(ones({4, 2})))), ones({4, 1}));
      optimizer->apply(tape.gradient(loss, model.variables()));
    }
    for (std::size_t i = 0; i < frozen.size(); ++i) EXPECT_TRUE(same_bits(*frozen[i], before[i])) << one.name;
  }
}

TEST(Optimizers, RefuseToTrainNothing) {
  Variable a("model.a", tensor({1., 2.}), false), b("model.b", tensor({1., 2.}), false);
  Adam adam;
  const char* said =
      "apply: there is no variable to train: none was asked for, or all of them are frozen (set_trainable)";
  EXPECT_MESSAGE(ValueError, adam.apply(Gradients()), said);
  Gradients frozen;
  frozen.add(a, tensor({1., 1.}));
  frozen.add(b, tensor({1., 1.}));
  EXPECT_MESSAGE(ValueError, adam.apply(frozen), said);
  EXPECT_EQ(adam.steps(), 0);
  EXPECT_EQ(a.value().to_vector<float>(), (std::vector<float>{1, 2}));

  // As an app has it: all layers of the model frozen, so that variables() is empty.
  Layer model("model", Device{}, Rng(1));
  Dense line(&model, "line", {.in = 2, .units = 1});
  model.set_trainable(false);
  GradientTape tape;
  Tensor loss = mean_squared_error(line(ones({3, 2})), ones({3, 1}));
  EXPECT_MESSAGE(ValueError, adam.apply(tape.gradient(loss, model.variables())), said);
}

TEST(Epsilon, IsAddedToTheRoot) {
  Variable w("w", tensor(std::vector<double>{0}, Shape{1})), v("v", tensor(std::vector<double>{0}, Shape{1}));
  Tensor g = tensor(std::vector<double>{1e-7}, Shape{1});
  Adam adam({.learning_rate = 1, .epsilon = 1e-7});
  adam.apply(gradient_of(w, g));
  EXPECT_NEAR(w.value().item(), -0.5, 1e-12) << "g / (|g| + epsilon): corrections come before epsilon";
  RMSprop rmsprop({.learning_rate = 1, .decay = 0, .epsilon = 1e-7});
  rmsprop.apply(gradient_of(v, g));
  EXPECT_NEAR(v.value().item(), -0.5, 1e-12);
}

TEST(Optimizers, HaveTheDefaultsOfKeras) {
  Variable w("w", tensor(std::vector<double>{0}, Shape{1}));
  Adam adam;
  EXPECT_EQ(adam.learning_rate(), 1e-3);
  adam.apply(gradient_of(w, tensor(std::vector<double>{5}, Shape{1})));
  EXPECT_NEAR(w.value().item(), -1e-3 * 5 / (5 + 1e-7), 1e-15);
  EXPECT_EQ(SGD().learning_rate(), 0.01);
  EXPECT_EQ(Momentum().learning_rate(), 0.01);
  EXPECT_EQ(RMSprop().learning_rate(), 1e-3);
  EXPECT_EQ(Adagrad().learning_rate(), 1e-3);
  EXPECT_EQ(AdamW().learning_rate(), 1e-3);

  Variable decayed("decayed", tensor(std::vector<double>{1}, Shape{1})),
      v("v", tensor(std::vector<double>{0}, Shape{1}));
  AdamW adamw;
  adamw.apply(gradient_of(decayed, tensor(std::vector<double>{5}, Shape{1})));
  EXPECT_NEAR(decayed.value().item(), 1 - 1e-3 * 0.004 - 1e-3 * 5 / (5 + 1e-7), 1e-15);
  Adagrad adagrad;
  adagrad.apply(gradient_of(v, tensor(std::vector<double>{5}, Shape{1})));
  EXPECT_NEAR(v.value().item(), -1e-3 * 5 / (std::sqrt(0.1 + 25) + 1e-7), 1e-15);
}

TEST(Optimizers, KeepStateForEachVariable) {
  Variable a("a", zeros({3})), b("b", zeros({2, 2}));
  Momentum momentum({.learning_rate = 1, .momentum = 0.5});
  Gradients both = gradient_of(a, ones({3}));
  both.add(b, full({2, 2}, 2));
  momentum.apply(both);
  momentum.apply(both);
  EXPECT_EQ(a.value().to_vector<float>(), std::vector<float>(3, -2.5f));
  EXPECT_EQ(b.value().to_vector<float>(), std::vector<float>(4, -5));
}

TEST(Optimizers, ChangeTheirRateBetweenSteps) {
  Variable w("w", zeros({1}));
  SGD sgd(1);
  sgd.apply(gradient_of(w, ones({1})));
  sgd.set_learning_rate(0.25);
  sgd.apply(gradient_of(w, ones({1})));
  sgd.set_learning_rate(0);
  sgd.apply(gradient_of(w, ones({1})));
  EXPECT_EQ(w.value().item(), -1.25);
}

// --- In place, or not ------------------------------------------------------------------------------------------------

TEST(Optimizers, WriteInPlaceIfNothingElseHoldsTheValue) {
  for (const OptimizerCase& one : optimizers) {
    Variable w("w", Tensor(zeros({1000})));
    std::unique_ptr<Optimizer> optimizer = one.make();
    Gradients gradients = gradient_of(w, ones({1000}));
    optimizer->apply(gradients);
    const float* place = w.value().data<float>();
    std::size_t before = memory_in_use();
    optimizer->apply(gradients);
    EXPECT_EQ(w.value().data<float>(), place) << one.name;
    EXPECT_EQ(memory_in_use(), before) << one.name;
  }
}

TEST(Optimizers, LeaveOtherHoldersTheOldValue) {
  for (const OptimizerCase& one : optimizers) {
    Variable w("w", ones({100}));
    std::unique_ptr<Optimizer> optimizer = one.make();
    Tensor before = w, part = slice(w, 0, 10, 20);
    Gradients gradients = gradient_of(w, ones({100}));
    optimizer->apply(gradients);
    EXPECT_TRUE(same_bits(before, ones({100}))) << one.name;
    EXPECT_TRUE(same_bits(part, ones({10}))) << one.name;
    EXPECT_LT(w.value().data<float>()[99], 1) << one.name;
    EXPECT_TRUE(same_bits(gradients[w], ones({100}))) << one.name;
  }
}

TEST(Optimizers, KeepTheVariableWatched) {
  Variable w("w", ones({}));
  Tensor before = w;
  SGD sgd(0.5);
  sgd.apply(gradient_of(w, ones({})));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w * w, w).item(), 1);
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(Optimizers, RefuseAWrongShapeBeforeAnythingChanges) {
  Variable a("model.a", ones({2})), b("model.b", ones({3}));
  Adam adam;
  Gradients gradients = gradient_of(a, ones({2}));
  gradients.add(b, ones({1, 3}));
  EXPECT_MESSAGE(ShapeError, adam.apply(gradients),
                 "apply: a gradient must have its variable's shape\n"
                 "  variable  (3,)     [model.b]\n"
                 "  gradient  (1, 3)");
  EXPECT_TRUE(same_bits(a, ones({2})));
  EXPECT_EQ(adam.steps(), 0);
}

TEST(Optimizers, RefuseAWrongDTypeOrNoGradient) {
  Variable a("model.a", ones({2}));
  SGD sgd;
  EXPECT_MESSAGE(DTypeError, sgd.apply(gradient_of(a, ones({2}, DType::float64))),
                 "apply: a gradient must have its variable's dtype\n"
                 "  variable  (2,)   [model.a]\n"
                 "  gradient  (2,)   float64");
  EXPECT_MESSAGE(ValueError, sgd.apply(gradient_of(a, Tensor())), "apply: model.a has no gradient");
}

const std::string two_called_w =
    "apply: two variables are called w, and the optimizer keeps its state by name; rename one, or give each its own "
    "optimizer";

TEST(Optimizers, RefuseTwoVariablesOfOnePath) {
  Variable one("w", ones({2})), other("w", ones({2}));
  Gradients both = gradient_of(one, ones({2}));
  both.add(other, ones({2}));
  Adam adam;
  EXPECT_MESSAGE(ValueError, adam.apply(both), two_called_w);
  EXPECT_TRUE(same_bits(one, ones({2})));
  EXPECT_EQ(adam.steps(), 0);
}

TEST(Optimizers, RefuseAnotherVariableOfAPathTheyKnow) {
  Variable one("w", ones({2})), other("w", ones({2}));
  Adam adam;
  adam.apply(gradient_of(one, ones({2})));
  EXPECT_MESSAGE(ValueError, adam.apply(gradient_of(other, ones({2}))), two_called_w);
  EXPECT_EQ(adam.steps(), 1);
  adam.apply(gradient_of(one, ones({2})));
  SGD sgd;  // keeps nothing by name
  sgd.apply(gradient_of(one, ones({2})));
  sgd.apply(gradient_of(other, ones({2})));
}

TEST(Optimizers, PassTheSlotsOfAVariableThatIsGoneToTheNextOfItsPath) {
  Momentum momentum({.learning_rate = 1, .momentum = 0.5});
  {
    Variable w("w", zeros({2}));
    momentum.apply(gradient_of(w, ones({2})));
  }
  Variable again("w", zeros({2}));
  momentum.apply(gradient_of(again, ones({2})));
  EXPECT_EQ(again.value().to_vector<float>(), std::vector<float>(2, -1.5f));
}

TEST(Optimizers, RefuseSlotsOfAnotherShapeOrDtype) {
  Adam adam;
  {
    Variable w("w", zeros({2}));
    adam.apply(gradient_of(w, ones({2})));
  }
  Variable longer("w", zeros({3}));
  EXPECT_MESSAGE(ShapeError, adam.apply(gradient_of(longer, ones({3}))),
                 "apply: what the optimizer keeps must have its variable's shape\n  variable  (3,)   [w]\n"
                 "  kept      (2,)");
}

TEST(Optimizers, ThatFailLeaveTheVariableWatched) {
  struct Failing : Optimizer {
    Failing() : Optimizer(1, {}) {}
    void step(Variable& variable, const Tensor&, Tensors&) override {
      variable.update().mutable_data<float>();  // moves to storage of its own, since `before` holds the value
      throw MemoryError("no memory for the slots");
    }
  };
  Variable w("w", tensor(3.));
  Tensor before = w;
  Failing failing;
  EXPECT_THROW(failing.apply(gradient_of(w, tensor(1.))), MemoryError);
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w * w, w).item(), 6);
}

TEST(Optimizers, RefuseOptionsOutOfRange) {
  const std::pair<std::function<void()>, const char*> table[] = {
      {[] { SGD(-0.1); }, "optimizer: the learning rate must be finite and 0 or more, but is -0.1"},
      {[] { SGD(std::nan("")); }, "optimizer: the learning rate must be finite and 0 or more, but is nan"},
      {[] {
         SGD sgd;
         sgd.set_learning_rate(HUGE_VAL);
       },
       "optimizer: the learning rate must be finite and 0 or more, but is inf"},
      {[] { Momentum({.momentum = 1}); }, "momentum: option .momentum must be from 0 to less than 1, but is 1"},
      {[] { RMSprop({.decay = -1}); }, "rmsprop: option .decay must be from 0 to less than 1, but is -1"},
      {[] { RMSprop({.epsilon = 0}); }, "rmsprop: option .epsilon must be finite and above 0, but is 0"},
      {[] { Adam({.beta1 = 1}); }, "adam: option .beta1 must be from 0 to less than 1, but is 1"},
      {[] { Adam({.beta2 = 1.5}); }, "adam: option .beta2 must be from 0 to less than 1, but is 1.5"},
      {[] { Adam({.epsilon = -1}); }, "adam: option .epsilon must be finite and above 0, but is -1"},
      {[] { AdamW({.beta2 = 1}); }, "adamw: option .beta2 must be from 0 to less than 1, but is 1"},
      {[] { AdamW({.epsilon = 0}); }, "adamw: option .epsilon must be finite and above 0, but is 0"},
      {[] { AdamW({.weight_decay = -1}); }, "adamw: option .weight_decay must be finite and 0 or more, but is -1"},
      {[] { AdamW({.weight_decay = HUGE_VAL}); },
       "adamw: option .weight_decay must be finite and 0 or more, but is inf"},
      {[] { Adagrad({.initial_accumulator_value = -0.1}); },
       "adagrad: option .initial_accumulator_value must be finite and 0 or more, but is -0.1"},
      {[] { Adagrad({.epsilon = 0}); }, "adagrad: option .epsilon must be finite and above 0, but is 0"},
  };
  for (const auto& [make, message] : table) EXPECT_EQ(error_of<ValueError>(make), message);
}

// --- Clipping --------------------------------------------------------------------------------------------------------

TEST(Clip, ByValueCutsEachElement) {
  Variable w("w", zeros({4}));
  EXPECT_EQ(clip_by_value(gradient_of(w, tensor({-3., -0.5, 0.5, 3.})), 1)[w].to_vector<float>(),
            (std::vector<float>{-1, -0.5, 0.5, 1}));
}

TEST(Clip, ByNormScalesEachGradientAlone) {
  Variable a("a", zeros({2})), b("b", zeros({2}));
  Gradients gradients = gradient_of(a, tensor({3., 4.}));
  gradients.add(b, tensor({0.3, 0.4}));
  Gradients clipped = clip_by_norm(gradients, 1);
  EXPECT_TRUE(test::close(clipped[a], tensor({0.6, 0.8}), 1e-7));
  EXPECT_TRUE(same_bits(clipped[b], tensor({0.3, 0.4}))) << "what is small enough stays";
  EXPECT_TRUE(same_bits(gradients[a], tensor({3., 4.})));
}

TEST(Clip, ByGlobalNormKeepsTheDirectionOfAll) {
  Variable a("a", zeros({2})), b("b", zeros({1}));
  Gradients gradients = gradient_of(a, tensor({2., 3.}));
  gradients.add(b, tensor({6.}));
  EXPECT_EQ(global_norm(gradients), 7);
  Gradients clipped = clip_by_global_norm(gradients, 3.5);
  EXPECT_EQ(clipped[a].to_vector<float>(), (std::vector<float>{1, 1.5}));
  EXPECT_EQ(clipped[b].item(), 3);
  EXPECT_TRUE(same_bits(clip_by_global_norm(gradients, 7)[a], gradients[a]));
}

TEST(Clip, NormsNeitherOverflowNorVanish) {
  for (DType dtype : {DType::float32, DType::float64}) {
    const bool single = dtype == DType::float32;
    for (double size :
         single ? std::vector<double>{1e20, 3e38, 1e-25, 2e-38} : std::vector<double>{1e200, 1.5e308, 1e-200}) {
      Variable a("a", zeros({2}, dtype)), b("b", zeros({1}, dtype));
      Gradients gradients = gradient_of(a, cast(tensor({2.0, 3.0}), dtype) / 7.0 * size);
      gradients.add(b, cast(tensor({6.0}), dtype) / 7.0 * size);
      const double tolerance = (single ? 1e-6 : 1e-14), limit = single ? 1e-37 : 1e-150;
      EXPECT_NEAR(global_norm(gradients) / size, 1, tolerance) << size;
      const double whole = std::min(size, limit), own = std::min(6.0 / 7 * size, limit);
      Gradients joint = clip_by_global_norm(gradients, limit), alone = clip_by_norm(gradients, limit);
      EXPECT_NEAR(cast(joint[a], DType::float64).to_vector<double>()[1] / (3.0 / 7 * whole), 1, tolerance) << size;
      EXPECT_NEAR(joint[b].item() / (6.0 / 7 * whole), 1, tolerance) << size;
      EXPECT_NEAR(alone[b].item() / own, 1, tolerance) << size;
    }
  }
  // The norm itself may be too large for the dtype.
  Variable w("w", zeros({4}));
  Gradients large = gradient_of(w, full({4}, 3e38));
  EXPECT_NEAR(global_norm(large) / 6e38, 1, 1e-6);
  EXPECT_TRUE(test::close(clip_by_global_norm(large, 1)[w], full({4}, 0.5), 1e-7));
  EXPECT_TRUE(test::close(clip_by_norm(large, 1)[w], full({4}, 0.5), 1e-7));
}

TEST(Clip, OfZeroIsZero) {
  Variable w("w", zeros({3}));
  EXPECT_EQ(clip_by_norm(gradient_of(w, zeros({3})), 1)[w].to_vector<float>(), std::vector<float>(3, 0));
  EXPECT_EQ(clip_by_global_norm(gradient_of(w, zeros({3})), 1)[w].to_vector<float>(), std::vector<float>(3, 0));
  EXPECT_EQ(global_norm(Gradients()), 0);
}

TEST(Clip, ByANormThatIsNotFiniteGivesNanEverywhere) {
  Variable a("a", zeros({2})), b("b", zeros({1}));
  for (double bad : {std::nan(""), HUGE_VAL}) {
    Gradients gradients = gradient_of(a, tensor({2., 3.}));
    gradients.add(b, tensor({bad}));
    for (const auto& [variable, gradient] : clip_by_global_norm(gradients, 1)) {
      for (float value : gradient.span<float>()) EXPECT_TRUE(std::isnan(value)) << variable->path();
    }
  }
}

TEST(Clip, ByNormOfZeroHasAGradient) {
  Tensor x = zeros({3});
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(tape.gradient(clip_by_norm(x, 1), x).to_vector<float>(), std::vector<float>(3, 1));
}

TEST(Clip, RefusesLimitsThatAreNone) {
  EXPECT_MESSAGE(ValueError, clip_by_norm(ones({2}), 0),
                 "clip_by_norm: the limit must be finite and above 0, but is 0\n  x  (2,)");
  EXPECT_MESSAGE(ValueError, clip_by_norm(ones({2}), INFINITY),
                 "clip_by_norm: the limit must be finite and above 0, but is inf\n  x  (2,)");
  EXPECT_EQ(error_of<ValueError>([] { clip_by_value(Gradients(), -1); }),
            "clip_by_value: the limit must be finite and above 0, but is -1");
  EXPECT_EQ(error_of<ValueError>([] { clip_by_global_norm(Gradients(), std::nan("")); }),
            "clip_by_global_norm: the limit must be finite and above 0, but is nan");
}

// --- Learning --------------------------------------------------------------------------------------------------------

TEST(Optimizers, LearnALine) {
  const std::pair<const char*, std::function<std::unique_ptr<Optimizer>()>> table[] = {
      {"sgd", maker<SGD>(0.1)},
      {"momentum", maker<Momentum>(MomentumOptions{.learning_rate = 0.02})},
      {"nesterov", maker<Momentum>(MomentumOptions{.learning_rate = 0.02, .nesterov = true})},
      {"rmsprop", maker<RMSprop>(RMSpropOptions{.learning_rate = 0.02})},
      {"adagrad", maker<Adagrad>(AdagradOptions{.learning_rate = 0.5})},
      {"adam", maker<Adam>(AdamOptions{.learning_rate = 0.05})},
      {"adamw", maker<AdamW>(AdamWOptions{.learning_rate = 0.05, .weight_decay = 1e-3})},
  };
  Rng rng(5);
  Tensor x = random_normal({1000, 1}, rng), y = 3.0 * x + 2.0 + random_normal({1000, 1}, rng) * 0.1;
  for (const auto& [name, make] : table) {
    Variable w("w", full({1, 1}, -5)), b("b", full({1}, 10));
    std::unique_ptr<Optimizer> optimizer = make();
    for (int step = 0; step < 600; ++step) {
      GradientTape tape;
      Tensor loss = mean_squared_error(matmul(x, w) + b, y);
      optimizer->apply(tape.gradient(loss, Variables{&w, &b}));
    }
    EXPECT_NEAR(w.value().item(), 3, 0.03) << name;
    EXPECT_NEAR(b.value().item(), 2, 0.03) << name;
  }
}

TEST(Adam, LearnsExclusiveOr) {
  Layer model("model", Device{}, Rng(1));
  Dense hidden(&model, "hidden", {.in = 2, .units = 8}), out(&model, "out", {.in = 8, .units = 1});
  Tensor x = tensor({{0., 0.}, {0., 1.}, {1., 0.}, {1., 1.}}), y = tensor({{0.}, {1.}, {1.}, {0.}});
  Adam adam({.learning_rate = 0.05});
  double loss_at_the_end = 1;
  for (int step = 0; step < 300; ++step) {
    GradientTape tape;
    Tensor loss = binary_cross_entropy_with_logits(out(tanh(hidden(x))), y);
    adam.apply(tape.gradient(loss, model.variables()));
    loss_at_the_end = loss.item();
  }
  EXPECT_LT(loss_at_the_end, 0.01);
}

}  // namespace
}  // namespace floe
