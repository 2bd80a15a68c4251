// Dropout.
#include <floe/ops/dropout.h>

#include <fmt/format.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/random.h>

namespace floe {

Tensor dropout(Operand x, double rate, Rng& rng) {
  require_floating("dropout", x);
  if (!(rate >= 0 && rate < 1))
    throw ValueError(message("dropout", fmt::format("the rate must be from 0 to less than 1, and is {}", rate),
                             {{"x", x}}, x.where()));
  CallScope scope(x.where());
  Tensor keep = random_bernoulli(x->shape(), rng, 1 - rate, x->dtype(), x->device(), 1 / (1 - rate));
  return x * keep;
}

}  // namespace floe
