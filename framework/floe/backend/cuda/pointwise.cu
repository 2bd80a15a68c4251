// Pointwise kernels of each formula, and under broadcasting.
#include <floe/backend/pointwise.h>

#include <floe/backend/cuda/launch.h>
#include <floe/tensor/device_memory.h>

namespace floe::cuda {
namespace {

// The elements of a result, which may lie over an operand that is spent.
template <class T>
T* overwritten(Tensor& y) {
  T* out = result_data<T>(y);
  changed(out, static_cast<std::size_t>(y.elements()) * sizeof(T));
  return out;
}

// out[i] = formula(in[i]...), 16 bytes at once if `packed`.
template <class S, class Out, class Formula, class... In>
__global__ void flat_kernel(std::int64_t size, bool packed, Formula formula, Out* out, In... in) {
  const std::int64_t stride = thread_count();
  std::int64_t begin = 0;
  if constexpr (sizeof(S) == sizeof(Out)) {
    if (packed) {
      constexpr int wide = Pack<S>::size;
      const std::int64_t packs = size / wide;
      for (std::int64_t i = thread_index(); i < packs; i += stride) {
        Pack<Out> result;
        auto apply = [&](const auto&... pack) {
          for (int k = 0; k < wide; ++k) result.values[k] = static_cast<Out>(formula(pack.values[k]...));
        };
        apply(in.pack(i)...);
        in_steps<Pack<Out>>(out)[i] = result;
      }
      begin = packs * wide;
    }
  }
  for (std::int64_t i = begin + thread_index(); i < size; i += stride) out[i] = static_cast<Out>(formula(in[i]...));
}

// An input of it: an array, or a number that stands for one.
template <class S>
struct Input {
  explicit Input(const Tensor& x) : source(x) {}
  __device__ S operator[](std::int64_t i) const { return source[i]; }
  __device__ Pack<S> pack(std::int64_t i) const {
    if (source.data) return in_steps<Pack<S>>(source.data)[i];
    Pack<S> repeated;
    for (S& value : repeated.values) value = source.number;
    return repeated;
  }
  bool packed() const { return aligned(source.data); }
  Source<S> source;
};

template <class S, class Out, class Formula, class... X>
void flat(const Context& on, std::int64_t size, const Formula& formula, Tensor& y, const X&... x) {
  if (size == 0) return;
  Out* out = overwritten<Out>(y);
  bool packed = sizeof(S) == sizeof(Out) && aligned(out) && (Input<S>(x).packed() && ...);
  launch(on, flat_kernel<S, Out, Formula, std::conditional_t<true, Input<S>, X>...>,
         blocks_for(on, packed ? size / Pack<S>::size + 1 : size), size, packed, formula, out, Input<S>(x)...);
}

// The slope as a function of numbers.
template <class Formula>
struct Slope {
  template <class T>
  __device__ T operator()(T dy, T x, T y) const {
    return math::multiply_no_nan(dy, formula.slope(x, y));
  }
  Formula formula;
};

template <class Formula>
struct Value {
  template <class T>
  __device__ T operator()(T x) const {
    return formula.value(x);
  }
  Formula formula;
};

template <class S, class Out, class Formula>
__global__ void broadcast_kernel(std::int64_t size, Formula formula, Path<3> path, Out* out, Source<S> a, Source<S> b) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t at[3];
    path.find(i, at);
    out[at[0]] = static_cast<Out>(formula(a[at[1]], b[at[2]]));
  }
}

bool is_number(const Tensor& x) { return x.device().kind == Device::Kind::cpu; }

// The same where the result is a matrix by rows, and each operand goes along a row element by element or stays, as
// under a bias: 16 bytes at once.
struct RowStrides {
  std::int64_t along, between;  // within a row, 0 or 1; and from one row to the next, in elements
};

template <class S, class Formula>
__global__ void rows_kernel(std::int64_t packs, Divisor row_packs, Formula formula, RowStrides of_a, RowStrides of_b,
                            const S* a, const S* b, S* out) {
  constexpr int wide = Pack<S>::size;
  auto load = [](const S* from, const RowStrides& strides, std::int64_t row, std::int64_t column) {
    const S* at = from + row * strides.between;
    if (strides.along) return *in_steps<Pack<S>>(at + column);
    Pack<S> repeated;
    for (S& value : repeated.values) value = *at;
    return repeated;
  };
  for (std::int64_t i = thread_index(); i < packs; i += thread_count()) {
    std::int64_t row = row_packs.divide(i), column = (i - row * row_packs.number) * wide;
    const Pack<S> p = load(a, of_a, row, column), q = load(b, of_b, row, column);
    Pack<S> result;
    for (int k = 0; k < wide; ++k) result.values[k] = static_cast<S>(formula(p.values[k], q.values[k]));
    in_steps<Pack<S>>(out)[i] = result;
  }
}

// Whether that is how the loop goes.
template <class S>
bool goes_in_packs(const StridedLoop<3>& loop, const void* out, const Tensor& a, const Tensor& b) {
  constexpr std::int64_t wide = Pack<S>::size;
  if (is_number(a) || is_number(b) || loop.rank != 2 || loop.sizes[0] % wide != 0) return false;
  bool good = aligned(out) && aligned(a.raw()) && aligned(b.raw());
  for (int s : {1, 2}) good &= loop.strides[0][s] == 0 || (loop.strides[0][s] == 1 && loop.strides[1][s] % wide == 0);
  return good;
}

// `Out` void means the operands' own type.
template <class Result, class Formula>
void broadcast(const Formula& formula, const Tensor& a, const Tensor& b, Tensor& y) {
  if (y.elements() == 0) return;
  const Context& on = context(y.device());
  formulas::dispatch_taken<Formula>(a.dtype(), [&]<class S>() {
    using Out = std::conditional_t<std::is_void_v<Result>, S, Result>;
    auto whole = [&](const Tensor& x) { return is_number(x) || x.shape() == y.shape(); };
    if (whole(a) && whole(b)) return flat<S, Out>(on, y.elements(), formula, y, a, b);
    StridedLoop<3> loop(y.shape(), {dense_strides(y.shape()), broadcast_strides(a.shape(), y.shape()),
                             broadcast_strides(b.shape(), y.shape())});
    if constexpr (std::is_same_v<S, Out>) {
      if (goes_in_packs<S>(loop, result_data<S>(y), a, b)) {
        std::int64_t packs = y.elements() / Pack<S>::size;
        return launch(on, rows_kernel<S, Formula>, blocks_for(on, packs), packs, Divisor(loop.sizes[0] / Pack<S>::size),
                      formula, RowStrides{loop.strides[0][1], loop.strides[1][1]},
                      RowStrides{loop.strides[0][2], loop.strides[1][2]}, data<S>(a), data<S>(b), overwritten<S>(y));
      }
    }
    launch(on, broadcast_kernel<S, Out, Formula>, blocks_for(on, y.elements()), y.elements(), formula, Path<3>(loop),
           overwritten<Out>(y), Source<S>(a), Source<S>(b));
  });
}

}  // namespace

template <class Formula>
void pointwise(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch_floating(x.dtype(),
                    [&]<class S>() { flat<S, S>(context(x.device()), x.elements(), Value<Formula>{formula}, y, x); });
}

template <class Formula>
void pointwise_gradient(const Formula& formula, const Tensor& dy, const Tensor& x, const Tensor& y, Tensor& dx) {
  dispatch_floating(dy.dtype(), [&]<class S>() {
    flat<S, S>(context(dy.device()), dy.elements(), Slope<Formula>{formula}, dx, dy, x, y);
  });
}

template <class Formula>
void map(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch(x.dtype(), [&]<class S>() {
    if constexpr (!std::is_same_v<S, bool>)
      flat<S, S>(context(x.device()), x.elements(), formula, y, x);
    else
      refuse_dtype("map", "numbers", x.dtype());
  });
}

template <class Formula>
void test(const Formula& formula, const Tensor& x, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() { flat<S, bool>(context(x.device()), x.elements(), formula, y, x); });
}

template <class Formula>
void combine(const Formula& formula, const Tensor& a, const Tensor& b, Tensor& y) {
  broadcast<void>(formula, a, b, y);
}

template <class Formula>
void compare(const Formula& formula, const Tensor& a, const Tensor& b, Tensor& y) {
  broadcast<bool>(formula, a, b, y);
}

void add(const Tensor& a, const Tensor& b, Tensor& c) { combine(formulas::Add{}, a, b, c); }

// --- What this file is for: each kernel by name ----------------------------------------------------------------------

using namespace formulas;

#define FLOE_COMPILE(F, op)                                     \
  template void pointwise<F>(const F&, const Tensor&, Tensor&); \
  template void pointwise_gradient<F>(const F&, const Tensor&, const Tensor&, const Tensor&, Tensor&);
FLOE_EACH_FORMULA(FLOE_COMPILE)
#undef FLOE_COMPILE

#define FLOE_COMPILE(F, op) template void map<F>(const F&, const Tensor&, Tensor&);
FLOE_EACH_MAP(FLOE_COMPILE)
#undef FLOE_COMPILE

#define FLOE_COMPILE(F, op) template void test<F>(const F&, const Tensor&, Tensor&);
FLOE_EACH_TEST(FLOE_COMPILE)
#undef FLOE_COMPILE

#define FLOE_COMPILE(F, op) template void combine<F>(const F&, const Tensor&, const Tensor&, Tensor&);
FLOE_EACH_ARITHMETIC(FLOE_COMPILE)
#undef FLOE_COMPILE

#define FLOE_COMPILE(F, op) template void compare<F>(const F&, const Tensor&, const Tensor&, Tensor&);
FLOE_EACH_COMPARISON(FLOE_COMPILE)
#undef FLOE_COMPILE

}  // namespace floe::cuda
