// GroupNormalization over the pixels of each image and neighbouring channels. Wu and He, 2018.
#pragma once

#include <floe/layers/normalization.h>

namespace floe {

// The options of a GroupNormalization, by name: {.channels = 64, .groups = 8}.
struct GroupNormalizationOptions {
  std::int64_t channels = 0;  // size of the last axis
  std::int64_t groups = 32;   // into which the channels are divided
  double epsilon = 1e-3;      // above 0; added to variances
  bool scale = true;          // false: there is no gamma
  bool center = true;         // false: there is no beta
};

// gamma * (x - mean) / sqrt(variance + epsilon) + beta, image by image and group by group, with a gamma, which begins
// at 1, and a beta, which begins at 0, for each channel.
class GroupNormalization : public Normalization {
 public:
  using Options = GroupNormalizationOptions;

  // ValueError for missing channels, for .channels that .groups does not divide, and for an epsilon out of range.
  GroupNormalization(Layer* parent, const std::string& name, GroupNormalizationOptions options);

  Tensor operator()(Operand x);  // (batch, ..., channels) -> the same, in training and inference; else ShapeError

 private:
  std::int64_t groups_;
  double epsilon_;
};

}  // namespace floe
