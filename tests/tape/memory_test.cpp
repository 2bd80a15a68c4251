// What tapes cost: nothing where nothing is watched, and nothing that stays.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>

#include <unistd.h>

#include <gtest/gtest.h>

#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/losses.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/random.h>
#include <floe/ops/reduce.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace floe {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;  // freed memory stays in quarantine
#else
constexpr bool sanitized = false;
#endif

std::int64_t resident_bytes() {
  std::int64_t all, resident;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

template <class Action>
long allocations_of(Action action) {
  long before = allocations;
  action();
  return allocations - before;
}

// A thousand small ops, without heap of their own.
Tensor a_thousand_ops(const Tensor& x) {
  Tensor y = x;
  for (int i = 0; i < 250; ++i) y = sin(y * x + x) - 0.5;
  return y;
}

TEST(Tape, TakesNoHeapWhereNothingIsWatched) {
  Tensor x = ones({8});
  GradientTape tape;
  a_thousand_ops(x);
  EXPECT_EQ(allocations_of([&] { EXPECT_TRUE(a_thousand_ops(x).id().is_constant()); }), 0);
}

TEST(Tape, TakesNoHeapForAnOpOnceItsChunksAreThere) {
  Variable w("w", ones({8}));
  for (int round = 0; round < 2; ++round) {
    GradientTape tape;
    Tensor y = w.value();
    long taken = allocations_of([&] { y = a_thousand_ops(w); });
    EXPECT_EQ(round == 1 ? taken : 0, 0);
    EXPECT_FALSE(y.id().is_constant());
  }
}

TEST(Tape, KeepsOnlyWhatTheGradientsWillRead) {
  Variable w("w", ones({1024}));
  Tensor x = ones({1024});
  GradientTape tape;
  std::size_t before = memory_in_use();
  for (int i = 0; i < 100; ++i) w + x;
  EXPECT_EQ(memory_in_use(), before) << "a sum reads neither of its inputs";
  for (int i = 0; i < 100; ++i) w * (x * 2.0);
  EXPECT_EQ(memory_in_use() - before, 100u * 4096) << "the slope of w is the other factor";
}

TEST(Tape, GivesUpKeptTensorsWhileItWalksBack) {
  Variable w("w", ones({1 << 18}));
  std::size_t before = memory_in_use();
  {
    GradientTape tape;
    Tensor y = w.value();
    for (int i = 0; i < 20; ++i) y = sin(y);
    Tensor loss = reduce_sum(y);
    y = Tensor();
    reset_peak_memory();
    std::size_t forward = peak_memory();
    tape.gradient(loss, w);
    EXPECT_LE(peak_memory() - forward, 3u << 20) << "never all kept tensors and all gradients at once";
  }
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Tape, GivesAllBackWhenAsked) {
  Variable w("w", ones({1000}));
  std::size_t before = memory_in_use();
  GradientTape tape;
  {
    Tensor loss = reduce_sum(a_thousand_ops(w));
    EXPECT_GT(memory_in_use(), before + 1'000'000);
    tape.gradient(loss, w);
  }
  EXPECT_EQ(memory_in_use(), before) << "also while the tape is still in scope";
}

TEST(Tape, GivesBackWithTheLastTapeThatSawIt) {
  Variable w("w", ones({1000}));
  std::size_t before = memory_in_use();
  auto first = std::make_unique<GradientTape>();
  a_thousand_ops(w);
  auto second = std::make_unique<GradientTape>();
  a_thousand_ops(w);
  std::size_t both = memory_in_use() - before;
  first.reset();
  EXPECT_NEAR(static_cast<double>(memory_in_use() - before), static_cast<double>(both) / 2, 1e5);
  second.reset();
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Tape, CarriesAMillionOps) {
  Variable w("w", tensor(1.));
  std::size_t before = memory_in_use();
  for (bool asked : {true, false}) {
    GradientTape tape;
    Tensor y = w.value();
    for (int i = 0; i < 1'000'000; ++i) y = y + w;
    EXPECT_EQ(asked ? tape.gradient(y, w).item() : y.item(), 1'000'001);
  }
  EXPECT_EQ(memory_in_use(), before);
}

TEST(Training, DoesNotGrowInTenThousandSteps) {
  Layer model("model", Device{}, Rng(1));
  Dense hidden(&model, "hidden", {.in = 4, .units = 8}), out(&model, "out", {.in = 8, .units = 1});
  Adam adam;
  Rng rng(2);
  std::size_t held = 0;
  std::int64_t resident = 0;
  for (int step = 0; step < 10'000; ++step) {
    Tensor x = random_normal({16, 4}, rng);
    GradientTape tape, second;
    Tensor loss = mean_squared_error(out(tanh(hidden(x))), reduce_sum(x, 1, true));
    Gradients gradients = tape.gradient(loss, model.variables());
    second.gradient(loss, model.variables());
    adam.apply(gradients);
    if (step == 500) held = memory_in_use(), resident = resident_bytes();
    if (step == 9'999) {
      EXPECT_EQ(memory_in_use(), held);
      EXPECT_LT(sanitized ? 0 : resident_bytes() - resident, 1 << 20);
      EXPECT_LT(loss.item(), 0.5);
    }
  }
}

TEST(Training, UnderOneLongTapeOfAnotherVariableDoesNotGrow) {
  Variable w("w", ones({100})), other("other", ones({100}));
  SGD sgd(1e-3);
  GradientTape outer;
  Tensor loss = reduce_sum(square(other));
  std::size_t held = 0;
  for (int step = 0; step < 1000; ++step) {
    NoRecording silence;
    sgd.apply([&] {
      Gradients gradients;
      gradients.add(w, w * 0.1);
      return gradients;
    }());
    if (step == 10) held = memory_in_use();
  }
  EXPECT_EQ(memory_in_use(), held);
  EXPECT_EQ(outer.gradient(loss, other).data<float>()[0], 2);
}

}  // namespace
}  // namespace floe
