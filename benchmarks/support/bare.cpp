// Bare oneDNN primitives, 2.6 and 3.x.
#include "bare.h"

#include <algorithm>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace floe::bench {

using dnnl::memory;

struct Bare::Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  memory filled(const memory::desc& desc) {
    memory result(desc, engine);
    std::fill_n(static_cast<float*>(result.get_data_handle()), desc.get_size() / sizeof(float), 0.01f);
    return result;
  }
};

Bare::Bare() : library_(std::make_unique<Library>()) {}
Bare::~Bare() = default;

void Bare::operator()() {
  for (auto& execute : work_) execute();
}

void Bare::convolution(const BareConvolution& c, int forwards, int input_gradients, int filter_gradients) {
  using Tag = memory::format_tag;
  dnnl::engine& engine = library_->engine;
  std::int64_t small = (c.size + c.stride - 1) / c.stride;
  std::int64_t total = std::max<std::int64_t>(0, (small - 1) * c.stride + c.kernel - c.size), before = total / 2;
  memory::desc image({c.batch, c.in, c.size, c.size}, memory::data_type::f32, Tag::nhwc),
      result({c.batch, c.out, small, small}, memory::data_type::f32, Tag::nhwc);
  memory::desc weights({c.out, c.in, c.kernel, c.kernel}, memory::data_type::f32, Tag::any);
  memory::dims strides{c.stride, c.stride}, left{before, before}, right{total - before, total - before};
  constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  dnnl::convolution_forward::primitive_desc forward(engine, dnnl::prop_kind::forward_training, algorithm, image,
                                                    weights, result, strides, left, right);
  dnnl::convolution_backward_data::primitive_desc input(engine, algorithm, image, weights, result, strides, left, right,
                                                        forward);
  dnnl::convolution_backward_weights::primitive_desc filter(engine, algorithm, image, weights, result, strides, left,
                                                            right, forward);
#else
  dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, image, weights, result, strides, left, right}, engine);
  dnnl::convolution_backward_data::primitive_desc input({algorithm, image, weights, result, strides, left, right},
                                                        engine, forward);
  dnnl::convolution_backward_weights::primitive_desc filter({algorithm, image, weights, result, strides, left, right},
                                                            engine, forward);
#endif
  memory x = library_->filled(image), y = library_->filled(result), w = library_->filled(forward.weights_desc()),
         dw = library_->filled(filter.diff_weights_desc()), iw = library_->filled(input.weights_desc());
  auto add = [&](int times, const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
    for (int i = 0; i < times; ++i)
      work_.push_back([this, primitive, arguments] { primitive.execute(library_->stream, arguments); });
  };
  add(forwards, dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
  add(input_gradients, dnnl::convolution_backward_data(input),
      {{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_WEIGHTS, iw}, {DNNL_ARG_DIFF_SRC, x}});
  add(filter_gradients, dnnl::convolution_backward_weights(filter),
      {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_DIFF_WEIGHTS, dw}});
}

void Bare::product(std::int64_t rows, std::int64_t inner, std::int64_t columns, int times) {
  std::vector<float> a(rows * inner, 0.01f), b(inner * columns, 0.01f), c(rows * columns);
  work_.push_back([=]() mutable {
    for (int i = 0; i < times; ++i)
      dnnl_sgemm('N', 'N', rows, columns, inner, 1, a.data(), inner, b.data(), columns, 0, c.data(), columns);
  });
}

double flops(const BareConvolution& c) {
  double side = static_cast<double>((c.size + c.stride - 1) / c.stride);
  return 2.0 * static_cast<double>(c.batch * c.in * c.out * c.kernel * c.kernel) * side * side;
}

void add_penguins_step(Bare& bare, std::int64_t batch) {
  // The discriminator.
  bare.convolution({batch, 28, 1, 64, 5, 2}, 2, 1, 2);
  bare.convolution({batch, 14, 64, 128, 5, 2}, 2, 3, 2);
  bare.product(batch, 6272, 1, 2), bare.product(6272, batch, 1, 2), bare.product(batch, 1, 6272, 3);
  // The generator. The forward direction of a transposed convolution is a gradient to the input.
  bare.product(batch, 100, 3136), bare.product(100, batch, 3136);
  bare.convolution({batch, 7, 64, 64, 5, 1}, 1, 1, 1);
  bare.convolution({batch, 14, 32, 64, 5, 2}, 1, 1, 1);
  bare.convolution({batch, 28, 1, 32, 5, 2}, 1, 1, 1);
}

}  // namespace floe::bench
