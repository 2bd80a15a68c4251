// The contract of a backend: every kernel, declared for both; those that are templates, of a formula or of an
// optimizer's rule, in pointwise.h and optimizer_rules.h. Shapes, dtypes and devices are settled before a kernel runs;
// results are allocated by the op; a kernel never throws for a user's mistake and gives the same bits for any number of
// threads.
#pragma once

#include <array>

#include <floe/tensor/tensor.h>

namespace floe {

// How to move through a tensor along the axes of another: element = offset + sum(index[i] * strides[i]).
struct Strides {
  std::int64_t offset = 0;                            // of the first element
  std::array<std::int64_t, Shape::max_rank> strides{};  // between neighbours along each axis
};

// Axes folded to (outer, reduced, inner): what a reduction over adjacent axes looks like.
struct Folded {
  std::int64_t outer, reduced, inner;  // sizes: before the reduced axes, of them, after them
};

// How a normalisation reads x: as (outer, reduced, groups, within). Each (outer, group) has a mean and a variance, over
// reduced and within; each (group, within), a column, has its gamma and beta. Normalised by the batch, x is
// (1, rows, channels, 1); over its last axes (rows, 1, 1, features); image by image (batch, pixels, channels, 1), or
// with channels in groups (batch, pixels, groups, channels of a group).
struct NormalizationGeometry {
  std::int64_t outer, reduced, groups, within;
  std::int64_t columns() const { return groups * within; }  // elements of gamma
  std::int64_t size() const { return reduced * within; }    // elements that share a mean
};

// A convolution: image x (batch, height, width, in), filters (kernel_height, kernel_width, in / groups, out),
// result y (batch, out_height, out_width, out). Sizes beyond `pad_*_before` follow from the shapes.
struct ConvGeometry {
  std::int64_t batch, height, width, in, out_height, out_width, out, kernel_height, kernel_width;
  std::int64_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_bottom, pad_left, pad_right,
      groups;
  bool operator==(const ConvGeometry&) const = default;
};

// Windows over (batch, height, width, channels), for pooling.
struct PoolGeometry {
  std::int64_t batch, height, width, channels, out_height, out_width, window_height, window_width;
  std::int64_t stride_height, stride_width, pad_top, pad_left;
};

// c = op(a) op(b) for each of `batches` matrices: rows x inner times inner x columns. A stride of 0 repeats a matrix.
struct MatmulGeometry {
  std::int64_t batches, rows, columns, inner;
  std::int64_t a_stride, b_stride;  // elements from one matrix to the next
  bool transpose_a, transpose_b;    // read with rows and columns exchanged
};

// Where in a stream of Philox a tensor's words begin.
struct RandomBlocks {
  std::uint64_t key, first;  // the stream and its first block; see Rng
};

#define FLOE_KERNEL(name, ...)             \
  namespace cpu { void name(__VA_ARGS__); } \
  namespace cuda { void name(__VA_ARGS__); }

// initial values
FLOE_KERNEL(fill, Number value, Tensor& y)                                          // of any dtype
FLOE_KERNEL(random_uniform, RandomBlocks from, double low, double high, Tensor& y)  // float64 takes two words each
FLOE_KERNEL(random_normal, RandomBlocks from, double mean, double stddev, Tensor& y)
FLOE_KERNEL(random_bernoulli, RandomBlocks from, std::uint32_t last, double one, Tensor& y)  // `one` for words to last
FLOE_KERNEL(one_hot, const Tensor& indices, Tensor& y)                              // y prefilled with 0

// memory: copies between layouts
FLOE_KERNEL(read_strided, const Tensor& x, const Strides& from, Tensor& y)  // y[i] = x[from(i)], over y's shape
FLOE_KERNEL(write_strided, const Tensor& x, Tensor& y, const Strides& to)   // y[to(i)] = x[i], over x's shape
FLOE_KERNEL(cast, const Tensor& x, Tensor& y)
FLOE_KERNEL(gather, const Tensor& x, const Tensor& indices, const Folded& axis, Tensor& y)  // along axis.reduced
// dx prefilled; along axis.reduced, and indices on the CPU
FLOE_KERNEL(scatter_add, const Tensor& dy, const Tensor& indices, const Folded& axis, Tensor& dx)

// pointwise
FLOE_KERNEL(add, const Tensor& a, const Tensor& b, Tensor& c)  // equal shapes; c may be a
FLOE_KERNEL(where, const Tensor& condition, const Strides& sc, const Tensor& a, const Strides& sa, const Tensor& b,
            const Strides& sb, Tensor& y)

// reductions over axis.reduced
FLOE_KERNEL(reduce_sum, const Tensor& x, const Folded& axis, Tensor& y)
FLOE_KERNEL(reduce_max, const Tensor& x, const Folded& axis, Tensor& y)
FLOE_KERNEL(reduce_min, const Tensor& x, const Folded& axis, Tensor& y)
FLOE_KERNEL(arg_max, const Tensor& x, const Folded& axis, Tensor& y)  // y int64; the first of equals, NaN wins
FLOE_KERNEL(arg_min, const Tensor& x, const Folded& axis, Tensor& y)
// the place of the first NaN or infinity in row-major order, or -1; y int64, one element
FLOE_KERNEL(first_not_finite, const Tensor& x, Tensor& y)
FLOE_KERNEL(cumsum, const Tensor& x, const Folded& axis, bool exclusive, bool reverse, Tensor& y)
FLOE_KERNEL(top_k, const Tensor& x, Tensor& values, Tensor& indices)  // along the last axis, largest first

// matrices and convolutions
FLOE_KERNEL(matmul, const Tensor& a, const Tensor& b, const MatmulGeometry& g, Tensor& c)  // of numbers
// `bias` has a number for each channel of the result, which is added to it, or no value.
FLOE_KERNEL(conv2d, const Tensor& x, const Tensor& filters, const Tensor& bias, const ConvGeometry& g, Tensor& y)
FLOE_KERNEL(conv2d_input_gradient, const Tensor& dy, const Tensor& filters, const Tensor& bias, const ConvGeometry& g,
            Tensor& dx)
FLOE_KERNEL(conv2d_filter_gradient, const Tensor& x, const Tensor& dy, const ConvGeometry& g, Tensor& dfilters)
FLOE_KERNEL(max_pool, const Tensor& x, const PoolGeometry& g, Tensor& y,
            Tensor& winners)  // winners: int64 positions in x
// dx[p] = the sum of dy of the windows that p has won
FLOE_KERNEL(max_pool_gradient, const Tensor& dy, const Tensor& winners, const PoolGeometry& g, Tensor& dx)
FLOE_KERNEL(average_pool, const Tensor& x, const PoolGeometry& g, Tensor& y)  // padding does not count
FLOE_KERNEL(average_pool_gradient, const Tensor& dy, const PoolGeometry& g, Tensor& dx)
FLOE_KERNEL(resize_nearest, const Tensor& x, Tensor& y)                       // (batch, height, width, channels)
FLOE_KERNEL(resize_nearest_gradient, const Tensor& dy, Tensor& dx)
FLOE_KERNEL(resize_bilinear, const Tensor& x, Tensor& y)                      // half-pixel centres
FLOE_KERNEL(resize_bilinear_gradient, const Tensor& dy, Tensor& dx)

// normalisation; mean, variance and inverse_stddev are (outer, groups), gamma and beta (groups, within)
FLOE_KERNEL(moments, const Tensor& x, const NormalizationGeometry& g, Tensor& mean, Tensor& variance)  // biased
FLOE_KERNEL(normalize, const Tensor& x, const NormalizationGeometry& g, const Tensor& mean,
            const Tensor& inverse_stddev, const Tensor& gamma, const Tensor& beta,
            Tensor& y)  // (x - mean) * (gamma * inverse_stddev) + beta
FLOE_KERNEL(normalize_gradient, const Tensor& dy, const Tensor& x, const NormalizationGeometry& g, const Tensor& mean,
            const Tensor& inverse_stddev, const Tensor& gamma, Tensor& dx, Tensor& dgamma, Tensor& dbeta)

// softmax over rows of the last axis
FLOE_KERNEL(softmax, const Tensor& x, bool logarithm, Tensor& y)
FLOE_KERNEL(softmax_gradient, const Tensor& dy, const Tensor& y, bool logarithm, Tensor& dx)

#undef FLOE_KERNEL

}  // namespace floe
