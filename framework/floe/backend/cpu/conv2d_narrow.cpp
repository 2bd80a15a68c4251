// Gradients to images of few channels: each number is a sum of dot products over the channels of dy.
#include <floe/backend/cpu/conv2d_narrow.h>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/packet.h>
#include <floe/backend/parallel.h>

namespace floe::cpu {
namespace {

constexpr int together = cuts::narrow_pixels;

std::int64_t rounded_up(std::int64_t size, std::int64_t to) { return (size + to - 1) / to * to; }

}  // namespace

// Along one axis, dx at x takes from dy at (x + before - tap) / stride, for the taps where that is whole; dy gets zeros
// around it, so that no place has to be checked.
struct NarrowAxis {
  std::int64_t size, small, taps, stride, before;

  std::int64_t first_tap(std::int64_t x) const { return (x + before) % stride; }
  std::int64_t zeros() const { return (taps - 1) / stride; }  // in front of dy
  std::int64_t source(std::int64_t x, std::int64_t tap) const { return (x + before - tap) / stride + zeros(); }
  std::int64_t padded() const {
    return std::max(zeros() + small, source(size - 1 + stride, first_tap(size - 1 + stride)) + together);
  }
};

bool is_narrow(const ConvGeometry& g) {
  return g.in <= cuts::narrow_channels && g.groups == 1 && g.dilation_height == 1 && g.dilation_width == 1;
}

template <class T>
void narrow_input_gradient(const T* dy, const T* filters, const T* bias, const ConvGeometry& g, T* dx) {
  using P = Packet<T>;
  const NarrowAxis down{g.height, g.out_height, g.kernel_height, g.stride_height, g.pad_top},
      along{g.width, g.out_width, g.kernel_width, g.stride_width, g.pad_left};
  const std::int64_t depth = rounded_up(g.out, P::size), row = along.padded() * depth;

  // Filters with whole packets of channels.
  std::int64_t tap_count = g.kernel_height * g.kernel_width * g.in;
  Tensor own_filters({tap_count * depth}, dtype_of<T>());
  T* weights = own_filters.mutable_data<T>();
  std::fill_n(weights, tap_count * depth, T(0));
  for (std::int64_t i = 0; i < tap_count; ++i) std::copy_n(filters + i * g.out, g.out, weights + i * depth);

  // Parts of some rows of one image, with the rows of dy that they need.
  constexpr std::int64_t part_rows = cuts::narrow_rows;
  std::int64_t parts_of_image = (g.height + part_rows - 1) / part_rows;
  parallel_ranges(g.batch * parts_of_image, 1, [&](std::int64_t part, std::int64_t) {
    std::int64_t image = part / parts_of_image, top = part % parts_of_image * part_rows;
    std::int64_t bottom = std::min(g.height, top + part_rows);
    std::int64_t first = (top + down.before) / down.stride - down.zeros();  // of dy, maybe before it
    std::int64_t last = (bottom - 1 + down.before) / down.stride;
    Tensor padded({(last - first + 1) * row}, dtype_of<T>());
    T* rows = padded.mutable_data<T>();
    std::fill_n(rows, padded.elements(), T(0));
    for (std::int64_t y = std::max<std::int64_t>(first, 0); y <= std::min(last, g.out_height - 1); ++y) {
      const T* from = dy + (image * g.out_height + y) * g.out_width * g.out;
      T* to = rows + (y - first) * row + along.zeros() * depth;
      for (std::int64_t x = 0; x < g.out_width; ++x) std::copy_n(from + x * g.out, g.out, to + x * depth);
    }

    // Pixels that take from dy by the same taps lie a stride apart.
    for (std::int64_t y = top; y < bottom; ++y) {
      T* out = dx + (image * g.height + y) * g.width * g.in;
      for (std::int64_t phase = 0; phase < std::min(along.stride, g.width); ++phase) {
        for (std::int64_t x = phase; x < g.width; x += together * along.stride) {
          for (std::int64_t channel = 0; channel < g.in; ++channel) {
            P sums[together];
            for (P& sum : sums) sum = P(0);
            for (std::int64_t ky = down.first_tap(y); ky < down.taps; ky += down.stride) {
              const T* line = rows + ((y + down.before - ky) / down.stride - first) * row;
              for (std::int64_t kx = along.first_tap(x); kx < along.taps; kx += along.stride) {
                const T* from = line + along.source(x, kx) * depth;
                const T* tap = weights + ((ky * along.taps + kx) * g.in + channel) * depth;
                for (std::int64_t k = 0; k < depth; k += P::size) {
                  P weight = P::load(tap + k);
                  for (int i = 0; i < together; ++i)
                    sums[i] = math::fma(P::load(from + i * depth + k), weight, sums[i]);
                }
              }
            }
            for (std::int64_t i = 0, at = x; i < together && at < g.width; ++i, at += along.stride)
              out[at * g.in + channel] = sums[i].total() + (bias ? bias[channel] : T(0));
          }
        }
      }
    }
  });
}

template void narrow_input_gradient(const float*, const float*, const float*, const ConvGeometry&, float*);
template void narrow_input_gradient(const double*, const double*, const double*, const ConvGeometry&, double*);

}  // namespace floe::cpu
