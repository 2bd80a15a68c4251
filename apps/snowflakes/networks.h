// The two networks of the snowflakes: an encoder from images to codes, a decoder from codes to images.
#pragma once

#include <fmt/format.h>

#include <floe/floe.h>

namespace vae {

using namespace floe;

struct Plan {                          // how a network gets from an image of this side to a code, and back
  std::vector<int> down, up;           // filters of the convolutions that halve, and of those that double
  int bottom, start;                   // the side after the last halving, and before the first doubling
  int hidden;                          // units between a code and its first image, 0 for none
};

inline Plan plan_for(int side) {
  if (side == 28) return {{32, 64}, {64, 32}, 6, 7, 0};          // the talk's
  if (side == 64) return {{32, 64, 128}, {64, 64, 32}, 7, 8, 256};
  throw ValueError(fmt::format("--side is {}, but must be 28 or 64", side));
}

//! [encoder]
class Encoder : public Layer {
 public:
  Encoder(std::string name, Device device, Rng rng, const Plan& plan, int numbers)
      : Layer(std::move(name), device, rng),
        code_(this, "code", {.in = plan.bottom * plan.bottom * plan.down.back(), .units = numbers}) {
    int channels = 1;
    for (int filters : plan.down) {
      down_.add(Conv2DOptions{.in = channels, .filters = filters, .kernel_size = 3, .strides = 2, .padding = Padding::valid});
      channels = filters;
    }
  }

  Tensor operator()(const Tensor& images) {                        // (batch, side, side, 1) in [0, 1]
    Tensor x = images;
    for (std::size_t i = 0; i < down_.size(); ++i) x = relu(down_[i](x));
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
  Decoder(std::string name, Device device, Rng rng, const Plan& plan, int latent)
      : Layer(std::move(name), device, rng),
        start_(plan.start),
        project_(this, "project", {.in = plan.hidden ? plan.hidden : latent, .units = start_ * start_ * 32}),
        draw_(this, "draw", {.in = plan.up.back(), .filters = 1, .kernel_size = 3, .strides = 1}) {
    if (plan.hidden) hidden_.add(DenseOptions{.in = latent, .units = plan.hidden});
    int channels = 32;
    for (int filters : plan.up) {
      up_.add(Conv2DTransposeOptions{.in = channels, .filters = filters, .kernel_size = 3, .strides = 2});
      channels = filters;
    }
  }

  Tensor operator()(const Tensor& codes) {                         // (batch, latent)
    Tensor x = codes;
    for (std::size_t i = 0; i < hidden_.size(); ++i) x = relu(hidden_[i](x));
    x = reshape(relu(project_(x)), {-1, start_, start_, 32});
    for (std::size_t i = 0; i < up_.size(); ++i) x = relu(up_[i](x));
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

// The function of each hundred rows, to keep memory small, on the CPU: it is for looking at.
template <class Function>
Tensor in_parts(const Tensor& rows, Function function) {
  Tensors parts;
  for (std::int64_t i = 0; i < rows.dim(0); i += 100) {
    parts.push_back(to(function(slice(rows, 0, i, std::min(i + 100, rows.dim(0)))), Device{}));
  }
  return concat(parts, 0);
}

struct Model {
  Encoder encoder;
  Decoder decoder;
  int latent;

  Variables variables() const {                                    // of both networks: one gradient trains them together
    Variables all = encoder.variables(), more = decoder.variables();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  Tensor encode(const Tensor& images) {                            // the mean of a code, where it has a variance too
    return in_parts(images, [&](const Tensor& part) { return slice(encoder(part), 1, 0, latent); });
  }
  Tensor decode(const Tensor& codes) {
    return in_parts(codes, [&](const Tensor& part) { return sigmoid(decoder(part)); });
  }
};

}  // namespace vae
