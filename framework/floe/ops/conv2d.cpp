// Convolutions: three ops, each the gradient of the others.
#include <floe/ops/conv2d.h>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/reduce.h>

namespace floe {
namespace {

// With y = conv(x, w): dx = input_gradient(dy, w) and dw = filter_gradient(x, dy). All three are linear in both of
// their tensors, so their gradients are these same three again. A bias may have no value.
Tensor forward(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvGeometry& g, Location where);
Tensor input_gradient(const Tensor& dy, const Tensor& w, const Tensor& bias, const ConvGeometry& g,
                      const char* name = "conv2d_input_gradient", Location where = {});
Tensor filter_gradient(const Tensor& x, const Tensor& dy, const ConvGeometry& g);

const Tensor no_bias;

// What each of the three reports of itself: how the window moves, the size that its inputs leave open, and its work,
// which is the same in all.
class ConvInfo {
 public:
  ConvInfo(const char* name, Location where, const ConvGeometry& g, const char* open = nullptr, Shape size = {})
      : strides_{g.stride_height, g.stride_width},
        padding_{g.pad_top, g.pad_bottom, g.pad_left, g.pad_right},
        dilation_{g.dilation_height, g.dilation_width},
        size_(size),
        all_{
            {"strides", strides_}, {"padding", padding_}, {"dilation", dilation_}, {"groups", g.groups}, {open, size_}},
        info_{name, where, Attributes(std::span(all_, open ? 5 : 4)), flops(g)} {}
  ConvInfo(const ConvInfo&) = delete;
  ConvInfo& operator=(const ConvInfo&) = delete;

  operator const OpInfo&() const { return info_; }

 private:
  static double flops(const ConvGeometry& g) {  // as a double throughout: an empty batch may have any other sizes
    double product = 2;
    for (std::int64_t size :
         {g.batch, g.out_height, g.out_width, g.out, g.kernel_height, g.kernel_width, g.in / g.groups})
      product *= static_cast<double>(size);
    return product;
  }

  Shape strides_, padding_, dilation_, size_;
  Attribute all_[5];
  OpInfo info_;
};

// Reports an op of two or three inputs.
template <class Function>
void record_biased(const OpInfo& info, const Tensor& a, const Tensor& w, const Tensor& bias, Tensor& y,
                   Function function) {
  if (bias.defined()) record(info, {a, w, bias}, y, {kept_for(w, a), kept_for(a, w)}, function);
  else record(info, {a, w}, y, {kept_for(w, a), kept_for(a, w)}, function);
}

Tensor bias_gradient(const Tensor& dy) { return reduce_sum(dy, {0, 1, 2}); }

Tensor forward(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvGeometry& g, Location where) {
  Tensor y({g.batch, g.out_height, g.out_width, g.out}, x.dtype(), x.device());
  run<cpu::conv2d, cuda::conv2d>(x.device(), x, w, bias, g, y);
  record_biased(ConvInfo("conv2d", where, g), x, w, bias, y, [g, biased = bias.defined()](Backward& op) {
    if (op.needs(0)) op.give(0, input_gradient(op.dy(), op.kept(1), no_bias, g));
    if (op.needs(1)) op.give(1, filter_gradient(op.kept(0), op.dy(), g));
    if (biased && op.needs(2)) op.give(2, bias_gradient(op.dy()));
  });
  return y;
}

Tensor input_gradient(const Tensor& dy, const Tensor& w, const Tensor& bias, const ConvGeometry& g, const char* name,
                      Location where) {
  Tensor dx({g.batch, g.height, g.width, g.in}, dy.dtype(), dy.device());
  run<cpu::conv2d_input_gradient, cuda::conv2d_input_gradient>(dy.device(), dy, w, bias, g, dx);
  const ConvInfo info(name, where, g, "size", {g.height, g.width});
  record_biased(info, dy, w, bias, dx, [g, biased = bias.defined()](Backward& op) {
    if (op.needs(0)) op.give(0, forward(op.dy(), op.kept(1), no_bias, g, {}));
    if (op.needs(1)) op.give(1, filter_gradient(op.dy(), op.kept(0), g));
    if (biased && op.needs(2)) op.give(2, bias_gradient(op.dy()));
  });
  return dx;
}

Tensor filter_gradient(const Tensor& x, const Tensor& dy, const ConvGeometry& g) {
  Tensor dw = g.batch > 0 ? Tensor({g.kernel_height, g.kernel_width, g.in / g.groups, g.out}, x.dtype(), x.device())
                          : zeros({g.kernel_height, g.kernel_width, g.in / g.groups, g.out}, x.dtype(), x.device());
  if (g.batch > 0) run<cpu::conv2d_filter_gradient, cuda::conv2d_filter_gradient>(x.device(), x, dy, g, dw);
  const ConvInfo info("conv2d_filter_gradient", {}, g, "kernel_size", {g.kernel_height, g.kernel_width});
  record(info, {x, dy}, dw, {kept_for(dy, x), kept_for(x, dy)}, [g](Backward& op) {
    if (op.needs(0)) op.give(0, input_gradient(op.kept(1), op.dy(), no_bias, g));
    if (op.needs(1)) op.give(1, forward(op.kept(0), op.dy(), no_bias, g, {}));
  });
  return dw;
}

constexpr const char* image_axes = "batch, height, width, channels";

// What both kinds of convolution require of their arguments; `options` is either kind.
template <class Options>
void check(const char* op, const Operand& x, const Operand& filters, const Options& options, const char* filter_axes) {
  require_floating(op, x, "input");
  require_rank(op, x, 4, "input", image_axes);
  require_rank(op, filters, 4, "filters", filter_axes);
  require_alike(op, x, "input", filters, "filters");
  auto text = [&](const std::string& what) {
    return message(op, what, {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where());
  };
  auto require = [&](const char* what, Size2 pixels, std::int64_t least) {
    require_pixels(op, what, pixels, least, {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where());
  };
  require("strides", options.strides, 1);
  require("dilation", options.dilation, 1);
  if (filters->dim(0) < 1 || filters->dim(1) < 1) throw ShapeError(text("the filters have no taps"));
  require("padding", {options.padding.top, options.padding.left}, 0);
  require("padding", {options.padding.bottom, options.padding.right}, 0);
  if constexpr (requires { options.output_padding; }) require("output padding", options.output_padding, -1);
  if (options.groups < 1) throw ValueError(text(fmt::format("groups must be 1 or more, and are {}", options.groups)));
}

// The same geometry; Uncountable if the products of one image, which kernels may lay out in memory, are.
ConvGeometry countable(const ConvGeometry& g) {
  Counted products = 1;
  for (std::int64_t size : {g.out_height, g.out_width, g.out, g.kernel_height, g.kernel_width, g.in})
    products = products * std::max<std::int64_t>(size, 1);
  return g;
}

const Tensor& checked_bias(const char* op, const Operand& x, const Operand* bias, std::int64_t out) {
  if (!bias) return no_bias;
  require_alike(op, x, "input", *bias, "bias");
  if ((*bias)->shape() == Shape{out}) return *bias;
  throw ShapeError(message(op, "bias needs one number for each of " + count(out, "output channel"),
                           {{"input", x, image_axes}, {"bias", *bias, "out"}}, x.where()));
}

// Both kinds with or without a bias.
Tensor convolution(const Operand& x, const Operand& filters, const Operand* bias, const ConvOptions& options) {
  constexpr const char* filter_axes = "height, width, in, out";
  check("conv2d", x, filters, options, filter_axes);
  auto refuse = [&](const std::string& what) {
    throw ShapeError(message("conv2d", what, {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where()));
  };
  std::int64_t in = x->dim(3), out = filters->dim(3), groups = options.groups;
  if (in % groups || in / groups != filters->dim(2)) {
    refuse(fmt::format("input has {} but filters take {}", count(in, "channel"),
                       groups == 1 ? std::to_string(filters->dim(2))
                                   : fmt::format("{} in each of {} groups", filters->dim(2), groups)));
  }
  if (out % groups) refuse(fmt::format("{} output channels cannot be divided into {} groups", out, groups));

  auto geometry = [&] {
    const Padding& p = options.padding;
    const std::int64_t reach_height = window_reach(filters->dim(0), options.dilation.height),
                       reach_width = window_reach(filters->dim(1), options.dilation.width);
    WindowAxis rows = window_axis(x->dim(1), reach_height, options.strides.height, p.kind, p.top, p.bottom);
    WindowAxis columns = window_axis(x->dim(2), reach_width, options.strides.width, p.kind, p.left, p.right);
    if (rows.out < 1 || columns.out < 1)
      refuse(fmt::format("the filters reach over {} by {}, more than the padded input", reach_height, reach_width));
    return countable({x->dim(0), x->dim(1), x->dim(2), in, rows.out, columns.out, out, filters->dim(0), filters->dim(1),
                      options.strides.height, options.strides.width, options.dilation.height, options.dilation.width,
                      rows.before, rows.after, columns.before, columns.after, groups});
  };
  const ConvGeometry g =
      counted("conv2d", {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where(), geometry);
  return forward(x, filters, checked_bias("conv2d", x, bias, out), g, x.where());
}

Tensor transposed(const Operand& x, const Operand& filters, const Operand* bias, const ConvTransposeOptions& options) {
  constexpr const char* filter_axes = "height, width, out, in";
  check("conv2d_transpose", x, filters, options, filter_axes);
  auto refuse = [&](const std::string& what) {
    throw ShapeError(
        message("conv2d_transpose", what, {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where()));
  };
  std::int64_t in = x->dim(3);
  if (in != filters->dim(3))
    refuse(fmt::format("input has {} but filters take {}", count(in, "channel"), filters->dim(3)));
  if (in % options.groups) refuse(fmt::format("{} channels cannot be divided into {} groups", in, options.groups));

  // The size whose convolution gives the input's size; several do, and the output padding chooses.
  const Padding& p = options.padding;
  auto size = [&](Counted small, std::int64_t reach, std::int64_t stride, std::int64_t extra, std::int64_t before,
                  std::int64_t after) {
    const Counted whole = (small - 1) * stride + reach;
    const bool chosen = extra >= 0;
    if (p.kind == Padding::Kind::same) return (chosen ? whole - reach / 2 * 2 + extra : small * stride).value();
    if (p.kind == Padding::Kind::valid)
      return (chosen ? whole + extra : small * stride + std::max<std::int64_t>(reach - stride, 0)).value();
    return (whole - before - after + std::max<std::int64_t>(extra, 0)).value();
  };
  auto geometry = [&] {
    const auto& [stride, dilation, extra] = std::tie(options.strides, options.dilation, options.output_padding);
    const std::int64_t reach_height = window_reach(filters->dim(0), dilation.height),
                       reach_width = window_reach(filters->dim(1), dilation.width);
    const std::int64_t height = size(x->dim(1), reach_height, stride.height, extra.height, p.top, p.bottom),
                       width = size(x->dim(2), reach_width, stride.width, extra.width, p.left, p.right);
    WindowAxis rows = window_axis(height, reach_height, stride.height, p.kind, p.top, p.bottom);
    WindowAxis columns = window_axis(width, reach_width, stride.width, p.kind, p.left, p.right);
    if (height < 1 || width < 1 || rows.out != x->dim(1) || columns.out != x->dim(2)) {
      refuse(fmt::format(
          "this stride and padding bring no image of {} by {} to the input's size; change the output padding", height,
          width));
    }
    const std::int64_t out = (Counted(filters->dim(2)) * options.groups).value();
    return countable({x->dim(0), height, width, out, x->dim(1), x->dim(2), in, filters->dim(0), filters->dim(1),
                      stride.height, stride.width, dilation.height, dilation.width, rows.before, rows.after,
                      columns.before, columns.after, options.groups});
  };
  const ConvGeometry g =
      counted("conv2d_transpose", {{"input", x, image_axes}, {"filters", filters, filter_axes}}, x.where(), geometry);
  return input_gradient(x, filters, checked_bias("conv2d_transpose", x, bias, g.in), g, "conv2d_transpose", x.where());
}

}  // namespace

Tensor conv2d(Operand x, Operand filters, ConvOptions options) { return convolution(x, filters, nullptr, options); }
Tensor conv2d(Operand x, Operand filters, Operand bias, ConvOptions options) {
  return convolution(x, filters, &bias, options);
}

Tensor conv2d_transpose(Operand x, Operand filters, ConvTransposeOptions options) {
  return transposed(x, filters, nullptr, options);
}
Tensor conv2d_transpose(Operand x, Operand filters, Operand bias, ConvTransposeOptions options) {
  return transposed(x, filters, &bias, options);
}

}  // namespace floe
