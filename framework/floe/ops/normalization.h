// Normalisation over the batch, over the last axes, and over the pixels of each image.
#pragma once

#include <floe/tape/operand.h>
#include <floe/tape/variable.h>

namespace floe {

// What normalising by a batch gives.
struct Normalized {
  Tensor y;         // the shape of x
  Tensor mean;      // (channels,) of this batch; constants to every tape
  Tensor variance;  // (channels,), biased
};

// Averages over the steps of training, for inference: each step moves them to average * momentum + batch * (1 -
// momentum).
struct MovingAverages {
  Variable& mean;      // (channels,)
  Variable& variance;  // (channels,)
  double momentum;
};

// All of these give y = gamma * (x - mean) / sqrt(variance + epsilon) + beta in the shape of x, with a biased variance
// that is 0 for a single element, as mean and variance of none are. Everything is float32, or everything float64, else
// DTypeError; ShapeError for shapes that do not fit; ValueError unless epsilon is 0, or finite and above 0 in the dtype.
// Gradients to x, gamma and beta.

// Training: mean and variance of this batch over all axes but the last. x (..., channels) of any rank from 2, gamma and
// beta (channels,). Ioffe and Szegedy, "Batch normalization", 2015. The averages, if there are any, move unless x is empty;
// never recorded.
Normalized batch_normalization_training(Operand x, Operand gamma, Operand beta, double epsilon = 1e-3,
                                        const MovingAverages* averages = nullptr);

// Inference: the same with given, usually running, statistics (channels,), computed as x * s + (beta - mean * s) with
// s = gamma / sqrt(variance + epsilon). Gradients to all five.
Tensor batch_normalization(Operand x, Operand gamma, Operand beta, Operand mean, Operand variance,
                           double epsilon = 1e-3);

// Over the last axes, as many as gamma has: x (..., features) with gamma and beta (features,), or images (batch,
// height, width, channels) with (height, width, channels). Ba, Kiros and Hinton, "Layer normalization", 2016.
Tensor layer_normalization(Operand x, Operand gamma, Operand beta, double epsilon = 1e-3);

// Over the axes between batch and channels and over the channels of a group, which are neighbours: x (batch, ...,
// channels) of any rank from 2, gamma and beta (channels,). ValueError for fewer than one group, ShapeError if the
// channels do not divide evenly. Wu and He, "Group normalization", 2018.
Tensor group_normalization(Operand x, std::int64_t groups, Operand gamma, Operand beta, double epsilon = 1e-3);

// Over the axes between batch and channels: x (batch, ..., channels) of any rank from 3, gamma and beta (channels,).
// Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016.
Tensor instance_normalization(Operand x, Operand gamma, Operand beta, double epsilon = 1e-5);

}  // namespace floe
