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

template <class S>
__global__ void normalize_kernel(std::int64_t size, Divisor channels, const S* in, const S* mean, const S* scale,
                                 const S* shift, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t c = i - channels.divide(i) * channels.number;
    out[i] = (in[i] - mean[c]) * scale[c] + shift[c];
  }
}

template <class S>
__global__ void gradient_kernel(std::int64_t size, Divisor channels, S rows, const S* slopes, const S* in, const S* mean,
                                const S* inverse, const S* gamma, const S* dgamma, const S* dbeta, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t c = i - channels.divide(i) * channels.number;
    S tilt = inverse[c] * dgamma[c] / rows;
    out[i] = gamma[c] * inverse[c] * (slopes[i] - dbeta[c] / rows - (in[i] - mean[c]) * tilt);
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
    launch(on, normalize_kernel<S>, blocks_for(on, x.elements()), x.elements(), Divisor(x.dim(1)), data<S>(x),
           data<S>(mean), data<S>(scale), data<S>(shift), mutable_data<S>(y));
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
    launch(on, gradient_kernel<S>, blocks_for(on, x.elements()), x.elements(), Divisor(channels), static_cast<S>(rows),
           slopes, in, means, inverse, data<S>(gamma), dgammas, dbetas, mutable_data<S>(dx));
  });
}

}  // namespace floe::cuda
