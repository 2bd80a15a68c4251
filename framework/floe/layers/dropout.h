// Dropout: in training, each element is dropped with a probability; in inference nothing happens.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

// Zeroes elements at random while training, so that no unit can rely on one other. Srivastava et al., 2014.
class Dropout : public Layer {
 public:
  using Options = double;  // the rate

  // The rate is the probability, from 0 up to but not including 1; ValueError otherwise.
  Dropout(Layer* parent, const std::string& name, double rate);

  // The shape of x: in training ops/dropout.h, in inference x itself.
  Tensor operator()(Operand x, Mode mode);

 private:
  double rate_;
  Rng& rng_;  // a stream of its own, part of a checkpoint
};

}  // namespace floe
