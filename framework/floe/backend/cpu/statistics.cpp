// Statistics for normalising: the kernels of the ops, one after another.
#include <floe/backend/statistics.h>

#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/filled.h>

namespace floe::cpu {

void statistics(const Tensor& x, const NormalizationGeometry& g, double epsilon, Tensor& mean, Tensor& variance,
                Tensor& inverse_stddev, const MovingStatistics* moving) {
  auto number = [&](double value) { return filled({}, value, x.dtype(), {}); };
  moments(x, g, mean, variance);
  combine(formulas::Add{}, variance, number(epsilon), inverse_stddev);
  pointwise(formulas::Rsqrt{}, inverse_stddev, inverse_stddev);
  if (!moving) return;
  const Tensor keep = number(moving->keep), rest = number(1 - moving->keep);
  for (auto [average, fresh] : {std::pair{&moving->mean, &mean}, {&moving->variance, &variance}}) {
    Tensor share(fresh->shape(), x.dtype());
    combine(formulas::Multiply{}, *fresh, rest, share);
    combine(formulas::Multiply{}, *average, keep, *average);
    combine(formulas::Add{}, *average, share, *average);
  }
}

}  // namespace floe::cpu
