// Tensors of random numbers: uniform, normal, of two values, permutations, classes. Constants to every tape.
#pragma once

#include <cstdint>

#include <floe/tensor/rng.h>
#include <floe/tensor/tensor.h>

namespace floe {

// Each draws from `rng`, advances it by the same amount on every device, and gives the same numbers there, except for
// normals, which may differ in their last two bits. ShapeError for a negative size.

// [low, high), in the shape, or `low` if both are equal. DTypeError unless floating; ValueError if low exceeds high,
// and unless both and their distance are finite in the dtype.
Tensor random_uniform(const Shape& shape, Rng& rng, double low = 0, double high = 1, DType dtype = DType::float32,
                      Device device = {});
// The same shape. DTypeError unless floating; ValueError unless mean and standard deviation are finite in the dtype,
// and the latter is 0 or more. Box and Muller, 1958.
Tensor random_normal(const Shape& shape, Rng& rng, double mean = 0, double stddev = 1, DType dtype = DType::float32,
                     Device device = {});
Tensor random_normal(const Shape& shape, Rng& rng, Device device);  // standard normals of float32, on that device
// The shape again, of `one` with that probability, else 0. ValueError for a probability outside 0 to 1, and for a
// `one` that is not a value of the dtype.
Tensor random_bernoulli(const Shape& shape, Rng& rng, double probability, DType dtype = DType::float32,
                        Device device = {}, double one = 1);
// 0 to size - 1 in random order: int64 (size,). ValueError from 2^31 on.
Tensor random_permutation(std::int64_t size, Rng& rng);
// Logits (batch, classes) -> classes drawn by softmax(logits): int64 (batch, samples). A class of -inf is never drawn.
// ValueError for a row with NaN or +inf, or of nothing but -inf; ShapeError for another rank or no class; DTypeError
// unless floating.
Tensor random_categorical(const Tensor& logits, std::int64_t samples, Rng& rng);

}  // namespace floe
