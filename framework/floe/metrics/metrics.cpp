// Metrics: sums in double precision, read straight from the tensors.
#include <floe/metrics/metrics.h>

#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <floe/ops/checks.h>
#include <floe/ops/reduce.h>
#include <floe/tape/record.h>

namespace floe {

// --- Mean ------------------------------------------------------------------------------------------------------------

void Mean::update(double value, double weight) {
  require_number("mean", "the weight", weight, numbers::from_0);
  if (!waiting_.empty()) result();
  add(weight == 0 ? 0 : weight * value, weight);  // a weight of 0 counts for nothing, not even beside an infinity
}

void Mean::add(double sum, double weight) {
  sum_ += sum;
  weight_ += weight;
  if (!not_finite_since_ && !std::isfinite(sum_)) not_finite_since_ = updates_;
  ++updates_;
}

void Mean::update(Operand values) {
  require_defined("mean", values, "the tensor");
  if (values->device().kind == Device::Kind::cpu) return read(values);
  constexpr std::int64_t most_elements = 1024;  // of one tensor, and most tensors, that are worth keeping
  waiting_.push_back(values->detached());
  if (values->elements() > most_elements || waiting_.size() >= most_elements) result();
}

void Mean::read(const Tensor& values) {
  dispatch(values.dtype(), [&]<class T>() {
    std::span<const T> all = values.span<T>();
    add(std::accumulate(all.begin(), all.end(), 0.0), static_cast<double>(all.size()));
  });
}

double Mean::result() {
  for (const Tensor& values : std::exchange(waiting_, {})) read(values.on(Device{}));
  return sum_ / weight_;
}

// --- Accuracy --------------------------------------------------------------------------------------------------------

namespace {

void require_labels(const Operand& x, const char* role) {
  if (!is_floating(x->dtype()) && x->dtype() != DType::boolean) return;
  throw DTypeError(message("accuracy", fmt::format("{} are int32, int64 or uint8, not {}", role, name(x->dtype())),
                           {{role, x, "batch"}}, x.where()));
}

std::int64_t label(const Tensor& labels, std::int64_t i) {
  return dispatch(labels.dtype(), [&]<class T>() { return static_cast<std::int64_t>(labels.data<T>()[i]); });
}

}  // namespace

void Accuracy::update(Operand labels, Operand predictions) {
  // Refuse what cannot be compared.
  require_rank("accuracy", labels, 1, "labels", "batch");
  require_labels(labels, "labels");
  require_defined("accuracy", predictions, "predictions");
  bool logits = predictions->rank() == 2 && is_floating(predictions->dtype());
  if (!logits) {
    require_rank("accuracy", predictions, 1, "predictions", "batch");
    require_labels(predictions, "predictions");
  }
  if (labels->dim(0) != predictions->dim(0)) {
    const char* axes = logits ? "batch, classes" : "batch";
    throw ShapeError(message(
        "accuracy", fmt::format("{} for {}", count(labels->dim(0), "label"), count(predictions->dim(0), "prediction")),
        {{"labels", labels, "batch"}, {"predictions", predictions, axes}}, labels.where()));
  }

  NoRecording silence;
  const Tensor predicted = (logits ? argmax(predictions) : predictions.tensor()).on(Device{});
  const Tensor right = labels->on(Device{});
  for (std::int64_t i = 0; i < right.dim(0); ++i) mean_.update(label(right, i) == label(predicted, i));
}

}  // namespace floe
