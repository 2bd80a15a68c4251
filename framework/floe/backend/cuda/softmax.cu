// Softmax and its logarithm over rows of the last axis, and their gradients.
#include <limits>

#include <floe/backend/cuda/columns.h>
#include <floe/backend/math.h>

namespace floe::cuda {
namespace {

// Rows are dealt out to groups of neighbouring threads, as many as a row has elements and 256 at most.
struct Rows {
  Rows(const Tensor& x) : size(x.dim(-1)), rows(x.elements() / size), lanes(power_of_two_from(size, block_threads)) {}
  std::int64_t blocks() const { return (rows * lanes + block_threads - 1) / block_threads; }
  std::int64_t size, rows;
  int lanes;
};

struct Top {
  __device__ double operator()(double a, double b) const {
    return a > b ? a : b;
  }  // NaN may get lost: exp will show it
};

// The total of term(i) over a row, known to all threads of its group.
template <class Join, class Term>
__device__ double over_row(const Rows& rows, bool inside, double identity, double* shared, Join join, Term term) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread % rows.lanes;
  double total = identity;
  if (inside) {
    for (std::int64_t i = lane; i < rows.size; i += rows.lanes) total = join(total, static_cast<double>(term(i)));
  }
  total = join_lanes(total, rows.lanes, 1, shared, join);
  if (lane == 0) shared[thread] = total;
  __syncthreads();
  total = shared[thread - lane];
  __syncthreads();
  return total;
}

template <class S>
__global__ void softmax_kernel(Rows rows, bool logarithm, const S* in, S* out) {
  __shared__ double shared[block_threads];
  std::int64_t row = thread_index() / rows.lanes;
  const bool inside = row < rows.rows;
  const S* from = in + row * rows.size;
  const int lane = static_cast<int>(threadIdx.x) % rows.lanes;

  // The maximum is taken off first: exp never overflows and the sum is at least 1.
  S top = static_cast<S>(over_row(rows, inside, -std::numeric_limits<double>::infinity(), shared, Top{},
                                  [&](std::int64_t i) { return from[i]; }));
  S total = static_cast<S>(
      over_row(rows, inside, 0.0, shared, Plus{}, [&](std::int64_t i) { return math::exp(from[i] - top); }));
  if (!inside) return;
  S log_sum = math::log(total);
  for (std::int64_t i = lane; i < rows.size; i += rows.lanes) {
    S away = from[i] - top;
    out[row * rows.size + i] = logarithm ? away - log_sum : math::exp(away) / total;
  }
}

// softmax: dx = y * (dy - sum(dy * y)); its logarithm: dx = dy - exp(y) * sum(dy). Nothing comes from or to a class of
// probability 0, even where dy is infinite.
template <class S>
__global__ void softmax_gradient_kernel(Rows rows, bool logarithm, const S* slopes, const S* values, S* out) {
  __shared__ double shared[block_threads];
  std::int64_t row = thread_index() / rows.lanes, first = row * rows.size;
  const bool inside = row < rows.rows;
  const int lane = static_cast<int>(threadIdx.x) % rows.lanes;
  S total = static_cast<S>(over_row(rows, inside, 0.0, shared, Plus{}, [&](std::int64_t i) {
    return logarithm ? slopes[first + i] : math::multiply_no_nan(slopes[first + i], values[first + i]);
  }));
  if (!inside) return;
  for (std::int64_t i = lane; i < rows.size; i += rows.lanes) {
    S slope = slopes[first + i], value = values[first + i];
    out[first + i] = logarithm ? slope - math::multiply_no_nan(total, math::exp(value))
                               : math::multiply_no_nan(slope - total, value);
  }
}

}  // namespace

void softmax(const Tensor& x, bool logarithm, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    Rows rows(x);
    launch(context(x.device()), softmax_kernel<S>, rows.blocks(), rows, logarithm, data<S>(x), mutable_data<S>(y));
  });
}

void softmax_gradient(const Tensor& dy, const Tensor& y, bool logarithm, Tensor& dx) {
  dispatch_floating(y.dtype(), [&]<class S>() {
    Rows rows(y);
    launch(context(y.device()), softmax_gradient_kernel<S>, rows.blocks(), rows, logarithm, data<S>(dy), data<S>(y),
           mutable_data<S>(dx));
  });
}

}  // namespace floe::cuda
