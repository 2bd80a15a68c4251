// statistics: what normalising needs to know of the elements that it takes together, for both devices.
#pragma once

#include <floe/backend/kernels.h>

namespace floe {

// Moving averages of the statistics, of as many numbers, which the new ones are mixed into in place.
struct MovingStatistics {
  Tensor &mean, &variance;
  double keep;  // average = keep * average + (1 - keep) * new
};

// Mean and biased variance as from the kernel `moments`, 1 / sqrt(variance + epsilon), and the averages if there are any,
// to the bit what these ops give one by one.
namespace cpu {
void statistics(const Tensor& x, const NormalizationGeometry& g, double epsilon, Tensor& mean, Tensor& variance,
                Tensor& inverse_stddev, const MovingStatistics* moving);
}
namespace cuda {
void statistics(const Tensor& x, const NormalizationGeometry& g, double epsilon, Tensor& mean, Tensor& variance,
                Tensor& inverse_stddev, const MovingStatistics* moving);
}

}  // namespace floe
