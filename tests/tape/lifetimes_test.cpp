// What ends in odd places: tapes, observers and layers on other threads, after their thread, or inside what calls them.
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/custom_gradient.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

class Counter : public OpObserver {
 public:
  explicit Counter(std::function<void()> then = [] {}) : then_(std::move(then)) {}
  void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override {
    ++seen;
    then_();
  }
  int seen = 0;

 private:
  std::function<void()> then_;
};

void on_another_thread(const std::function<void()>& action) { std::thread(action).join(); }

double slope_of_the_square(Variable& w) {
  GradientTape tape;
  return tape.gradient(w * w, w).item();
}

static_assert(!std::is_move_constructible_v<GradientTape> && !std::is_move_assignable_v<GradientTape>);
static_assert(!std::is_move_constructible_v<Variable> && !std::is_move_constructible_v<Layer>);

// --- Tapes -----------------------------------------------------------------------------------------------------------

TEST(Lifetimes, ATapeMayEndOnAnotherThread) {
  Variable w("w", tensor(3.));
  auto tape = std::make_unique<GradientTape>();
  Tensor y = w * w;
  EXPECT_TRUE(is_tracked(y));
  on_another_thread([&] { tape.reset(); });
  Tensor after = w * w;
  EXPECT_FALSE(is_tracked(after)) << "no one asks any more";
  EXPECT_EQ(slope_of_the_square(w), 6);
}

TEST(Lifetimes, AnotherTapeGoesOnWhenOneEndsOnAnotherThread) {
  Variable w("w", tensor(3.));
  auto first = std::make_unique<GradientTape>();
  Tensor y = w * w;
  GradientTape second;
  Tensor z = w * w * w;
  on_another_thread([&] { first.reset(); });
  EXPECT_EQ(second.gradient(z * w, w).item(), 108);
}

TEST(Lifetimes, ATapeMayOutliveItsThread) {
  Variable w("w", tensor(3.));
  std::unique_ptr<GradientTape> tape;
  Tensor y;
  on_another_thread([&] {
    tape = std::make_unique<GradientTape>(persistent);
    y = w * w;
  });
  const std::string why =
      ": this tape belongs to another thread\n  a tape records and answers on the thread that made it";
  EXPECT_MESSAGE(GradientError, tape->gradient(y, w), "gradient" + why);
  EXPECT_EQ(error_of<GradientError>([&] { tape->stop(); }), "stop" + why);
  EXPECT_EQ(error_of<GradientError>([&] { tape->watch(y); }), "watch" + why);
  EXPECT_EQ(error_of<GradientError>([&] { tape->watch(w); }), "watch" + why);
  tape.reset();
  EXPECT_EQ(slope_of_the_square(w), 6);
}

// Made first, it ends last, after what its thread has for itself.
TEST(Lifetimes, AThreadsOwnTapeEndsAfterItsRecord) {
  Variable w("w", tensor(3.));
  double slope = 0;
  on_another_thread([&] {
    static thread_local std::optional<GradientTape> tape;
    static thread_local std::optional<Counter> counter;
    static thread_local std::optional<NoRecording> silence;
    tape.emplace(persistent);
    counter.emplace();
    Tensor y = w * w;
    slope = tape->gradient(y, w).item();
    silence.emplace();
  });
  EXPECT_EQ(slope, 6);
  EXPECT_EQ(slope_of_the_square(w), 6);
}

TEST(Lifetimes, StaticTapesAndObserversEndWithTheProgram) {
  EXPECT_EXIT(
      {
        static Variable w("w", tensor(3.));
        static GradientTape tape{persistent};
        static Counter counter;
        static Tensor y = w * w;
        struct Late {
          ~Late() { Tensor z = y * y; }
        };
        static Late late;
        std::exit(tape.gradient(y, w).item() == 6 && counter.seen > 0 ? 3 : 4);
      },
      testing::ExitedWithCode(3), "");
}

TEST(Lifetimes, ATapeMayEndInsideItsOwnGradient) {
  Variable w("w", tensor(3.));
  auto tape = std::make_unique<GradientTape>();
  auto other = std::make_unique<GradientTape>();
  Tensor y = custom_gradient(
      w, [](const Tensor& x) { return x * x; },
      [&](const Tensor& dy, const Tensor& x, const Tensor&) {
        other.reset();
        return dy * x * 2.0;
      });
  EXPECT_EQ(tape->gradient(y * w, w).item(), 27);
}

TEST(Lifetimes, OfVariablesTapesAndGradientsAreApart) {
  Gradients gradients;
  Adam adam;
  Variable kept("kept", tensor(2.));
  {
    GradientTape tape;
    auto gone = std::make_unique<Variable>("gone", tensor(3.));
    Tensor y = *gone * kept;
    adam.apply([&] {
      GradientTape own;
      return own.gradient(*gone * 2.0, Variables{gone.get()});
    }());
    gone.reset();
    gradients = tape.gradient(y, Variables{&kept});
  }
  EXPECT_EQ(gradients[kept].item(), 3) << "outlives its tape";
  Variable next("gone", tensor(1.));
  GradientTape tape;
  adam.apply(tape.gradient(next * 2.0, Variables{&next}));
  EXPECT_LT(next.value().item(), 1) << "the optimizer outlives the variable";
}

// --- Watching a former value -----------------------------------------------------------------------------------------

TEST(Lifetimes, AFormerValueIsWatchedAsATensor) {
  Variable w("w", tensor(3.));
  for (bool by_step : {false, true}) {
    Tensor before = w;
    if (by_step)
      SGD(1).apply([&] {
        GradientTape tape;
        return tape.gradient(w * 2.0, Variables{&w});
      }());
    else
      w.assign(tensor(5.));
    const double old = before.item(), now = w.value().item();
    ASSERT_NE(old, now);
    GradientTape tape{persistent};
    tape.watch(before);
    Tensor y = before * before * w;
    EXPECT_EQ(tape.gradient(y, before).item(), 2 * old * now);
    EXPECT_EQ(tape.gradient(y, w).item(), old * old);
  }
  auto gone = std::make_unique<Variable>("gone", tensor(2.));
  Tensor last = *gone;
  gone.reset();
  GradientTape tape;
  tape.watch(last);
  EXPECT_EQ(tape.gradient(last * last, last).item(), 4) << "of a variable that is gone";
}

TEST(Lifetimes, WatchingAndAskingNeedAValue) {
  GradientTape tape;
  Tensor x = tensor(3.), nothing;
  tape.watch(x);
  Tensor y = x * x, moved = std::move(x);
  EXPECT_EQ(error_of<ValueError>([&] { tape.watch(nothing); }), "watch: the tensor has no value yet");
  EXPECT_EQ(error_of<ValueError>([&] { tape.watch(x); }), "watch: the tensor has no value yet");
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x), "gradient: a source has no value");
  EXPECT_EQ(tape.gradient(y, moved).item(), 6);
}

// --- Observers -------------------------------------------------------------------------------------------------------

TEST(Lifetimes, ObserversMayEndAnywhere) {
  Tensor x = tensor(2.);
  auto elsewhere = std::make_unique<Counter>(), after = std::make_unique<Counter>();
  x* x;
  on_another_thread([&] { elsewhere.reset(); });
  on_another_thread([&] {
    after = std::make_unique<Counter>();
    x* x;
  });
  x* x;
  EXPECT_EQ(after->seen, 1) << "its thread is gone";
  after.reset();
  x* x;
}

TEST(Lifetimes, ObserversMayComeAndGoInsideACall) {
  Tensor x = tensor(2.);
  std::unique_ptr<Counter> second, third;
  Counter first([&] {
    second.reset();
    if (!third) third = std::make_unique<Counter>();
  });
  second = std::make_unique<Counter>([&] { ADD_FAILURE() << "it ended before its turn"; });
  x* x;
  EXPECT_EQ(third->seen, 0) << "it began within the op";
  x* x;
  EXPECT_EQ(third->seen, 1);
  auto own = std::make_unique<std::unique_ptr<Counter>>();
  *own = std::make_unique<Counter>([&] { own->reset(); });
  x* x;
  EXPECT_EQ(*own, nullptr);
  EXPECT_EQ(first.seen, 3);
}

struct LayerCounter : LayerObserver {
  explicit LayerCounter(std::function<void()> then = [] {}) : then(std::move(then)) {}
  void called(const Layer&, const Tensor&) override { ++seen, then(); }
  std::function<void()> then;
  int seen = 0;
};

TEST(Lifetimes, ObserversOfLayersMayEndAnywhere) {
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 1, .units = 1});
  Tensor x = ones({1, 1});
  auto first = std::make_unique<LayerCounter>(), second = std::make_unique<LayerCounter>();
  LayerCounter third([&] { second.reset(); });
  on_another_thread([&] { first.reset(); });
  dense(x), dense(x);
  EXPECT_EQ(third.seen, 2);
  on_another_thread([&] { second = std::make_unique<LayerCounter>(), dense(x); });
  dense(x);
  EXPECT_EQ(third.seen, 3);
}

TEST(Lifetimes, ALayerMayOutliveItsParent) {
  auto parent = std::make_unique<Layer>("model", Device{}, Rng(1));
  auto child = std::make_unique<Dense>(parent.get(), "dense", DenseOptions{.in = 1, .units = 1});
  parent.reset();
  EXPECT_EQ((*child)(ones({1, 1})).shape(), Shape({1, 1}));
  EXPECT_EQ(child->path(), "model.dense");
  child.reset();
}

TEST(Lifetimes, KeptAttributesThatWereMovedKeepThem) {
  KeptAttributes kept(Attributes{{"strides", {2, 3}}}), moved = std::move(kept);
  moved = KeptAttributes();
  EXPECT_EQ(to_string(kept.attributes()), "strides (2, 3)");
}

}  // namespace
}  // namespace floe
