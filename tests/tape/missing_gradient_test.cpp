// Gradients that do not exist: each is explained by its cause, in a whole message that names the line of the call.
#include <thread>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/tape.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;

std::string here(int line) { return std::string(__FILE__) + ":" + std::to_string(line); }

const std::string no_path_to_w = "gradient: no path from the target to w\n  ";
const std::string no_path_to_tensor = "gradient: no path from the target to a tensor of shape ()\n  ";

TEST(MissingGradient, IsZeroOnRequest) {
  Variable w("w", tensor({{1., 2.}})), v("v", tensor(1.));
  GradientTape tape;
  Tensors gradients = tape.gradient(v * v, Tensors{w, v}, {.missing = Missing::zero});
  EXPECT_EQ(gradients[0].shape(), (Shape{1, 2}));
  EXPECT_EQ(gradients[0].to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(gradients[1].item(), 2);
}

TEST(MissingGradient, NeverUsed) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  Tensor y = v * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w), no_path_to_w + "it was never used while this tape was recording");
}

TEST(MissingGradient, AFormerValueOfAVariable) {
  Variable w("w", tensor(2.));
  Tensor old = w;
  w.assign(tensor(3.));
  GradientTape tape{persistent};
  Tensor y = w * w;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, old),
                 no_path_to_w + "it is a former value of that variable, which is a constant; pass the variable itself");
  Tensors both = tape.gradient(y, Tensors{old, w}, {.missing = Missing::zero});
  EXPECT_EQ(both[0].item(), 0);
  EXPECT_EQ(both[1].item(), 6);
}

TEST(MissingGradient, UsedElsewhere) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  Tensor elsewhere = w * v, y = v * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "it was used, but the target does not depend on it");
}

TEST(MissingGradient, OnlyIntegersInBetween) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor whole = cast(w * 2.0, DType::int32);
  Tensor y = cast(whole + 1.0, DType::float32) * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w), no_path_to_w + "no gradient flows through cast at " + here(line));
}

TEST(MissingGradient, OnlyAComparisonInBetween) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = where(w > 1.0, v, 0.0);
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "no gradient flows through greater at " + here(line));
}

TEST(MissingGradient, OnlyArgMaxInBetween) {
  Variable w("w", tensor({1., 3.})), v("v", tensor({3., 4.}));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = v * cast(argmax(w), DType::float32);
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "no gradient flows through argmax at " + here(line));
}

TEST(MissingGradient, StopGradientInBetween) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = stop_gradient(w * w) * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "no gradient flows through stop_gradient at " + here(line));
}

TEST(MissingGradient, TheFirstOfSeveralStopsIsNamed) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor first = round(w);
  Tensor y = stop_gradient(exp(first)) * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w), no_path_to_w + "no gradient flows through round at " + here(line));
}

TEST(MissingGradient, OneOpenWayIsEnough) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  EXPECT_EQ(tape.gradient(stop_gradient(w) * w + sign(w), w).item(), 2);
}

TEST(MissingGradient, NotTrainable) {
  Variable w("w", tensor(2.)), v("v", tensor(3.));
  w.set_trainable(false);
  GradientTape tape;
  Tensor y = w * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "it is not trainable; set_trainable(true), or watch it");
  w.set_trainable(true);
  GradientTape again;
  EXPECT_EQ(again.gradient(w * v, w).item(), 3);
}

TEST(MissingGradient, NotWatched) {
  Tensor x = tensor(2.);
  Variable v("v", tensor(3.));
  GradientTape tape;
  Tensor y = x * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x),
                 no_path_to_tensor + "it was not watched; watch(x) before it is used");
}

TEST(MissingGradient, WatchedTooLate) {
  Tensor x = tensor(2.);
  Variable v("v", tensor(3.));
  GradientTape tape;
  Tensor y = x * v;
  tape.watch(x);
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x),
                 no_path_to_tensor + "it was never used while this tape was recording");
}

TEST(MissingGradient, MadeBeforeThisTape) {
  Variable w("w", tensor(2.));
  GradientTape early;
  Tensor a = w * w;
  GradientTape late;
  Tensor y = a * a;
  EXPECT_MESSAGE(GradientError, late.gradient(y, a),
                 no_path_to_tensor + "it was made before this tape began; watch(x), or begin the tape earlier");
  EXPECT_EQ(early.gradient(y, a).item(), 8);
}

TEST(MissingGradient, MadeAfterStop) {
  Variable w("w", tensor(2.));
  GradientTape tape, other;
  tape.stop();
  Tensor a = w * w, y = a * a;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, a), no_path_to_tensor + "it was made after this tape was stopped");
}

TEST(MissingGradient, TargetMadeAfterStop) {
  Variable w("w", tensor(2.));
  GradientTape tape, other;
  tape.stop();
  Tensor y = w * w;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w), no_path_to_w + "the target was made after this tape was stopped");
}

TEST(MissingGradient, TargetMadeBeforeThisTape) {
  Variable w("w", tensor(2.));
  GradientTape early;
  Tensor y = w * w;
  GradientTape late;
  Tensor z = y * w;
  EXPECT_MESSAGE(GradientError, late.gradient(y, w), no_path_to_w + "the target was made before this tape began");
}

TEST(MissingGradient, TargetMadeWithoutAnyTape) {
  Variable w("w", tensor(2.));
  Tensor y = w * w;
  GradientTape tape;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 no_path_to_w + "the target depends on nothing that was watched while it was made");
}

TEST(MissingGradient, ToWhatAStopMade) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor x = stop_gradient(w * 3.0);
  Tensor y = x * w;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x),
                 no_path_to_tensor + "no gradient flows through stop_gradient at " + here(line) +
                     ", which made it; watch(x) before it is used");
}

TEST(MissingGradient, IsFoundOnceTheStopIsWatched) {
  Variable w("w", tensor(2.));
  GradientTape tape{persistent};
  Tensor x = stop_gradient(w * 3.0);
  tape.watch(x);
  Tensor y = x * w;
  EXPECT_EQ(tape.gradient(y, x).item(), 2);
  EXPECT_EQ(tape.gradient(y, w).item(), 6);
}

TEST(MissingGradient, SurvivesAWatchByALaterTape) {
  Tensor x = tensor(3.);
  GradientTape stopped;
  stopped.watch(x);
  Tensor y = x * x;
  stopped.stop();
  GradientTape later;
  later.watch(x);
  Tensor z = x * 5.0;
  EXPECT_EQ(stopped.gradient(y, x).item(), 6);
  EXPECT_EQ(later.gradient(z, x).item(), 5);
}

TEST(MissingGradient, OfIntegers) {
  Variable v("v", tensor(3.));
  Tensor x = tensor(2);
  GradientTape tape{persistent};
  Tensor y = v * v;
  EXPECT_MESSAGE(GradientError, tape.gradient(y, x),
                 no_path_to_tensor + "it is int32; gradients exist for float32 and float64");
  EXPECT_MESSAGE(GradientError, tape.gradient(argmax(reshape(v, {1})), v),
                 "gradient: the target is int64\n  gradients exist for float32 and float64");
  EXPECT_EQ(error_of<DTypeError>([&] { tape.watch(x); }),
            "watch: gradients exist for float32 and float64, and the tensor is int32");
}

TEST(MissingGradient, OfATensorOfAnotherThread) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor y = w * w, x = tensor(1.);
  std::thread([&] {
    GradientTape there;
    there.watch(x);
  }).join();
  Tensor z = y * x;
  EXPECT_MESSAGE(GradientError, tape.gradient(z, x),
                 no_path_to_tensor + "it was made on another thread; watch(x) before it is used");
}

// --- The tape --------------------------------------------------------------------------------------------------------

TEST(Tape, AskedTwiceSaysSo) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor y = w * w;
  tape.gradient(y, w);
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 "gradient: this tape has already answered\n"
                 "  a tape gives its gradients once; GradientTape tape{persistent} gives them again");
}

TEST(Tape, AskedInVainHasBeenAsked) {
  Variable w("w", tensor(2.)), v("v", tensor(2.));
  GradientTape tape;
  Tensor y = w * w;
  EXPECT_THROW(tape.gradient(y, v), GradientError);
  EXPECT_MESSAGE(GradientError, tape.gradient(y, w),
                 "gradient: this tape has already answered\n"
                 "  a tape gives its gradients once; GradientTape tape{persistent} gives them again");
}

TEST(Tape, OfAnotherThreadSaysSo) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor y = w * w;
  std::string said;
  std::thread([&] { said = error_of<GradientError>([&] { tape.gradient(y, w, {}, {"thread.cpp", 3}); }); }).join();
  EXPECT_EQ(said, "gradient: this tape belongs to another thread\n"
                  "  a tape records and answers on the thread that made it\n"
                  "  at thread.cpp:3");
  EXPECT_EQ(tape.gradient(y, w).item(), 4) << "and is not asked by that";
}

TEST(Tape, RefusesATargetWithoutValue) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  EXPECT_MESSAGE(GradientError, tape.gradient(Tensor(), w), "gradient: the target has no value");
}

TEST(Tape, RefusesAnOutputGradientOfAnotherShape) {
  Variable w("w", tensor({1., 2., 3.}));
  GradientTape tape;
  Tensor y = square(w);
  EXPECT_MESSAGE(ShapeError, tape.gradient(y, w, {.output_gradient = ones({2})}),
                 "gradient: the output gradient must have the target's shape\n"
                 "  target           (3,)\n"
                 "  output gradient  (2,)");
  EXPECT_EQ(tape.gradient(y, w).to_vector<float>(), (std::vector<float>{2, 4, 6})) << "and is not asked by that";
}

TEST(Tape, RefusesAnOutputGradientOfAnotherDType) {
  Variable w("w", tensor({1., 2., 3.}));
  GradientTape tape;
  Tensor y = square(w);
  EXPECT_MESSAGE(DTypeError, tape.gradient(y, w, {.output_gradient = ones({3}, DType::float64)}),
                 "gradient: the output gradient must have the target's dtype\n"
                 "  target           (3,)\n"
                 "  output gradient  (3,)   float64");
}

TEST(Threads, RecordForThemselves) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor y = w * w;
  double there = 0;
  std::thread([&] {
    Tensor untaped = w * w;
    EXPECT_TRUE(untaped.id().is_constant());
    GradientTape own;
    there = own.gradient(w * w * w * y, w).item();
  }).join();
  EXPECT_EQ(there, 48) << "what another thread made is a constant";
  EXPECT_EQ(tape.gradient(y, w).item(), 4);
}

}  // namespace
}  // namespace floe
