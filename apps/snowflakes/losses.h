// What the snowflakes' networks are trained for: two losses, each with the terms that it is made of.
#pragma once

#include <cmath>

#include "networks.h"

namespace vae {

//! [mmd]
// How alike two codes are, for all pairs: (count of a, count of b).
inline Tensor kernel(const Tensor& a, const Tensor& b) {
  Tensor difference = expand_dims(a, 1) - expand_dims(b, 0);       // (count of a, count of b, latent)
  return exp(-reduce_mean(square(difference), -1) / static_cast<double>(a.dim(1)));
}

// Maximum mean discrepancy: near 0 if both are draws from one distribution. Gretton et al., 2012.
inline Tensor mmd(const Tensor& a, const Tensor& b) {
  return reduce_mean(kernel(a, a)) + reduce_mean(kernel(b, b)) - 2 * reduce_mean(kernel(a, b));
}

// The codes are what the encoder gives. It costs if a drawing differs, and if the codes differ from normal draws.
inline NamedTensors mmd_loss(Model& model, const Tensor& images, const Tensor& normal) {
  Tensor codes = model.encoder(images);
  Tensor mse = mean_squared_error(sigmoid(model.decoder(codes)), images);
  Tensor discrepancy = mmd(normal, codes);
  return {{"mse", mse}, {"mmd", discrepancy}, {"total", mse + discrepancy}};
}
//! [mmd]

// The logarithm of a normal density at the codes, summed over the numbers of each: (batch,).
inline Tensor log_normal(const Tensor& codes, const Tensor& mean, const Tensor& log_variance) {
  return -0.5 * reduce_sum(square(codes - mean) * exp(-log_variance) + log_variance + std::log(2 * M_PI), 1);
}

//! [elbo]
// The evidence lower bound: the encoder gives means and variances, and codes are drawn from them. Cross-entropy is
// summed over an image and averaged over images; summed over the batch as well, as a published port has it, it would
// weigh a hundred times more than the two terms of the codes.
inline NamedTensors elbo_loss(Model& model, const Tensor& images, const Tensor& normal) {
  Tensors halves = split(model.encoder(images), 1, 2);
  Tensor mean = halves[0], log_variance = halves[1];
  Tensor codes = mean + normal * exp(0.5 * log_variance);
  Tensor logits = model.decoder(codes);
  Tensor log_px = -reduce_mean(reduce_sum(softplus(logits) - images * logits, {1, 2, 3}));
  Tensor log_pz = reduce_mean(log_normal(codes, zeros_like(codes), zeros_like(codes)));
  Tensor log_qz = reduce_mean(log_normal(codes, mean, log_variance));
  return {{"log p(x|z)", log_px}, {"log p(z)", log_pz}, {"log q(z|x)", log_qz}, {"total", log_qz - log_px - log_pz}};
}
//! [elbo]

struct Objective {
  NamedTensors (*loss)(Model&, const Tensor& images, const Tensor& normal);   // its terms, and last their sum
  int encoded;                         // numbers of the encoder for each number of a code: itself, or mean and variance
};

inline Objective objective_for(const std::string& name) {
  if (name == "mmd") return {mmd_loss, 1};
  if (name == "elbo") return {elbo_loss, 2};
  throw ValueError(fmt::format("--loss is {}, but must be mmd or elbo", name));
}

}  // namespace vae
