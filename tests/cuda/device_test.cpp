// A GPU as a place: memory, copies, waiting, what may stand beside what, and what is said when something is missing.
#include <algorithm>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/backend/settings.h>
#include <floe/floe.h>
#include <support/app.h>
#include <support/devices.h>
#include <support/messages.h>
#include <support/op_case.h>
#if FLOE_SIMULATED
#include <simulator.h>
#endif

namespace floe {
namespace {

using namespace test;

class CudaDevice : public OnGpu {
 protected:
  // How often `work` makes the program wait for the device; -1 where that cannot be counted.
  template <class Work>
  static std::int64_t waits(Work work) {
#if FLOE_SIMULATED
    auto before = floe_simulator::counts().synchronisations;
    work();
    return floe_simulator::counts().synchronisations - before;
#else
    work();
    return -1;
#endif
  }
};

Tensor some(const Shape& shape, Device device = {}, std::uint64_t seed = 1) {
  Rng rng(seed);
  return random_normal(shape, rng, device);
}

// --- What there is ---------------------------------------------------------------------------------------------------

TEST_F(CudaDevice, HasANameAndANumber) {
  EXPECT_EQ(parse_device("cuda"), gpu);
  EXPECT_EQ(parse_device("cuda:0"), gpu);
  EXPECT_NE(backend_name(gpu).find("CUDA"), std::string::npos);
  EXPECT_NE(backend_name(gpu).find("float32"), std::string::npos);
  std::string there = count(gpu_count(), "GPU");
  EXPECT_EQ(error_of<DeviceError>([] { parse_device("cuda:63"); }),
            "device: there is no cuda:63; this machine has " + there + ", counted from cuda:0");
  EXPECT_EQ(error_of<DeviceError>([] {
              zeros({2}, DType::float32, {Device::Kind::cuda, 63});
            }),
            "device: there is no cuda:63; this machine has " + there + ", counted from cuda:0");
  for (const char* text : {"cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda:64", "gpu"})
    EXPECT_THROW(parse_device(text), DeviceError) << text;
}

TEST(CudaAbsent, IsSaidInOneSentence) {
#if !FLOE_SIMULATED
  if (gpu_count() > 0) GTEST_SKIP() << "there is a GPU";  // its absence cannot be had then
#endif
  Result result = run("penguins", "--device cuda", "FLOE_SIMULATED_DEVICES=0");
  EXPECT_EQ(result.status, 2);
  EXPECT_TRUE(result.text.starts_with("penguins: device: this ")) << result.text;
  EXPECT_TRUE(result.text.ends_with(", so cuda is not available; use cpu\n")) << result.text;
  EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1) << result.text;
}

#if FLOE_SIMULATED
TEST(CudaAbsent, IsSaidWithTheDriversWords) {
  EXPECT_EQ(
      run("penguins", "--device cuda", "FLOE_SIMULATED_ERROR=802").text,
      "penguins: device: this machine's NVIDIA driver says 'system not yet initialized' (cudaErrorSystemNotReady; "
      "is the fabric manager running?), so cuda is not available; use cpu\n");
  EXPECT_EQ(
      run("penguins", "--device cuda", "FLOE_SIMULATED_ERROR=3").text,
      "penguins: device: this machine's NVIDIA driver says 'initialization error' (cudaErrorInitializationError), "
      "so cuda is not available; use cpu\n");
}
#endif

TEST(Precision, IsOfferedWhereItIsThere) {
  EXPECT_EQ(parse_precision("tf32"), Precision::tf32);
  EXPECT_EQ(error_of<ValueError>([] { parse_precision("fp8"); }),
            "precision: expected float32, tf32 or bf16, found 'fp8'");
  EXPECT_EQ(error_of<ValueError>([] { require_precision(Precision::bf16, {}); }),
            "precision: bf16 is for GPUs, and the CPU computes in float32");
  EXPECT_EQ(error_of<ValueError>([] { device_for({.precision = "tf32"}); }),
            "precision: tf32 is for GPUs, and the CPU computes in float32");
}

// --- Memory ----------------------------------------------------------------------------------------------------------

TEST_F(CudaDevice, MemoryFallsTheMomentTheLastReferenceGoes) {
  std::size_t before = memory_in_use(gpu), on_cpu = memory_in_use();
  reset_peak_memory(gpu);
  Tensor first = zeros({1000, 1000}, DType::float32, gpu), second = first, row = first[3];
  std::size_t held = memory_in_use(gpu) - before;
  EXPECT_GE(held, 4'000'000u);
  EXPECT_LE(held, 5'000'000u);
  EXPECT_LT(memory_in_use() - on_cpu, 1000u);
  first = Tensor(), second = Tensor();
  EXPECT_EQ(memory_in_use(gpu) - before, held) << "a slice holds its whole";
  row = Tensor();
  EXPECT_EQ(memory_in_use(gpu), before);
  EXPECT_EQ(peak_memory(gpu), before + held);
}

TEST_F(CudaDevice, AFreedBlockServesAgainWithoutWaiting) {
  Tensor warm = some({1000}, gpu) + 1.0;
  warm = Tensor();
  EXPECT_LE(waits([&] {
              for (int i = 0; i < 50; ++i) Tensor x = exp(some({1000}, gpu) * 0.5) + 1.0;
            }),
            0);
}

TEST_F(CudaDevice, WhatDoesNotFitIsRefusedWithNumbersAndTheRestGoesOn) {
  Tensor kept = some({1000}, gpu);
  { Tensor freed({1 << 20}, DType::float32, gpu); }  // stays with the allocator
  std::string said = error_of<MemoryError>([&] { Tensor x({std::int64_t{1} << 50}, DType::uint8, gpu); });
  EXPECT_TRUE(said.starts_with("memory: 1125899906842624 bytes requested on cuda:0, ")) << said;
  for (const char* part : {" bytes in use, ", " bytes free on the device, ",
                           " bytes were kept for reuse, the largest block ", "; try a smaller batch"})
    EXPECT_NE(said.find(part), std::string::npos) << said;
  EXPECT_EQ((kept + 1.0).to_vector<float>()[0], kept.to_vector<float>()[0] + 1);
}

#if FLOE_SIMULATED
TEST_F(CudaDevice, AStepThatDoesNotFitIsMadeWithASmallerBatch) {
  release_cached_memory(gpu);
  floe_simulator::set_memory(memory_in_use(gpu) + (24 << 20));
  auto step = [&](std::int64_t batch) {
    Tensor x = some({batch, 1000}, gpu), y = exp(x) + x;
    return reduce_sum(y).item();
  };
  EXPECT_THROW(step(10000), MemoryError);
  EXPECT_EQ(memory_in_use(gpu), memory_in_use(gpu));
  EXPECT_TRUE(std::isfinite(step(1000)));
  { Tensor freed({12 << 20}, DType::uint8, gpu); }
  EXPECT_TRUE(std::isfinite(reduce_sum(zeros({4 << 20}, DType::float32, gpu)).item())) << "kept blocks make room";
  floe_simulator::set_memory(std::size_t{8} << 30);
}
#endif

// --- Copies and waiting ----------------------------------------------------------------------------------------------

TEST_F(CudaDevice, CopiesOfEveryDtypeComeBack) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    for (Shape shape : {Shape{}, Shape{5}, Shape{0, 3}, Shape{70, 1000}}) {
      Tensor x = cast(round(some(shape) * 50.0), dtype), there = to(x, gpu);
      EXPECT_EQ(there.device(), gpu);
      EXPECT_TRUE(same_bits(to(there, Device{}), x));
      EXPECT_EQ(to(there, gpu).raw(), there.raw()) << "what is there already is not copied";
    }
  }
}

TEST_F(CudaDevice, ASourceMayChangeAfterItsCopyBegan) {
  Tensor x = zeros({100000}), there = x.on(gpu);
  x.mutable_data<float>()[7] = 1;
  EXPECT_EQ(reduce_sum(there).item(), 0);
}

// More than the page-locked ring holds, while nothing waits: pieces of every size, and those that end a lap early.
TEST_F(CudaDevice, CopiesThatLapTheRingKeepTheirBytes) {
  constexpr std::int64_t mib = 1 << 20;
  for (const std::vector<std::int64_t>& sizes :
       {std::vector<std::int64_t>{10 * mib}, {16 * mib}, {7 * mib, 13 * mib, 3}, {40 * mib + 5}, {15 * mib, 1}}) {
    SCOPED_TRACE(sizes[0]);
    Tensors sent;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; bytes < 140 * mib; ++i) {
      std::int64_t size = sizes[i % sizes.size()];
      sent.push_back(full({size}, static_cast<double>(i), DType::uint8).on(gpu));
      bytes += size;
    }
    for (std::size_t i = 0; i < sent.size(); ++i) {
      Tensor found = sent[i].on({});
      std::span<const std::uint8_t> all = found.span<std::uint8_t>();
      EXPECT_EQ(std::count(all.begin(), all.end(), static_cast<std::uint8_t>(i)), found.elements()) << i;
    }
  }
}

TEST_F(CudaDevice, GradientsCrossFromOneDeviceToTheOther) {
  Tensor x = tensor({1., 2., 3.});
  GradientTape tape;
  tape.watch(x);
  Tensor gradient = tape.gradient(reduce_sum(square(to(x, gpu))), x);
  EXPECT_EQ(gradient.device(), Device{});
  EXPECT_EQ(gradient.to_vector<float>(), (std::vector<float>{2, 4, 6}));
}

TEST_F(CudaDevice, OnlyReadingAValueWaits) {
  Tensor x = some({64, 64}, gpu), w = some({64, 64}, gpu, 2), loss;
  auto step = [&] {
    GradientTape tape;
    tape.watch(w);
    loss = reduce_mean(square(relu(matmul(x, w) + 1.0) * 0.5));
    w = w - 0.1 * tape.gradient(loss, w);
  };
  step();
  EXPECT_LE(waits([&] { step(), step(); }), 0);
  EXPECT_LE(waits([&] { loss.item(); }), 2) << "a copy, and that it is there";
  EXPECT_NE(waits([&] { to_string(w); }), 0);
  synchronize(gpu);
}

TEST_F(CudaDevice, AMeanWaitsWhenItIsAsked) {
  Mean mean;
  EXPECT_LE(waits([&] {
              for (int i = 0; i < 20; ++i) mean.update(full({}, i, DType::float32, gpu));
            }),
            0);
  EXPECT_EQ(mean.result(), 9.5);
  mean.update(tensor(29.5));
  EXPECT_DOUBLE_EQ(mean.result(), (190 + 29.5) / 21);
}

TEST_F(CudaDevice, ValuesPrintAsOnTheCpu) {
  Tensor x = some({3, 4}), there = to(x, gpu);
  EXPECT_EQ(to_string(there), to_string(x));
  EXPECT_EQ(describe_values(there), describe_values(x));
  EXPECT_NE(describe(there).find("on cuda:0"), std::string::npos);
  EXPECT_EQ(there[1][2].item(), x[1][2].item());
  EXPECT_EQ(there.to_vector<float>(), x.to_vector<float>());
}

TEST_F(CudaDevice, AWriterGetsElementsOfItsOwn) {
  Tensor x = some({100}, gpu), held = x;
  std::vector<float> before = held.to_vector<float>();
  SGD optimizer(0.5);
  Variable w("w", x);
  GradientTape tape;
  optimizer.apply(tape.gradient(reduce_sum(w * 1.0), Variables{&w}));
  EXPECT_EQ(held.to_vector<float>(), before);
  EXPECT_EQ(w.value().to_vector<float>()[3], before[3] - 0.5f);
}

TEST_F(CudaDevice, SeveralThreadsShareIt) {
  Tensor x = some({300, 200}, gpu);
  double expected = reduce_sum(matmul(x, x, {.transpose_b = true})).item();
  std::vector<std::thread> threads;
  std::vector<double> found(4);
  for (std::size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int times = 0; times < 5; ++times) found[i] = reduce_sum(matmul(x, x, {.transpose_b = true})).item();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (double sum : found) EXPECT_EQ(sum, expected);
}

TEST_F(CudaDevice, SeveralDevicesStandSideBySide) {
  if (gpu_count() < 2) GTEST_SKIP() << "there is one GPU only";  // ctest simulates two
  Device second{Device::Kind::cuda, 1};
  Tensor x = some({50, 40}), a = to(x, gpu), b = to(a, second);
  EXPECT_EQ(b.device(), second);
  EXPECT_TRUE(same_bits(to(b * 2.0, Device{}), to(a * 2.0, Device{})));
  EXPECT_THROW(a + b, DeviceError);
  EXPECT_TRUE(same_bits(to(to(b, gpu) + a, Device{}), x + x));
  EXPECT_TRUE(close(to(matmul(b, b, {.transpose_b = true}), {}), matmul(x, x, {.transpose_b = true}), 1e-4));
}

// --- What may stand beside what --------------------------------------------------------------------------------------

TEST_F(CudaDevice, TensorsOfTwoDevicesAreRefused) {
  Tensor here = tensor({1., 2.}), there = to(here, gpu);
  EXPECT_MESSAGE(DeviceError, here + there,
                 "add: a is on cpu but b is on cuda:0; to() copies\n"
                 "  a  (2,)\n  b  (2,)");
  EXPECT_THROW(matmul(expand_dims(here, 0), expand_dims(there, 1)), DeviceError);
  EXPECT_THROW(concat({here, there}, 0), DeviceError);
  EXPECT_THROW(where(greater(here, 0.0), there, there), DeviceError);
  Variable w("w", there);
  EXPECT_THROW(w.assign(here), DeviceError);
  EXPECT_EQ(error_of<DeviceError>([&] { there.data<float>(); }),
            "tensor: its elements are on cuda:0; to(x, Device{}) copies them");
  EXPECT_EQ(error_of<DeviceError>([&] { there.mutable_data<float>(); }),
            "tensor: its elements are on cuda:0; to(x, Device{}) copies them");
}

TEST_F(CudaDevice, NumbersAndConstantsOfRankZeroStandBesideATensor) {
  Tensor there = to(tensor({1., 2.}), gpu);
  EXPECT_EQ((there * tensor(3.)).to_vector<float>(), (std::vector<float>{3, 6}));
  EXPECT_EQ((tensor(3.) - there).to_vector<float>(), (std::vector<float>{2, 1}));
  EXPECT_EQ(where(there > 1.5, tensor(7.), there).to_vector<float>(), (std::vector<float>{1, 7}));
  Variable w("w", tensor(2.));  // a gradient could be asked for it, and would lie elsewhere
  EXPECT_THROW(there * w, DeviceError);
}

TEST_F(CudaDevice, ClippingByTheGlobalNormDoesNotWait) {
  Variable a("a", some({300}, gpu)), b("b", some({7, 5}, gpu, 2));
  Gradients gradients, here;
  Variable c("c", to(a, {})), d("d", to(b, {}));
  gradients.add(a, some({300}, gpu, 3)), gradients.add(b, some({7, 5}, gpu, 4));
  here.add(c, to(gradients[a], {})), here.add(d, to(gradients[b], {}));
  Gradients clipped;
  EXPECT_LE(waits([&] { clipped = clip_by_global_norm(gradients, 2); }), 0);
  EXPECT_TRUE(close(to(clipped[b], {}), clip_by_global_norm(here, 2)[d], 1e-6));
  EXPECT_NEAR(global_norm(gradients), global_norm(here), 1e-5);
}

// One number comes back for each result, of whatever size.
TEST_F(CudaDevice, NumericsAreCheckedWhereTheyAre) {
  Tensor x = some({70000}, gpu);
  {
    CheckNumerics check;
    EXPECT_LE(waits([&] { x * 2.0; }), 2) << "a copy, and that it is there";
  }
  for (std::int64_t size : {1, 255, 256, 257, 70000}) {
    for (std::int64_t place : {std::int64_t{0}, size / 2, size - 1}) {
      for (double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        for (DType dtype : {DType::float32, DType::float64}) {
          Tensor here = zeros({size}, dtype);
          dispatch_floating(dtype, [&]<class T>() {
            here.mutable_data<T>()[place] = here.mutable_data<T>()[size - 1] = static_cast<T>(bad);
          });
          Tensor there = to(here, gpu);
          CheckNumerics check;
          std::string said = error_of<NumericsError>([&] { there * 1.0; });
          EXPECT_NE(said.find("first at (" + std::to_string(place) + ",)"), std::string::npos) << said;
        }
      }
    }
  }
}

TEST_F(CudaDevice, IndicesAndTargetsMayStayOnTheCpu) {
  Tensor table = some({5, 3}, gpu), ids = tensor({4, 0, 4});
  EXPECT_TRUE(same_bits(to(gather(table, ids), {}), gather(to(table, {}), ids)));
  EXPECT_LE(waits([&] { gather(table, ids); }), 0);
  EXPECT_TRUE(same_bits(to(gather(table, to(ids, gpu)), {}), gather(to(table, {}), ids)));
  EXPECT_THROW(gather(table, tensor({5})), ValueError);
  EXPECT_THROW(gather(table, to(tensor({-1}), gpu)), ValueError);
  Tensor logits = some({3, 5}, gpu);
  double loss = sparse_softmax_cross_entropy(logits, ids).item();
  EXPECT_NEAR(loss, sparse_softmax_cross_entropy(to(logits, {}), ids).item(), 1e-5);
  EXPECT_NEAR(sparse_softmax_cross_entropy(logits, to(ids, gpu)).item(), loss, 1e-6);
  EXPECT_THROW(sparse_softmax_cross_entropy(logits, tensor({0, 1, 5})), ValueError);
  Tensor target = some({3, 5}, {}, 2);
  EXPECT_NEAR(mean_squared_error(logits, target).item(), mean_squared_error(to(logits, {}), target).item(), 1e-5);
}

TEST_F(CudaDevice, ALayerTakesItsInputToItsDevice) {
  Rng rng(3);
  Sequential there("model", gpu, rng), here("model", Device{}, rng);
  for (Sequential* model : {&there, &here}) {
    model->add<Conv2D>("conv", {.in = 2, .filters = 3, .kernel_size = 3});
    model->add<Conv2DTranspose>("back", {.in = 3, .filters = 2, .kernel_size = 3});
  }
  Tensor x = some({2, 6, 6, 2});
  Tensor y = there(x, Mode::inference);
  EXPECT_EQ(y.device(), gpu);
  EXPECT_TRUE(close(to(y, {}), here(x, Mode::inference), 1e-5));
  for (const Variable* variable : there.variables()) EXPECT_EQ(variable->value().device(), gpu) << variable->path();
}

// --- Precision -------------------------------------------------------------------------------------------------------

class CudaPrecision : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    try {
      require_precision(Precision::bf16, gpu);
    } catch (const ValueError& older) { GTEST_SKIP() << older.what(); }  // a card without those tensor cores
  }
  void TearDown() override { set_gpu_precision(Precision::float32); }
};

// Factors lose all but 11 or 8 bits, so results differ from float32's, and by no more than that. Sizes are multiples of
// what tensor cores take: with others the libraries may compute without them, and then nothing is rounded.
TEST_F(CudaPrecision, RoundsFactorsOfProductsAndNothingElse) {
  Tensor a = some({128, 128}, gpu), b = some({128, 128}, gpu, 2), x = some({4, 16, 16, 32}, gpu),
         w = some({3, 3, 32, 64}, gpu, 2);
  struct Products {
    Tensor product, convolution, input_gradient, filter_gradient, sum;
  };
  auto all = [&]() -> Products {
    GradientTape tape;
    Tensor from = x, filters = w;
    tape.watch(from), tape.watch(filters);
    Tensor y = conv2d(from, filters, {.strides = 2});
    Tensors gradients = tape.gradient(y, Tensors{from, filters}, {.output_gradient = y.detached()});
    return {to(matmul(a, b), {}), to(y, {}), to(gradients[0], {}), to(gradients[1], {}),
            to(reduce_sum(a + 1.0, 0), {})};
  };
  Products exact = all();
  for (auto [precision, step] : {std::pair{Precision::tf32, 0x1p-11}, {Precision::bf16, 0x1p-8}}) {
    SCOPED_TRACE(name(precision));
    set_gpu_precision(precision);
    Products rounded = all();
    auto expect_rounded = [step = step](const Tensor& found, const Tensor& truth) {
      double off = reduce_max(abs(found - truth)).item(), largest = reduce_max(abs(truth)).item();
      EXPECT_GT(off, 0);
      EXPECT_LT(off, 4 * step * largest);
    };
    expect_rounded(rounded.product, exact.product);
    expect_rounded(rounded.convolution, exact.convolution);
    expect_rounded(rounded.input_gradient, exact.input_gradient);
    expect_rounded(rounded.filter_gradient, exact.filter_gradient);
    EXPECT_TRUE(same_bits(rounded.sum, exact.sum));
  }
}

TEST_F(CudaPrecision, Float32IsTheDefaultAndAsExactAsTheCpus) {
  EXPECT_EQ(gpu_precision(), Precision::float32);
  Tensor a = some({70, 900}), b = some({900, 50}, {}, 2);
  Tensor truth = cast(matmul(cast(a, DType::float64), cast(b, DType::float64)), DType::float32);
  EXPECT_TRUE(close(to(matmul(to(a, gpu), to(b, gpu)), {}), truth, 64 * ulp_of_largest(truth)));
}

}  // namespace
}  // namespace floe
