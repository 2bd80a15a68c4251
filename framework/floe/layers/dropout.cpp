// Dropout.
#include <floe/layers/dropout.h>

#include <floe/ops/dropout.h>
#include <floe/tensor/number_ranges.h>

namespace floe {

Dropout::Dropout(Layer* parent, const std::string& name, double rate)
    : Layer(parent, name), rate_(rate), rng_(add_rng("rng")) {
  require_number(path(), "the rate", rate, numbers::from_0_below_1);
}

Tensor Dropout::operator()(Operand x, Mode mode) {
  LayerCall call(*this, x);
  Operand here = call.here(std::move(x));
  return call.done(mode == Mode::training ? dropout(here, rate_, rng_) : here.tensor());
}

}  // namespace floe
