// Matrix products of the simulated cuBLASLt: three loops with sums in double.
#include <cublasLt.h>
#include <simulator.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "internal.h"
#include "numbers.h"

using namespace floe_simulator;

struct cublasLtContext {};

struct cublasLtMatmulDescOpaque {
  cublasComputeType_t compute;
  cudaDataType scale;
  int transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
};

struct cublasLtMatrixLayoutOpaque {
  cudaDataType type;
  std::uint64_t rows, columns;
  std::int64_t ld;
  int batches = 1;
  std::int64_t offset = 0;
};

struct cublasLtMatmulPreferenceOpaque {
  std::uint64_t workspace = 0;
  std::uint32_t alignments[4] = {256, 256, 256, 256};  // of A, B, C and D
};

namespace {

constexpr std::uint64_t magic = 0x466c6f65;
constexpr std::size_t workspaces[] = {4096, 256, 0};  // of the ways that are listed, the fastest first

std::atomic<int> refusals = 0, refusal = 0;
std::atomic<bool> knows_none = false;
std::atomic<std::size_t> grown = 0;  // how much more the first of them works with

template <class T, class V>
cublasStatus_t assign(V& to, const void* value, std::size_t bytes) {
  if (!value || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  T given;
  std::memcpy(&given, value, sizeof given);
  to = static_cast<V>(given);
  return CUBLAS_STATUS_SUCCESS;
}

// Takes a value only if it is the one that is supported.
template <class T>
cublasStatus_t insist(T expected, const void* value, std::size_t bytes) {
  T given;
  cublasStatus_t status = assign<T>(given, value, bytes);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  return given == expected ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

bool supported(cudaDataType type) { return type == CUDA_R_32F || type == CUDA_R_64F || type == CUDA_R_16BF; }

Format format_of(cudaDataType type) {
  return type == CUDA_R_64F ? Format::float64 : type == CUDA_R_16BF ? Format::bfloat16 : Format::float32;
}

struct Problem {
  std::size_t m, n, k;
};

cublasStatus_t check(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, Problem& problem) {
  if (!description || !a || !b || !c || !d) return CUBLAS_STATUS_INVALID_VALUE;
  for (cublasLtMatrixLayout_t layout : {a, b, c, d}) {
    bool fits = layout->rows > 0 && layout->columns > 0 && layout->ld >= static_cast<std::int64_t>(layout->rows);
    if (!fits || layout->batches < 1 || layout->batches != d->batches) return CUBLAS_STATUS_INVALID_VALUE;
  }
  bool ta = description->transpose_a != CUBLAS_OP_N, tb = description->transpose_b != CUBLAS_OP_N;
  problem = {ta ? a->columns : a->rows, tb ? b->rows : b->columns, ta ? a->rows : a->columns};
  if ((tb ? b->columns : b->rows) != problem.k) return CUBLAS_STATUS_INVALID_VALUE;
  if (d->rows != problem.m || d->columns != problem.n) return CUBLAS_STATUS_INVALID_VALUE;
  if (c->rows != problem.m || c->columns != problem.n) return CUBLAS_STATUS_INVALID_VALUE;
  // Matrices of D may lie anywhere but on each other.
  if (d->batches > 1 && d->offset == 0) return CUBLAS_STATUS_INVALID_VALUE;

  bool wide = description->compute == CUBLAS_COMPUTE_64F || description->compute == CUBLAS_COMPUTE_64F_PEDANTIC;
  if (description->scale != (wide ? CUDA_R_64F : CUDA_R_32F)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (a->type != b->type || c->type != d->type) return CUBLAS_STATUS_NOT_SUPPORTED;
  bool types = wide ? a->type == CUDA_R_64F && d->type == CUDA_R_64F
                    : (a->type == CUDA_R_32F && d->type == CUDA_R_32F) ||
                          (a->type == CUDA_R_16BF && (d->type == CUDA_R_32F || d->type == CUDA_R_16BF));
  return types ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

std::size_t elements(const cublasLtMatrixLayoutOpaque& x) {
  return (x.batches - 1) * x.offset + (x.columns - 1) * x.ld + x.rows;
}

// One matrix of a batch as doubles, by columns and transposed where requested.
std::vector<double> unpack(const char* data, const cublasLtMatrixLayoutOpaque& x, int batch, bool transpose,
                           bool as_tf32) {
  std::vector<double> result(x.rows * x.columns);
  Format format = format_of(x.type);
  for (std::size_t j = 0; j < x.columns; ++j) {
    for (std::size_t i = 0; i < x.rows; ++i) {
      double value = load(data, batch * x.offset + j * x.ld + i, format, as_tf32);
      result[transpose ? i * x.columns + j : j * x.rows + i] = value;
    }
  }
  return result;
}

}  // namespace

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return "CUBLAS_STATUS_UNKNOWN";
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an invalid numerical value was used as an argument";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "an absent device architectural feature is required";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "an access to GPU memory space failed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the GPU program failed to execute";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality is not supported";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "license error";
  }
  return "unknown error";
}

std::size_t cublasLtGetVersion() { return 130000; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description, cublasComputeType_t compute,
                                        cudaDataType scale) {
  if (!description) return CUBLAS_STATUS_INVALID_VALUE;
  *description = new cublasLtMatmulDescOpaque{compute, scale};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete description;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              std::size_t bytes) {
  if (!description) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return assign<std::int32_t>(description->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return assign<std::int32_t>(description->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return assign<std::int32_t>(description->compute, value, bytes);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return assign<std::int32_t>(description->scale, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return insist<std::uint32_t>(CUBLASLT_EPILOGUE_DEFAULT, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSC:
      return insist<std::int32_t>(CUBLAS_OP_N, value, bytes);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return insist<std::int32_t>(0, value, bytes);
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t ld) {
  if (!layout || !supported(type)) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new cublasLtMatrixLayoutOpaque{type, rows, columns, ld};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                std::size_t bytes) {
  if (!layout) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return assign<std::uint32_t>(layout->type, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return insist<std::int32_t>(CUBLASLT_ORDER_COL, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return assign<std::uint64_t>(layout->rows, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return assign<std::uint64_t>(layout->columns, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return assign<std::int64_t>(layout->ld, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return assign<std::int32_t>(layout->batches, value, bytes);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return assign<std::int64_t>(layout->offset, value, bytes);
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  if (!preference) return CUBLAS_STATUS_INVALID_VALUE;
  *preference = new cublasLtMatmulPreferenceOpaque;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    std::size_t bytes) {
  if (!preference) return CUBLAS_STATUS_INVALID_VALUE;
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
    return assign<std::uint64_t>(preference->workspace, value, bytes);
  }
  int matrix = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  if (matrix < 0 || matrix > 3) return CUBLAS_STATUS_NOT_SUPPORTED;
  return assign<std::uint32_t>(preference->alignments[matrix], value, bytes);
}

// The algorithm holds: magic, workspace, the four alignments.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* returned) {
  if (!handle || !preference || !results || !returned || requested < 1) return CUBLAS_STATUS_INVALID_VALUE;
  *returned = 0;
  Problem problem;
  cublasStatus_t status = check(description, a, b, c, d, problem);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  auto most = static_cast<std::size_t>(most_elements());
  if (knows_none || std::max({problem.m, problem.n, problem.k}) > most) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (std::size_t workspace : workspaces) {
    if (workspace == workspaces[0]) workspace += grown;
    if (workspace > preference->workspace || *returned == requested) continue;
    cublasLtMatmulHeuristicResult_t& result = results[(*returned)++];
    result = {};
    result.algo.data[0] = magic;
    result.algo.data[1] = workspace;
    std::copy_n(preference->alignments, 4, result.algo.data + 2);
    result.workspaceSize = workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 1;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t workspace_bytes,
                              cudaStream_t stream) {
  if (!handle || !alpha || !beta || !a || !b || !d) return CUBLAS_STATUS_INVALID_VALUE;
  Problem problem;
  cublasStatus_t status = check(description, a_layout, b_layout, c_layout, d_layout, problem);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  std::size_t scratch = 0;
  if (algorithm) {
    if (algorithm->data[0] != magic) return CUBLAS_STATUS_INVALID_VALUE;
    scratch = algorithm->data[1];
    if (scratch > workspace_bytes || (scratch > 0 && !workspace)) return CUBLAS_STATUS_INVALID_VALUE;
    const void* pointers[] = {a, b, c, d};
    for (int i = 0; i < 4; ++i) {
      bool aligned =
          reinterpret_cast<std::uintptr_t>(pointers[i]) % std::max<std::uint64_t>(1, algorithm->data[2 + i]) == 0;
      if (!aligned) return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  if (refusals > 0) return --refusals, static_cast<cublasStatus_t>(refusal.load());
  Format scale = format_of(description->scale);
  double alpha_value = load(alpha, 0, scale), beta_value = load(beta, 0, scale);
  if (beta_value != 0 && !c) return CUBLAS_STATUS_INVALID_VALUE;
  auto extent = [](cublasLtMatrixLayout_t x) { return elements(*x) * bytes_of(format_of(x->type)); };
  require_device_memory(a, extent(a_layout), "cublasLtMatmul: A");
  require_device_memory(b, extent(b_layout), "cublasLtMatmul: B");
  if (beta_value != 0) require_device_memory(c, extent(c_layout), "cublasLtMatmul: C");
  require_device_memory(d, extent(d_layout), "cublasLtMatmul: D");
  if (scratch > 0) require_device_memory(workspace, scratch, "cublasLtMatmul: the workspace");

  auto work = [=, op = *description, la = *a_layout, lb = *b_layout, lc = *c_layout, ld = *d_layout] {
    if (scratch > 0) std::memset(workspace, 0xFF, scratch);
    // Tensor cores read lines of 16 bytes; other matrices are multiplied without them, and not rounded.
    auto in_lines = [](const void* data, const cublasLtMatrixLayoutOpaque& x) {
      return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && x.ld % 4 == 0 && x.offset % 4 == 0;
    };
    bool as_tf32 = op.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && in_lines(a, la) && in_lines(b, lb) && in_lines(d, ld);
    std::vector<double> column(problem.m);
    for (int batch = 0; batch < ld.batches; ++batch) {
      auto left = unpack(static_cast<const char*>(a), la, batch, op.transpose_a != CUBLAS_OP_N, as_tf32);
      auto right = unpack(static_cast<const char*>(b), lb, batch, op.transpose_b != CUBLAS_OP_N, as_tf32);
      for (std::size_t j = 0; j < problem.n; ++j) {
        std::fill(column.begin(), column.end(), 0.0);
        for (std::size_t p = 0; p < problem.k; ++p) {
          const double factor = right[j * problem.k + p], *from = &left[p * problem.m];
          for (std::size_t i = 0; i < problem.m; ++i) column[i] += factor * from[i];
        }
        for (std::size_t i = 0; i < problem.m; ++i) {
          double value = alpha_value * column[i];
          if (beta_value != 0) value += beta_value * load(c, batch * lc.offset + j * lc.ld + i, format_of(lc.type));
          store(d, batch * ld.offset + j * ld.ld + i, format_of(ld.type), value);
        }
      }
    }
  };
  cudaError_t queued = enqueue(stream,
                               &workspaces[scratch >= workspaces[0] ? 0
                                           : scratch > 0            ? 1
                                                                    : 2],
                               std::move(work));
  return queued == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

void floe_simulator::refuse_products(int count, int status) { refusals = count, refusal = status; }

namespace floe_simulator {
void list_no_products(bool yes) { knows_none = yes; }
void grow_first_product_workspace(std::size_t bytes) { grown = bytes; }
}  // namespace floe_simulator
