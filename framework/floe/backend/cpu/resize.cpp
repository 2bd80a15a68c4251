// Resizing of images (batch, height, width, channels), nearest and bilinear, and the gradients of both.
#include <vector>

#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/resize_taps.h>

namespace floe::cpu {
namespace {

// The taps of all outputs of an axis.
template <class Taps>
std::vector<Tap> taps_of(const Taps& taps) {
  std::vector<Tap> all(taps.out);
  for (std::int64_t i = 0; i < taps.out; ++i) all[i] = taps(i);
  return all;
}

// The same axis seen from an input: the neighbouring outputs that look at it, and how much of it each takes.
struct Reach {
  std::int64_t begin = 0;
  std::vector<double> weights;
};

std::vector<Reach> reaches(const std::vector<Tap>& taps, std::int64_t in) {
  std::vector<Reach> all(in);
  auto add = [&](std::int64_t input, std::int64_t output, double weight) {
    Reach& reach = all[input];
    if (reach.weights.empty()) reach.begin = output;
    reach.weights.push_back(weight);
  };
  for (std::size_t i = 0; i < taps.size(); ++i) {
    add(taps[i].lower, static_cast<std::int64_t>(i), taps[i].lower == taps[i].upper ? 1 : 1 - taps[i].share);
    if (taps[i].upper != taps[i].lower) add(taps[i].upper, static_cast<std::int64_t>(i), taps[i].share);
  }
  return all;
}

// to = the sum of weight * line over the lines of `reach`, each `size` long.
template <class S>
void add_lines(const Reach& reach, const S* lines, std::int64_t size, S* to) {
  std::fill_n(to, size, S(0));
  const S* from = lines + reach.begin * size;
  for (std::size_t i = 0; i < reach.weights.size(); ++i, from += size) {
    S weight = static_cast<S>(reach.weights[i]);
#pragma omp simd
    for (std::int64_t k = 0; k < size; ++k) to[k] += weight * from[k];
  }
}

// The adjoint of a resize with these taps: rows are gathered first, then the pixels of the gathered row.
void resize_gradient(const Tensor& dy, const std::vector<Tap>& row_taps, const std::vector<Tap>& column_taps,
                     Tensor& dx) {
  std::int64_t height = dx.dim(1), width = dx.dim(2), channels = dx.dim(3);
  std::int64_t out_height = dy.dim(1), line = dy.dim(2) * channels;
  std::vector<Reach> rows = reaches(row_taps, height), columns = reaches(column_taps, width);
  dispatch_floating(dy.dtype(), [&]<class S>() {
    const S* in = dy.data<S>();
    S* out = dx.mutable_data<S>();
    parallel_ranges(dx.dim(0) * height, rows_per_part(line), [&](std::int64_t begin, std::int64_t end) {
      std::vector<S> gathered(line);
      for (std::int64_t i = begin; i < end; ++i) {
        add_lines(rows[i % height], in + i / height * out_height * line, line, gathered.data());
        for (std::int64_t j = 0; j < width; ++j) {
          add_lines(columns[j], gathered.data(), channels, out + (i * width + j) * channels);
        }
      }
    });
  });
}

}  // namespace

void resize_nearest(const Tensor& x, Tensor& y) {
  std::int64_t height = y.dim(1), width = y.dim(2), channels = y.dim(3), in_height = x.dim(1), in_width = x.dim(2);
  std::vector<Tap> rows = taps_of(NearestTaps{in_height, height}), columns = taps_of(NearestTaps{in_width, width});
  dispatch(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    T* out = y.mutable_data<T>();
    parallel_ranges(y.dim(0) * height, rows_per_part(width * channels), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* row = in + (i / height * in_height + rows[i % height].lower) * in_width * channels;
        T* to = out + i * width * channels;
        for (std::int64_t j = 0; j < width; ++j, to += channels) {
          std::copy_n(row + columns[j].lower * channels, channels, to);
        }
      }
    });
  });
}

void resize_nearest_gradient(const Tensor& dy, Tensor& dx) {
  resize_gradient(dy, taps_of(NearestTaps{dx.dim(1), dy.dim(1)}), taps_of(NearestTaps{dx.dim(2), dy.dim(2)}), dx);
}

// Two rows are blended into one, whose pixels are then blended in pairs.
void resize_bilinear(const Tensor& x, Tensor& y) {
  std::int64_t height = y.dim(1), width = y.dim(2), channels = y.dim(3);
  std::int64_t in_height = x.dim(1), line = x.dim(2) * channels;
  std::vector<Tap> rows = taps_of(BilinearTaps{in_height, height}), columns = taps_of(BilinearTaps{x.dim(2), width});
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S* in = x.data<S>();
    S* out = y.mutable_data<S>();
    auto blend = [](std::int64_t size, const S* a, const S* b, double share_of_b, S* to) {
      S share = static_cast<S>(share_of_b);
#pragma omp simd
      for (std::int64_t k = 0; k < size; ++k) to[k] = a[k] + (b[k] - a[k]) * share;
    };
    parallel_ranges(y.dim(0) * height, rows_per_part(width * channels), [&](std::int64_t begin, std::int64_t end) {
      std::vector<S> blended(line);
      for (std::int64_t i = begin; i < end; ++i) {
        const S* image = in + i / height * in_height * line;
        const Tap& row = rows[i % height];
        blend(line, image + row.lower * line, image + row.upper * line, row.share, blended.data());
        S* to = out + i * width * channels;
        for (std::int64_t j = 0; j < width; ++j, to += channels) {
          const auto [lower, upper, share] = columns[j];
          blend(channels, blended.data() + lower * channels, blended.data() + upper * channels, share, to);
        }
      }
    });
  });
}

void resize_bilinear_gradient(const Tensor& dy, Tensor& dx) {
  resize_gradient(dy, taps_of(BilinearTaps{dx.dim(1), dy.dim(1)}), taps_of(BilinearTaps{dx.dim(2), dy.dim(2)}), dx);
}

}  // namespace floe::cpu
