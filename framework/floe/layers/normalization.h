// Normalization: what the normalising layers share, gamma and beta.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

// A layer whose results are multiplied by gamma and shifted by beta, if it has them.
class Normalization : public Layer {
 protected:
  using Layer::Layer;

  // Variables gamma, which begins at 1, if `scale`, and beta, which begins at 0, if `center`. ValueError unless
  // epsilon is finite and above 0, also in the layer's dtype.
  void add_affine(const Shape& shape, double epsilon, bool scale, bool center);

  const Tensor& gamma() const { return gamma_ ? gamma_->value() : one_; }  // in that shape: ones without a variable
  const Tensor& beta() const { return beta_ ? beta_->value() : zero_; }    // zeros without one

 private:
  Variable *gamma_ = nullptr, *beta_ = nullptr;
  Tensor one_, zero_;
};

}  // namespace floe
