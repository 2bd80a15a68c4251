// Metrics: what a training loop reports, gathered over batches. Never recorded by a tape.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// A weighted mean, in double precision.
class Mean {
 public:
  void update(double value, double weight = 1);  // a weight of 0 or more
  // Each element counts once, as in Keras. ValueError if there is no value yet.
  void update(Operand values);

  double result();  // NaN before the first value
  void reset() { *this = {}; }  // as before the first value

 private:
  void read(const Tensor& values);

  double sum_ = 0, weight_ = 0;
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
