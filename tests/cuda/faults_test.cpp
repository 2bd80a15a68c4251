// What goes wrong on a GPU, as far as a simulated one can be told to: ways that are refused, memory that is lacking, and
// errors that come late and last.
#if FLOE_SIMULATED
#include <cmath>
#include <thread>

#include <gtest/gtest.h>

#include <floe/floe.h>
#include <simulator.h>
#include <support/devices.h>
#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

class CudaFaults : public OnGpu {
 protected:
  void TearDown() override {
    floe_simulator::recover();
    floe_simulator::refuse_convolutions(0);
    floe_simulator::refuse_products(0);
    floe_simulator::list_nothing_good(false);
    floe_simulator::limit_elements(0);
    floe_simulator::grow_first_workspaces(0);
    floe_simulator::set_code_bytes(0);
    floe_simulator::set_memory(std::size_t{8} << 30);
    set_gpu_precision(Precision::float32);
  }

  // The room on the device beside what tensors hold now.
  void leave(std::size_t bytes) {
    release_cached_memory(gpu);
    floe_simulator::set_memory(memory_in_use(gpu) + bytes);
  }

  // A product and the three convolutions, and the same on the CPU. Plans are kept, so each test has a width of its own.
  struct Products {
    explicit Products(std::int64_t width) {
      Rng rng(3);
      x = random_normal({1, 5, width, 2}, rng), w = random_normal({3, 3, 2, 2}, rng);
      a = random_normal({2, width}, rng), b = random_normal({width, 3}, rng);
    }
    Tensors on(Device device) const {
      Tensor images = x.on(device), filters = w.on(device);
      GradientTape tape;
      tape.watch(images), tape.watch(filters);
      Tensor y = conv2d(images, filters, {.strides = 2});
      Tensors results = tape.gradient(y, Tensors{images, filters}, {.output_gradient = y.detached()});
      results.push_back(y);
      results.push_back(matmul(a.on(device), b.on(device)));
      for (Tensor& result : results) result = result.on({});
      return results;
    }
    Tensor x, w, a, b;
  };

  Tensors expect_as_on_the_cpu(const Products& products) const {
    Tensors found = products.on(gpu), expected = products.on({});
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(close(found[i], expected[i], 1e-5 * largest(expected[i]))) << i;
    return found;
  }
};

// cuDNN and cuBLASLt list ways that they then refuse, for any reason: the next one serves, and at last plain loops.
TEST_F(CudaFaults, WhatIsRefusedIsDoneInAnotherWay) {
  std::int64_t width = 4;
  for (auto [of_dnn, of_blas] :
       {std::pair{3000, 15}, {3007, 8}, {2000, 7}, {2003, 13}, {4000, 14}, {4005, 15}, {5000, 13}, {5003, 14}}) {
    for (int refused : {1, 2, 100}) {
      SCOPED_TRACE(std::to_string(of_dnn) + " " + std::to_string(refused));
      Products products(++width);
      floe_simulator::refuse_convolutions(refused, of_dnn);
      floe_simulator::refuse_products(refused, of_blas);
      expect_as_on_the_cpu(products);
      floe_simulator::refuse_convolutions(0), floe_simulator::refuse_products(0);
      expect_as_on_the_cpu(products);  // what was refused once is not tried again, and the rest serves
    }
  }
}

// A library that lacks a part of itself would otherwise be slow without a word.
TEST_F(CudaFaults, ALibraryThatIsNotWholeIsAnError) {
  Products products(40);
  for (int status : {1001, 1008}) {
    floe_simulator::refuse_convolutions(1, status);
    EXPECT_THROW(products.on(gpu), DeviceError) << status;
  }
  floe_simulator::refuse_products(1, 1);
  EXPECT_EQ(error_of<DeviceError>([&] { products.on(gpu); }), "cuda: matmul: the library was not initialized");
}

TEST_F(CudaFaults, PlainLoopsServeWhereNothingOfUseIsListed) {
  floe_simulator::list_nothing_good(true);
  Tensors first = expect_as_on_the_cpu(Products(41)), second = expect_as_on_the_cpu(Products(41));
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(same_bits(second[i], first[i])) << i;
  set_gpu_precision(Precision::bf16);
  Products products(42);
  Tensor rounded = products.on(gpu).back(), exact = products.on({}).back();
  EXPECT_TRUE(close(rounded, exact, 0x1p-6 * largest(exact)));
  EXPECT_FALSE(same_bits(rounded, exact)) << "the factors of a product in bf16 are rounded in plain loops too";
}

TEST_F(CudaFaults, PlainLoopsServeWhatIsTooLargeForTheLibraries) {
  floe_simulator::limit_elements(5);
  expect_as_on_the_cpu(Products(43));
}

TEST_F(CudaFaults, AWorkspaceThatDoesNotFitLeadsToTheNextWay) {
  Products products(44);
  products.x.on(gpu);
  floe_simulator::grow_first_workspaces(24 << 20);
  leave(8 << 20);
  expect_as_on_the_cpu(products);
}

TEST_F(CudaFaults, CodeThatDoesNotFitTakesWhatWasKeptForReuse) {
  floe_simulator::set_memory(memory_in_use(gpu) + (64 << 20));
  release_cached_memory(gpu);
  Products products(45);
  { Tensor freed({60 << 20}, DType::uint8, gpu); }
  leave(64 << 20);
  { Tensor freed({62 << 20}, DType::uint8, gpu); }  // stays with the allocator
  floe_simulator::set_code_bytes(1 << 20);
  expect_as_on_the_cpu(products);
}

TEST_F(CudaFaults, CodeThatDoesNotFitAtAllIsALackOfMemory) {
  Tensor x = zeros({1000}, DType::float32, gpu);
  leave(64 << 10);
  floe_simulator::set_code_bytes(1 << 20);
  EXPECT_EQ(error_of<MemoryError>([&] { exp(x); }),
            "cuda: a kernel: out of memory (cudaErrorMemoryAllocation); try a smaller batch");
  floe_simulator::set_code_bytes(0);
  EXPECT_EQ(reduce_sum(exp(x)).item(), 1000) << "and the rest goes on";
}

// An error of a kernel comes with a later call, and with all that follow.
TEST_F(CudaFaults, AnErrorThatLastsSaysThatTheProgramMustBeRestarted) {
  const std::string lasts = "; the device no longer responds, and the program must be restarted";
  for (int error : {214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911}) {
    SCOPED_TRACE(error);
    Products products(46);
    Tensor x = ones({10}, DType::float32, gpu);
    synchronize(gpu);
    floe_simulator::fail_kernel(error);
    Tensor y = exp(x);
    std::string said = error_of<DeviceError>([&] { y.to_vector<float>(); });
    EXPECT_TRUE(said.ends_with(lasts)) << said;
    EXPECT_TRUE(error_of<DeviceError>([&] { exp(x); }).ends_with(lasts));
    EXPECT_TRUE(error_of<DeviceError>([&] { products.a.on(gpu); }).ends_with(lasts));
    EXPECT_TRUE(error_of<DeviceError>([&] { Tensor({1 << 26}, DType::float64, gpu); }).ends_with(lasts));
    EXPECT_TRUE(error_of<DeviceError>([&] { products.on(gpu); }).ends_with(lasts));
    floe_simulator::recover();
  }
}

// Whatever a thread does about the memory of one GPU makes no context on another.
TEST_F(CudaFaults, AThreadThatChoseNoDeviceTouchesNoOther) {
  if (gpu_count() < 2) GTEST_SKIP() << "there is one GPU only";  // ctest simulates two
  const Device second{Device::Kind::cuda, 1};
  { Tensor kept = ones({1000}, DType::float32, second); }
  synchronize(second);
  std::int64_t before = floe_simulator::calls_on(0);
  std::thread([&] { release_cached_memory(second); }).join();
  std::thread([&] { Tensor x({1000}, DType::float32, second); }).join();
  std::thread([&] { ones({1000}).on(second); }).join();
  std::thread([&] { synchronize(second); }).join();
  EXPECT_EQ(floe_simulator::calls_on(0), before);
}

}  // namespace
}  // namespace floe
#endif
