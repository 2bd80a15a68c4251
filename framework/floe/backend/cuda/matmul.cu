// matmul: products of matrices through cuBLASLt; integers, and what it does not take, in plain loops.
#include <array>
#include <initializer_list>
#include <map>
#include <mutex>
#include <tuple>

#include <floe/backend/cuda/bfloat16.h>
#include <floe/backend/cuda/ways.h>
#include <floe/backend/reductions.h>
#include <floe/backend/settings.h>

namespace floe::cuda {
namespace {

// What a product is planned by.
struct Key {
  MatmulGeometry g;
  DType dtype;
  Precision precision;
  std::uint32_t alignment;  // of the matrices, in bytes: a tensor may begin anywhere within another
  int device;

  auto fields() const {
    return std::tuple(g.batches, g.rows, g.columns, g.inner, g.a_stride, g.b_stride, g.transpose_a, g.transpose_b,
                      dtype, precision, alignment, device);
  }
  bool operator<(const Key& other) const { return fields() < other.fields(); }
};

// Descriptions, and the ways that cuBLASLt thinks fastest. They live as long as the program.
struct Plan {
  Plan(const Context& on, const Key& key) {
    const MatmulGeometry& g = key.g;
    bool wide = key.dtype == DType::float64;
    cudaDataType_t result = wide ? CUDA_R_64F : CUDA_R_32F;
    cudaDataType_t factor = key.precision == Precision::bf16 ? CUDA_R_16BF : result;
    cublasComputeType_t compute = wide                               ? CUBLAS_COMPUTE_64F
                                  : key.precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                     : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescCreate(&product, compute, result), "matmul");

    // Row by row is a matrix turned: c' = b' a', so that cuBLASLt's first factor is b and its second a.
    cublasOperation_t of_b = g.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                      of_a = g.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSA, &of_b, sizeof of_b), "matmul");
    check(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_TRANSB, &of_a, sizeof of_a), "matmul");
    describe(b, factor, g.transpose_b ? g.inner : g.columns, g.transpose_b ? g.columns : g.inner, g.b_stride,
             g.batches);
    describe(a, factor, g.transpose_a ? g.rows : g.inner, g.transpose_a ? g.inner : g.rows, g.a_stride, g.batches);
    describe(c, result, g.columns, g.rows, g.rows * g.columns, g.batches);

    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "matmul");
    auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value), "matmul");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::size_t{32} << 20);
    for (auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                           CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(attribute, key.alignment);
    constexpr int most = 8;
    std::array<cublasLtMatmulHeuristicResult_t, most> listed;
    int found = 0;
    cublasStatus_t status = with_room(on.device, [&] {
      return cublasLtMatmulAlgoGetHeuristic(on.blas, product, b, a, c, c, preference, most, listed.data(), &found);
    });
    cublasLtMatmulPreferenceDestroy(preference);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return;  // it knows no way
    check(status, "matmul");
    for (int i = 0; i < found; ++i) {
      const cublasLtMatmulHeuristicResult_t& one = listed[static_cast<std::size_t>(i)];
      if (one.state == CUBLAS_STATUS_SUCCESS) ways.add({one.algo, one.workspaceSize});
    }
  }

  static void describe(cublasLtMatrixLayout_t& layout, cudaDataType_t type, std::int64_t rows, std::int64_t columns,
                       std::int64_t stride, std::int64_t batches) {
    check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), rows),
          "matmul");
    if (batches == 1) return;
    std::int32_t count = static_cast<std::int32_t>(batches);
    check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count), "matmul");
    check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride),
          "matmul");
  }

  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  struct Way {
    cublasLtMatmulAlgo_t algorithm;
    std::size_t workspace;
  };
  Ways<Way> ways;
};

const Plan& plan_for(const Context& on, const Key& key) {
  static auto* plans = new std::map<Key, Plan>;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  auto found = plans->find(key);
  return found != plans->end() ? found->second : plans->try_emplace(key, on, key).first->second;
}

std::uint32_t alignment_of(std::initializer_list<const void*> pointers) {
  std::uintptr_t bits = 256;
  for (const void* pointer : pointers) bits |= reinterpret_cast<std::uintptr_t>(pointer);
  return static_cast<std::uint32_t>(bits & -bits);
}

// A product in plain loops: a thread for each result. Neighbours read the same row of a, and neighbours of b.
template <class Factor, class T>
__global__ void direct_kernel(std::int64_t size, MatmulGeometry g, const Factor* a, const Factor* b, T* c) {
  using Sum = std::conditional_t<std::is_integral_v<T>, T, double>;
  const std::int64_t down = g.transpose_a ? 1 : g.inner, along = g.transpose_a ? g.rows : 1;
  const std::int64_t below = g.transpose_b ? 1 : g.columns, beside = g.transpose_b ? g.inner : 1;
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    const std::int64_t column = i % g.columns, row = i / g.columns % g.rows, batch = i / g.columns / g.rows;
    const Factor *left = a + batch * g.a_stride + row * down, *right = b + batch * g.b_stride + column * beside;
    Sum total = 0;
    for (std::int64_t k = 0; k < g.inner; ++k)
      total = static_cast<Sum>(total + static_cast<Sum>(rounded<T>(left[k * along])) *
                                           static_cast<Sum>(rounded<T>(right[k * below])));
    c[i] = static_cast<T>(total);
  }
}

// cuBLASLt takes fewer than 65536 matrices in a call.
template <class Factor, class T>
void multiply(const Context& on, MatmulGeometry g, Precision precision, const Factor* a, const Factor* b, T* c) {
  constexpr std::int64_t most = 32768;
  const T one = 1, zero = 0;
  for (std::int64_t left = g.batches; left > 0; left -= most) {
    g.batches = std::min(left, most);
    const Plan& plan = plan_for(on, {g, dtype_of<T>(), precision, alignment_of({a, b, c}), on.device.index});
    bool done = plan.ways.first([&](const Plan::Way& way) {
      Scratch work(on, way.workspace);
      cublasStatus_t status = with_room(on.device, [&] {
        return cublasLtMatmul(on.blas, plan.product, &one, b, plan.b, a, plan.a, &zero, c, plan.c, c, plan.c,
                              &way.algorithm, work.get(), way.workspace, on.stream);
      });
      if (status != CUBLAS_STATUS_SUCCESS && !lacks_memory(status) && may_go_otherwise(status)) return false;
      check(status, "matmul");
      return true;
    });
    const std::int64_t size = g.batches * g.rows * g.columns;
    if (!done) launch(on, direct_kernel<Factor, T>, blocks_for(on, size), size, g, a, b, c);
    a += g.batches * g.a_stride, b += g.batches * g.b_stride, c += g.batches * g.rows * g.columns;
  }
}

void multiply_whole(const Context& on, const Tensor& a, const Tensor& b, const MatmulGeometry& g, Tensor& c) {
  dispatch_product(c.dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T>)
      launch(on, direct_kernel<T, T>, blocks_for(on, c.elements()), c.elements(), g, data<T>(a), data<T>(b),
             mutable_data<T>(c));
  });
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const MatmulGeometry& g, Tensor& c) {
  if (g.inner == 0) return fill(0, c);
  const Context& on = context(c.device());
  if (!is_floating(c.dtype())) return multiply_whole(on, a, b, g, c);
  dispatch_floating(c.dtype(), [&]<class T>() {
    Precision precision = std::is_same_v<T, float> ? gpu_precision() : Precision::float32;
    if (precision != Precision::bf16) return multiply(on, g, precision, data<T>(a), data<T>(b), mutable_data<T>(c));
    Halves half_a(on, data<float>(a), a.elements()), half_b(on, data<float>(b), b.elements());
    multiply(on, g, precision, half_a.get(), half_b.get(), mutable_data<float>(c));
  });
}

}  // namespace floe::cuda
