// GradientTape: which tapes see which ops, in any order of beginning, asking and ending, and gradients of every order.
#include <floe/tape/tape.h>

#include <cmath>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

// --- One tape --------------------------------------------------------------------------------------------------------

TEST(Tape, GivesTheGradientToAVariable) {
  Variable w("w", tensor(1.));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w * w, w).item(), 2);
}

TEST(Tape, GivesTheGradientOfTheSum) {
  Variable w("w", tensor({1., 2., 3.}));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(square(w), w).to_vector<float>(), (std::vector<float>{2, 4, 6}));
}

TEST(Tape, WeighsByTheOutputGradient) {
  Variable w("w", tensor({1., 2., 3.}));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(square(w), w, {.output_gradient = tensor({1., 0., -1.})}).to_vector<float>(),
            (std::vector<float>{2, 0, -6}));
}

TEST(Tape, WatchesTensors) {
  Tensor x = tensor(3.);
  GradientTape tape;
  tape.watch(x);
  EXPECT_EQ(tape.gradient(x * x, x).item(), 6);
}

TEST(Tape, WatchesTwiceWithoutHarm) {
  Tensor x = tensor(3.);
  Variable w("w", tensor(2.));
  GradientTape tape{persistent};
  tape.watch(x);
  tape.watch(x);
  tape.watch(w);
  Tensor y = x * w;
  EXPECT_EQ(tape.gradient(y, x).item(), 2);
  EXPECT_EQ(tape.gradient(y, w).item(), 3);
}

TEST(Tape, WatchesFrozenVariablesOnRequest) {
  Variable w("w", tensor(3.), false);
  GradientTape asked, other;
  asked.watch(w);
  Tensor y = w * w;
  EXPECT_EQ(asked.gradient(y, w).item(), 6);
  EXPECT_EQ(error_of<GradientError>([&] { other.gradient(y, w, {}, {}); }),
            "gradient: no path from the target to w\n  it is not trainable; set_trainable(true), or watch it");
}

TEST(Tape, GivesGradientsToTensorsOnTheWay) {
  Variable w("w", tensor(2.));
  GradientTape tape{persistent};
  Tensor a = w * w, b = a * 3.0, c = b * b + a;
  EXPECT_EQ(tape.gradient(c, b).item(), 24);
  EXPECT_EQ(tape.gradient(c, a).item(), 73);
  EXPECT_EQ(tape.gradient(c, w).item(), 292);
  EXPECT_EQ(tape.gradient(c, c).item(), 1);
}

TEST(Tape, AsksNothingOfTheOpThatMadeASource) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor a = square(w), b = reshape(a, {1});
  Tensor y = sin(b) * 3.0;
  EXPECT_FLOAT_EQ(tape.gradient(y, a).item<float>(), 3 * std::cos(4.f));
}

TEST(Tape, AnswersForTheTargetItself) {
  Variable w("w", tensor({5., 6.}));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w, w).to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(Tape, AddsWhatMeetsInOneTensor) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor a = w * 3.0;
  EXPECT_EQ(tape.gradient(a + a * w + w, w).item(), 3 + 12 + 1);
}

TEST(Tape, KeepsTheOrderInWhichSourcesWereAsked) {
  Variable a("a", tensor(2.)), b("b", tensor(5.));
  GradientTape tape{persistent};
  Tensor y = a * b * b;
  Gradients gradients = tape.gradient(y, Variables{&b, &a});
  EXPECT_EQ(gradients.size(), 2u);
  EXPECT_EQ(gradients.begin()->variable, &b);
  EXPECT_EQ(gradients[a].item(), 25);
  EXPECT_EQ(gradients["b"].item(), 20);
  Tensors both = tape.gradient(y, Tensors{a, b, a});
  EXPECT_EQ(both[0].item(), 25);
  EXPECT_EQ(both[1].item(), 20);
  EXPECT_EQ(both[2].item(), 25) << "a source may be named twice";
  EXPECT_EQ(error_of<ValueError>([&] { gradients["c"]; }), "gradients: c was not requested");
}

TEST(Gradients, BelongToVariablesNotToTheirNames) {
  Variable one("w", tensor(2.)), other("w", tensor(5.));
  GradientTape tape;
  Gradients gradients = tape.gradient(one * other, Variables{&one, &other});
  EXPECT_EQ(gradients[one].item(), 5);
  EXPECT_EQ(gradients[other].item(), 2);
}

TEST(Tape, TakesEachOutputOfAnOp) {
  Variable w("w", tensor({4., 1., 3., 2.}));
  GradientTape tape{persistent};
  TopK top = top_k(w, 2);
  Tensors parts = split(w, 0, 2);
  EXPECT_EQ(tape.gradient(top.values * tensor({10., 1.}), w).to_vector<float>(), (std::vector<float>{10, 0, 1, 0}));
  EXPECT_EQ(tape.gradient(parts[1], w).to_vector<float>(), (std::vector<float>{0, 0, 1, 1}));
}

TEST(Tape, SeesOnlyWhatFollowsItsStart) {
  Variable w("w", tensor(2.));
  GradientTape early{persistent};
  Tensor a = w * w;
  GradientTape late{persistent};
  Tensor b = a * w;
  EXPECT_EQ(early.gradient(b, w).item(), 12);
  EXPECT_EQ(late.gradient(b, w).item(), 4) << "to this tape a is a constant";
}

TEST(Tape, WatchesWhatAnEarlierTapeMade) {
  Variable w("w", tensor(2.));
  GradientTape early;
  Tensor a = w * w;
  GradientTape late;
  late.watch(a);
  Tensor b = a * a;
  EXPECT_EQ(late.gradient(b, a).item(), 8);
  EXPECT_EQ(early.gradient(b, w).item(), 32) << "watching breaks no other tape's path";
}

TEST(Tape, RecordsNothingAfterStop) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor a = w * w;
  tape.stop();
  Tensor b = a * w;
  EXPECT_TRUE(b.id().is_constant());
  EXPECT_EQ(tape.gradient(a, w).item(), 4);
}

TEST(Tape, MayBeStoppedTwice) {
  Variable w("w", tensor(2.));
  GradientTape tape{persistent}, other;
  Tensor a = w * w;
  tape.stop();
  Tensor b = a * w;
  tape.stop();
  EXPECT_EQ(tape.gradient(a, w).item(), 4);
  EXPECT_EQ(error_of<GradientError>([&] { tape.gradient(b, w, {}, {}); }),
            "gradient: no path from the target to w\n  the target was made after this tape was stopped");
  EXPECT_EQ(other.gradient(b, w).item(), 12);
}

TEST(Tape, IsAskedAgainIfPersistent) {
  Variable w("w", tensor(3.));
  GradientTape tape{persistent};
  Tensor y = w * w;
  EXPECT_EQ(tape.gradient(y, w).item(), 6);
  EXPECT_EQ(tape.gradient(y * w, w).item(), 27) << "and it goes on recording";
  EXPECT_EQ(tape.gradient(y, w).item(), 6);
}

TEST(Tape, DoesNotChangeItsAnswerWithTheVariable) {
  Variable w("w", tensor(3.));
  GradientTape tape{persistent};
  Tensor y = w * w;
  w.assign(tensor(100.));
  EXPECT_EQ(tape.gradient(y, w).item(), 6);
  w.update().mutable_data<float>()[0] = 200;
  EXPECT_EQ(tape.gradient(y, w).item(), 6);
}

TEST(Tape, FollowsViews) {
  Variable w("w", range(0, 6, 1, DType::float32));
  GradientTape tape;
  Tensor x = reshape(w, {3, 2});
  EXPECT_EQ(tape.gradient(square(x[1]), w).to_vector<float>(), (std::vector<float>{0, 0, 4, 6, 0, 0}));
}

TEST(Tape, GivesGradientsThatAreTheCallersOwn) {
  Variable a("a", tensor({1., 2.})), b("b", tensor({3., 4.}));
  GradientTape tape;
  Tensors gradients = tape.gradient(a + b, Tensors{a, b});
  gradients[0].mutable_data<float>()[0] = 100;
  EXPECT_EQ(gradients[1].to_vector<float>(), (std::vector<float>{1, 1}));
}

// --- Several tapes ---------------------------------------------------------------------------------------------------

TEST(Tapes, ShareOneRecord) {
  Variable w("w", tensor(2.));
  GradientTape first, second;
  Tensor a = w * w, b = a * w;
  EXPECT_EQ(first.gradient(a, w).item(), 4);
  EXPECT_EQ(second.gradient(b, w).item(), 12);
}

TEST(Tapes, EndInAnyOrder) {
  Variable w("w", tensor(2.));
  constexpr int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    std::optional<GradientTape> tapes[3];
    Tensor y = ones({});
    for (auto& tape : tapes) {
      tape.emplace();
      y = y * w;
    }
    constexpr double expected[] = {3 * 4, 4 * 2, 4};  // the powers of w that came after each began
    for (int which : order) {
      EXPECT_EQ(tapes[which]->gradient(y, w).item(), expected[which]);
      tapes[which].reset();
    }
  }
}

TEST(Tapes, ThatEndUnaskedHarmNoOther) {
  Variable w("w", tensor(2.));
  auto first = std::make_unique<GradientTape>();
  Tensor a = w * w;
  auto second = std::make_unique<GradientTape>();
  Tensor b = a * w;
  first.reset();
  EXPECT_EQ(second->gradient(b, w).item(), 4);
}

TEST(Tapes, BegunAfterAnotherWasAskedSeeTheirOwn) {
  Variable w("w", tensor(2.));
  GradientTape first;
  Tensor a = w * w;
  EXPECT_EQ(first.gradient(a, w).item(), 4);
  Tensor constant = w * w;
  EXPECT_TRUE(constant.id().is_constant());
  GradientTape second;
  EXPECT_EQ(second.gradient(a * constant * w, w).item(), 16);
}

TEST(Tapes, StepsBetweenTwoGradientsDoNotCorruptTheSecond) {
  Variable w("w", tensor({{1., 2.}, {3., 4.}})), v("v", tensor({{1., 0.}, {0., 1.}}));
  GradientTape first{persistent}, second;
  Tensor y = matmul(matmul(w, v), w);
  Tensor expected = first.gradient(y, w);
  SGD sgd(10);
  sgd.apply(first.gradient(y, Variables{&w, &v}));
  EXPECT_TRUE(same_bits(second.gradient(y, w), expected));
}

TEST(Tapes, OpsThatNothingWatchesAreNotRecorded) {
  Variable frozen("frozen", tensor(3.), false);
  Tensor x = tensor(2.);
  GradientTape tape;
  EXPECT_TRUE((x * x).id().is_constant());
  EXPECT_TRUE((frozen * x).id().is_constant());
  tape.watch(x);
  EXPECT_FALSE((frozen * x).id().is_constant());
}

// --- Higher orders ---------------------------------------------------------------------------------------------------

TEST(HigherOrders, OfTheSquareAtThree) {
  Variable x("x", tensor(3.));
  GradientTape third, second, first;
  Tensor y = square(x);
  EXPECT_EQ(y.item(), 9);
  Tensor dy = first.gradient(y, x, {.differentiable = true});
  EXPECT_EQ(dy.item(), 6);
  Tensor ddy = second.gradient(dy, x, {.differentiable = true});
  EXPECT_EQ(ddy.item(), 2);
  EXPECT_EQ(third.gradient(ddy, x, {.missing = Missing::zero}).item(), 0);
}

TEST(HigherOrders, OfAPowerGoOnToTheEnd) {
  Variable x("x", tensor(2.));
  GradientTape tape{persistent};
  Tensor y = x * x * x * x;
  for (double expected : {32., 48., 48., 24.}) {
    y = tape.gradient(y, x, {.differentiable = true});
    EXPECT_EQ(y.item(), expected);
  }
}

TEST(HigherOrders, OfPointwiseFunctionsAreExact) {
  Variable x("x", tensor(std::vector<double>{0.3}, Shape{1}));
  GradientTape tape{persistent};
  Tensor y = exp(sin(x)) * tanh(x);
  Tensor dy = tape.gradient(y, x, {.differentiable = true});
  Tensor ddy = tape.gradient(dy, x, {.differentiable = true});
  double s = std::sin(0.3), c = std::cos(0.3), e = std::exp(s), t = std::tanh(0.3), d = 1 - t * t;
  EXPECT_NEAR(dy.item(), e * (c * t + d), 1e-14);
  EXPECT_NEAR(ddy.item(), e * (c * c * t - s * t + 2 * c * d - 2 * t * d), 1e-14);
}

TEST(NestedGradients, CountWhenDifferentiable) {
  Variable w("w", tensor(2.));
  GradientTape outer;
  Tensor df;
  {
    GradientTape inner;
    Tensor f = w * w;
    df = inner.gradient(f, w, {.differentiable = true});
  }
  Tensor loss = 3.0 * w + df * df;
  EXPECT_EQ(outer.gradient(loss, w).item(), 19);
}

TEST(NestedGradients, WithoutItAreRefusedInsteadOfWrong) {
  Variable w("w", tensor(2.));
  for (bool inner_persistent : {false, true}) {
    GradientTape outer;
    std::optional<GradientTape> inner;
    if (inner_persistent) inner.emplace(persistent);
    else inner.emplace();
    Tensor df = inner->gradient(w * w, w);
    Tensor loss = 3.0 * w + df * df;
    EXPECT_EQ(error_of<GradientError>([&] { outer.gradient(loss, w, {}, {"here.cpp", 7}); }),
              "gradient: the target depends on a gradient that was not recorded, so its own gradient would be wrong\n"
              "  take that gradient with {.differentiable = true}, or cut it off with stop_gradient\n"
              "  at here.cpp:7");
  }
}

TEST(NestedGradients, OfThePersistentTapeItselfAreMarkedToo) {
  Variable w("w", tensor(2.));
  GradientTape tape{persistent};
  Tensor df = tape.gradient(w * w, w), loss = 3.0 * w + df * df;
  EXPECT_THROW(tape.gradient(loss, w), GradientError);
  EXPECT_EQ(tape.gradient(3.0 * w + stop_gradient(df) * df.detached(), w).item(), 3);
}

TEST(NestedGradients, AreConstantsBehindStopGradient) {
  Variable w("w", tensor(2.));
  GradientTape outer, inner;
  Tensor df = stop_gradient(inner.gradient(w * w, w));
  EXPECT_EQ(outer.gradient(3.0 * w + df * df, w).item(), 3);
}

TEST(NestedGradients, ThatTheLossDoesNotDependOnDoNoHarm) {
  Variable w("w", tensor(2.)), v("v", tensor(5.));
  GradientTape outer, inner;
  Tensor y = w * v;
  Tensor dw = inner.gradient(y, w);
  Tensor unrelated = dw * dw;
  EXPECT_EQ(outer.gradient(y * y, v).item(), 40);
}

TEST(NestedGradients, MarkWhatIsDerivedFromThem) {
  Variable w("w", tensor(2.)), v("v", tensor(5.));
  GradientTape outer{persistent}, inner;
  Tensor dw = inner.gradient(w * w, w);
  Tensor derived = exp(reshape(dw, {1}) * v);
  EXPECT_THROW(outer.gradient(derived, w), GradientError);
  EXPECT_THROW(outer.gradient(reduce_sum(derived) + w, w), GradientError);
  EXPECT_NO_THROW(outer.gradient(derived, v)) << "to v the gradient is a constant";
}

TEST(NestedGradients, GiveAGradientPenalty) {
  Variable w("w", tensor(std::vector<double>{1, -2, 0.5}, Shape{3, 1}));
  Tensor x = test::normal({4, 3});
  GradientTape outer;
  Tensor penalty;
  {
    GradientTape inner;
    inner.watch(x);
    Tensor y = tanh(matmul(x, w));
    Tensor dx = inner.gradient(y, x, {.differentiable = true});
    penalty = reduce_mean(square(sqrt(reduce_sum(square(dx), 1)) - 1.0));
  }
  Tensor found = outer.gradient(penalty, w);

  auto value = [&](const std::vector<double>& at) {
    double size = std::sqrt(at[0] * at[0] + at[1] * at[1] + at[2] * at[2]), total = 0;
    for (int row = 0; row < 4; ++row) {
      double dot = 0;
      for (int i = 0; i < 3; ++i) dot += x.data<double>()[3 * row + i] * at[static_cast<std::size_t>(i)];
      double norm = (1 - std::tanh(dot) * std::tanh(dot)) * size;
      total += (norm - 1) * (norm - 1) / 4;
    }
    return total;
  };
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> up = w.value().to_vector<double>(), down = up;
    up[i] += 1e-6, down[i] -= 1e-6;
    EXPECT_NEAR(found.data<double>()[i], (value(up) - value(down)) / 2e-6, 1e-8);
  }
}

TEST(NestedGradients, MayBeTakenInsideALoopOfSteps) {
  Variable w("w", tensor(2.));
  SGD sgd(0.1);
  for (int step = 0; step < 3; ++step) {
    GradientTape tape, second;
    Tensor loss = w * w;
    Gradients gradients = tape.gradient(loss, Variables{&w});
    EXPECT_EQ(second.gradient(loss, w).item(), gradients[w].item());
    sgd.apply(gradients);
  }
  EXPECT_NEAR(w.value().item(), 2 * 0.8 * 0.8 * 0.8, 1e-6);
}

// A copy is what the variable was, and does not move with it: target networks, proximal terms.
TEST(Variable, AnOldCopyIsAConstant) {
  Variable w("w", tensor(1.));
  Tensor old = w;
  w.assign(tensor(3.));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(square(w - old), w).item(), 4);
}

TEST(Variable, NeedsAValueAlsoLater) {
  Variable w("w", zeros({}));
  EXPECT_MESSAGE(ValueError, w.assign(Tensor()), "assign: w needs a value");
  EXPECT_EQ(w.value().item(), 0);
}

TEST(Tape, TakesAnEditedTensorForAConstant) {
  Variable w("w", tensor(3.));
  GradientTape tape{persistent};
  Tensor y = w * w, edited = y;
  edited.mutable_data<float>()[0] = 100;
  EXPECT_EQ(tape.gradient(y * w, w).item(), 27);
  EXPECT_EQ(tape.gradient(edited * w, w).item(), 100);
  Tensor watched = tensor(2.);
  tape.watch(watched);
  watched.mutable_data<float>()[0] = 5;
  EXPECT_THROW(tape.gradient(watched * w, watched), GradientError);
}

TEST(Threads, GoOnWithTheIdsOfFinishedOnes) {
  auto id_of_a_thread = [] {
    NodeId id;
    std::thread([&] {
      GradientTape tape;
      Tensor x = tensor(1.);
      tape.watch(x);
      id = x.id();
    }).join();
    return id;
  };
  NodeId first = id_of_a_thread(), second = id_of_a_thread();
  EXPECT_GT(second, first);
  EXPECT_EQ(second.number() >> 42, first.number() >> 42);
}

TEST(Variable, ACopyFromBeforeAStepIsAConstant) {
  Variable w("w", tensor(1.));
  Tensor old = w;
  SGD sgd(0.5);
  {
    GradientTape tape;
    sgd.apply(tape.gradient(w * 2, Variables{&w}));  // w is now 0
  }
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w * old, w).item(), 1);
}

TEST(Variable, ACopyOfThePresentValueIsTheVariable) {
  Variable w("w", tensor(3.));
  Tensor copy = w;
  GradientTape tape;
  EXPECT_EQ(tape.gradient(copy * w, w).item(), 6);
}

TEST(Variable, UsesBeforeAnAssignmentUnderTheTapeStillCount) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor before = w * w;
  w.assign(tensor(5.));
  EXPECT_EQ(tape.gradient(before + w * 3, w).item(), 4 + 3);
}

}  // namespace
}  // namespace floe
