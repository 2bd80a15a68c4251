// The two networks of the snowflakes: an encoder from images to codes, a decoder from codes to images.
#pragma once

#include <fmt/format.h>

#include <floe/floe.h>

namespace vae {

using namespace floe;

struct Sizes {                         // how a network gets from an image of this side to a code, and back
  std::vector<int> down, up;           // filters of the convolutions that halve, and of those that double
  int bottom, start;                   // the side after the last halving, and before the first doubling
  int hidden;                          // units between a code and its first image, 0 for none
};

inline Sizes sizes_for(int side) {
  if (side == 28) return {{32, 64}, {64, 32}, 6, 7, 0};          // the talk's
  if (side == 64) return {{32, 64, 128}, {64, 64, 32}, 7, 8, 256};
  throw ValueError(fmt::format("--side is {}, but must be 28 or 64", side));
}

//! [encoder]
class Encoder : public Layer {
 public:
  Encoder(Layer* parent, const std::string& name, const Sizes& sizes, int numbers)
      : Layer(parent, name),
        code_(this, "code", {.in = sizes.bottom * sizes.bottom * sizes.down.back(), .units = numbers}) {
    int channels = 1;
    for (int filters : sizes.down) {
      down_.add({.in = channels, .filters = filters, .kernel_size = 3, .strides = 2, .padding = Padding::valid});
      channels = filters;
    }
  }

  Tensor operator()(const Tensor& images) {                        // (batch, side, side, 1) in [0, 1]
    Tensor x = images;
    for (Conv2D& halve : down_) x = relu(halve(x));
    return code_(flatten(x));                                      // (batch, numbers)
  }

 private:
  LayerList<Conv2D> down_{this, "down"};
  Dense code_;
};
//! [encoder]

//! [decoder]
class Decoder : public Layer {
 public:
  Decoder(Layer* parent, const std::string& name, const Sizes& sizes, int latent)
      : Layer(parent, name),
        start_(sizes.start),
        project_(this, "project", {.in = sizes.hidden ? sizes.hidden : latent, .units = start_ * start_ * 32}),
        draw_(this, "draw", {.in = sizes.up.back(), .filters = 1, .kernel_size = 3, .strides = 1}) {
    if (sizes.hidden) hidden_.add({.in = latent, .units = sizes.hidden});
    int channels = 32;
    for (int filters : sizes.up) {
      up_.add({.in = channels, .filters = filters, .kernel_size = 3, .strides = 2});
      channels = filters;
    }
  }

  Tensor operator()(const Tensor& codes) {                         // (batch, latent)
    Tensor x = codes;
    for (Dense& hidden : hidden_) x = relu(hidden(x));
    x = reshape(relu(project_(x)), {-1, start_, start_, 32});
    for (Conv2DTranspose& twice : up_) x = relu(twice(x));
    return draw_(x);                                               // (batch, side, side, 1), logits: sigmoid draws
  }

 private:
  int start_;
  LayerList<Dense> hidden_{this, "hidden"};
  Dense project_;
  LayerList<Conv2DTranspose> up_{this, "up"};
  Conv2DTranspose draw_;
};
//! [decoder]

// Both of them: one gradient trains them together.
struct Model : Layer {
  Model(Device device, Rng rng, int side, int latent_numbers, int encoded_numbers)
      : Layer(device, rng),
        latent(latent_numbers),
        encoder(this, "encoder", sizes_for(side), encoded_numbers),
        decoder(this, "decoder", sizes_for(side), latent_numbers) {}

  // For looking at, and so on the CPU: the mean of each code, where it has a variance too, and what a code decodes to.
  Tensor encode(const Tensor& images) {
    return to(map_batches(images, 100, [&](const Tensor& part) { return slice(encoder(part), 1, 0, latent); }), Device{});
  }
  Tensor decode(const Tensor& codes) {
    return to(map_batches(codes, 100, [&](const Tensor& part) { return sigmoid(decoder(part)); }), Device{});
  }

  const int latent;                    // numbers in a code
  Encoder encoder;
  Decoder decoder;
};

}  // namespace vae
