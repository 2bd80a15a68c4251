// A copy within a GPU, and a bare product of cuBLASLt.
#include "gpu.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <floe/ops/create.h>
#include <floe/tensor/device_memory.h>
#include <floe/tensor/tensor.h>

#if FLOE_CUDA
#include <floe/backend/cuda/context.h>
#endif

namespace floe::bench {
namespace {

double seconds_of_batch(Device gpu, const std::function<void()>& body, std::int64_t count) {
  auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < count; ++i) body();
  synchronize(gpu);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

bool are_sizes_small() {
  const char* text = std::getenv("FLOE_BENCH_SMALL");
  return text && std::string_view(text) == "1";
}

std::int64_t batch_on(Device gpu, const std::function<void()>& body) {
  seconds_of_batch(gpu, body, sized(3, 1));
  double seconds = seconds_of_batch(gpu, body, 1);
  return std::clamp<std::int64_t>(std::llround(0.01 / seconds), 1, sized(200, 2));
}

double seconds_on(Device gpu, const std::function<void()>& body) {
  std::int64_t batch = batch_on(gpu, body);
  std::vector<double> times(static_cast<std::size_t>(sized(9, 1)));
  for (double& time : times) time = seconds_of_batch(gpu, body, batch) / static_cast<double>(batch);
  auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double copy_bandwidth(Device gpu, double bytes) {
  auto half = static_cast<std::int64_t>(bytes / 2);
  Tensor from = zeros({half}, DType::uint8, gpu), to = zeros({half}, DType::uint8, gpu);
  const void* source = from.raw();
  void* target = to.raw_mutable();
  return bytes /
         seconds_on(gpu, [&] { device_memory::copy(target, gpu, source, gpu, static_cast<std::size_t>(half)); });
}

#if FLOE_CUDA
namespace {

using cuda::check;

// c = a' b with the first factor transposed, as tensor cores read both along their columns.
class BareProduct {
 public:
  BareProduct(Device gpu, std::int64_t size)
      : on_(cuda::context(gpu)),
        a_(on_, bytes(size)),
        b_(on_, bytes(size)),
        c_(on_, bytes(size)),
        work_(on_, workspace) {
    for (const cuda::Scratch* matrix : {&a_, &b_})
      check(cudaMemsetAsync(matrix->get(), 0x3c, bytes(size), on_.stream), "memory");  // numbers of about 0.01
    check(cublasLtMatmulDescCreate(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "matmul");
    cublasOperation_t turned = CUBLAS_OP_T;
    check(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned), "matmul");
    auto sides = static_cast<std::uint64_t>(size);
    check(cublasLtMatrixLayoutCreate(&layout_, CUDA_R_16BF, sides, sides, size), "matmul");
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "matmul");
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                               sizeof workspace),
          "matmul");
    int found = 0;
    cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(on_.blas, product_, layout_, layout_, layout_, layout_,
                                                           preference, 1, &way_, &found);
    cublasLtMatmulPreferenceDestroy(preference);
    check(status != CUBLAS_STATUS_SUCCESS || found > 0 ? status : CUBLAS_STATUS_NOT_SUPPORTED, "matmul");
  }
  ~BareProduct() {
    cublasLtMatrixLayoutDestroy(layout_);
    cublasLtMatmulDescDestroy(product_);
  }
  BareProduct(const BareProduct&) = delete;
  BareProduct& operator=(const BareProduct&) = delete;

  void operator()() {
    const float one = 1, zero = 0;
    check(cublasLtMatmul(on_.blas, product_, &one, a_.get(), layout_, b_.get(), layout_, &zero, c_.get(), layout_,
                         c_.get(), layout_, &way_.algo, work_.get(), way_.workspaceSize, on_.stream),
          "matmul");
  }

 private:
  static constexpr std::size_t workspace = std::size_t{32} << 20;
  static std::size_t bytes(std::int64_t size) { return static_cast<std::size_t>(size * size) * 2; }

  const cuda::Context& on_;
  cuda::Scratch a_, b_, c_, work_;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t layout_ = nullptr;
  cublasLtMatmulHeuristicResult_t way_{};
};

}  // namespace

double bfloat16_rate(Device gpu, std::int64_t size) {
  BareProduct product(gpu, size);
  return 2 * std::pow(static_cast<double>(size), 3) / seconds_on(gpu, [&] { product(); });
}
#else
double bfloat16_rate(Device, std::int64_t) { return 0; }
#endif

}  // namespace floe::bench
