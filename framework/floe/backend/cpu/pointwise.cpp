// Broadcasting loops, and the sum that the tape adds gradients with.
#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/pointwise.h>

namespace floe::cpu {

bool worth_streaming(const void* out, std::int64_t bytes) {
  return bytes > cuts::cached_bytes && reinterpret_cast<std::uintptr_t>(out) % 64 == 0;
}

namespace {

// Short rows, under which one operand begins anew and the other continues, as with a bias: the first is repeated in a
// tile, and many rows become one.
struct Tile {
  Tile(const BroadcastLoop& loop, std::size_t item) {
    auto begins_anew = [&](const auto& strides) { return strides[0] == 1 && strides[1] == 0; };
    auto goes_on = [&](const auto& strides) { return strides[0] == 1 && strides[1] == loop.sizes[0]; };
    if (loop.rank < 2 || loop.sizes[0] >= cuts::short_row) return;
    if (begins_anew(loop.a) && goes_on(loop.b))
      of_a = true;
    else if (!(begins_anew(loop.b) && goes_on(loop.a)))
      return;
    rows = std::min(loop.sizes[1], cuts::tile_bytes / (loop.sizes[0] * static_cast<std::int64_t>(item)));
  }

  std::int64_t rows = 1;  // of the loop that become one; 1 if none do
  bool of_a = false;
};

}  // namespace

void broadcast_rows(const BroadcastLoop& loop, Row row, std::byte* out, std::size_t out_item, const std::byte* a,
                    const std::byte* b, std::size_t item) {
  std::int64_t size = loop.sizes[0], rows = 1;
  for (int axis = 1; axis < loop.rank; ++axis) rows *= loop.sizes[axis];
  bool stream = worth_streaming(out, size * rows * static_cast<std::int64_t>(out_item)) &&
                (rows == 1 || size % 64 == 0) && out != a && out != b;

  // One long row is cut.
  if (rows == 1) {
    parallel_ranges(size, part_elements, [&](std::int64_t begin, std::int64_t end) {
      row(stream, end - begin, out + begin * static_cast<std::int64_t>(out_item),
          a + begin * loop.a[0] * static_cast<std::int64_t>(item), loop.a[0],
          b + begin * loop.b[0] * static_cast<std::int64_t>(item), loop.b[0]);
      if (stream) finish_streams();
    });
    return;
  }

  // Many rows are dealt out, each part walking through the axes like an odometer.
  const Tile tile(loop, item);
  parallel_ranges(rows, std::max(rows_per_part(size), tile.rows), [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, Shape::max_rank> index{};
    std::int64_t at_a = 0, at_b = 0;
    auto move = [&](int axis, std::int64_t count) {
      index[axis] += count, at_a += count * loop.a[axis], at_b += count * loop.b[axis];
    };
    for (std::int64_t rest = begin, axis = 1; axis < loop.rank; rest /= loop.sizes[axis++])
      move(static_cast<int>(axis), rest % loop.sizes[axis]);

    alignas(64) std::byte tiled[cuts::tile_bytes];
    const std::byte* tiled_from = nullptr;
    for (std::int64_t r = begin; r < end;) {
      const std::byte *p = a + at_a * static_cast<std::int64_t>(item), *q = b + at_b * static_cast<std::int64_t>(item);
      std::int64_t together = std::min({tile.rows, end - r, loop.sizes[1] - index[1]});
      if (together > 1) {
        const std::byte*& repeated = tile.of_a ? p : q;
        std::size_t bytes = static_cast<std::size_t>(size) * item;
        if (std::exchange(tiled_from, repeated) != repeated) {
          for (std::int64_t i = 0; i < tile.rows; ++i)
            std::copy_n(repeated, bytes, tiled + static_cast<std::size_t>(i) * bytes);
        }
        repeated = tiled;
      }
      row(stream, together * size, out + r * size * static_cast<std::int64_t>(out_item), p, loop.a[0], q, loop.b[0]);
      r += together;
      move(1, together);
      for (int axis = 1; axis + 1 < loop.rank && index[axis] == loop.sizes[axis]; ++axis)
        move(axis, -loop.sizes[axis]), move(axis + 1, 1);
    }
    if (stream) finish_streams();
  });
}

void add(const Tensor& a, const Tensor& b, Tensor& c) {
  dispatch(c.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      pointwise_flat<T>(
          c.elements(), formulas::Add{}, c.mutable_data<T>(), a.data<T>(), b.data<T>());
    } else {
      refuse_dtype("add", "numbers", c.dtype());
    }
  });
}

}  // namespace floe::cpu
