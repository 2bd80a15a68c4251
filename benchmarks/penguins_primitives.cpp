// The convolutions and matrix products of one penguins step as bare oneDNN primitives on all threads: what a step cannot
// be faster than. The generator's tape needs no filter gradients of the discriminator, so there are none here.
#include <benchmark/benchmark.h>

#include <functional>
#include <vector>

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace {

using dnnl::memory;

struct Bare {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<std::function<void()>> work;

  memory filled(const memory::desc& desc) {
    memory result(desc, engine);
    std::fill_n(static_cast<float*>(result.get_data_handle()), desc.get_size() / sizeof(float), 0.01f);
    return result;
  }

  // A convolution from (size, size, in) to (size / stride, ..., out) with 5 x 5 filters, as often as each direction says.
  void convolution(memory::dim batch, memory::dim size, memory::dim in, memory::dim out, memory::dim stride,
                   int forwards, int inputs, int filters) {
    using Tag = memory::format_tag;
    memory::dim small = size / stride, total = (small - 1) * stride + 5 - size, before = total / 2;
    memory::desc image({batch, in, size, size}, memory::data_type::f32, Tag::nhwc),
        result({batch, out, small, small}, memory::data_type::f32, Tag::nhwc);
    memory::desc weights({out, in, 5, 5}, memory::data_type::f32, Tag::any);
    memory::dims strides{stride, stride}, left{before, before}, right{total - before, total - before};
    constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    dnnl::convolution_forward::primitive_desc forward(engine, dnnl::prop_kind::forward_training, algorithm, image,
                                                      weights, result, strides, left, right);
    dnnl::convolution_backward_data::primitive_desc input(engine, algorithm, image, weights, result, strides, left,
                                                          right, forward);
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
    memory x = filled(image), y = filled(result), w = filled(forward.weights_desc()),
           dw = filled(filter.diff_weights_desc()), iw = filled(input.weights_desc());
    auto add = [&](int times, const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
      for (int i = 0; i < times; ++i)
        work.push_back([this, primitive, arguments] { primitive.execute(stream, arguments); });
    };
    add(forwards, dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
    add(inputs, dnnl::convolution_backward_data(input),
        {{DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_WEIGHTS, iw}, {DNNL_ARG_DIFF_SRC, x}});
    add(filters, dnnl::convolution_backward_weights(filter),
        {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, y}, {DNNL_ARG_DIFF_WEIGHTS, dw}});
  }

  void product(memory::dim rows, memory::dim inner, memory::dim columns) {
    std::vector<float> a(rows * inner, 0.01f), b(inner * columns, 0.01f), c(rows * columns);
    work.push_back([=]() mutable {
      dnnl_sgemm('N', 'N', rows, columns, inner, 1, a.data(), inner, b.data(), columns, 0, c.data(), columns);
    });
  }
};

void step(benchmark::State& state) {
  memory::dim batch = state.range(0);
  Bare bare;
  // The discriminator twice forward; back through the fake images for the generator and through both for itself.
  bare.convolution(batch, 28, 1, 64, 2, 2, 1, 2);
  bare.convolution(batch, 14, 64, 128, 2, 2, 3, 2);
  // The generator's transposed convolutions: forward is a gradient to the input.
  bare.convolution(batch, 7, 64, 64, 1, 1, 1, 1);
  bare.convolution(batch, 14, 32, 64, 2, 1, 1, 1);
  bare.convolution(batch, 28, 1, 32, 2, 1, 1, 1);
  bare.product(batch, 100, 3136);
  bare.product(100, batch, 3136);
  for (int i = 0; i < 2; ++i) bare.product(batch, 6272, 1), bare.product(6272, batch, 1);
  for (int i = 0; i < 3; ++i) bare.product(batch, 1, 6272);
  for (auto _ : state) {
    for (auto& execute : bare.work) execute();
  }
}
BENCHMARK(step)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
