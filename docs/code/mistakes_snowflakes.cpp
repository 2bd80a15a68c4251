// The snowflakes, broken: what the loss must not do.
#include "pages.h"

#include <cmath>

#include <apps/snowflakes/networks.h>

using namespace floe;

namespace {

struct Setting {
  Rng rng{7777};
  vae::Model model{Device{}, rng, 28, 2, 2};
  vae::Encoder& encoder = model.encoder;
  vae::Decoder& decoder = model.decoder;
  Tensor images = random_uniform({100, 28, 28, 1}, rng);
  Tensor normal = random_normal({100, 2}, rng);
};

//! [not_persistent]
void not_persistent() {
  Setting s;
  GradientTape tape;                                                  // without {persistent}
  Tensor mse = mean_squared_error(sigmoid(s.decoder(s.encoder(s.images))), s.images);
  tape.gradient(mse, s.encoder.variables());
  tape.gradient(mse, s.decoder.variables());
}
//! [not_persistent]

//! [half_a_code]
void half_a_code() {
  Setting s;                                                          // an encoder that gives only means: two numbers
  Tensors halves = split(s.encoder(s.images), 1, 2);                  // but the ELBO wants means and variances
  Tensor codes = halves[0] + s.normal * exp(0.5 * halves[1]);
  fmt::print("mean          {}\nlog variance  {}\ncodes         {}\n", describe(halves[0]), describe(halves[1]), describe(codes));
}
//! [half_a_code]

//! [copied_out]
void copied_out() {
  Setting s;
  GradientTape tape;
  Tensor codes = s.encoder(s.images);
  Tensor copied = tensor(codes.to_vector<float>(), codes.shape());    // out to C++ and back: only the values came along
  Tensor mse = mean_squared_error(sigmoid(s.decoder(copied)), s.images);
  tape.gradient(mse, s.encoder.variables());
}
//! [copied_out]

//! [distance_at_zero]
void distance_at_zero() {
  Setting s;
  CheckNumerics check;
  GradientTape tape;
  Tensor codes = s.encoder(s.images);
  Tensor difference = expand_dims(codes, 1) - expand_dims(codes, 0);  // (100, 100, 2): 0 between a code and itself
  Tensor distance = sqrt(reduce_sum(square(difference), -1));         // its slope there is infinite
  tape.gradient(reduce_mean(exp(-distance)), s.encoder.variables());
}
//! [distance_at_zero]

//! [summed_over_the_batch]
void summed_over_the_batch() {
  Setting s;
  Tensor logits = s.decoder(s.encoder(s.images));
  Tensor each = softplus(logits) - s.images * logits;                 // cross-entropy, pixel by pixel
  fmt::print("summed over an image, averaged over images {:9.1f}\n", reduce_mean(reduce_sum(each, {1, 2, 3})).item());
  fmt::print("summed over all of the batch               {:9.1f}\n", reduce_sum(each).item());
  fmt::print("for comparison, the mean of log p(z)       {:9.1f}\n",
             reduce_mean(-0.5 * reduce_sum(square(s.normal) + std::log(2 * M_PI), 1)).item());
}
//! [summed_over_the_batch]

const pages::Example entered[] = {{"snowflakes.not_persistent", not_persistent},
                                  {"snowflakes.half_a_code", half_a_code},
                                  {"snowflakes.copied_out", copied_out},
                                  {"snowflakes.distance_at_zero", distance_at_zero},
                                  {"snowflakes.summed_over_the_batch", summed_over_the_batch}};

}  // namespace
