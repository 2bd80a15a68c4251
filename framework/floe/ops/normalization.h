// Batch normalisation over the last axis. Ioffe and Szegedy, "Batch normalization", 2015.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// What normalising by a batch gives.
struct Normalized {
  Tensor y;         // the shape of x
  Tensor mean;      // (channels,) of this batch; constants to every tape
  Tensor variance;  // (channels,), biased
};

// Training: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance of this batch over all
// axes but the last; an empty batch has mean and variance 0. x (..., channels) of any rank from 2, gamma and beta
// (channels,), ShapeError otherwise; float32 or float64 of one kind, else DTypeError. Gradients to x, gamma and beta.
Normalized batch_normalization_training(Operand x, Operand gamma, Operand beta, double epsilon = 1e-3);

// Inference: the same with given, usually running, statistics (channels,), computed as x * s + (beta - mean * s) with
// s = gamma / sqrt(variance + epsilon). The shape of x; gradients to all five.
Tensor batch_normalization(Operand x, Operand gamma, Operand beta, Operand mean, Operand variance,
                           double epsilon = 1e-3);

}  // namespace floe
