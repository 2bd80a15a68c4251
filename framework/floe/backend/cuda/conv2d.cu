// Convolutions of float32 through cuDNN; float64, and what cuDNN does not take, in plain loops.
//
// cuDNN reads filters as (out, height, width, in), ours are (height, width, in, out); and it pads both sides alike,
// where "same" padding of an even stride has one more row at the end. So filters are turned, and where the sides differ
// they get rows and columns of zeros, which is less to copy than the images are. Those of a variable are kept as long as
// its value. In bfloat16 what is copied is also rounded.
//
// Of cuDNN's two algorithms to describe a convolution this is the older one, of three functions: it reports for each
// algorithm whether it gives the same bits every time, and what is used of it here can be tested without a GPU. What
// the newer one, of graphs, offers beyond it is the fusion with what follows, which an eager library does not know yet.
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include <floe/backend/cuda/bfloat16.h>
#include <floe/backend/cuda/conv2d_direct.h>
#include <floe/backend/cuda/derived.h>
#include <floe/backend/cuda/pixels.h>
#include <floe/backend/cuda/ways.h>
#include <floe/backend/settings.h>

namespace floe::cuda {
namespace {

enum class Direction { forward, input_gradient, filter_gradient };

// Along one axis of the images: how cuDNN, which pads both sides alike, comes to our windows. The filters stand in a box,
// with zeros before or behind them that the difference of the sides falls on. (A pixel that is not finite makes NaN
// where such a zero falls on it, one window further than on the CPU.)
struct Boxed {
  Boxed(std::int64_t size, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
        std::int64_t before) {
    const std::int64_t behind =
        (out - 1) * stride + (kernel - 1) * dilation + 1 - size - before;  // or what is not read
    const std::int64_t lacking = behind - before;
    auto fits = [&](std::int64_t left) { return left >= 0 && left < stride; };  // the windows' last step takes it up
    std::int64_t zeros = 0;  // before the filters; behind them if negative
    spacing = dilation;
    if (!fits(-lacking)) zeros = lacking > 0 ? (lacking + dilation - 1) / dilation : lacking / dilation;
    if (!fits(zeros * dilation - lacking)) spacing = 1, zeros = lacking;  // with zeros between the taps as well
    step = dilation / spacing;
    first = std::max<std::int64_t>(zeros, 0);
    taps = (kernel - 1) * step + 1 + std::max(zeros, -zeros);
    pad = before + first * spacing;
  }

  std::int64_t taps, first, step;  // of the box, and where in it the filters' own stand
  std::int64_t spacing, pad;       // what cuDNN is told
};

struct Box {
  explicit Box(const ConvGeometry& g)
      : rows(g.height, g.out_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_top),
        columns(g.width, g.out_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_left) {}
  Boxed rows, columns;
};

struct Key {
  ConvGeometry g;
  Precision precision;
  Direction direction;
  int device;

  auto fields() const {
    return std::tuple(std::array{g.batch, g.height, g.width, g.in, g.out_height, g.out_width, g.out, g.kernel_height,
                                 g.kernel_width, g.stride_height, g.stride_width, g.dilation_height, g.dilation_width,
                                 g.pad_top, g.pad_bottom, g.pad_left, g.pad_right, g.groups},
                      precision, direction, device);
  }
  bool operator<(const Key& other) const { return fields() < other.fields(); }
};

// One of cuDNN's algorithms for a convolution, with the kind of math it is listed for and the memory it works with.
struct Algorithm {
  int algorithm;
  cudnnMathType_t math;
  std::size_t workspace;
};

// How a convolution is described to cuDNN, and the algorithms that give the same bits every time, the fastest first as far as
// it knows. It lives as long as the program.
struct Plan {
  Plan(const Context& on, const Key& key) : box(key.g), exact(key.precision == Precision::float32) {
    const ConvGeometry& g = key.g;
    bool half = key.precision == Precision::bf16;
    cudnnDataType_t type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    auto size = [](std::int64_t number) {  // or 0, which is refused: nothing larger can be said
      return number <= std::numeric_limits<int>::max() ? static_cast<int>(number) : 0;
    };
    check(cudnnCreateTensorDescriptor(&image), "conv2d");
    check(cudnnCreateTensorDescriptor(&result), "conv2d");
    check(cudnnCreateFilterDescriptor(&filters), "conv2d");
    check(cudnnCreateConvolutionDescriptor(&convolution), "conv2d");
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    auto also = [&](cudnnStatus_t next) { status = status == CUDNN_STATUS_SUCCESS ? next : status; };
    also(cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NHWC, type, size(g.batch), size(g.in), size(g.height),
                                    size(g.width)));
    also(cudnnSetTensor4dDescriptor(result, CUDNN_TENSOR_NHWC, type, size(g.batch), size(g.out), size(g.out_height),
                                    size(g.out_width)));
    also(cudnnSetFilter4dDescriptor(filters, type, CUDNN_TENSOR_NHWC, size(g.out), size(g.in / g.groups),
                                    size(box.rows.taps), size(box.columns.taps)));
    also(cudnnSetConvolution2dDescriptor(convolution, size(box.rows.pad), size(box.columns.pad), size(g.stride_height),
                                         size(g.stride_width), size(box.rows.spacing), size(box.columns.spacing),
                                         CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    also(cudnnSetConvolutionMathType(convolution, exact  ? CUDNN_FMA_MATH
                                                  : half ? CUDNN_TENSOR_OP_MATH
                                                         : CUDNN_DEFAULT_MATH));
    also(cudnnSetConvolutionGroupCount(convolution, size(g.groups)));
    if (status == CUDNN_STATUS_SUCCESS) status = choose(on, key.direction);
    if (status != CUDNN_STATUS_SUCCESS && (lacks_memory(status) || !may_go_otherwise(status))) check(status, "conv2d");
  }

  cudnnStatus_t choose(const Context& on, Direction direction) {
    if (direction == Direction::forward)
      return keep<cudnnConvolutionFwdAlgoPerf_t>(
          on,
          [&](int most, int* found, auto* listed) {
            return cudnnGetConvolutionForwardAlgorithm_v7(on.dnn, image, filters, convolution, result, most, found,
                                                          listed);
          },
          [&](auto one, std::size_t* bytes) {
            return cudnnGetConvolutionForwardWorkspaceSize(on.dnn, image, filters, convolution, result, one, bytes);
          });
    if (direction == Direction::input_gradient)
      return keep<cudnnConvolutionBwdDataAlgoPerf_t>(
          on,
          [&](int most, int* found, auto* listed) {
            return cudnnGetConvolutionBackwardDataAlgorithm_v7(on.dnn, filters, result, convolution, image, most, found,
                                                               listed);
          },
          [&](auto one, std::size_t* bytes) {
            return cudnnGetConvolutionBackwardDataWorkspaceSize(on.dnn, filters, result, convolution, image, one,
                                                                bytes);
          });
    return keep<cudnnConvolutionBwdFilterAlgoPerf_t>(
        on,
        [&](int most, int* found, auto* listed) {
          return cudnnGetConvolutionBackwardFilterAlgorithm_v7(on.dnn, image, result, convolution, filters, most, found,
                                                               listed);
        },
        [&](auto one, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(on.dnn, image, result, convolution, filters, one,
                                                                bytes);
        });
  }

  // `list` asks for the algorithms, each of which may come once for each kind of math. `needs` asks how much memory one
  // works with, as the convolution is described now: what the list gives for it holds for the list's own kind of math,
  // which is described here first.
  template <class Listed, class List, class Needs>
  cudnnStatus_t keep(const Context& on, List list, Needs needs) {
    constexpr std::size_t most_workspace = std::size_t{2} << 30;
    constexpr int most = 32;
    std::array<Listed, most> listed;
    int found = 0;
    cudnnStatus_t status = with_room(on.device, [&] { return list(most, &found, listed.data()); });
    if (status != CUDNN_STATUS_SUCCESS) return status;
    for (int i = 0; i < found; ++i) {
      const Listed& one = listed[static_cast<std::size_t>(i)];
      bool rounds = one.mathType == CUDNN_TENSOR_OP_MATH || one.mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
      if (one.status != CUDNN_STATUS_SUCCESS || one.determinism != CUDNN_DETERMINISTIC || (exact && rounds)) continue;
      Algorithm algorithm{one.algo, exact ? CUDNN_FMA_MATH : one.mathType, 0};
      bool good = cudnnSetConvolutionMathType(convolution, algorithm.math) == CUDNN_STATUS_SUCCESS &&
                  needs(one.algo, &algorithm.workspace) == CUDNN_STATUS_SUCCESS && algorithm.workspace <= most_workspace;
      if (good) algorithms.add(algorithm);
    }
    return status;
  }

  Box box;
  bool exact;  // no factor may be rounded
  cudnnTensorDescriptor_t image = nullptr, result = nullptr;
  cudnnFilterDescriptor_t filters = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
  Ways<Algorithm> algorithms;
};

std::mutex& dnn_mutex() {  // a handle serves one thread at a time
  static std::mutex mutex;
  return mutex;
}

const Plan& plan_for(const Context& on, const Key& key) {
  static auto* plans = new std::map<Key, Plan>;
  std::lock_guard lock(dnn_mutex());
  auto found = plans->find(key);
  return found != plans->end() ? found->second : plans->try_emplace(key, on, key).first->second;
}

// --- Copies around a convolution -------------------------------------------------------------------------------------

// Results, rounded, with a bias for each channel if there is one.
template <class From, class To>
__global__ void finish_kernel(std::int64_t size, Divisor channels, const From* in, const To* bias, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    To value = rounded<To>(in[i]);
    out[i] = bias ? value + bias[i - channels.divide(i) * channels.number] : value;
  }
}

// Filters (height, width, in, out) turned into their box, (out, taps, taps, in). `turned` and `plain` find their places.
struct Turning {
  Turning(const ConvGeometry& g, const Box& box)
      : rows(box.rows),
        columns(box.columns),
        turned(box.rows.taps, box.columns.taps, g.in / g.groups),
        plain(g.kernel_width, g.in / g.groups, g.out) {}
  std::int64_t in_box(std::int64_t out) const {
    return out * turned.height.number * turned.width.number * turned.channels.number;
  }

  Boxed rows, columns;
  Pixels turned, plain;  // (out; taps, taps, in) and (height; width, in, out)
};

template <class From, class To>
__global__ void turn_kernel(std::int64_t size, std::int64_t kernel_height, Turning turning, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [filter, row, column, channel] = turning.turned.find(i);
    const std::int64_t y = row - turning.rows.first, x = column - turning.columns.first;
    const std::int64_t ky = y / turning.rows.step, kx = x / turning.columns.step;
    const bool inside = y >= 0 && x >= 0 && ky * turning.rows.step == y && kx * turning.columns.step == x &&
                        ky < kernel_height && kx < turning.plain.height.number;
    out[i] = rounded<To>(inside ? in[turning.plain.offset(ky, kx, channel, filter)] : From(0));
  }
}

// And back.
template <class From, class To>
__global__ void unturn_kernel(std::int64_t size, Turning turning, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [ky, kx, channel, filter] = turning.plain.find(i);
    out[i] = rounded<To>(in[turning.turned.offset(filter, turning.rows.first + ky * turning.rows.step,
                                                  turning.columns.first + kx * turning.columns.step, channel)]);
  }
}

// One convolution, of float32 tensors whose factors cuDNN sees as F. false if cuDNN refuses it after all.
template <class F>
struct Convolution {
  using T = float;

  Convolution(const Context& on, const ConvGeometry& g, const Plan& plan, const Algorithm& algorithm)
      : on(on), g(g), plan(plan), algorithm(algorithm), turning(g, plan.box) {}

  std::int64_t images() const { return g.batch * g.height * g.width * g.in; }
  std::int64_t results() const { return g.batch * g.out_height * g.out_width * g.out; }
  std::int64_t boxed() const { return turning.in_box(g.out); }
  static constexpr bool same = std::is_same_v<T, F>;

  // An array as cuDNN wants it: the caller's own where this does. It reads 16 bytes at once, so a part of a tensor that
  // begins in between is copied.
  const F* factor(const T* x, std::int64_t size, std::optional<Scratch>& memory) {
    if (same && aligned(x)) return reinterpret_cast<const F*>(x);
    F* to = memory.emplace(on, static_cast<std::size_t>(size) * sizeof(F)).template get<F>();
    launch(on, round_kernel<T, F>, blocks_for(on, size), size, x, to);
    return to;
  }
  // A result that is not the caller's own is finished afterwards.
  F* result(T* y, std::int64_t size, std::optional<Scratch>& memory) {
    if (same) return reinterpret_cast<F*>(y);
    return memory.emplace(on, static_cast<std::size_t>(size) * sizeof(F)).template get<F>();
  }
  void finish(const F* sums, const T* bias, T* y, std::int64_t size, std::int64_t channels) {
    if (!same || bias) launch(on, finish_kernel<F, T>, blocks_for(on, size), size, Divisor(channels), sums, bias, y);
  }

  // Variables keep their turned filters; what else is a filter is mostly used once.
  Storage turned_filters(const Tensor& filters) {
    auto turn = [&](void* to) {
      launch(on, turn_kernel<T, F>, blocks_for(on, boxed()), boxed(), g.kernel_height, turning, data<T>(filters),
             static_cast<F*>(to));
    };
    const std::size_t bytes = static_cast<std::size_t>(boxed()) * sizeof(F);
    if (filters.id().is_variable()) {
      const Boxed &r = turning.rows, &c = turning.columns;
      const Form form{{r.taps, r.first, r.step, c.taps, c.first, c.step, g.kernel_height, g.kernel_width,
                       g.in / g.groups, g.out, same}};
      return derived(on, filters.raw(), form, bytes, turn);
    }
    Storage made(bytes, on.device);
    turn(made.data());
    return made;
  }

  bool forward(const T* x, const Tensor& filters, const T* bias, T* y) {
    std::optional<Scratch> image_memory, result_memory;
    const F* image = factor(x, images(), image_memory);
    Storage turned = turned_filters(filters);
    F* to = result(y, results(), result_memory);
    Scratch work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionForward(on.dnn, &one, plan.image, image, plan.filters, turned.data(), plan.convolution,
                                         static_cast<cudnnConvolutionFwdAlgo_t>(algorithm.algorithm), work.get(),
                                         algorithm.workspace, &zero, plan.result, to);
        }))
      return false;
    finish(to, bias, y, results(), g.out);
    return true;
  }

  bool input_gradient(const T* dy, const Tensor& filters, const T* bias, T* dx) {
    std::optional<Scratch> slope_memory, image_memory;
    const F* slopes = factor(dy, results(), slope_memory);
    Storage turned = turned_filters(filters);
    F* to = result(dx, images(), image_memory);
    Scratch work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionBackwardData(on.dnn, &one, plan.filters, turned.data(), plan.result, slopes,
                                              plan.convolution,
                                              static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm.algorithm),
                                              work.get(), algorithm.workspace, &zero, plan.image, to);
        }))
      return false;
    finish(to, bias, dx, images(), g.in);
    return true;
  }

  bool filter_gradient(const T* x, const T* dy, T* dfilters) {
    std::optional<Scratch> image_memory, slope_memory;
    const F* image = factor(x, images(), image_memory);
    const F* slopes = factor(dy, results(), slope_memory);
    Scratch turned(on, static_cast<std::size_t>(boxed()) * sizeof(F)), work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionBackwardFilter(on.dnn, &one, plan.image, image, plan.result, slopes, plan.convolution,
                                                static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm.algorithm), work.get(),
                                                algorithm.workspace, &zero, plan.filters, turned.get());
        }))
      return false;
    const std::int64_t size = g.kernel_height * g.kernel_width * (g.in / g.groups) * g.out;
    launch(on, unturn_kernel<F, T>, blocks_for(on, size), size, turning,
           static_cast<const F*>(turned.template get<F>()), dfilters);
    return true;
  }

  // A call that the lock is held for. A list may promise what the call then refuses, for one of several reasons.
  template <class Call>
  bool done(Call call) const {
    std::lock_guard lock(dnn_mutex());
    check(cudnnSetConvolutionMathType(plan.convolution, algorithm.math), "conv2d");
    cudnnStatus_t status = with_room(on.device, call);
    if (status != CUDNN_STATUS_SUCCESS && !lacks_memory(status) && may_go_otherwise(status)) return false;
    check(status, "conv2d");
    return true;
  }

  static constexpr float one = 1, zero = 0;
  const Context& on;
  const ConvGeometry& g;
  const Plan& plan;
  const Algorithm& algorithm;
  Turning turning;
};

// run(Convolution) for float32 with the first algorithm that cuDNN does not refuse, else direct().
template <class T, class Run, class Direct>
void either(const Tensor& x, const ConvGeometry& g, Direction direction, Run run, Direct direct) {
  const Context& on = context(x.device());
  if constexpr (std::is_same_v<T, float>) {
    Precision precision = gpu_precision();
    const Plan& plan = plan_for(on, Key{g, precision, direction, on.device.index});
    bool done = plan.algorithms.first([&](const Algorithm& algorithm) {
      return precision == Precision::bf16 ? run(Convolution<__nv_bfloat16>(on, g, plan, algorithm))
                                          : run(Convolution<float>(on, g, plan, algorithm));
    });
    if (done) return;
  }
  direct(on);
}

// The lambdas below are also compiled for float64, and not called.
inline float* result_of(float* out) { return out; }
inline float* result_of(double*) { return nullptr; }

template <class T>
const T* bias_of(const Tensor& bias) {
  return bias.defined() ? data<T>(bias) : nullptr;
}

}  // namespace

void conv2d(const Tensor& x, const Tensor& filters, const Tensor& bias, const ConvGeometry& g, Tensor& y) {
  if (y.elements() == 0) return;
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* out = mutable_data<T>(y);
    either<T>(
        x, g, Direction::forward,
        [&](auto convolution) {
          return convolution.forward(data<float>(x), filters, bias_of<float>(bias), result_of(out));
        },
        [&](const Context& on) { direct_forward(on, data<T>(x), data<T>(filters), bias_of<T>(bias), g, out); });
  });
}

void conv2d_input_gradient(const Tensor& dy, const Tensor& filters, const Tensor& bias, const ConvGeometry& g,
                           Tensor& dx) {
  if (dx.elements() == 0) return;
  dispatch_floating(dy.dtype(), [&]<class T>() {
    T* out = mutable_data<T>(dx);
    either<T>(
        dy, g, Direction::input_gradient,
        [&](auto convolution) {
          return convolution.input_gradient(data<float>(dy), filters, bias_of<float>(bias), result_of(out));
        },
        [&](const Context& on) { direct_input_gradient(on, data<T>(dy), data<T>(filters), bias_of<T>(bias), g, out); });
  });
}

void conv2d_filter_gradient(const Tensor& x, const Tensor& dy, const ConvGeometry& g, Tensor& dfilters) {
  if (dfilters.elements() == 0) return;
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* out = mutable_data<T>(dfilters);
    either<T>(
        x, g, Direction::filter_gradient,
        [&](auto convolution) { return convolution.filter_gradient(data<float>(x), data<float>(dy), result_of(out)); },
        [&](const Context& on) { direct_filter_gradient(on, data<T>(x), data<T>(dy), g, out); });
  });
}

}  // namespace floe::cuda
