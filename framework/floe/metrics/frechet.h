// The Frechet distance between two clouds of points: how far apart two normal distributions fitted to them are.
// Dowson and Landau, 1982; as a measure for GANs, on other features, Heusel et al., 2017.
#pragma once

#include <floe/tensor/tensor.h>

namespace floe {

// a (count a, features) and b (count b, features) of any dtype, at least two rows each; computed in float64:
// |mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2)) with covariances A and B (sums over count - 1), in squared units
// of the features. 0 for equal clouds, NaN if a point is not finite. ShapeError for another rank, fewer rows, or
// numbers of features that differ.
double frechet_distance(const Tensor& a, const Tensor& b);

}  // namespace floe
