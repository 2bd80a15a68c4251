// Metrics: what a training loop reports, gathered over batches. Never recorded by a tape.
#pragma once

#include <cstdint>
#include <optional>

#include <floe/tape/operand.h>

namespace floe {

// A weighted mean, in double precision.
class Mean {
 public:
  // ValueError unless the weight is finite and 0 or more; 0 leaves out even NaN.
  void update(double value, double weight = 1);
  // Each element counts once, as in Keras. ValueError if there is no value yet.
  void update(Operand values);

  double result();  // NaN before the first value
  void reset() { *this = {}; }  // as before the first value

  // Which update it was, from 0, since which there has been a NaN or an infinity. Nothing if there was none, or if a GPU
  // has not been waited for since.
  std::optional<std::int64_t> not_finite_since() const { return not_finite_since_; }

 private:
  void add(double sum, double weight);
  void read(const Tensor& values);

  double sum_ = 0, weight_ = 0;
  std::int64_t updates_ = 0;
  std::optional<std::int64_t> not_finite_since_{};
  Tensors waiting_;  // on a GPU, which is not waited for until result() is called
};

// The share of predictions that are right.
class Accuracy {
 public:
  // Labels are int32, int64 or uint8 (batch,). Predictions are logits (batch, classes), of which the largest counts and
  // the first among equals, or labels (batch,). ShapeError and DTypeError otherwise. As in Keras, the labels come
  // first; losses take them second.
  void update(Operand labels, Operand predictions);

  double result() { return mean_.result(); }  // 0 to 1; NaN before the first label
  void reset() { mean_.reset(); }  // as before the first label

 private:
  Mean mean_;
};

}  // namespace floe
