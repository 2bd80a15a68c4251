// Convolutions in the shapes of the talks' applications, in all three directions, against bare oneDNN primitives.
#include "support/bare.h"
#include "support/report.h"

#include <floe/backend/kernels.h>
#include <floe/floe.h>

using namespace floe;
using bench::BareConvolution;

namespace {

enum Direction { forward, input_gradient, filter_gradient };
constexpr const char* directions[] = {"forward", "input_gradient", "filter_gradient"};

struct Shape2D {
  const char* name;
  BareConvolution c;
};

constexpr Shape2D shapes[] = {
    {"penguins/conv1", {64, 28, 1, 64, 5, 2}},      {"penguins/conv2", {64, 14, 64, 128, 5, 2}},
    {"penguins/g_conv1", {64, 7, 64, 64, 5, 1}},    {"penguins/g_conv2", {64, 14, 32, 64, 5, 2}},
    {"penguins/g_conv3", {64, 28, 1, 32, 5, 2}},    {"snowflakes/down0", {100, 28, 1, 32, 3, 2}},
    {"snowflakes/down1", {100, 14, 32, 64, 3, 2}},  {"snowflakes/up0", {100, 14, 64, 32, 3, 2}},
    {"snowflakes/up1", {100, 28, 32, 64, 3, 2}},    {"snowflakes/draw", {100, 28, 1, 32, 3, 1}},
    {"facades/down0", {1, 256, 3, 64, 4, 2}},       {"facades/down1", {1, 128, 64, 128, 4, 2}},
    {"facades/down3", {1, 32, 256, 512, 4, 2}},     {"facades/last", {1, 256, 3, 128, 4, 2}},
    {"style/block1", {1, 256, 64, 64, 3, 1}},       {"style/block3", {1, 64, 256, 256, 3, 1}},
    {"captions/first", {8, 224, 3, 64, 3, 1}},      {"captions/block4", {8, 28, 512, 512, 3, 1}},
};

void convolution(benchmark::State& state, const BareConvolution& c, Direction direction) {
  Rng rng(1);
  std::int64_t out = (c.size + c.stride - 1) / c.stride;
  std::int64_t padding = std::max<std::int64_t>(0, (out - 1) * c.stride + c.kernel - c.size);
  ConvGeometry g{c.batch, c.size, c.size, c.in, out, out, c.out, c.kernel, c.kernel, c.stride, c.stride, 1, 1,
                 padding / 2, padding - padding / 2, padding / 2, padding - padding / 2, 1};
  Tensor x = random_normal({c.batch, c.size, c.size, c.in}, rng);
  Tensor w = random_normal({c.kernel, c.kernel, c.in, c.out}, rng);
  Tensor y = random_normal({c.batch, out, out, c.out}, rng);
  bench::Bare bare;
  bare.convolution(c, direction == forward, direction == input_gradient, direction == filter_gradient);
  bench::against_bare(state, bench::flops(c), [&] {
    if (direction == forward) cpu::conv2d(x, w, {}, g, y);
    if (direction == input_gradient) cpu::conv2d_input_gradient(y, w, {}, g, x);
    if (direction == filter_gradient) cpu::conv2d_filter_gradient(x, y, g, w);
  }, bare);
}

const bool registered = [] {
  for (const Shape2D& shape : shapes)
    for (Direction direction : {forward, input_gradient, filter_gradient})
      benchmark::RegisterBenchmark(
          (std::string(shape.name) + "/" + directions[direction]).c_str(),
          [&shape, direction](benchmark::State& state) { convolution(state, shape.c, direction); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  return true;
}();

}  // namespace
