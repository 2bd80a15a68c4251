// Dropout: in training, each element is dropped with a probability; in inference nothing happens.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

// Zeroes elements at random while training, so that no unit can rely on any other. Srivastava et al., 2014.
class Dropout : public Layer {
 public:
  using Options = double;  // the rate

  // The rate is the probability, from 0 up to but not including 1; else ValueError.
  Dropout(Layer* parent, const std::string& name, double rate);

  // The shape of x: dropout() in training, x itself in inference.
  Tensor operator()(Operand x, Mode mode);

 private:
  double rate_;
  Rng& rng_;  // a stream of its own, part of a checkpoint
};

}  // namespace floe
