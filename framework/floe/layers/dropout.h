// Dropout: in training, each element is dropped with a probability; in inference nothing happens.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

class Dropout : public Layer {
 public:
  Dropout(Layer* parent, const std::string& name, double rate);  // rate from 0 up to but not including 1

  Tensor operator()(Operand x, Mode mode);

 private:
  double rate_;
  Rng& rng_;  // a stream of its own, part of a checkpoint
};

}  // namespace floe
