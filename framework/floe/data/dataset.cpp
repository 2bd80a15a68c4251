// Datasets: what needs no template: checks, orders, rows and stacks.
#include <floe/data/dataset.h>

#include <numeric>

#include <fmt/format.h>

#include <floe/ops/checks.h>
#include <floe/ops/shape_ops.h>
#include <floe/tensor/device_memory.h>

namespace floe::detail {

// --- Elements --------------------------------------------------------------------------------------------------------

void require_same_rows(const Tensors& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].defined()) throw ValueError(fmt::format("dataset: field {} has no value yet", i));
    if (fields[i].rank() == 0) throw ShapeError(fmt::format("dataset: field {} is a scalar, without rows", i));
    if (fields[i].dim(0) == fields[0].dim(0)) continue;
    std::string other = fmt::format("field {}", i);
    std::string rows = count(fields[0].dim(0), "row");
    std::string what = fmt::format("field 0 has {} but {} has {}", rows, other, fields[i].dim(0));
    throw ShapeError(message("dataset", what, {{"field 0", fields[0]}, {other, fields[i]}}));
  }
}

Tensor row(const Tensor& rows, std::int64_t index) {
  require_defined("row", rows, "rows");
  if (index < 0 || index >= rows.dim(0))
    throw ShapeError(message("row", fmt::format("there is no row {}", index), {{"rows", rows}}));
  Shape shape(std::span(rows.shape().begin() + 1, rows.shape().end()));
  return rows.view(shape, index * shape.elements());
}

Tensor stack_field(const Tensors& parts, int field) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    bool same_shape = parts[i].shape() == parts[0].shape();
    if (same_shape && parts[i].dtype() == parts[0].dtype()) continue;
    std::string other = fmt::format("element {}", i);
    std::string what = fmt::format("the elements differ in the {} of field {}", same_shape ? "dtype" : "shape", field);
    std::string text = message("batch", what, {{"element 0", parts[0]}, {other, parts[i]}});
    if (same_shape) throw DTypeError(text);
    throw ShapeError(text);
  }
  return stack(parts);
}

// --- Stages ----------------------------------------------------------------------------------------------------------

std::int64_t require_at_least(std::int64_t least, const char* op, const char* what, std::int64_t value) {
  if (value >= least) return value;
  throw ValueError(fmt::format("{}: {} must be at least {}, but is {}", op, what, least, value));
}

std::int64_t require_batch(std::int64_t count) {
  if (count <= most_parts) return count;
  throw ValueError(fmt::format("batch: at most {} elements can be one, not {}", most_parts, count));
}

void refuse_endless(std::int64_t size) {
  if (size == endless) throw ValueError("shuffle: an endless dataset has no order to change; shuffle before repeat()");
}

// Element i is drawn from the next `buffer` that are left: the shuffle of Fisher and Yates, seen through a window.
Tensor shuffled_order(std::int64_t size, std::int64_t buffer, Rng rng) {
  Tensor places({size}, DType::int64);  // a tensor, which refuses what memory cannot hold
  std::int64_t* order = places.mutable_data<std::int64_t>();
  std::iota(order, order + size, std::int64_t{0});
  buffer = std::min<std::int64_t>(buffer, std::numeric_limits<int>::max());
  for (std::int64_t i = 0; i < size; ++i) {
    int ahead = rng.below(static_cast<int>(std::min(buffer, size - i)));
    std::swap(order[i], order[i + ahead]);
  }
  return places;
}

std::int64_t repeated_size(std::int64_t size, std::int64_t count) {
  if (size == 0) return 0;  // nothing, even without end
  return size > endless / count ? endless : size * count;
}

Tensor uploaded(const Tensor& field, Device device) {
  bool looked_at = field.dtype() == DType::int32 || field.dtype() == DType::int64;
  if (looked_at || field.device() == device || field.device().kind != Device::Kind::cpu) return field;
  Tensor there(field.shape(), field.dtype(), device);
  device_memory::upload(there.raw_mutable(), device, field.raw(),
                        static_cast<std::size_t>(field.elements()) * item_size(field.dtype()));
  return there;
}

// --- Loops -----------------------------------------------------------------------------------------------------------

void require_idle(const char* op, const char* remedy, bool looping) {
  if (looping) throw ValueError(fmt::format("{}: a loop over this dataset is running; {}", op, remedy));
}

void require_place(DatasetPosition place, std::int64_t size) {
  require_at_least(0, "restore", "epoch", place.epoch);
  require_at_least(0, "restore", "position", place.position);
  if (place.epoch == endless) throw ValueError("restore: there is no epoch after " + std::to_string(endless));
  if (place.position <= size) return;
  throw ValueError(fmt::format("restore: position {} is beyond the {} of an epoch; was it a different dataset?",
                               place.position, count(size, "element")));
}

}  // namespace floe::detail

template class floe::Dataset<floe::Tensor>;
