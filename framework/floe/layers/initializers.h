// Initializers: the initial values of variables, each drawn from the variable's own stream.
#pragma once

#include <functional>

#include <floe/tensor/rng.h>
#include <floe/tensor/tensor.h>

namespace floe {

// A tensor of the shape and floating dtype on the CPU, from the stream: a layer moves it to its device. Fans: the last
// two axes are (in, out), those before them the filter's taps, each of which counts.
using Initializer = std::function<Tensor(const Shape& shape, Rng& rng, DType dtype)>;

namespace initializers {

// Each: ValueError for numbers that are not finite, a low above high, and a negative standard deviation.

Initializer zeros();                           // every element 0; Keras' default for biases
Initializer ones();                            // every element 1
Initializer constant(double value);            // every element `value`
Initializer uniform(double low, double high);  // [low, high)
Initializer normal(double stddev);             // mean 0; not truncated
Initializer glorot_uniform();  // within sqrt(6 / (fan in + fan out)). Glorot and Bengio, 2010; Keras' default
Initializer he_normal();                   // standard deviation sqrt(2 / fan in). He et al., 2015; not truncated

// As a matrix (all axes but the last, last): rows or columns, whichever are fewer, orthonormal, times `gain`. Saxe et
// al., 2013.
Initializer orthogonal(double gain = 1);

}  // namespace initializers
}  // namespace floe
