// Initializers: the first values of variables, drawn from a stream of the variable's own.
#pragma once

#include <functional>

#include <floe/tensor/random.h>
#include <floe/tensor/tensor.h>

namespace floe {

// A tensor of the shape and floating dtype, from the stream. Fans: the last two axes are (in, out), those before them
// the filter's taps, each of which counts.
using Initializer = std::function<Tensor(const Shape& shape, Rng& rng, DType dtype)>;

namespace initializers {

Initializer zeros();
Initializer ones();
Initializer constant(double value);
Initializer uniform(double low, double high);
Initializer normal(double stddev);
Initializer glorot_uniform();  // within sqrt(6 / (fan in + fan out)). Glorot and Bengio, 2010; Keras' default
Initializer he_normal();                   // standard deviation sqrt(2 / fan in). He et al., 2015; not truncated
Initializer orthogonal(double gain = 1);   // rows or columns orthonormal. Saxe et al., 2013

}  // namespace initializers
}  // namespace floe
