// The penguins, broken: shapes, modes, tapes, and gradients that vanish.
#include "pages.h"

using namespace floe;

namespace {

class Generator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& noise, Mode mode) {                 // (batch, 100)
    Tensor x = leaky_relu(norm_(project_(noise), mode), 0.3);
    return tanh(conv_(reshape(x, {-1, 7, 7, 8})));                    // (batch, 14, 14, 1)
  }

 private:
  Dense              project_{this, "project", {.in = 100, .units = 7 * 7 * 8, .use_bias = false}};
  BatchNormalization norm_{this, "norm", 7 * 7 * 8};
  Conv2DTranspose    conv_{this, "conv", {.in = 8, .filters = 1, .kernel_size = 5, .strides = 2}};
};

class Discriminator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images) { return decide_(flatten(leaky_relu(conv_(images), 0.3))); }

 private:
  Conv2D conv_{this, "conv", {.in = 1, .filters = 8, .kernel_size = 5, .strides = 2}};
  Dense  decide_{this, "decide", {.in = 7 * 7 * 8, .units = 1}};
};

struct Setting {
  Rng rng{7777};
  Generator generator{"generator", Device{}, rng};
  Discriminator discriminator{"discriminator", Device{}, rng};
  Tensor noise = random_normal({16, 100}, rng);
};

//! [wrong_side]
void wrong_side() {
  Setting s;
  Tensor images = zeros({16, 28, 28, 1});                             // this discriminator takes 14 x 14
  s.discriminator(images);
}
//! [wrong_side]

//! [bytes]
void bytes() {
  Setting s;
  Tensor images = zeros({16, 14, 14, 1}, DType::uint8);               // map(to_unit) was left out
  s.discriminator(images);
}
//! [bytes]

//! [one_tape]
void one_tape() {
  Setting s;
  GradientTape tape;                                                  // one for both networks
  Tensor fake_logits = s.discriminator(s.generator(s.noise, Mode::training));
  Tensor g_loss = binary_cross_entropy_with_logits(fake_logits, 1), d_loss = binary_cross_entropy_with_logits(fake_logits, 0);
  tape.gradient(g_loss, s.generator.variables());
  tape.gradient(d_loss, s.discriminator.variables());
}
//! [one_tape]

//! [detached]
void detached() {
  Setting s;
  Tensor generated = s.generator(s.noise, Mode::training);            // before the tape, as if only its value mattered
  GradientTape tape;
  Tensor g_loss = binary_cross_entropy_with_logits(s.discriminator(generated), 1);
  tape.gradient(g_loss, s.generator.variables());
}
//! [detached]

//! [forgotten_mode]
void forgotten_mode() {
  Setting s;
  Tensor three = slice(s.noise, 0, 0, 3);
  auto change = [&](Mode mode) {                                      // of the first drawing, by its neighbours
    return reduce_max(abs(s.generator(s.noise, mode)[0] - s.generator(three, mode)[0])).item();
  };
  fmt::print("training:  the same noise is drawn differently, by up to {:.3f}\n", change(Mode::training));
  fmt::print("inference: by up to {:.3f}\n", change(Mode::inference));
}
//! [forgotten_mode]

//! [vanishing]
void vanishing() {
  for (double logit : {0., -2., -5., -10.}) {                         // the discriminator decides: fake, and means it
    Variable logits("fake_logits", full({16, 1}, logit));
    GradientTape ours, first;
    Tensor non_saturating = binary_cross_entropy_with_logits(logits, 1);
    Tensor saturating = -binary_cross_entropy_with_logits(logits, 0);                  // the first paper's minimax
    double a = norm(ours.gradient(non_saturating, logits)).item(), b = norm(first.gradient(saturating, logits)).item();
    fmt::print("logit {:3.0f}  gradient of -log D {:.5f}  of log(1 - D) {:.5f}\n", logit, a, b);
  }
}
//! [vanishing]

//! [half_changed]
void half_changed() {
  Setting s;
  Layer wider("wider", Device{}, s.rng);
  Conv2DTranspose conv1(&wider, "conv1", {.in = 64, .filters = 128, .kernel_size = 5});
  BatchNormalization norm2(&wider, "norm2", 64);                      // was not told
  norm2(conv1(zeros({16, 7, 7, 64})), Mode::training);
}
//! [half_changed]

const pages::Example entered[] = {{"penguins.wrong_side", wrong_side},
                                  {"penguins.bytes", bytes},
                                  {"penguins.one_tape", one_tape},
                                  {"penguins.detached", detached},
                                  {"penguins.forgotten_mode", forgotten_mode},
                                  {"penguins.vanishing", vanishing},
                                  {"penguins.half_changed", half_changed}};

}  // namespace
