// Convolutions of float32 through cuDNN; float64, and what cuDNN does not take, in plain loops.
//
// cuDNN reads filters as (out, height, width, in), ours are (height, width, in, out); and it pads both sides alike,
// where "same" padding of an even stride has one more row at the end. So filters are turned, and such images are first
// copied into a frame of zeros. In bfloat16 these copies also round.
//
// Of cuDNN's two algorithms to describe a convolution this is the older one, of three functions: it reports for each
// algorithm whether it gives the same bits every time, and what is used of it here can be tested without a GPU. What
// the newer one, of graphs, offers beyond it is the fusion with what follows, which an eager library does not know yet.
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include <floe/backend/cuda/bfloat16.h>
#include <floe/backend/cuda/conv2d_direct.h>
#include <floe/backend/cuda/pixels.h>
#include <floe/backend/settings.h>

namespace floe::cuda {
namespace {

enum class Direction { forward, input_gradient, filter_gradient };

// Zeros around an image that cuDNN's padding, alike on both sides, cannot give.
struct Frame {
  explicit Frame(const ConvGeometry& g) {
    auto axis = [](std::int64_t size, std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                   std::int64_t before, std::int64_t& pad, std::int64_t& first, std::int64_t& whole) {
      std::int64_t behind =
          (out - 1) * stride + (kernel - 1) * dilation + 1 - size - before;  // negative: not all is read
      pad = std::max<std::int64_t>(0, std::min(before, behind));
      first = before - pad;
      whole = first + size + std::max<std::int64_t>(0, behind - pad);
    };
    axis(g.height, g.out_height, g.kernel_height, g.stride_height, g.dilation_height, g.pad_top, pad_height, top,
         height);
    axis(g.width, g.out_width, g.kernel_width, g.stride_width, g.dilation_width, g.pad_left, pad_width, left, width);
  }
  bool needed(const ConvGeometry& g) const { return height != g.height || width != g.width; }

  std::int64_t pad_height, pad_width;     // left to cuDNN
  std::int64_t top, left, height, width;  // of the image in its frame, and of the frame
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
  Plan(const Context& on, const Key& key) : frame(key.g), exact(key.precision == Precision::float32) {
    const ConvGeometry& g = key.g;
    bool half = key.precision == Precision::bf16;
    cudnnDataType_t type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    auto size = [](std::int64_t number) { return static_cast<int>(number); };
    check(cudnnCreateTensorDescriptor(&image), "conv2d");
    check(cudnnCreateTensorDescriptor(&result), "conv2d");
    check(cudnnCreateFilterDescriptor(&filters), "conv2d");
    check(cudnnCreateConvolutionDescriptor(&convolution), "conv2d");
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    auto also = [&](cudnnStatus_t next) { status = status == CUDNN_STATUS_SUCCESS ? next : status; };
    also(cudnnSetTensor4dDescriptor(image, CUDNN_TENSOR_NHWC, type, size(g.batch), size(g.in), size(frame.height),
                                    size(frame.width)));
    also(cudnnSetTensor4dDescriptor(result, CUDNN_TENSOR_NHWC, type, size(g.batch), size(g.out), size(g.out_height),
                                    size(g.out_width)));
    also(cudnnSetFilter4dDescriptor(filters, type, CUDNN_TENSOR_NHWC, size(g.out), size(g.in / g.groups),
                                    size(g.kernel_height), size(g.kernel_width)));
    also(cudnnSetConvolution2dDescriptor(convolution, size(frame.pad_height), size(frame.pad_width),
                                         size(g.stride_height), size(g.stride_width), size(g.dilation_height),
                                         size(g.dilation_width), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    also(cudnnSetConvolutionMathType(convolution, exact ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH));
    also(cudnnSetConvolutionGroupCount(convolution, size(g.groups)));
    if (status == CUDNN_STATUS_SUCCESS) choose(on, key.direction);
  }

  void choose(const Context& on, Direction direction) {
    constexpr int most = 10;
    int found = 0;
    if (direction == Direction::forward) {
      std::array<cudnnConvolutionFwdAlgoPerf_t, most> listed;
      if (cudnnGetConvolutionForwardAlgorithm_v7(on.dnn, image, filters, convolution, result, most, &found,
                                                 listed.data()) == CUDNN_STATUS_SUCCESS)
        keep(listed, found, [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionForwardWorkspaceSize(on.dnn, image, filters, convolution, result, algorithm, bytes);
        });
    } else if (direction == Direction::input_gradient) {
      std::array<cudnnConvolutionBwdDataAlgoPerf_t, most> listed;
      if (cudnnGetConvolutionBackwardDataAlgorithm_v7(on.dnn, filters, result, convolution, image, most, &found,
                                                      listed.data()) == CUDNN_STATUS_SUCCESS)
        keep(listed, found, [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardDataWorkspaceSize(on.dnn, filters, result, convolution, image, algorithm, bytes);
        });
    } else {
      std::array<cudnnConvolutionBwdFilterAlgoPerf_t, most> listed;
      if (cudnnGetConvolutionBackwardFilterAlgorithm_v7(on.dnn, image, result, convolution, filters, most, &found,
                                                        listed.data()) == CUDNN_STATUS_SUCCESS)
        keep(listed, found, [&](auto algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(on.dnn, image, result, convolution, filters, algorithm,
                                                                bytes);
        });
    }
  }

  // `needs` asks how much memory an algorithm works with, as the convolution is described now: what the list gives for
  // it holds for the list's own kind of math, which is described here first.
  template <class Ways, class Needs>
  void keep(const Ways& listed, int found, Needs needs) {
    constexpr std::size_t most_workspace = std::size_t{2} << 30;
    for (int i = 0; i < found; ++i) {
      const auto& one = listed[static_cast<std::size_t>(i)];
      bool rounds = one.mathType == CUDNN_TENSOR_OP_MATH || one.mathType == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
      if (one.status != CUDNN_STATUS_SUCCESS || one.determinism != CUDNN_DETERMINISTIC || (exact && rounds)) continue;
      Algorithm algorithm{one.algo, exact ? CUDNN_FMA_MATH : one.mathType, 0};
      bool good = cudnnSetConvolutionMathType(convolution, algorithm.math) == CUDNN_STATUS_SUCCESS &&
                  needs(one.algo, &algorithm.workspace) == CUDNN_STATUS_SUCCESS && algorithm.workspace <= most_workspace;
      if (good) algorithms.push_back(algorithm);
    }
  }

  Frame frame;
  bool exact;  // no factor may be rounded
  cudnnTensorDescriptor_t image = nullptr, result = nullptr;
  cudnnFilterDescriptor_t filters = nullptr;
  cudnnConvolutionDescriptor_t convolution = nullptr;
  std::vector<Algorithm> algorithms;
  mutable std::atomic<std::size_t> refused = 0;  // of them, from the first: what was promised and then not done
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

// Images in their frames, rounded to To.
template <class From, class To>
__global__ void frame_kernel(std::int64_t size, Frame frame, Pixels framed, Pixels plain, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, row, column, channel] = framed.find(i);
    std::int64_t y = row - frame.top, x = column - frame.left;
    bool inside = y >= 0 && y < plain.height.number && x >= 0 && x < plain.width.number;
    out[i] = rounded<To>(inside ? in[plain.offset(image, y, x, channel)] : From(0));
  }
}

// Images out of their frames, with a bias for each channel if there is one.
template <class From, class To>
__global__ void unframe_kernel(std::int64_t size, Frame frame, Pixels framed, Pixels plain, const From* in,
                               const To* bias, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, row, column, channel] = plain.find(i);
    To value = rounded<To>(in[framed.offset(image, row + frame.top, column + frame.left, channel)]);
    out[i] = bias ? value + bias[channel] : value;
  }
}

// The same without a frame.
template <class From, class To>
__global__ void finish_kernel(std::int64_t size, Divisor channels, const From* in, const To* bias, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    To value = rounded<To>(in[i]);
    out[i] = bias ? value + bias[i - channels.divide(i) * channels.number] : value;
  }
}

// (taps, out) -> (out, taps), or back: out[column * rows + row] = in[row * columns + column].
template <class From, class To>
__global__ void turn_kernel(std::int64_t size, Divisor rows, std::int64_t columns, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t column = rows.divide(i), row = i - column * rows.number;
    out[i] = rounded<To>(in[row * columns + column]);
  }
}

// One convolution, of float32 tensors whose factors cuDNN sees as F. false if cuDNN refuses it after all.
template <class F>
struct Convolution {
  using T = float;

  Convolution(const Context& on, const ConvGeometry& g, const Plan& plan, const Algorithm& algorithm)
      : on(on), g(g), plan(plan), algorithm(algorithm) {}

  std::int64_t framed() const { return g.batch * plan.frame.height * plan.frame.width * g.in; }
  std::int64_t results() const { return g.batch * g.out_height * g.out_width * g.out; }
  std::int64_t taps() const { return g.kernel_height * g.kernel_width * (g.in / g.groups); }
  Pixels framed_pixels() const { return {plan.frame.height, plan.frame.width, g.in}; }
  Pixels plain_pixels() const { return {g.height, g.width, g.in}; }
  static constexpr bool same = std::is_same_v<T, F>;

  // Arrays as cuDNN wants them: the caller's own where these do. It reads 16 bytes at once, so a part of a tensor that
  // begins in between is copied.
  const F* framed_image(const T* x, std::optional<Scratch>& memory) {
    if (same && !plan.frame.needed(g) && aligned(x)) return reinterpret_cast<const F*>(x);
    F* to = memory.emplace(on, static_cast<std::size_t>(framed()) * sizeof(F)).template get<F>();
    launch(on, frame_kernel<T, F>, blocks_for(on, framed()), framed(), plan.frame, framed_pixels(), plain_pixels(), x,
           to);
    return to;
  }
  const F* rounded_result(const T* y, std::optional<Scratch>& memory) {
    if (same && aligned(y)) return reinterpret_cast<const F*>(y);
    F* to = memory.emplace(on, static_cast<std::size_t>(results()) * sizeof(F)).template get<F>();
    launch(on, round_kernel<T, F>, blocks_for(on, results()), results(), y, to);
    return to;
  }
  const F* turned_filters(const T* filters, std::optional<Scratch>& memory) {
    std::int64_t size = taps() * g.out;
    F* to = memory.emplace(on, static_cast<std::size_t>(size) * sizeof(F)).template get<F>();
    launch(on, turn_kernel<T, F>, blocks_for(on, size), size, Divisor(taps()), g.out, filters, to);
    return to;
  }

  bool forward(const T* x, const T* filters, const T* bias, T* y) {
    std::optional<Scratch> image_memory, filter_memory, result_memory;
    const F* image = framed_image(x, image_memory);
    const F* turned = turned_filters(filters, filter_memory);
    F* to = same ? reinterpret_cast<F*>(y)
                 : result_memory.emplace(on, static_cast<std::size_t>(results()) * sizeof(F)).template get<F>();
    Scratch work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionForward(on.dnn, &one, plan.image, image, plan.filters, turned, plan.convolution,
                                         static_cast<cudnnConvolutionFwdAlgo_t>(algorithm.algorithm), work.get(),
                                         algorithm.workspace, &zero, plan.result, to);
        }))
      return false;
    if (!same || bias) finish(to, bias, y, results(), g.out);
    return true;
  }

  bool input_gradient(const T* dy, const T* filters, const T* bias, T* dx) {
    std::optional<Scratch> slope_memory, filter_memory, image_memory;
    const F* slopes = rounded_result(dy, slope_memory);
    const F* turned = turned_filters(filters, filter_memory);
    bool direct = same && !plan.frame.needed(g);
    F* to = direct ? reinterpret_cast<F*>(dx)
                   : image_memory.emplace(on, static_cast<std::size_t>(framed()) * sizeof(F)).template get<F>();
    Scratch work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionBackwardData(on.dnn, &one, plan.filters, turned, plan.result, slopes, plan.convolution,
                                              static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm.algorithm), work.get(),
                                              algorithm.workspace, &zero, plan.image, to);
        }))
      return false;
    std::int64_t size = g.batch * g.height * g.width * g.in;
    if (!direct) {
      launch(on, unframe_kernel<F, T>, blocks_for(on, size), size, plan.frame, framed_pixels(), plain_pixels(),
             static_cast<const F*>(to), bias, dx);
    } else if (bias) {
      finish(to, bias, dx, size, g.in);
    }
    return true;
  }

  bool filter_gradient(const T* x, const T* dy, T* dfilters) {
    std::optional<Scratch> image_memory, slope_memory;
    const F* image = framed_image(x, image_memory);
    const F* slopes = rounded_result(dy, slope_memory);
    std::int64_t size = taps() * g.out;
    Scratch turned(on, static_cast<std::size_t>(size) * sizeof(F)), work(on, algorithm.workspace);
    if (!done([&] {
          return cudnnConvolutionBackwardFilter(on.dnn, &one, plan.image, image, plan.result, slopes, plan.convolution,
                                                static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm.algorithm), work.get(),
                                                algorithm.workspace, &zero, plan.filters, turned.get());
        }))
      return false;
    launch(on, turn_kernel<F, T>, blocks_for(on, size), size, Divisor(g.out), taps(),
           static_cast<const F*>(turned.template get<F>()), dfilters);
    return true;
  }

  // A call that the lock is held for. A list may promise what the call then refuses, for one of several reasons.
  template <class Call>
  bool done(Call call) const {
    std::lock_guard lock(dnn_mutex());
    check(cudnnSetConvolutionMathType(plan.convolution, algorithm.math), "conv2d");
    cudnnStatus_t status = call();
    constexpr int kinds = 1000;
    if (status / kinds == CUDNN_STATUS_NOT_SUPPORTED / kinds) return false;
    check(status, "conv2d");
    return true;
  }

  // y = the sums as T, and a bias for each channel.
  void finish(const F* sums, const T* bias, T* y, std::int64_t size, std::int64_t channels) {
    launch(on, finish_kernel<F, T>, blocks_for(on, size), size, Divisor(channels), sums, bias, y);
  }

  static constexpr float one = 1, zero = 0;
  const Context& on;
  const ConvGeometry& g;
  const Plan& plan;
  const Algorithm& algorithm;
};

// run(Convolution) for float32 with the first algorithm that cuDNN does not refuse, else direct().
template <class T, class Run, class Direct>
void either(const Tensor& x, const ConvGeometry& g, Direction direction, Run run, Direct direct) {
  const Context& on = context(x.device());
  if constexpr (std::is_same_v<T, float>) {
    Precision precision = gpu_precision();
    const Plan& plan = plan_for(on, Key{g, precision, direction, on.device.index});
    for (std::size_t i = plan.refused; i < plan.algorithms.size(); plan.refused = ++i) {
      const Algorithm& algorithm = plan.algorithms[i];
      if (precision == Precision::bf16 ? run(Convolution<__nv_bfloat16>(on, g, plan, algorithm))
                                       : run(Convolution<float>(on, g, plan, algorithm)))
        return;
    }
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
          return convolution.forward(data<float>(x), data<float>(filters), bias_of<float>(bias), result_of(out));
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
          return convolution.input_gradient(data<float>(dy), data<float>(filters), bias_of<float>(bias),
                                            result_of(out));
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
