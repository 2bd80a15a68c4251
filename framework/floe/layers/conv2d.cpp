// Conv2D and Conv2DTranspose.
#include <floe/layers/conv2d.h>


namespace floe {

Conv2D::Conv2D(Layer* parent, const std::string& name, Conv2DOptions options)
    : Layer(parent, name), options_{options.strides, options.padding, options.dilation, options.groups} {
  require_option(options.in, "in");
  require_option(options.filters, "filters");
  require_option(std::min(options.kernel_size.height, options.kernel_size.width), "kernel_size");
  require_option(std::min(options.strides.height, options.strides.width), "strides");
  require_option(std::min(options.dilation.height, options.dilation.width), "dilation");
  require_option(options.groups, "groups");
  if (options.in % options.groups || options.filters % options.groups)
    refuse("options .in and .filters must be multiples of .groups");
  filters_ = &add_variable(
      "filters", {options.kernel_size.height, options.kernel_size.width, options.in / options.groups, options.filters},
      options.initializer);
  if (options.use_bias) bias_ = &add_variable("bias", {options.filters}, initializers::zeros());
}

Tensor Conv2D::operator()(Operand x) {
  LayerCall call(*this, x);
  Operand here = call.here(std::move(x));
  return call.done(bias_ ? conv2d(here, *filters_, *bias_, options_) : conv2d(here, *filters_, options_));
}

Conv2DTranspose::Conv2DTranspose(Layer* parent, const std::string& name, Conv2DTransposeOptions options)
    : Layer(parent, name),
      options_{.strides = options.strides, .padding = options.padding, .output_padding = options.output_padding} {
  require_option(options.in, "in");
  require_option(options.filters, "filters");
  require_option(std::min(options.kernel_size.height, options.kernel_size.width), "kernel_size");
  require_option(std::min(options.strides.height, options.strides.width), "strides");
  filters_ =
      &add_variable("filters", {options.kernel_size.height, options.kernel_size.width, options.filters, options.in},
                    options.initializer);
  if (options.use_bias) bias_ = &add_variable("bias", {options.filters}, initializers::zeros());
}

Tensor Conv2DTranspose::operator()(Operand x) {
  LayerCall call(*this, x);
  Operand here = call.here(std::move(x));
  return call.done(bias_ ? conv2d_transpose(here, *filters_, *bias_, options_)
                         : conv2d_transpose(here, *filters_, options_));
}

}  // namespace floe
