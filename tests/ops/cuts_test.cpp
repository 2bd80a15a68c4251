// What lies beyond the places where kernels cut their work: each op at sizes around each cut, against plain loops.
#include <floe/backend/cpu/cuts.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include <floe/backend/kernels.h>
#include <floe/backend/parallel.h>
#include <floe/ops/conv2d.h>
#include <floe/ops/matmul.h>
#include <floe/ops/normalization.h>
#include <floe/ops/pool.h>
#include <floe/ops/resize.h>
#include <floe/ops/softmax.h>
#include <floe/tensor/philox.h>
#include <support/op_case.h>
#include <support/plain_conv2d.h>

namespace floe {
namespace {

using namespace test;
namespace cuts = cpu::cuts;

// A way to a cut: an op of inputs that reach it at the size `at`.
struct Way {
  std::string cut;  // its name in backend/cpu/cuts.h
  std::int64_t at;
  OpCase (*of)(std::int64_t size);
};

// One below, at it, one above, twice, and beyond that with a remainder.
std::vector<std::int64_t> sizes_around(std::int64_t cut) {
  return {cut - 1, cut, cut + 1, 2 * cut, 2 * cut + cut / 3 + 1};
}

// --- References ------------------------------------------------------------------------------------------------------

// `join` of all of x along one axis of (outer, along, inner), in order.
template <class Join>
Tensor joined(const Tensor& x, std::int64_t outer, std::int64_t along, std::int64_t inner, double first, Join join) {
  Tensor y = full({outer, inner}, first, DType::float64);
  const double* from = x.data<double>();
  for (std::int64_t i = 0; i < outer * along * inner; ++i) {
    double& to = y.mutable_data<double>()[i / (along * inner) * inner + i % inner];
    to = join(to, from[i]);
  }
  return y;
}

Tensor column_sums(const Tensor& x) {
  return reshape(joined(x, 1, x.dim(0), x.dim(1), 0, [](double a, double b) { return a + b; }), {x.dim(1)});
}

// (x - mean) / sqrt(variance + epsilon) * gamma + beta, where `statistic(row, column)` of x (rows, columns) says what
// is normalised together, from 0 to less than `count`.
template <class Statistic>
Tensor normalized(const Tensors& x, std::int64_t columns, std::int64_t count, Statistic statistic) {
  std::vector<double> sizes(static_cast<std::size_t>(count)), means = sizes, squares = sizes;
  Tensor y(x[0].shape(), DType::float64);
  const double* from = x[0].data<double>();
  auto each = [&](auto body) {
    for (std::int64_t i = 0; i < x[0].elements(); ++i)
      body(i, static_cast<std::size_t>(statistic(i / columns, i % columns)));
  };
  each([&](std::int64_t i, std::size_t s) { sizes[s] += 1, means[s] += from[i]; });
  for (std::size_t s = 0; s < means.size(); ++s) means[s] /= sizes[s];
  each([&](std::int64_t i, std::size_t s) { squares[s] += (from[i] - means[s]) * (from[i] - means[s]); });
  double* to = y.mutable_data<double>();
  each([&](std::int64_t i, std::size_t s) {
    std::int64_t c = i % x[1].elements();
    to[i] = (from[i] - means[s]) / std::sqrt(squares[s] / sizes[s] + 1e-3) * element(x[1], c) + element(x[2], c);
  });
  return y;
}

Tensor product(const Tensor& a, const Tensor& b) {
  std::int64_t rows = a.dim(0), inner = a.dim(1), columns = b.dim(1);
  Tensor c = zeros({rows, columns}, DType::float64);
  const double *p = a.data<double>(), *q = b.data<double>();
  double* to = c.mutable_data<double>();
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < inner; ++k) {
      for (std::int64_t j = 0; j < columns; ++j) to[i * columns + j] += p[i * inner + k] * q[k * columns + j];
    }
  }
  return c;
}

// --- Ops that reach the cuts -----------------------------------------------------------------------------------------

OpCase row_sums(std::int64_t rows, std::int64_t size) {
  return {"sums of rows",
          {normal({rows, size})},
          [](const Tensors& x) { return reduce_sum(x[0], 1); },
          [=](const Tensors& x) {
            return reshape(joined(x[0], rows, size, 1, 0, [](double a, double b) { return a + b; }), {rows});
          }};
}

OpCase sums_of_columns(std::int64_t rows, std::int64_t columns) {
  return {"sums of columns",
          {normal({rows, columns})},
          [](const Tensors& x) { return reduce_sum(x[0], 0); },
          [](const Tensors& x) { return column_sums(x[0]); }};
}

OpCase largest_of_columns(std::int64_t rows, std::int64_t columns) {
  return {"largest of columns",
          {distinct({rows, columns})},
          [](const Tensors& x) { return reduce_max(x[0], 0); },
          [=](const Tensors& x) {
            return reshape(joined(x[0], 1, rows, columns, -1e300, [](double a, double b) { return std::max(a, b); }),
                           {columns});
          }};
}

Tensors to_normalize(const Shape& shape, std::int64_t channels) {
  return {normal(shape), uniform({channels}, 0.5, 1.5, 2), normal({channels}, 3)};
}

OpCase batch_norm(std::int64_t rows, std::int64_t columns) {
  return {"batch normalization", to_normalize({rows, columns}, columns),
          [](const Tensors& x) { return batch_normalization_training(x[0], x[1], x[2]).y; },
          [=](const Tensors& x) {
            return normalized(x, columns, columns, [](std::int64_t, std::int64_t column) { return column; });
          }};
}

OpCase layer_norm(std::int64_t rows, std::int64_t features) {
  return {"layer normalization", to_normalize({rows, features}, features),
          [](const Tensors& x) { return layer_normalization(x[0], x[1], x[2]); },
          [=](const Tensors& x) {
            return normalized(x, features, rows, [](std::int64_t row, std::int64_t) { return row; });
          }};
}

OpCase group_norm(std::int64_t pixels, std::int64_t channels, std::int64_t groups) {
  return {"group normalization", to_normalize({2, pixels, channels}, channels),
          [=](const Tensors& x) { return group_normalization(x[0], groups, x[1], x[2]); },
          [=](const Tensors& x) {
            return normalized(x, channels, 2 * groups, [=](std::int64_t row, std::int64_t column) {
              return row / pixels * groups + column / (channels / groups);
            });
          }};
}

OpCase running_sums(std::int64_t rows, std::int64_t columns) {
  return {"running sums",
          {normal({rows, columns})},
          [](const Tensors& x) { return cumsum(x[0], 0); },
          [=](const Tensors& x) {
            Tensor y = x[0];
            double* to = y.mutable_data<double>();
            for (std::int64_t i = columns; i < rows * columns; ++i) to[i] += to[i - columns];
            return y;
          }};
}

OpCase softmax_of(std::int64_t rows, std::int64_t classes, bool logarithm) {
  return {logarithm ? "log_softmax" : "softmax",
          {normal({rows, classes})},
          [=](const Tensors& x) { return logarithm ? log_softmax(x[0]) : softmax(x[0]); },
          [=](const Tensors& x) {
            Tensor powers = made(x[0].shape(), [&](const Index& i) { return std::exp(at(x[0], i)); });
            Tensor sums = joined(powers, rows, classes, 1, 0, [](double a, double b) { return a + b; });
            return made(x[0].shape(), [&](const Index& i) {
              double share = at(powers, i) / element(sums, i[0]);
              return logarithm ? std::log(share) : share;
            });
          }};
}

// A row or a column that begins anew under a matrix.
OpCase under(const Shape& shape, const Shape& small, bool first) {
  auto difference = [](const auto& a, const auto& b, const Index& i) { return at(a, i) - at(b, i); };
  return {"difference of " + to_string(shape) + " and " + to_string(small),
          {normal(shape, 1), normal(small, 2)},
          [=](const Tensors& x) { return first ? x[1] - x[0] : x[0] - x[1]; },
          [=](const Tensors& x) {
            return made(shape,
                        [&](const Index& i) { return first ? difference(x[1], x[0], i) : difference(x[0], x[1], i); });
          }};
}

OpCase transposed(std::int64_t rows, std::int64_t columns) {
  return {"transpose",
          {normal({rows, columns})},
          [](const Tensors& x) { return transpose(x[0]); },
          [=](const Tensors& x) {
            return made({columns, rows}, [&](const Index& i) { return at(x[0], {i[1], i[0]}); });
          }};
}

OpCase every_second(const Shape& shape, int axis) {
  return {"every second of " + to_string(shape),
          {normal(shape)},
          [=](const Tensors& x) { return slice(x[0], axis, 0, {}, 2); },
          [=](const Tensors& x) {
            Shape result = shape;
            result[axis] = (shape[axis] + 1) / 2;
            return made(result, [&](Index i) { return i[static_cast<std::size_t>(axis)] *= 2, at(x[0], i); });
          }};
}

OpCase joined_to_itself(const Shape& shape) {
  return {"concat of " + to_string(shape),
          {normal(shape, 1), normal(shape, 2)},
          [](const Tensors& x) {
            return concat({x[0], x[1]}, 1);
          },
          [=](const Tensors& x) {
            return made({shape[0], 2 * shape[1]}, [&](const Index& i) {
              return i[1] < shape[1] ? at(x[0], i) : at(x[1], {i[0], i[1] - shape[1]});
            });
          }};
}

OpCase chosen(const Shape& shape) {
  return {"where",
          {greater(normal({shape[0], 1}, 5), 0.0), normal(shape, 1), normal({shape[1]}, 2)},
          [](const Tensors& x) { return where(x[0], x[1], x[2]); },
          [=](const Tensors& x) {
            return made(shape, [&](const Index& i) { return at(x[0], i) != 0 ? at(x[1], i) : at(x[2], i); });
          }};
}

// Ids that name every row, and the last one often.
Tensor ids(std::int64_t count, std::int64_t rows) {
  return made(
      {count}, [=](const Index& i) { return i[0] % 3 == 2 ? rows - 1 : (i[0] * 7 + i[0] / rows) % rows; },
      DType::int64);
}

OpCase gathered(std::int64_t rows, std::int64_t inner, std::int64_t count) {
  return {"gather",
          {normal({rows, inner}), ids(count, rows)},
          [](const Tensors& x) { return gather(x[0], x[1]); },
          [=](const Tensors& x) {
            return made({count, inner}, [&](const Index& i) {
              return at(x[0], {static_cast<std::int64_t>(at(x[1], {i[0]})), i[1]});
            });
          }};
}

OpCase scattered(std::int64_t rows, std::int64_t inner, std::int64_t count) {
  return {"scatter",
          {normal({count, inner}), ids(count, rows)},
          [=](const Tensors& x) { return scatter(x[0], x[1], rows); },
          [=](const Tensors& x) {
            Tensor y = zeros({rows, inner}, DType::float64);
            for (std::int64_t i = 0; i < count * inner; ++i) {
              auto row = static_cast<std::int64_t>(at(x[1], {i / inner}));
              y.mutable_data<double>()[row * inner + i % inner] += element(x[0], i);
            }
            return y;
          }};
}

OpCase multiplied(std::int64_t rows, std::int64_t inner, std::int64_t columns) {
  return {"matmul",
          {normal({rows, inner}, 1), normal({inner, columns}, 2)},
          [](const Tensors& x) { return matmul(x[0], x[1]); },
          [](const Tensors& x) { return product(x[0], x[1]); }};
}

OpCase convolved(const Shape& x, const Shape& filters, const ConvOptions& options = {}) {
  return {"conv2d of " + to_string(x) + " by " + to_string(filters),
          {normal(x, 1), normal(filters, 2)},
          [=](const Tensors& x) { return conv2d(x[0], x[1], options); },
          [=](const Tensors& x) { return plain_conv2d(x[0], x[1], options); }};
}

// With a bias, to an image of that shape.
OpCase spread(const Shape& result, const Shape& filters, const ConvOptions& options) {
  Shape small = result_of(result, filters, options);
  return {"conv2d_transpose to " + to_string(result) + " by " + to_string(filters),
          {normal(small, 1), normal(filters, 2), normal({result[3]}, 3)},
          [=](const Tensors& x) {
            std::int64_t odd_rows = (result[1] - 1) % options.strides.height;
            std::int64_t odd_columns = (result[2] - 1) % options.strides.width;
            return conv2d_transpose(
                x[0], x[1], x[2],
                {.strides = options.strides, .padding = options.padding, .output_padding = {odd_rows, odd_columns}});
          },
          [=](const Tensors& x) {
            Tensor y = plain_conv2d_transpose(x[0], x[1], result, options);
            return made(result, [&](const Index& i) { return at(y, i) + element(x[2], i[3]); });
          }};
}

OpCase pooled(const Shape& x, bool largest) {
  Shape result{x[0], x[1] / 2, x[2] / 2, x[3]};
  return {largest ? "max_pool" : "average_pool",
          {distinct(x)},
          [=](const Tensors& x) { return largest ? max_pool(x[0]) : average_pool(x[0]); },
          [=](const Tensors& x) {
            return made(result, [&](const Index& i) {
              double best = -1e300, sum = 0;
              for (std::int64_t k = 0; k < 4; ++k) {
                double value = at(x[0], {i[0], 2 * i[1] + k / 2, 2 * i[2] + k % 2, i[3]});
                best = std::max(best, value), sum += value;
              }
              return largest ? best : sum / 4;
            });
          }};
}

OpCase doubled(const Shape& x) {
  return {"resize_nearest",
          {normal(x)},
          [=](const Tensors& t) {
            return resize_nearest(t[0], {2 * x[1], 2 * x[2]});
          },
          [=](const Tensors& t) {
            return made({x[0], 2 * x[1], 2 * x[2], x[3]}, [&](const Index& i) {
              return at(t[0], {i[0], i[1] / 2, i[2] / 2, i[3]});
            });
          }};
}

// To twice the size: each result lies a quarter of a pixel off, so neighbours share it 3 to 1.
OpCase blended(const Shape& x) {
  return {
      "resize_bilinear",
      {normal(x)},
      [=](const Tensors& t) {
        return resize_bilinear(t[0], {2 * x[1], 2 * x[2]});
      },
      [=](const Tensors& t) {
        auto near = [](std::int64_t i) { return i / 2; };
        auto far = [](std::int64_t i, std::int64_t size) {
          return std::clamp<std::int64_t>(i / 2 + (i % 2 ? 1 : -1), 0, size - 1);
        };
        return made({x[0], 2 * x[1], 2 * x[2], x[3]}, [&](const Index& i) {
          std::int64_t rows[] = {near(i[1]), far(i[1], x[1])}, columns[] = {near(i[2]), far(i[2], x[2])};
          double sum = 0;
          for (int k = 0; k < 4; ++k)
            sum += (k / 2 ? 0.25 : 0.75) * (k % 2 ? 0.25 : 0.75) * at(t[0], {i[0], rows[k / 2], columns[k % 2], i[3]});
          return sum;
        });
      }};
}

OpCase pointwise(std::int64_t size) {
  return {"tanh",
          {normal({size})},
          [](const Tensors& x) { return tanh(x[0]); },
          [](const Tensors& x) { return made(x[0].shape(), [&](const Index& i) { return std::tanh(at(x[0], i)); }); }};
}

// The number of columns of which `part_elements` make so many rows.
constexpr std::int64_t part_columns = 64, part_rows = part_elements / part_columns;

const std::vector<Way> ways = {
    // Sums and extremes.
    {"unrolled_sum", cuts::unrolled_sum, [](std::int64_t n) { return row_sums(5, n); }},
    {"whole_packets", cuts::whole_packets, [](std::int64_t n) { return sums_of_columns(130, n); }},
    {"whole_packets", cuts::whole_packets, [](std::int64_t n) { return largest_of_columns(n, 3); }},
    {"whole_packets", cuts::whole_packets, [](std::int64_t n) { return batch_norm(130, n); }},
    {"short_line", cuts::short_line, [](std::int64_t n) { return sums_of_columns(9, n); }},
    {"short_line", cuts::short_line, [](std::int64_t n) { return largest_of_columns(9, n); }},
    {"short_line", cuts::short_line, [](std::int64_t n) { return row_sums(3, n); }},
    {"short_line", cuts::short_line, [](std::int64_t n) { return batch_norm(9, n); }},
    {"long_line", cuts::long_line, [](std::int64_t n) { return sums_of_columns(67, n); }},
    {"long_line", cuts::long_line, [](std::int64_t n) { return group_norm(3, 2 * n, 2); }},
    {"long_line", cuts::long_line, [](std::int64_t n) { return batch_norm(9, n); }},
    {"column_block", cuts::column_block, [](std::int64_t n) { return running_sums(7, n); }},
    {"part_elements", part_elements, [](std::int64_t n) { return row_sums(1, n); }},
    {"part_elements", part_rows, [](std::int64_t n) { return sums_of_columns(n, part_columns); }},
    {"part_elements", part_rows, [](std::int64_t n) { return largest_of_columns(n, part_columns); }},

    // Normalisation.
    {"first_rows", cuts::first_rows, [](std::int64_t n) { return batch_norm(n, 5); }},
    {"longest_chunk", cuts::longest_chunk, [](std::int64_t n) { return layer_norm(2, n); }},
    {"packets_in_block", cuts::packets_in_block * 2, [](std::int64_t n) { return layer_norm(3, n); }},
    {"packets_in_block", cuts::packets_in_block * 4, [](std::int64_t n) { return layer_norm(3, n); }},
    {"packets_in_block", cuts::packets_in_block * 8, [](std::int64_t n) { return layer_norm(3, n); }},
    {"packets_in_block", cuts::packets_in_block * 16, [](std::int64_t n) { return layer_norm(3, n); }},
    {"lane_rows", cuts::lane_rows, [](std::int64_t n) { return layer_norm(n, 5); }},
    {"part_elements", part_rows, [](std::int64_t n) { return batch_norm(n, part_columns); }},
    {"part_elements", part_rows, [](std::int64_t n) { return group_norm(n, part_columns, 4); }},

    // Rows of the last axis.
    {"softmax_block", cuts::softmax_block, [](std::int64_t n) { return softmax_of(2, n, false); }},
    {"softmax_block", cuts::softmax_block, [](std::int64_t n) { return softmax_of(2, n, true); }},
    {"part_elements", part_rows, [](std::int64_t n) { return softmax_of(n, part_columns, false); }},

    // Pointwise ops and copies.
    {"part_elements", part_elements, pointwise},
    {"part_elements", part_elements, [](std::int64_t n) { return under({n}, {}, false); }},
    {"part_elements", part_elements, [](std::int64_t n) { return under({n}, {n}, true); }},
    {"part_elements", part_rows,
     [](std::int64_t n) {
       return under({n, part_columns}, {n, 1}, true);
     }},
    {"short_row", cuts::short_row,
     [](std::int64_t n) {
       return under({9, n}, {n}, false);
     }},
    {"short_row", cuts::short_row,
     [](std::int64_t n) {
       return under({9, n}, {n}, true);
     }},
    {"tile_bytes", cuts::tile_bytes / 8 / 10,
     [](std::int64_t n) {
       return under({3, n, 10}, {3, 1, 10}, false);
     }},
    {"tile_bytes", cuts::tile_bytes / 4 / 10,
     [](std::int64_t n) {
       return under({3, n, 10}, {3, 1, 10}, true);
     }},
    {"copied_piece", cuts::copied_piece, [](std::int64_t n) { return every_second({2 * n}, 0); }},
    {"copied_piece", cuts::copied_piece,
     [](std::int64_t n) {
       return joined_to_itself({2, n});
     }},
    {"copied_piece", cuts::copied_piece / 10,
     [](std::int64_t n) {
       return every_second({n, 20}, 1);
     }},
    {"copied_piece", cuts::copied_piece / 10,
     [](std::int64_t n) {
       return chosen({n, 10});
     }},
    {"copied_piece", cuts::copied_piece,
     [](std::int64_t n) {
       return chosen({2, n});
     }},
    {"copied_by_call", cuts::copied_by_call,
     [](std::int64_t n) {
       return joined_to_itself({3, n});
     }},
    {"copied_rows", cuts::copied_rows, [](std::int64_t n) { return transposed(n, 37); }},
    {"copied_rows", cuts::copied_rows, [](std::int64_t n) { return transposed(37, n); }},
    {"part_elements", part_rows, [](std::int64_t n) { return gathered(11, part_columns, n); }},
    {"part_elements", part_rows, [](std::int64_t n) { return scattered(11, part_columns, n); }},

    // Images.
    {"part_elements", part_rows / 4,
     [](std::int64_t n) {
       return pooled({2, n, 32, 4}, true);
     }},
    {"part_elements", part_rows / 4,
     [](std::int64_t n) {
       return pooled({2, n, 32, 4}, false);
     }},
    {"part_elements", part_rows / 4,
     [](std::int64_t n) {
       return doubled({1, n, 32, 4});
     }},
    {"part_elements", part_rows / 4,
     [](std::int64_t n) {
       return blended({1, n, 32, 4});
     }},
};

// What the libraries do.
const std::vector<Way> products = {
    // Products of matrices.
    {"product_side", cuts::product_side, [](std::int64_t n) { return multiplied(n, 64, 257); }},
    {"product_side", cuts::product_side, [](std::int64_t n) { return multiplied(130, 64, n + 50); }},
    {"product_work", cuts::product_work / (512 * 64), [](std::int64_t n) { return multiplied(512, n, 64); }},
    {"product_step", cuts::product_step, [](std::int64_t n) { return multiplied(512 + n, 64, 70); }},
    {"long_inner", cuts::long_inner, [](std::int64_t n) { return multiplied(32, n, 33); }},
    {"inner_chunk", cuts::inner_chunk, [](std::int64_t n) { return multiplied(32, cuts::long_inner + n, 33); }},

    // Convolutions.
    {"unrolled", cuts::unrolled / (2 * 64 * 36),
     [](std::int64_t n) {
       return convolved({3, n, 64, 4}, {3, 3, 4, 1});
     }},
    {"unrolled_images", cuts::unrolled_images,
     [](std::int64_t n) {
       return convolved({n, 3, 4, 4}, {3, 2, 4, 3});
     }},
    {"batch_sums", cuts::batch_sums,
     [](std::int64_t n) {
       return convolved({n, 3, 4, 4}, {3, 2, 2, 6}, {.groups = 2});
     }},
    {"onednn_images", cuts::onednn_images,
     [](std::int64_t n) {
       return convolved({n, 4, 3, 5}, {2, 3, 5, 4});
     }},
    {"onednn_parts", cuts::onednn_parts* cuts::onednn_images,
     [](std::int64_t n) {
       return convolved({n, 2, 3, 16}, {2, 2, 16, 8});
     }},
    {"narrow_channels", cuts::narrow_channels,
     [](std::int64_t n) {
       return convolved({2, 35, 9, n}, {3, 3, n, 4});
     }},
    {"narrow_rows", cuts::narrow_rows,
     [](std::int64_t n) {
       return convolved({2, n, 5, 2}, {3, 2, 2, 9});
     }},
    {"narrow_rows", cuts::narrow_rows,
     [](std::int64_t n) {
       return convolved({2, n, 5, 3}, {5, 3, 3, 4}, {.strides = {2, 1}});
     }},
    {"narrow_rows", cuts::narrow_rows,
     [](std::int64_t n) {
       return convolved({1, n, 4, 1}, {2, 2, 1, 17}, {.strides = 3, .padding = Padding::of(2, 1, 0, 3)});
     }},
    {"narrow_rows", cuts::narrow_rows,
     [](std::int64_t n) {
       return spread({2, n, 7, 3}, {5, 3, 3, 7}, {.strides = 2});
     }},
    {"narrow_pixels", cuts::narrow_pixels,
     [](std::int64_t n) {
       return convolved({2, 4, n, 3}, {2, 3, 3, 5});
     }},
    {"narrow_pixels", cuts::narrow_pixels,
     [](std::int64_t n) {
       return convolved({1, 4, 2 * n, 2}, {3, 5, 2, 5}, {.strides = {1, 2}});
     }},
};

// Along one direction through all inputs the weighted sum rises as the gradients say: one wrong element anywhere shows,
// at two evaluations.
void expect_slope_along_a_direction(const OpCase& one, const Tensors& gradients) {
  constexpr double step = 1e-6;
  Tensors above = one.inputs, below = one.inputs;
  std::vector<std::size_t> places = floating(one.inputs);
  double slope = 0;
  for (std::size_t k = 0; k < places.size(); ++k) {
    Tensor way = uniform(gradients[k].shape(), -1, 1, 99 + k);
    above[places[k]] = above[places[k]] + way * step, below[places[k]] = below[places[k]] - way * step;
    slope += reduce_sum(gradients[k] * way).item();
  }
  Tensor rise = one.op(above) - one.op(below);
  rise = rise * weights_for(rise);
  double found = reduce_sum(rise).item(), rounding = 1e-8 * reduce_sum(abs(rise)).item();
  EXPECT_NEAR(slope, found / (2 * step), 2e-6 * (1 + std::abs(slope)) + rounding / (2 * step));
}

// float64 against plain loops, its gradients along a direction, and float32 on each library against float64.
void expect_right(OpCase one, bool by_libraries) {
  Tensors narrow = cast_floating(one.inputs, DType::float32);
  one.inputs = cast_floating(narrow, DType::float64);
  auto [value, slopes] = value_and_gradients(one.op, one.inputs);
  Tensor expected = one.reference(one.inputs);
  EXPECT_TRUE(close(value, expected, 1e-12 * std::max(1e-3, largest(expected))));
  expect_slope_along_a_direction(one, slopes);
  auto in_float32 = [&] {
    auto [narrow_value, narrow_slopes] = value_and_gradients(one.op, narrow);
    EXPECT_TRUE(close(narrow_value, expected, 64 * ulp_of_largest(expected)));
    for (std::size_t k = 0; k < slopes.size(); ++k)
      EXPECT_TRUE(close(narrow_slopes[k], slopes[k], 64 * ulp_of_largest(slopes[k]))) << "gradient " << k;
  };
  if (by_libraries)
    for_each_library(in_float32);
  else
    in_float32();
}

// For large results: same_bits() takes its time to show where they differ.
bool same_memory(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(4 * a.elements())) == 0;
}

TEST(Cuts, AreAllTried) {
  std::set<std::string> declared{"part_elements"};
  std::set<std::string> tried{
      "cached_bytes", "byte_rows",      "small_product", "philox_blocks", "random_alone",
      "random_part",  "whole_together", "whole_rows",    "finite_block"};  // in tests of their own
  std::ifstream header(std::string(FLOE_SOURCE_DIR) + "/framework/floe/backend/cpu/cuts.h");
  for (std::string line; std::getline(header, line);) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("constexpr std::int64_t (\\w+) ="))) declared.insert(match[1]);
  }
  for (const auto* table : {&ways, &products}) {
    for (const Way& way : *table) tried.insert(way.cut);
  }
  EXPECT_EQ(tried, declared) << "a cut in backend/cpu/cuts.h needs ops of sizes around it";
}

TEST(Cuts, ValuesAndSlopesAreRightOnBothSides) {
  OneThread one_thread;
  for (const auto* table : {&ways, &products}) {
    for (const Way& way : *table) {
      for (std::int64_t size : sizes_around(way.at)) {
        OpCase one = way.of(size);
        SCOPED_TRACE(way.cut + " of " + std::to_string(way.at) + ", size " + std::to_string(size) + ": " + one.name);
        expect_right(one, table == &products);
      }
    }
  }
}

TEST(Cuts, GiveTheSameBitsForAnyNumberOfThreads) {
  for (const auto* table : {&ways, &products}) {
    for (const Way& way : *table) {
      OpCase one = way.of(sizes_around(way.at).back());
      SCOPED_TRACE(way.cut + ": " + one.name);
      expect_same_bits_for_any_threads(one, {2, 3, 5});
    }
  }
}

// Rows are shared out among threads, and their number is seldom a multiple: each row takes in its own summands.
TEST(Cuts, ScatterAndTheGradientOfGatherReachEveryRowOnAnyNumberOfThreads) {
  int before = omp_get_max_threads();
  for (std::int64_t rows : {1, 4, 7, 1000, 1009}) {
    for (std::int64_t inner : {1, 66}) {
      std::int64_t count = part_elements / inner + 3;
      OpCase scatter = scattered(rows, inner, count), gather = gathered(rows, inner, count);
      Tensor truth = scatter.reference(scatter.inputs);
      for (int threads : {1, 2, 3, 5}) {
        SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(inner) + ", " + std::to_string(threads) +
                     " threads");
        omp_set_num_threads(threads);
        EXPECT_TRUE(close(scatter.op(scatter.inputs), truth, 1e-12 * largest(truth)));
        auto [value, slopes] = value_and_gradients(gather.op, gather.inputs);
        Tensor sums = scatter.reference({weights_for(value), gather.inputs[1]});
        EXPECT_TRUE(close(slopes[0], sums, 1e-12 * largest(sums)));
      }
    }
  }
  omp_set_num_threads(before);
}

// What no cache holds is written past the caches, in whole packets of aligned memory.
TEST(Cuts, ResultsBeyondTheCachesAreThoseOfTheirPieces) {
  for (std::int64_t columns : {64, 100}) {
    std::int64_t rows = cuts::cached_bytes / 4 / columns + 5, piece = 1 + rows / 3;
    Rng rng(1);
    Tensor x = random_uniform({rows, columns}, rng), bias = random_uniform({columns}, rng), gamma = bias + 1.0;
    for (const Function& op : std::vector<Function>{
             [](const Tensors& x) { return abs(x[0]); },
             [](const Tensors& x) { return x[0] - x[1]; },
             [](const Tensors& x) { return batch_normalization(x[0], x[2], x[1], x[1], x[2]); },
             [](const Tensors& x) { return layer_normalization(x[0], x[2], x[1]); },
         }) {
      Tensor y = op({x, bias, gamma});
      for (std::int64_t begin = 0; begin < rows; begin += piece) {
        std::int64_t end = std::min(rows, begin + piece);
        EXPECT_TRUE(same_memory(slice(y, 0, begin, end), op({slice(x, 0, begin, end), bias, gamma})))
            << columns << " columns, rows from " << begin;
      }
    }
  }
}

TEST(Cuts, WhatIsNotFiniteIsFoundWhereverItIs) {
  for (std::int64_t size : sizes_around(cuts::finite_block)) {
    for (std::int64_t place : {std::int64_t{-1}, std::int64_t{0}, size / 2, size - 1}) {
      Tensor x = normal({size}), found({}, DType::int64);
      if (place >= 0) x.mutable_data<double>()[place] = place % 2 ? INFINITY : NAN;
      cpu::first_not_finite(x, found);
      EXPECT_EQ(found.item<std::int64_t>(), place) << size;
    }
  }
}

TEST(Cuts, BytesAreTransposedByTheirPlaces) {
  for (std::int64_t rows : sizes_around(cuts::byte_rows)) {
    for (std::int64_t columns : {5, 300}) {
      Tensor x = made(
          {columns, rows}, [](const Index& i) { return (i[0] * 7 + i[1] * 13) % 251; }, DType::uint8);
      Tensor expected = made(
          {rows, columns},
          [&](const Index& i) {
            return at(x, {i[1], i[0]});
          },
          DType::uint8);
      EXPECT_TRUE(same_bits(transpose(x), expected)) << rows << " rows";
    }
  }
}

// Of few rows and columns but not too few: the one limit of a cut inner axis that takes a large product to reach.
TEST(Cuts, AProductOfManyResultsIsTheSumOfItsPieces) {
  OneThread one_thread;
  std::int64_t side = 256, inner = cuts::long_inner;
  ASSERT_EQ(side * side, cuts::small_product);
  for (std::int64_t rows : {side - 1, side, side + 1}) {
    Tensor a = normal({rows, inner}, 1), b = normal({inner, side}, 2), sum = zeros({rows, side}, DType::float64);
    for (std::int64_t k = 0; k < inner; k += 100) {
      std::int64_t end = std::min(inner, k + 100);
      sum = sum + matmul(slice(a, 1, k, end), slice(b, 0, k, end));
    }
    EXPECT_TRUE(close(matmul(a, b), sum, 1e-12 * largest(sum))) << rows;
  }
}

// Each element is made of its own words of the stream, as Philox gives them one block at a time.
TEST(Cuts, RandomElementsAreMadeOfTheirOwnWords) {
  std::vector<std::int64_t> sizes{1, 2, 3, 5};
  for (std::int64_t cut : {4 * cuts::philox_blocks, cuts::random_part, cuts::random_alone}) {
    for (std::int64_t size : sizes_around(cut)) sizes.push_back(size);
  }
  constexpr std::uint64_t key = 12345, first = (std::uint64_t{1} << 32) - 20;  // the counter's second word begins here
  auto word = [&](std::int64_t i) { return philox(key, first + static_cast<std::uint64_t>(i / 4))[i % 4]; };
  auto wide = [&](const Index& i) {
    auto block = philox(key, first + static_cast<std::uint64_t>(i[0] / 2));
    return unit_double(block[i[0] % 2 * 2], block[i[0] % 2 * 2 + 1]);
  };
  auto bell = [&](const Index& i) {
    std::int64_t even = i[0] / 2 * 2;
    NormalPair pair(word(even), word(even + 1));
    return i[0] % 2 ? pair.second() : pair.first();
  };
  int before = omp_get_max_threads();
  for (std::int64_t size : sizes) {
    omp_set_num_threads(static_cast<int>(1 + size % 3));
    auto fresh = [&] { return Rng(key, 4 * first); };
    Rng one = fresh(), two = fresh(), three = fresh(), four = fresh(), five = fresh();
    auto narrow = [&](const Index& i) { return unit_float(word(i[0])); };
    EXPECT_TRUE(same_bits(random_uniform({size}, one), made({size}, narrow, DType::float32))) << size;
    EXPECT_TRUE(same_bits(random_uniform({size}, two, 0, 1, DType::float64), made({size}, wide))) << size;
    EXPECT_TRUE(same_bits(random_normal({size}, three), made({size}, bell, DType::float32))) << size;
    EXPECT_TRUE(same_bits(random_normal({size}, four, 0, 1, DType::float64), made({size}, bell))) << size;
    auto half = [&](const Index& i) { return word(i[0]) < 0x80000000u; };
    EXPECT_TRUE(same_bits(random_bernoulli({size}, five, 0.5), made({size}, half, DType::float32))) << size;
  }
  omp_set_num_threads(before);
}

// Not differentiable, with rows that have their extremes anywhere.
TEST(Cuts, PositionsOfExtremesAreRightInEveryBlockOfColumns) {
  for (std::int64_t columns : sizes_around(cuts::column_block)) {
    constexpr std::int64_t rows = 5;
    auto height = [](std::int64_t row, std::int64_t column) { return (row * 3 + column) % rows; };
    Tensor x = made(
        {rows, columns}, [&](const Index& i) { return height(i[0], i[1]); }, DType::float32);
    auto place_of = [&](std::int64_t wanted) {
      return made(
          {columns},
          [&](const Index& i) {
            for (std::int64_t row = 0; row < rows; ++row) {
              if (height(row, i[0]) == wanted) return row;
            }
            return rows;
          },
          DType::int64);
    };
    EXPECT_TRUE(same_bits(argmax(x, 0), place_of(rows - 1))) << columns;
    EXPECT_TRUE(same_bits(argmin(x, 0), place_of(0))) << columns;
  }
}

}  // namespace
}  // namespace floe
