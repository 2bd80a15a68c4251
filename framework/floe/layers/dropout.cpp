// Dropout.
#include <floe/layers/dropout.h>

#include <fmt/format.h>

#include <floe/ops/dropout.h>

namespace floe {

Dropout::Dropout(Layer* parent, const std::string& name, double rate)
    : Layer(parent, name), rate_(rate), rng_(add_rng("rng")) {
  if (!(rate >= 0 && rate < 1)) refuse(fmt::format("the rate must be from 0 to less than 1, but is {}", rate));
}

Tensor Dropout::operator()(Operand x, Mode mode) {
  LayerCall call(*this, x);
  Operand here = call.here(std::move(x));
  return call.done(mode == Mode::training ? dropout(here, rate_, rng_) : here.tensor());
}

}  // namespace floe
