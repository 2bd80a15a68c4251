// The Frechet distance between two clouds of points: how far apart two normal distributions fitted to them are.
// Dowson and Landau, 1982; as a measure for GANs, on other features, Heusel et al., 2017.
#pragma once

#include <floe/tensor/tensor.h>

namespace floe {

// a (count a, features) and b (count b, features), float32 or float64, at least two rows each; computed in float64:
// |mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2)) with covariances A and B. 0 for equal clouds,
// NaN if a point is not finite. ShapeError for fewer rows or another number of features.
double frechet_distance(const Tensor& a, const Tensor& b);

}  // namespace floe
