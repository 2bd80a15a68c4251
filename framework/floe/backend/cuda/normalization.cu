// Batch normalisation: statistics by channel of (rows, channels), the scaling, and its gradient.
#include <type_traits>

#include <floe/backend/cuda/columns.h>

namespace floe::cuda {
namespace {

// Sums of deviations from a centre of each channel, and of their squares, in double.
template <class S>
struct Deviations {
  __device__ Sums operator()(std::int64_t, std::int64_t row, std::int64_t channel) const {
    double away = static_cast<double>(in[row * channels + channel]) - static_cast<double>(centre[channel]);
    return {away, away * away};
  }
  const S *in, *centre;
  std::int64_t channels;
};

template <class S>
struct StoreMoments {
  __device__ void operator()(std::int64_t, std::int64_t, std::int64_t channel, const Sums& sums) const {
    double off = sums.first / rows, squares = sums.second - off * sums.first;
    mean[channel] = static_cast<S>(static_cast<double>(centre[channel]) + off);
    variance[channel] = static_cast<S>(squares > 0 || squares != squares ? squares / rows : 0);
  }
  const S* centre;
  S *mean, *variance;
  double rows;
};

template <class S>
struct SlopeSums {
  __device__ Sums operator()(std::int64_t, std::int64_t row, std::int64_t channel) const {
    std::int64_t at = row * channels + channel;
    double slope = slopes[at];
    return {slope, slope * (static_cast<double>(in[at]) - static_cast<double>(mean[channel]))};
  }
  const S *slopes, *in, *mean;
  std::int64_t channels;
};

template <class S>
struct StoreSlopes {
  __device__ void operator()(std::int64_t, std::int64_t, std::int64_t channel, const Sums& sums) const {
    dbeta[channel] = static_cast<S>(sums.first);
    dgamma[channel] = static_cast<S>(sums.second) * inverse[channel];
  }
  S *dgamma, *dbeta;
  const S* inverse;
};

// y = formula(a value of each matrix, a value of each parameter for its channel), 16 bytes at once if `wide`, the
// elements of a step, are as many.
template <int wide, class S, int matrices, int parameters, class Formula>
__global__ void channels_kernel(std::int64_t steps, Divisor row_steps, Formula formula, Arrays<const S, matrices> in,
                                Arrays<const S, parameters> by_channel, S* out) {
  struct alignas(wide * sizeof(S)) Step {
    S values[wide];
  };
  auto load = [](const S* from, std::int64_t i) { return reinterpret_cast<const Step*>(from)[i]; };
  for (std::int64_t i = thread_index(); i < steps; i += thread_count()) {
    std::int64_t channel = i - row_steps.divide(i) * row_steps.number;
    Step x[matrices], p[parameters], y;
    for (int k = 0; k < matrices; ++k) x[k] = load(in.data[k], i);
    for (int k = 0; k < parameters; ++k) p[k] = load(by_channel.data[k], channel);
    for (int lane = 0; lane < wide; ++lane) {
      S values[matrices], of_channel[parameters];
      for (int k = 0; k < matrices; ++k) values[k] = x[k].values[lane];
      for (int k = 0; k < parameters; ++k) of_channel[k] = p[k].values[lane];
      y.values[lane] = formula(values, of_channel);
    }
    reinterpret_cast<Step*>(out)[i] = y;
  }
}

template <class S, int matrices, int parameters, class Formula>
void map_channels(const Context& on, std::int64_t size, std::int64_t channels, const Formula& formula,
                  const Arrays<const S, matrices>& in, const Arrays<const S, parameters>& by_channel, S* out) {
  constexpr int wide = Pack<S>::size;
  if (channels % wide == 0 && aligned(out) && in.all_aligned() && by_channel.all_aligned())
    launch(on, channels_kernel<wide, S, matrices, parameters, Formula>, blocks_for(on, size / wide), size / wide,
           Divisor(channels / wide), formula, in, by_channel, out);
  else
    launch(on, channels_kernel<1, S, matrices, parameters, Formula>, blocks_for(on, size), size, Divisor(channels),
           formula, in, by_channel, out);
}

struct Scaled {
  template <class S>
  __device__ S operator()(const S (&x)[1], const S (&of)[3]) const {
    return (x[0] - of[0]) * of[1] + of[2];  // mean, scale, shift
  }
};

struct Slope {
  template <class S>
  __device__ S operator()(const S (&x)[2], const S (&of)[4]) const {
    return of[1] * (x[0] - of[2] - (x[1] - of[0]) * of[3]);  // mean, factor, shift, tilt
  }
};

// What belongs to a channel, folded into three numbers beside its mean: (3, channels).
template <class S>
__global__ void fold_kernel(std::int64_t channels, S rows, const S* inverse, const S* gamma, const S* dgamma,
                            const S* dbeta, S* folded) {
  for (std::int64_t c = thread_index(); c < channels; c += thread_count()) {
    folded[c] = gamma[c] * inverse[c];
    folded[channels + c] = dbeta[c] / rows;
    folded[2 * channels + c] = inverse[c] * dgamma[c] / rows;
  }
}

}  // namespace

// In one pass around the first row's values, so that the sums keep their digits; double goes over the data once more,
// around the mean, as it has no wider type to gather in.
void moments(const Tensor& x, Tensor& mean, Tensor& variance) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    Folded axis{1, x.dim(0), x.dim(1)};
    const S* in = data<S>(x);
    S *means = mutable_data<S>(mean), *variances = mutable_data<S>(variance);
    auto around = [&](const S* centre) {
      reduce_columns(on, axis, Sums{0, 0}, Plus{}, Deviations<S>{in, centre, axis.inner},
                     StoreMoments<S>{centre, means, variances, static_cast<double>(axis.reduced)});
    };
    around(in);
    if (std::is_same_v<S, double>) around(means);
  });
}

void normalize(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& shift, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    map_channels<S, 1, 3>(on, x.elements(), x.dim(1), Scaled{}, {{data<S>(x)}},
                          {{data<S>(mean), data<S>(scale), data<S>(shift)}}, mutable_data<S>(y));
  });
}

// As on the CPU: dbeta = sum(dy), dgamma = sum(dy * xhat) and dx = gamma * inverse_stddev * (dy - dbeta / rows -
// xhat * dgamma / rows). Ioffe and Szegedy, ICML 2015.
void batch_normalization_gradient(const Tensor& dy, const Tensor& x, const Tensor& mean, const Tensor& inverse_stddev,
                                  const Tensor& gamma, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    std::int64_t rows = x.dim(0), channels = x.dim(1);
    const S *slopes = data<S>(dy), *in = data<S>(x), *means = data<S>(mean), *inverse = data<S>(inverse_stddev);
    S *dgammas = mutable_data<S>(dgamma), *dbetas = mutable_data<S>(dbeta);
    reduce_columns(on, Folded{1, rows, channels}, Sums{0, 0}, Plus{}, SlopeSums<S>{slopes, in, means, channels},
                   StoreSlopes<S>{dgammas, dbetas, inverse});
    Scratch memory(on, static_cast<std::size_t>(3 * channels) * sizeof(S));
    S* folded = memory.get<S>();
    launch(on, fold_kernel<S>, blocks_for(on, channels), channels, static_cast<S>(rows), inverse, data<S>(gamma),
           dgammas, dbetas, folded);
    map_channels<S, 2, 4>(on, x.elements(), channels, Slope{}, {{slopes, in}},
                          {{means, folded, folded + channels, folded + 2 * channels}}, mutable_data<S>(dx));
  });
}

}  // namespace floe::cuda
