// Dropout.
#include <floe/ops/dropout.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/random.h>

namespace floe {

Tensor dropout(Operand x, double rate, Rng& rng) {
  require_floating("dropout", x);
  require_number("dropout", "the rate", rate, numbers::from_0_below_1, x, DType::float64);
  CallScope scope(x.where());
  const std::uint64_t key = rng.key(), position = rng.position();
  Tensor keep = random_bernoulli(x->shape(), rng, 1 - rate, x->dtype(), x->device(), 1 / (1 - rate));
  observe({"dropout_mask", x.where(), {{"rate", rate}, {"key", key}, {"position", position}}}, {x}, keep);
  return multiply_no_nan(x, keep);
}

}  // namespace floe
