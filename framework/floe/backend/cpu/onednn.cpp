// oneDNN 2.6 and 3.x behind one interface. Every primitive runs in one thread on a fixed part of the batch, because the
// library splits its sums by the number of threads, which would change bits.
#include <floe/backend/cpu/onednn.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/backend/cpu/bias.h>
#include <floe/backend/cpu/cuts.h>
#include <floe/backend/parallel.h>

#if FLOE_ONEDNN
#include <memory>
#include <mutex>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace floe::cpu {
namespace {

dnnl::engine& engine() {
  static dnnl::engine only(dnnl::engine::kind::cpu, 0);
  return only;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream own(engine());
  return own;
}

// A buffer of the calling thread that grows and stays.
std::byte* scratch(std::size_t bytes) {
  static thread_local Tensor buffer;
  if (!buffer.defined() || static_cast<std::size_t>(buffer.elements()) < bytes)
    buffer = Tensor({static_cast<std::int64_t>(bytes)}, DType::uint8);
  return reinterpret_cast<std::byte*>(buffer.mutable_data<std::uint8_t>());
}

enum class Direction { forward, forward_with_bias, input_gradient, filter_gradient };

struct Key {
  Direction direction;
  ConvGeometry g;
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    std::size_t hash = static_cast<std::size_t>(key.direction);
    const std::int64_t* words = reinterpret_cast<const std::int64_t*>(&key.g);
    for (std::size_t i = 0; i < sizeof(ConvGeometry) / sizeof(std::int64_t); ++i)
      hash = (hash ^ static_cast<std::size_t>(words[i])) * 0x9E3779B97F4A7C15ull;
    return hash;
  }
};

// One convolution primitive with the layout it wants its filters in, and the way between that and HWIO.
struct Convolution {
  dnnl::primitive primitive;
  dnnl::reorder reorder;
  dnnl::memory::desc image, result, bias, plain_filters, own_filters, scratchpad;
  bool plain;  // its own layout is HWIO
};

// How a convolution is described to oneDNN: the layouts of its tensors, and how the window moves.
struct Description {
  using Tag = dnnl::memory::format_tag;
  using Dims = dnnl::memory::dims;

  Description(bool with_bias, const ConvGeometry& g)
      : image(dense({g.batch, g.in, g.height, g.width}, Tag::nhwc)),
        result(dense({g.batch, g.out, g.out_height, g.out_width}, Tag::nhwc)),
        stride{g.stride_height, g.stride_width},
        dilation{g.dilation_height - 1, g.dilation_width - 1},
        before{g.pad_top, g.pad_left},
        after{g.pad_bottom, g.pad_right} {
    if (with_bias) bias = dense({g.out}, Tag::x);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    // HWIO with groups: the groups are the outer part of the output axis.
    std::int64_t in = g.in / g.groups, out = g.out / g.groups;
    Dims sizes{g.groups, out, in, g.kernel_height, g.kernel_width};
    Dims strides{out, 1, g.out, g.kernel_width * in * g.out, in * g.out};
    if (g.groups == 1) sizes.erase(sizes.begin()), strides.erase(strides.begin());
    filters = dense(sizes, Tag::any);
    plain_filters = dnnl::memory::desc(sizes, dnnl::memory::data_type::f32, strides);
  }

  static dnnl::memory::desc dense(const Dims& dims, Tag tag) {
    return dnnl::memory::desc(dims, dnnl::memory::data_type::f32, tag);
  }

  dnnl::memory::desc image, result, filters, plain_filters, bias;  // filters: as oneDNN likes; no bias: empty
  Dims stride, dilation, before, after;
  dnnl::primitive_attr attributes;
};

// The three primitives of a convolution, in the words of either version.
constexpr auto prop = dnnl::prop_kind::forward_training;
constexpr auto algorithm = dnnl::algorithm::convolution_direct;
using Forward = dnnl::convolution_forward::primitive_desc;
using InputGradient = dnnl::convolution_backward_data::primitive_desc;
using FilterGradient = dnnl::convolution_backward_weights::primitive_desc;
#if DNNL_VERSION_MAJOR >= 3
Forward forward_of(const Description& d) {
  return Forward(engine(), prop, algorithm, d.image, d.filters, d.bias, d.result, d.stride, d.dilation, d.before,
                 d.after, d.attributes);
}
template <class Gradient>
Gradient gradient_of(const Description& d) {
  return Gradient(engine(), algorithm, d.image, d.filters, d.result, d.stride, d.dilation, d.before, d.after,
                  forward_of(d), d.attributes);
}
#else
Forward forward_of(const Description& d) {
  return Forward({prop, algorithm, d.image, d.filters, d.bias, d.result, d.stride, d.dilation, d.before, d.after},
                 d.attributes, engine());
}
template <class Gradient>
Gradient gradient_of(const Description& d) {
  return Gradient({algorithm, d.image, d.filters, d.result, d.stride, d.dilation, d.before, d.after}, d.attributes,
                  engine(), forward_of(d));
}
#endif

Convolution create(Direction direction, const ConvGeometry& g) {
  const Description d(direction == Direction::forward_with_bias, g);
  Convolution made;
  made.image = d.image, made.result = d.result, made.bias = d.bias, made.plain_filters = d.plain_filters;
  if (direction == Direction::forward || direction == Direction::forward_with_bias) {
    Forward desc = forward_of(d);
    made.primitive = dnnl::convolution_forward(desc);
    made.own_filters = desc.weights_desc(), made.scratchpad = desc.scratchpad_desc();
  } else if (direction == Direction::input_gradient) {
    InputGradient desc = gradient_of<InputGradient>(d);
    made.primitive = dnnl::convolution_backward_data(desc);
    made.own_filters = desc.weights_desc(), made.scratchpad = desc.scratchpad_desc();
  } else {
    FilterGradient desc = gradient_of<FilterGradient>(d);
    made.primitive = dnnl::convolution_backward_weights(desc);
    made.own_filters = desc.diff_weights_desc(), made.scratchpad = desc.scratchpad_desc();
  }

  // A reorder where its own layout is not HWIO.
  made.plain = made.own_filters == d.plain_filters;
  bool gives_filters = direction == Direction::filter_gradient;
  const auto& from = gives_filters ? made.own_filters : d.plain_filters;
  const auto& to = gives_filters ? d.plain_filters : made.own_filters;
  if (!made.plain) made.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
  return made;
}

// The primitive for a shape, made once; null if oneDNN has none. Creation takes 0.15 to 0.4 ms, and must see one thread:
// a primitive made under two threads and run in a parallel region gave wrong values.
const Convolution* convolution(Direction direction, const ConvGeometry& g) {
  static std::mutex mutex;
  static auto* cache = new std::unordered_map<Key, std::unique_ptr<Convolution>, KeyHash>;
  std::lock_guard lock(mutex);
  auto entry = cache->find(Key{direction, g});
  if (entry == cache->end()) {
    OneThread one;
    std::unique_ptr<Convolution> made;
    try {
      made = std::make_unique<Convolution>(create(direction, g));
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) throw;
    }
    entry = cache->emplace(Key{direction, g}, std::move(made)).first;
  }
  return entry->second.get();
}

void execute(const Convolution& c, std::unordered_map<int, dnnl::memory> arguments) {
  OneThread one;
  arguments[DNNL_ARG_SCRATCHPAD] = dnnl::memory(c.scratchpad, engine(), scratch(c.scratchpad.get_size()));
  c.primitive.execute(stream(), arguments);
}

dnnl::memory memory(const dnnl::memory::desc& desc, const float* data) {
  return dnnl::memory(desc, engine(), const_cast<float*>(data));
}

// Runs the primitive on parts of the batch: `whole` images each, at most `most`, and what is left over in one smaller
// part. Their number is a multiple of onednn_parts where it can be, so that two or four threads get as much to do.
struct Parts {
  Parts(Direction direction, const ConvGeometry& g, std::int64_t most) {
    constexpr std::int64_t multiple = cuts::onednn_parts;
    std::int64_t rounds = (g.batch + multiple * most - 1) / (multiple * most);
    whole = (g.batch + multiple * rounds - 1) / (multiple * rounds);
    count = (g.batch + whole - 1) / whole;
    ConvGeometry part = g;
    part.batch = std::min(whole, g.batch);
    first = convolution(direction, part);
    part.batch = g.batch - (count - 1) * whole;
    last = convolution(direction, part);
  }

  const Convolution& of(std::int64_t part) const { return part == count - 1 ? *last : *first; }
  bool exist() const { return first && last; }

  std::int64_t whole, count;
  const Convolution* first;
  const Convolution* last;
};

// The filters in the layout that the primitive wants.
Tensor in_own_layout(const Convolution& c, const float* filters) {
  Tensor own({static_cast<std::int64_t>(c.own_filters.get_size() / sizeof(float))});
  OneThread one;
  dnnl::memory from = memory(c.plain_filters, filters), to = memory(c.own_filters, own.mutable_data<float>());
  dnnl::reorder(c.reorder).execute(stream(), from, to);
  return own;
}

[[noreturn]] void fail(const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory) throw MemoryError("conv2d: oneDNN is out of memory; try a smaller batch");
  throw Error(fmt::format("conv2d: oneDNN: {}", error.what()));
}

bool images_times_filters(Direction direction, const float* in, const float* filters, const float* bias,
                          const ConvGeometry& g, float* out) try {
  Parts parts(direction, g, cuts::onednn_images);
  if (!parts.exist()) return false;
  bool forward = direction != Direction::input_gradient;
  std::int64_t in_step = parts.whole * (forward ? g.height * g.width * g.in : g.out_height * g.out_width * g.out);
  std::int64_t out_step = parts.whole * (forward ? g.out_height * g.out_width * g.out : g.height * g.width * g.in);

  // Bring the filters into the layout of the parts; the last, smaller part may want another.
  Tensor own, own_last;
  if (!parts.first->plain) own = in_own_layout(*parts.first, filters);
  bool same = parts.last->own_filters == parts.first->own_filters;
  if (!same && !parts.last->plain) own_last = in_own_layout(*parts.last, filters);

  parallel_ranges(parts.count, 1, [&](std::int64_t part, std::int64_t) {
    const Convolution& c = parts.of(part);
    const Tensor& layout = &c == parts.first || same ? own : own_last;
    dnnl::memory weights = memory(c.own_filters, c.plain ? filters : layout.data<float>());
    const float* from = in + part * in_step;
    float* to = out + part * out_step;
    if (forward) {
      std::unordered_map<int, dnnl::memory> arguments{
          {DNNL_ARG_SRC, memory(c.image, from)}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, memory(c.result, to)}};
      if (bias) arguments[DNNL_ARG_BIAS] = memory(c.bias, bias);
      execute(c, std::move(arguments));
    } else {
      execute(c, {{DNNL_ARG_DIFF_DST, memory(c.result, from)},
                  {DNNL_ARG_WEIGHTS, weights},
                  {DNNL_ARG_DIFF_SRC, memory(c.image, to)}});
      std::int64_t images = std::min(parts.whole, g.batch - part * parts.whole);
      add_bias(images * g.height * g.width, g.in, bias, to);
    }
  });
  return true;
} catch (const dnnl::error& error) { fail(error); }

}  // namespace

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

bool onednn_gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<float> a, Matrix<float> b,
                 float* c, std::int64_t ldc, bool accumulate) {
  OneThread one;
  return dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', rows, columns, inner, 1.0f, a.data, a.ld,
                    b.data, b.ld, accumulate ? 1.0f : 0.0f, c, ldc) == dnnl_success;
}

bool onednn_conv2d(const float* x, const float* filters, const float* bias, const ConvGeometry& g, float* y) {
  return images_times_filters(bias ? Direction::forward_with_bias : Direction::forward, x, filters, bias, g, y);
}

bool onednn_conv2d_input_gradient(const float* dy, const float* filters, const float* bias, const ConvGeometry& g,
                                  float* dx) {
  return images_times_filters(Direction::input_gradient, dy, filters, bias, g, dx);
}

bool onednn_conv2d_filter_gradient(const float* x, const float* dy, const ConvGeometry& g, float* dfilters) try {
  Parts parts(Direction::filter_gradient, g,
              std::max(cuts::onednn_images, (g.batch + cuts::batch_sums - 1) / cuts::batch_sums));
  if (!parts.exist() || parts.first->own_filters != parts.last->own_filters) return false;
  std::int64_t size = static_cast<std::int64_t>(parts.first->own_filters.get_size() / sizeof(float));

  // Each part makes its own sum.
  Tensor sums({parts.count, size});
  float* sum = sums.mutable_data<float>();
  parallel_ranges(parts.count, 1, [&](std::int64_t part, std::int64_t) {
    const Convolution& c = parts.of(part);
    execute(c, {{DNNL_ARG_SRC, memory(c.image, x + part * parts.whole * g.height * g.width * g.in)},
                {DNNL_ARG_DIFF_DST, memory(c.result, dy + part * parts.whole * g.out_height * g.out_width * g.out)},
                {DNNL_ARG_DIFF_WEIGHTS, memory(c.own_filters, sum + part * size)}});
  });

  // Add the sums in the order of the parts, then bring them to HWIO.
  parallel_ranges(size, rows_per_part(parts.count), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = 1; part < parts.count; ++part) {
      for (std::int64_t i = begin; i < end; ++i) sum[i] += sum[part * size + i];
    }
  });
  if (parts.first->plain) {
    std::copy_n(sum, size, dfilters);
  } else {
    OneThread one;
    dnnl::memory from = memory(parts.first->own_filters, sum), to = memory(parts.first->plain_filters, dfilters);
    dnnl::reorder(parts.first->reorder).execute(stream(), from, to);
  }
  return true;
} catch (const dnnl::error& error) { fail(error); }

}  // namespace floe::cpu

#else

namespace floe::cpu {

std::string onednn_version() { return ""; }
bool onednn_gemm(std::int64_t, std::int64_t, std::int64_t, Matrix<float>, Matrix<float>, float*, std::int64_t, bool) {
  return false;
}
bool onednn_conv2d(const float*, const float*, const float*, const ConvGeometry&, float*) { return false; }
bool onednn_conv2d_input_gradient(const float*, const float*, const float*, const ConvGeometry&, float*) {
  return false;
}
bool onednn_conv2d_filter_gradient(const float*, const float*, const ConvGeometry&, float*) { return false; }

}  // namespace floe::cpu

#endif
