// The two networks of the penguins, and what each of them wants: a generator draws, a discriminator judges.
#pragma once

#include <floe/floe.h>

namespace gan {

using namespace floe;

constexpr int noise_size = 100;

//! [generator]
class Generator : public Layer {
 public:
  using Layer::Layer;                                              // (name, device, rng)

  Tensor operator()(const Tensor& noise, Mode mode) {              // (batch, 100)
    Tensor x = leaky_relu(norm1_(project_(noise), mode), 0.3);
    x = reshape(x, {-1, 7, 7, 64});
    x = leaky_relu(norm2_(conv1_(x), mode), 0.3);                  // (batch, 7, 7, 64)
    x = leaky_relu(norm3_(conv2_(x), mode), 0.3);                  // (batch, 14, 14, 32)
    return tanh(conv3_(x));                                        // (batch, 28, 28, 1) in [-1, 1]
  }

 private:
  Dense              project_{this, "project", {.in = noise_size, .units = 7 * 7 * 64, .use_bias = false}};
  BatchNormalization norm1_{this, "norm1", 7 * 7 * 64};
  Conv2DTranspose    conv1_{this, "conv1", {.in = 64, .filters = 64, .kernel_size = 5, .strides = 1, .use_bias = false}};
  BatchNormalization norm2_{this, "norm2", 64};
  Conv2DTranspose    conv2_{this, "conv2", {.in = 64, .filters = 32, .kernel_size = 5, .strides = 2, .use_bias = false}};
  BatchNormalization norm3_{this, "norm3", 32};
  Conv2DTranspose    conv3_{this, "conv3", {.in = 32, .filters = 1, .kernel_size = 5, .strides = 2, .use_bias = false}};
};
//! [generator]

//! [discriminator]
class Discriminator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images, Mode mode) {             // (batch, 28, 28, 1)
    Tensor x = dropout_(leaky_relu(conv1_(images), 0.3), mode);    // (batch, 14, 14, 64)
    x = leaky_relu(conv2_(x), 0.3);                                // (batch, 7, 7, 128)
    return decide_(flatten(x));                                    // (batch, 1), a logit: above 0 means real
  }

 private:
  Conv2D  conv1_{this, "conv1", {.in = 1, .filters = 64, .kernel_size = 5, .strides = 2}};
  Dropout dropout_{this, "dropout", 0.3};
  Conv2D  conv2_{this, "conv2", {.in = 64, .filters = 128, .kernel_size = 5, .strides = 2}};
  Dense   decide_{this, "decide", {.in = 7 * 7 * 128, .units = 1}};
};
//! [discriminator]

//! [losses]
// The generator wants its drawings to be taken for real; the discriminator wants to be right about both.
inline Tensor generator_loss(const Tensor& fake_logits) { return binary_cross_entropy_with_logits(fake_logits, 1); }

inline Tensor discriminator_loss(const Tensor& real_logits, const Tensor& fake_logits) {
  return binary_cross_entropy_with_logits(real_logits, 1) + binary_cross_entropy_with_logits(fake_logits, 0);
}
//! [losses]

}  // namespace gan
