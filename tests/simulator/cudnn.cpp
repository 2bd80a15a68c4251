// Convolutions of the simulated cuDNN: loops over every pair of an output and an input, with sums in double.
#include <cudnn.h>
#include <simulator.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "internal.h"
#include "numbers.h"

using namespace floe_simulator;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

// For a filter n is the number of output channels and c that of input channels in a group.
struct Shape {
  cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int n = 0, c = 0, h = 0, w = 0;

  bool set() const { return n > 0; }
  std::size_t elements() const { return std::size_t{1} * n * c * h * w; }
};

struct cudnnTensorStruct : Shape {};
struct cudnnFilterStruct : Shape {};

struct cudnnConvolutionStruct {
  int pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0, dilation_h = 1, dilation_w = 1;
  int groups = 1;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

Format format_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_DOUBLE ? Format::float64 : type == CUDNN_DATA_BFLOAT16 ? Format::bfloat16 : Format::float32;
}

cudnnStatus_t set_shape(Shape* shape, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c, int h, int w) {
  if (!shape || n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
  auto limit = static_cast<double>(most_elements());
  if (1.0 * n * c * h * w > limit) return CUDNN_STATUS_NOT_SUPPORTED;
  if (format != CUDNN_TENSOR_NCHW && format != CUDNN_TENSOR_NHWC) return CUDNN_STATUS_NOT_SUPPORTED;
  if (type != CUDNN_DATA_FLOAT && type != CUDNN_DATA_DOUBLE && type != CUDNN_DATA_BFLOAT16) {
    return CUDNN_STATUS_NOT_SUPPORTED;
  }
  *shape = {format, type, n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

template <class T>
cudnnStatus_t create(T** object) {
  if (!object) return CUDNN_STATUS_BAD_PARAM;
  *object = new T;
  return CUDNN_STATUS_SUCCESS;
}

int output_extent(int x, int pad, int filter, int stride, int dilation) {
  int room = x + 2 * pad - ((filter - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

cudnnStatus_t output_shape(const cudnnConvolutionStruct* c, const Shape* x, const Shape* w, int& n, int& channels,
                           int& height, int& width) {
  if (!c || !x || !w || !x->set() || !w->set() || c->stride_h < 1) return CUDNN_STATUS_BAD_PARAM;
  if (x->c != w->c * c->groups || w->n % c->groups != 0) return CUDNN_STATUS_BAD_PARAM;
  n = x->n;
  channels = w->n;
  height = output_extent(x->h, c->pad_h, w->h, c->stride_h, c->dilation_h);
  width = output_extent(x->w, c->pad_w, w->w, c->stride_w, c->dilation_w);
  return height > 0 && width > 0 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

// Whether y = convolution(x, w) is one that cuDNN computes.
cudnnStatus_t check(const cudnnConvolutionStruct* c, const Shape* x, const Shape* w, const Shape* y) {
  int n, channels, height, width;
  cudnnStatus_t status = output_shape(c, x, w, n, channels, height, width);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (!y || y->n != n || y->c != channels || y->h != height || y->w != width) return CUDNN_STATUS_BAD_PARAM;
  if (x->type != w->type || x->type != y->type) return CUDNN_STATUS_NOT_SUPPORTED;
  if (x->format != w->format || x->format != y->format) return CUDNN_STATUS_NOT_SUPPORTED;
  bool wide = x->type == CUDNN_DATA_DOUBLE;
  return c->compute == (wide ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT) ? CUDNN_STATUS_SUCCESS
                                                                     : CUDNN_STATUS_NOT_SUPPORTED;
}

// ---- Algorithms ----

struct Algorithm {
  int number;
  cudnnStatus_t status;
  std::size_t workspace;
  cudnnDeterminism_t determinism;
};

// In the order of the lists that cuDNN gives: what is fast first, be it right or not.
constexpr Algorithm forward_algorithms[] = {
    {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_STATUS_SUCCESS, 4096, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_STATUS_SUCCESS, 0, CUDNN_DETERMINISTIC},
};
constexpr Algorithm data_algorithms[] = {
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_STATUS_SUCCESS, 0, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, CUDNN_STATUS_SUCCESS, 8192, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, CUDNN_STATUS_SUCCESS, 1 << 16, CUDNN_DETERMINISTIC},
};
constexpr Algorithm filter_algorithms[] = {
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_STATUS_SUCCESS, 0, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_STATUS_NOT_SUPPORTED, 0, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, CUDNN_STATUS_SUCCESS, 8192, CUDNN_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, CUDNN_STATUS_SUCCESS, 256, CUDNN_NON_DETERMINISTIC},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, CUDNN_STATUS_SUCCESS, 1 << 16, CUDNN_DETERMINISTIC},
};

std::atomic<bool> nothing_good = false;

bool uses_tensor_cores(cudnnMathType_t math) { return math != CUDNN_FMA_MATH; }

// bfloat16 is computed by tensor cores alone, which must be asked for by their name.
bool has_math(cudnnDataType_t type, cudnnMathType_t math) {
  return type != CUDNN_DATA_BFLOAT16 || math == CUDNN_TENSOR_OP_MATH || math == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
}

std::atomic<std::size_t> grown = 0;

// On tensor cores a way works with more memory than without.
std::size_t workspace_of(const Algorithm& algorithm, cudnnMathType_t math) {
  bool first =
      &algorithm == &forward_algorithms[1] || &algorithm == &data_algorithms[2] || &algorithm == &filter_algorithms[2];
  return algorithm.workspace + (uses_tensor_cores(math) ? 1024 : 0) + (first ? grown.load() : 0);
}

template <std::size_t n>
const Algorithm* find(const Algorithm (&algorithms)[n], int number) {
  for (const Algorithm& algorithm : algorithms) {
    if (algorithm.number == number && algorithm.status == CUDNN_STATUS_SUCCESS) return &algorithm;
  }
  return nullptr;
}

template <class Result, std::size_t n>
cudnnStatus_t list(const Algorithm (&algorithms)[n], cudnnHandle_t handle, const cudnnConvolutionStruct* c,
                   const Shape* x, const Shape* w, const Shape* y, int requested, int* returned, Result* results) {
  if (!handle || !returned || !results || requested < 1) return CUDNN_STATUS_BAD_PARAM;
  cudnnStatus_t status = check(c, x, w, y);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  *returned = 0;
  auto add = [&](const Algorithm& algorithm, cudnnMathType_t math) {
    if (*returned == requested) return;
    bool good = has_math(x->type, math) && !(nothing_good && algorithm.determinism == CUDNN_DETERMINISTIC);
    Result& one = results[(*returned)++];
    one = {};
    one.algo = static_cast<decltype(one.algo)>(algorithm.number);
    one.status = good ? algorithm.status : CUDNN_STATUS_NOT_SUPPORTED;
    one.time = -1;
    one.memory = workspace_of(algorithm, math);
    one.determinism = algorithm.determinism;
    one.mathType = math;
  };
  for (const Algorithm& algorithm : algorithms) {
    add(algorithm, c->math);
    if (x->type == CUDNN_DATA_FLOAT && uses_tensor_cores(c->math)) add(algorithm, CUDNN_FMA_MATH);
  }
  return CUDNN_STATUS_SUCCESS;
}

template <std::size_t n>
cudnnStatus_t workspace_size(const Algorithm (&algorithms)[n], cudnnHandle_t handle, const cudnnConvolutionStruct* c,
                             const Shape* x, const Shape* w, const Shape* y, int number, std::size_t* bytes) {
  if (!handle || !bytes) return CUDNN_STATUS_BAD_PARAM;
  cudnnStatus_t status = check(c, x, w, y);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  const Algorithm* algorithm = find(algorithms, number);
  if (!algorithm || !has_math(x->type, c->math)) return CUDNN_STATUS_NOT_SUPPORTED;
  *bytes = workspace_of(*algorithm, c->math);
  return CUDNN_STATUS_SUCCESS;
}

// ---- The loops, on doubles with channels last ----

// Index of an element in memory.
std::size_t index_of(const Shape& s, std::size_t n, std::size_t c, std::size_t h, std::size_t w) {
  return s.format == CUDNN_TENSOR_NHWC ? ((n * s.h + h) * s.w + w) * s.c + c : ((n * s.c + c) * s.h + h) * s.w + w;
}

template <class F>
void for_each_element(const Shape& s, F f) {  // in the order n, h, w, c
  for (int n = 0; n < s.n; ++n) {
    for (int h = 0; h < s.h; ++h) {
      for (int w = 0; w < s.w; ++w) {
        for (int c = 0; c < s.c; ++c) f(index_of(s, n, c, h, w));
      }
    }
  }
}

std::vector<double> unpack(const void* data, const Shape& s, bool as_tf32) {
  std::vector<double> result;
  result.reserve(s.elements());
  for_each_element(s, [&](std::size_t i) { result.push_back(load(data, i, format_of(s.type), as_tf32)); });
  return result;
}

struct Job {
  cudnnConvolutionStruct c;
  Shape x, w, y;

  // Where channels come in lines of 16 bytes, as tensor cores read them.
  bool as_tf32() const {
    return x.type == CUDNN_DATA_FLOAT && uses_tensor_cores(c.math) && w.c % 4 == 0 && per_group() % 4 == 0;
  }

  // Calls f(first of the channels in x, in w, in y) for every place where an input meets a filter's element: the
  // channels of x and y are those of one group, and those of w at k are `w.h * w.w * w.c` elements apart.
  template <class F>
  void for_each_meeting(F f) const {
    std::size_t per_group = w.n / c.groups;
    for (int n = 0; n < y.n; ++n) {
      for (int oy = 0; oy < y.h; ++oy) {
        for (int ox = 0; ox < y.w; ++ox) {
          std::size_t y_at = ((std::size_t{1} * n * y.h + oy) * y.w + ox) * y.c;
          for (int r = 0; r < w.h; ++r) {
            int iy = oy * c.stride_h - c.pad_h + r * c.dilation_h;
            if (iy < 0 || iy >= x.h) continue;
            for (int s = 0; s < w.w; ++s) {
              int ix = ox * c.stride_w - c.pad_w + s * c.dilation_w;
              if (ix < 0 || ix >= x.w) continue;
              std::size_t x_at = ((std::size_t{1} * n * x.h + iy) * x.w + ix) * x.c;
              bool flip = c.mode == CUDNN_CONVOLUTION;
              std::size_t tap = std::size_t{1} * (flip ? w.h - 1 - r : r) * w.w + (flip ? w.w - 1 - s : s);
              for (int g = 0; g < c.groups; ++g) f(x_at + g * w.c, g, tap, y_at + g * per_group);
            }
          }
        }
      }
    }
  }

  std::size_t taps() const { return std::size_t{1} * w.h * w.w; }
  std::size_t per_group() const { return w.n / c.groups; }

  std::vector<double> forward(const std::vector<double>& x_values, const std::vector<double>& w_values) const {
    // The filter with its output channels last: the innermost loop runs over them.
    std::vector<double> turned(w_values.size()), result(y.elements());
    std::size_t inner = w.c, outer = per_group();
    for (std::size_t k = 0; k < static_cast<std::size_t>(w.n); ++k) {
      for (std::size_t tap = 0; tap < taps(); ++tap) {
        for (std::size_t i = 0; i < inner; ++i) {
          turned[((k / outer * taps() + tap) * inner + i) * outer + k % outer] =
              w_values[(k * taps() + tap) * inner + i];
        }
      }
    }
    for_each_meeting([&](std::size_t x_at, std::size_t g, std::size_t tap, std::size_t y_at) {
      double* to = &result[y_at];
      for (std::size_t i = 0; i < inner; ++i) {
        const double value = x_values[x_at + i];
        const double* from = &turned[((g * taps() + tap) * inner + i) * outer];
        for (std::size_t k = 0; k < outer; ++k) to[k] += value * from[k];
      }
    });
    return result;
  }

  std::vector<double> backward_data(const std::vector<double>& w_values, const std::vector<double>& dy) const {
    std::vector<double> result(x.elements());
    std::size_t inner = w.c, outer = per_group();
    for_each_meeting([&](std::size_t x_at, std::size_t g, std::size_t tap, std::size_t y_at) {
      double* to = &result[x_at];
      for (std::size_t k = 0; k < outer; ++k) {
        const double value = dy[y_at + k];
        const double* from = &w_values[((g * outer + k) * taps() + tap) * inner];
        for (std::size_t i = 0; i < inner; ++i) to[i] += value * from[i];
      }
    });
    return result;
  }

  std::vector<double> backward_filter(const std::vector<double>& x_values, const std::vector<double>& dy) const {
    std::vector<double> result(w.elements());
    std::size_t inner = w.c, outer = per_group();
    for_each_meeting([&](std::size_t x_at, std::size_t g, std::size_t tap, std::size_t y_at) {
      const double* from = &x_values[x_at];
      for (std::size_t k = 0; k < outer; ++k) {
        const double value = dy[y_at + k];
        double* to = &result[((g * outer + k) * taps() + tap) * inner];
        for (std::size_t i = 0; i < inner; ++i) to[i] += value * from[i];
      }
    });
    return result;
  }
};

// What an algorithm without a fixed order of sums adds: another error in the last bits at every call.
double error_of(const Algorithm& algorithm, cudnnDataType_t type) {
  static std::atomic<int> calls{0};
  if (algorithm.determinism == CUDNN_DETERMINISTIC) return 0;
  int call = calls++;
  double size = type == CUDNN_DATA_DOUBLE ? 0x1p-50 : 0x1p-21;
  return (call % 2 == 0 ? size : -size) * (1 + call / 2 % 3);
}

using Compute = std::vector<double> (Job::*)(const std::vector<double>&, const std::vector<double>&) const;

std::atomic<int> refusals = 0, refusal = 0;

cudnnStatus_t run(cudnnHandle_t handle, const Algorithm* algorithm, Compute compute, const cudnnConvolutionStruct* c,
                  const Shape* x, const Shape* w, const Shape* y, const Shape* a_shape, const void* a,
                  const Shape* b_shape, const void* b, const Shape* result_shape, void* result, const void* alpha,
                  const void* beta, void* workspace, std::size_t workspace_bytes, const char* what) {
  if (!handle || !a || !b || !result || !alpha || !beta) return CUDNN_STATUS_BAD_PARAM;
  cudnnStatus_t status = check(c, x, w, y);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (!algorithm || !has_math(x->type, c->math)) return CUDNN_STATUS_NOT_SUPPORTED;
  if (refusals > 0) return --refusals, static_cast<cudnnStatus_t>(refusal.load());
  std::size_t scratch = workspace_of(*algorithm, c->math);
  if (scratch > workspace_bytes || (scratch > 0 && !workspace)) return CUDNN_STATUS_BAD_PARAM;
  auto require = [what](const Shape& shape, const void* data) {
    require_device_memory(data, shape.elements() * bytes_of(format_of(shape.type)), what);
    require_aligned(data, what);
  };
  require(*a_shape, a);
  require(*b_shape, b);
  require(*result_shape, result);
  if (scratch > 0) require_device_memory(workspace, scratch, what);
  Format scale = x->type == CUDNN_DATA_DOUBLE ? Format::float64 : Format::float32;
  double alpha_value = load(alpha, 0, scale), beta_value = load(beta, 0, scale);
  alpha_value *= 1 + error_of(*algorithm, x->type);
  auto work = [=, job = Job{*c, *x, *w, *y}, sa = *a_shape, sb = *b_shape, sr = *result_shape] {
    if (scratch > 0) std::memset(workspace, 0xFF, scratch);
    auto values = (job.*compute)(unpack(a, sa, job.as_tf32()), unpack(b, sb, job.as_tf32()));
    std::size_t next = 0;
    for_each_element(
        sr, [&](std::size_t i) { blend(result, i, format_of(sr.type), alpha_value, values[next++], beta_value); });
  };
  cudaError_t queued = enqueue(handle->stream, algorithm, std::move(work));
  return queued == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED_CUDART;
}

}  // namespace

namespace floe_simulator {

void list_no_products(bool yes);                       // cublaslt.cpp
void grow_first_product_workspace(std::size_t bytes);  // also

void refuse_convolutions(int count, int status) { refusals = count, refusal = status; }

void list_nothing_good(bool yes) {
  nothing_good = yes;
  list_no_products(yes);
}

void grow_first_workspaces(std::size_t bytes) {
  grown = bytes;
  grow_first_product_workspace(bytes);
}

namespace {
std::atomic<std::int64_t> element_limit = 0;
}
void limit_elements(std::int64_t most) { element_limit = most; }
std::int64_t most_elements() { return element_limit > 0 ? element_limit.load() : 0x7fffffff; }

}  // namespace floe_simulator

std::size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED_CUDART:
      return "CUDNN_STATUS_EXECUTION_FAILED_CUDART";
  }
  return "CUDNN_UNKNOWN_STATUS";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess) return CUDNN_STATUS_NOT_INITIALIZED;
  return create(handle);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  if (!handle) return CUDNN_STATUS_BAD_PARAM;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  if (!handle || !stream) return CUDNN_STATUS_BAD_PARAM;
  *stream = handle->stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) { return create(tensor); }

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  delete tensor;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return set_shape(tensor, format, type, n, c, h, w);
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) { return create(filter); }

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) {
  delete filter;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return set_shape(filter, format, type, k, c, h, w);
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution) {
  return create(convolution);
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
  delete convolution;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute) {
  if (!convolution || pad_h < 0 || pad_w < 0 || u < 1 || v < 1 || dilation_h < 1 || dilation_w < 1) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  auto& c = *convolution;
  c.pad_h = pad_h, c.pad_w = pad_w, c.stride_h = u, c.stride_w = v, c.dilation_h = dilation_h;
  c.dilation_w = dilation_w, c.mode = mode, c.compute = compute;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t math) {
  if (!convolution || math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH) return CUDNN_STATUS_BAD_PARAM;
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t* math) {
  if (!convolution || !math) return CUDNN_STATUS_BAD_PARAM;
  *math = convolution->math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t convolution, int groups) {
  if (!convolution || groups < 1) return CUDNN_STATUS_BAD_PARAM;
  convolution->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionGroupCount(cudnnConvolutionDescriptor_t convolution, int* groups) {
  if (!convolution || !groups) return CUDNN_STATUS_BAD_PARAM;
  *groups = convolution->groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(const cudnnConvolutionDescriptor_t convolution,
                                                    const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
                                                    int* n, int* c, int* height, int* width) {
  if (!n || !c || !height || !width) return CUDNN_STATUS_BAD_PARAM;
  return output_shape(convolution, x, w, *n, *c, *height, *width);
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t convolution,
                                                     const cudnnTensorDescriptor_t y, const int requested,
                                                     int* returned, cudnnConvolutionFwdAlgoPerf_t* results) {
  return list(forward_algorithms, handle, convolution, x, w, y, requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, const cudnnFilterDescriptor_t w,
                                                          const cudnnTensorDescriptor_t dy,
                                                          const cudnnConvolutionDescriptor_t convolution,
                                                          const cudnnTensorDescriptor_t dx, const int requested,
                                                          int* returned, cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return list(data_algorithms, handle, convolution, dx, w, dy, requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                            const cudnnTensorDescriptor_t dy,
                                                            const cudnnConvolutionDescriptor_t convolution,
                                                            const cudnnFilterDescriptor_t dw, const int requested,
                                                            int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return list(filter_algorithms, handle, convolution, x, dw, dy, requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                      const cudnnFilterDescriptor_t w,
                                                      const cudnnConvolutionDescriptor_t convolution,
                                                      const cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
  return workspace_size(forward_algorithms, handle, convolution, x, w, y, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, const cudnnFilterDescriptor_t w,
                                                           const cudnnTensorDescriptor_t dy,
                                                           const cudnnConvolutionDescriptor_t convolution,
                                                           const cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algorithm,
                                                           std::size_t* bytes) {
  return workspace_size(data_algorithms, handle, convolution, dx, w, dy, algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                             const cudnnTensorDescriptor_t dy,
                                                             const cudnnConvolutionDescriptor_t convolution,
                                                             const cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t algorithm,
                                                             std::size_t* bytes) {
  return workspace_size(filter_algorithms, handle, convolution, x, dw, dy, algorithm, bytes);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t x_shape,
                                      const void* x, const cudnnFilterDescriptor_t w_shape, const void* w,
                                      const cudnnConvolutionDescriptor_t convolution,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t workspace_bytes,
                                      const void* beta, const cudnnTensorDescriptor_t y_shape, void* y) {
  return run(handle, find(forward_algorithms, algorithm), &Job::forward, convolution, x_shape, w_shape, y_shape,
             x_shape, x, w_shape, w, y_shape, y, alpha, beta, workspace, workspace_bytes, "cudnnConvolutionForward");
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           const cudnnFilterDescriptor_t w_shape, const void* w,
                                           const cudnnTensorDescriptor_t dy_shape, const void* dy,
                                           const cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                                           std::size_t workspace_bytes, const void* beta,
                                           const cudnnTensorDescriptor_t dx_shape, void* dx) {
  return run(handle, find(data_algorithms, algorithm), &Job::backward_data, convolution, dx_shape, w_shape, dy_shape,
             w_shape, w, dy_shape, dy, dx_shape, dx, alpha, beta, workspace, workspace_bytes,
             "cudnnConvolutionBackwardData");
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             const cudnnTensorDescriptor_t x_shape, const void* x,
                                             const cudnnTensorDescriptor_t dy_shape, const void* dy,
                                             const cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                                             std::size_t workspace_bytes, const void* beta,
                                             const cudnnFilterDescriptor_t dw_shape, void* dw) {
  return run(handle, find(filter_algorithms, algorithm), &Job::backward_filter, convolution, x_shape, dw_shape,
             dy_shape, x_shape, x, dy_shape, dy, dw_shape, dw, alpha, beta, workspace, workspace_bytes,
             "cudnnConvolutionBackwardFilter");
}
