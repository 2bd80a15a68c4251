// Loops that run a pointwise formula over tensors: on packets for float and double, element by element for integers.
#pragma once

#include <floe/backend/cpu/packet.h>
#include <floe/backend/kernels.h>
#include <floe/backend/strides.h>
#include <floe/backend/parallel.h>
#include <floe/backend/pointwise.h>

namespace floe::cpu {

// Is it best to stream this many bytes to this place: are they more than the caches hold? A result that is written over
// an operand is in the cache anyway.
bool worth_streaming(const void* out, std::int64_t bytes);

// out[i] = formula(in[i]...) for 0 .. size, one after another; a step of 0 repeats the first element of that input.
template <class S, class Formula, class... In>
void packet_row(bool stream, std::int64_t size, Formula formula, S* out, std::pair<const S*, std::int64_t> first,
                In... rest) {
  auto load = [](auto in, std::int64_t i) { return in.second ? Packet<S>::load(in.first + i) : Packet<S>(*in.first); };
  auto load_part = [](auto in, std::int64_t i, int n) {
    return in.second ? Packet<S>::load_part(in.first + i, n) : Packet<S>(*in.first);
  };
  std::int64_t i = 0;
  for (; i + Packet<S>::size <= size; i += Packet<S>::size) {
    Packet<S>(formula(load(first, i), load(rest, i)...)).store(out + i, stream);
  }
  if (int left = static_cast<int>(size - i))
    formula(load_part(first, i, left), load_part(rest, i, left)...).store_part(out + i, left);
}

// out[i] = formula(in[i]...) for tensors of one shape; out may be one of them.
template <class S, class Formula, class... In>
void pointwise_flat(std::int64_t size, Formula formula, S* out, const In*... in) {
  bool stream = worth_streaming(out, size * static_cast<std::int64_t>(sizeof(S))) && ((out != in) && ...);
  parallel_ranges(size, part_elements, [&](std::int64_t begin, std::int64_t end) {
    if constexpr (std::is_floating_point_v<S>) {
      packet_row<S>(stream, end - begin, formula, out + begin, std::pair{in + begin, std::int64_t{1}}...);
      if (stream) finish_streams();
    } else {
      for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<S>(formula(in[i]...));
    }
  });
}

// One row of a broadcast: out[i] = formula(a[i * a_step], b[i * b_step]), the steps 0 or the same throughout.
using Row = void (*)(bool stream, std::int64_t size, void* out, const void* a, std::int64_t a_step, const void* b,
                     std::int64_t b_step);

template <class S, class Out, class Formula>
void row([[maybe_unused]] bool stream, std::int64_t size, void* out, const void* a, std::int64_t a_step, const void* b,
         std::int64_t b_step) {
  auto y = static_cast<Out*>(out);
  auto p = static_cast<const S*>(a), q = static_cast<const S*>(b);
  if constexpr (std::is_floating_point_v<S> && std::is_same_v<S, Out>) {
    if (a_step <= 1 && b_step <= 1)
      return packet_row<S>(stream, size, Formula{}, y, std::pair{p, a_step}, std::pair{q, b_step});
  }
  for (std::int64_t i = 0; i < size; ++i) y[i] = static_cast<Out>(Formula{}(p[i * a_step], q[i * b_step]));
}

// All rows under NumPy's broadcasting; item sizes in bytes.
void broadcast_rows(const BroadcastLoop& loop, Row row, std::byte* out, std::size_t out_item, const std::byte* a,
                    const std::byte* b, std::size_t item);

// --- The kernels of backend/pointwise.h ------------------------------------------------------------------------------

template <class Formula>
void pointwise(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    pointwise_flat<T>(x.elements(), [&](auto a) { return formula.value(a); }, result_data<T>(y), x.data<T>());
  });
}

template <class Formula>
void pointwise_gradient(const Formula& formula, const Tensor& dy, const Tensor& x, const Tensor& y, Tensor& dx) {
  dispatch_floating(dy.dtype(), [&]<class T>() {
    pointwise_flat<T>(
        dy.elements(), [&](auto g, auto a, auto b) { return math::multiply_no_nan(g, formula.slope(a, b)); },
        result_data<T>(dx), dy.data<T>(), x.data<T>(), y.data<T>());
  });
}

template <class Formula>
void map(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>)
      pointwise_flat<T>(x.elements(), formula, result_data<T>(y), x.data<T>());
    else
      refuse_dtype("map", "numbers", x.dtype());
  });
}

template <class Formula>
void test(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    bool* out = y.mutable_data<bool>();
    parallel_ranges(x.elements(), part_elements, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = formula(in[i]);
    });
  });
}

// `Out` void means the operands' own type.
template <class Out, class Formula>
void broadcast(const Tensor& a, const Tensor& b, Tensor& y) {
  if (y.elements() == 0) return;
  Row row_of = nullptr;
  formulas::dispatch_taken<Formula>(
      a.dtype(), [&]<class T>() { row_of = row<T, std::conditional_t<std::is_void_v<Out>, T, Out>, Formula>; });
  broadcast_rows(BroadcastLoop(y.shape(), a.shape(), b.shape()), row_of, result_data<std::byte>(y),
                 item_size(y.dtype()), static_cast<const std::byte*>(a.raw()), static_cast<const std::byte*>(b.raw()),
                 item_size(a.dtype()));
}

template <class Formula>
void combine(const Formula&, const Tensor& a, const Tensor& b, Tensor& y) {
  broadcast<void, Formula>(a, b, y);
}

template <class Formula>
void compare(const Formula&, const Tensor& a, const Tensor& b, Tensor& y) {
  broadcast<bool, Formula>(a, b, y);
}

}  // namespace floe::cpu
