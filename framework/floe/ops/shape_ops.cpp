// Ops that move or repeat elements.
#include <floe/ops/shape_ops.h>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <floe/backend/strides.h>
#include <floe/backend/run.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/reduce.h>

namespace floe {
namespace {

Tensor read(const Tensor& x, const Shape& shape, const Strides& strides) {
  Tensor y(shape, x.dtype(), x.device());
  if (y.elements() > 0) run<cpu::read_strided, cuda::read_strided>(x.device(), x, strides, y);
  return y;
}

void write(const Tensor& x, Tensor& y, const Strides& strides) {
  if (x.elements() > 0) run<cpu::write_strided, cuda::write_strided>(x.device(), x, y, strides);
}

// Where the elements of a slice lie in the whole.
Strides slice_strides(const Shape& whole, int axis, std::int64_t begin, std::int64_t step) {
  Strides strides = dense_strides(whole);
  strides.offset = begin * strides.strides[axis];
  strides.strides[axis] *= step;
  return strides;
}

Tensor slice_range(const Tensor& x, int axis, std::int64_t begin, std::int64_t size, std::int64_t step, Location where);

// The gradient of a slice: zeros with dy in the slice's place. Its own gradient is the slice.
Tensor unslice(const Tensor& dy, const Shape& whole, int axis, std::int64_t begin, std::int64_t step) {
  Tensor dx = zeros(whole, dy.dtype(), dy.device());
  write(dy, dx, slice_strides(whole, axis, begin, step));
  record({"slice_gradient", {}, {{"shape", whole}, {"axis", axis}, {"begin", begin}, {"step", step}}}, {dy}, dx, {},
         [=, size = dy.dim(axis)](Backward& op) { op.give(0, slice_range(op.dy(), axis, begin, size, step, {})); });
  return dx;
}

Shape with_size(Shape shape, int axis, std::int64_t size) {
  shape[axis] = size;
  return shape;
}

// The elements of a slice, not recorded; without a copy where they are contiguous.
Tensor part_of(const Tensor& x, int axis, std::int64_t begin, std::int64_t size, std::int64_t step) {
  Shape shape = with_size(x.shape(), axis, size);
  if (axis > 0 || step > 1) return read(x, shape, slice_strides(x.shape(), axis, begin, step));
  std::int64_t inner = shape.elements() > 0 ? x.elements() / x.dim(0) : 0;
  return x.view(shape, begin * inner);
}

Tensor slice_range(const Tensor& x, int axis, std::int64_t begin, std::int64_t size, std::int64_t step,
                   Location where) {
  Tensor y = part_of(x, axis, begin, size, step);
  std::int64_t end = size > 0 ? begin + (size - 1) * step + 1 : begin;
  const Attribute attributes[] = {{"axis", axis}, {"begin", begin}, {"end", end}, {"step", step}};
  record({"slice", where, attributes}, {x}, y, {}, [=, whole = x.shape()](Backward& op) {
    if (op.differentiable()) op.give(0, unslice(op.dy(), whole, axis, begin, step));
    else
      op.give_part(0, whole, slice_strides(whole, axis, begin, step), op.dy());
  });
  return y;
}

// One op that gives these parts of x. `gradient` makes one of x from theirs, of which it has each: zeros for a part to
// which nothing came.
template <class Gradient>
void record_parts(const OpInfo& info, const Operand& x, Tensors& parts, Gradient gradient) {
  if (parts.empty()) return;
  std::vector<Tensor*> outputs;
  std::vector<Shape> shapes;
  for (Tensor& part : parts) outputs.push_back(&part), shapes.push_back(part.shape());
  TensorRef inputs[] = {x};
  record(info, inputs, outputs, {},
         [shapes, dtype = x->dtype(), device = x->device(), gradient](Backward& op) {
           Tensors dys;
           for (std::size_t i = 0; i < shapes.size(); ++i) {
             const Tensor& dy = op.dy(static_cast<int>(i));
             dys.push_back(dy.defined() ? dy : zeros(shapes[i], dtype, device));
           }
           op.give(0, gradient(dys));
         });
}

Folded fold(const Shape& shape, int axis) {
  Folded folded{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) folded.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) folded.inner *= shape[i];
  return folded;
}

void require_index_dtype(const char* op, const Operand& indices) {
  require_defined(op, indices, "indices");
  if (indices->dtype() == DType::int32 || indices->dtype() == DType::int64) return;
  throw DTypeError(message(op, "indices must be int32 or int64", {{"indices", indices}}, indices.where()));
}

// The indices on the CPU, where those from a GPU have to be waited for. Refuses one outside 0 .. size - 1, naming the
// first.
Tensor require_in_range(const char* op, const Operand& indices, std::int64_t size) {
  if (size < 0)
    throw ShapeError(
        message(op, fmt::format("a size cannot be negative: {}", size), {{"indices", indices}}, indices.where()));
  const Tensor here = indices->on(Device{});
  dispatch(indices->dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      for (T index : here.span<T>()) {
        if (static_cast<std::int64_t>(index) >= 0 && static_cast<std::int64_t>(index) < size) continue;
        throw ValueError(message(op,
                                 fmt::format("index {} is outside 0 .. {}", static_cast<std::int64_t>(index), size - 1),
                                 {{"indices", indices}}, indices.where()));
      }
    }
  });
  return here;
}

Tensor gather_along(const Tensor& x, const Tensor& indices, const Tensor& here, int axis, Location where);

// The gradient of gather: zeros with each part of dy added at its index, from the CPU. Its own gradient is the gather.
Tensor scatter_along(const char* name, const Tensor& dy, const Tensor& indices, const Shape& whole, int axis,
                     Location where) {
  Tensor dx = zeros(whole, dy.dtype(), dy.device());
  if (dy.elements() > 0) run<cpu::scatter_add, cuda::scatter_add>(dy.device(), dy, indices, fold(whole, axis), dx);
  record({name, where, {{"shape", whole}, {"axis", axis}}}, {dy, indices}, dx, {indices},
         [=](Backward& op) { op.give(0, gather_along(op.dy(), op.kept(0), op.kept(0), axis, {})); });
  return dx;
}

// By indices on any device, which `here` are on the CPU.
Tensor gather_along(const Tensor& x, const Tensor& indices, const Tensor& here, int axis, Location where) {
  int rank = x.rank() - 1 + indices.rank();
  if (rank > Shape::max_rank) {
    throw ShapeError(message("gather",
                             fmt::format("the result would have rank {}, and {} is the most", rank, Shape::max_rank),
                             {{"x", x}, {"indices", indices}}, where));
  }
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.append(x.dim(i));
  for (std::int64_t size : indices.shape()) shape.append(size);
  for (int i = axis + 1; i < x.rank(); ++i) shape.append(x.dim(i));
  Tensor y(shape, x.dtype(), x.device());
  if (y.elements() > 0) run<cpu::gather, cuda::gather>(x.device(), x, indices.on(x.device()), fold(x.shape(), axis), y);
  record({"gather", where, {{"axis", axis}}}, {x, indices}, y, {here}, [axis, whole = x.shape()](Backward& op) {
    op.give(0, scatter_along("gather_gradient", op.dy(), op.kept(0), whole, axis, {}));
  });
  return y;
}

}  // namespace

Tensor reshape(Operand x, Shape shape) {
  require_defined("reshape", x, "x");
  Shape asked = shape, known;
  int open = -1;
  bool valid = true;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == -1 && open < 0) open = axis;
    else if (shape[axis] < 0) valid = false;
    else
      known.append(shape[axis]);
  }
  const std::int64_t rest = known.elements();
  if (valid && open >= 0 && rest > 0 && x->elements() % rest == 0)
    shape[open] = x->elements() / rest;
  else if (open >= 0) valid = false;
  if (!valid || shape.elements() != x->elements() || !shape.countable()) {
    throw ShapeError(message("reshape", fmt::format("{} elements do not fill {}", x->elements(), to_string(asked)),
                             {{"x", x}}, x.where()));
  }
  Tensor y = x->view(shape);
  record({"reshape", x.where(), {{"shape", shape}}}, {x}, y, {},
         [shape = x->shape()](Backward& op) { op.give(0, reshape(op.dy(), shape)); });
  return y;
}

Tensor flatten(Operand x) {
  require_defined("flatten", x, "x");
  if (x->rank() == 0) throw ShapeError(message("flatten", "needs a batch axis", {{"x", x}}, x.where()));
  std::int64_t rest = 1;
  for (int axis = 1; axis < x->rank(); ++axis) rest *= x->dim(axis);
  return reshape(x, {x->dim(0), rest});
}

Tensor squeeze(Operand x, AxisList axes) {
  require_defined("squeeze", x, "x");
  std::vector<bool> drop(static_cast<std::size_t>(x->rank()));
  for (int axis : require_axes("squeeze", x, axes)) {
    if (x->dim(axis) != 1)
      throw ShapeError(
          message("squeeze", fmt::format("axis {} has size {}, not 1", axis, x->dim(axis)), {{"x", x}}, x.where()));
    drop[axis] = true;
  }
  Shape shape;
  for (int axis = 0; axis < x->rank(); ++axis) {
    if (axes.empty() ? x->dim(axis) != 1 : !drop[axis]) shape.append(x->dim(axis));
  }
  return reshape(x, shape);
}

Tensor expand_dims(Operand x, int axis) {
  require_defined("expand_dims", x, "x");
  int rank = x->rank();
  if (axis < -rank - 1 || axis > rank)
    throw ShapeError(
        message("expand_dims", fmt::format("there is no place {} in rank {}", axis, rank), {{"x", x}}, x.where()));
  if (rank == Shape::max_rank)
    throw ShapeError(message("expand_dims",
                             fmt::format("the result would have rank {}, and {} is the most", rank + 1, rank),
                             {{"x", x}}, x.where()));
  if (axis < 0) axis += rank + 1;
  Shape shape;
  for (int i = 0; i <= rank; ++i) {
    if (i == axis) shape.append(1);
    if (i < rank) shape.append(x->dim(i));
  }
  return reshape(x, shape);
}

Tensor transpose(Operand x, AxisList order) {
  require_defined("transpose", x, "x");
  int rank = x->rank();
  if (order.empty()) {
    order.resize(static_cast<std::size_t>(rank));
    std::iota(order.rbegin(), order.rend(), 0);
  }
  AxisList inverse(static_cast<std::size_t>(rank), -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = require_axis("transpose", x, order[i]);
    inverse[order[i]] = static_cast<int>(i);
  }
  if (static_cast<int>(order.size()) != rank || std::find(inverse.begin(), inverse.end(), -1) != inverse.end()) {
    throw ShapeError(message("transpose",
                             fmt::format("the order ({}) must name each of {} axes once", fmt::join(order, ", "), rank),
                             {{"x", x}}, x.where()));
  }

  auto dense = dense_strides(x->shape()).strides;
  Shape shape;
  Strides strides;
  for (int i = 0; i < rank; ++i) shape.append(x->dim(order[i])), strides.strides[i] = dense[order[i]];
  Tensor y = read(x, shape, strides);
  record({"transpose", x.where(), {{"order", listed(order)}}}, {x}, y, {},
         [inverse](Backward& op) { op.give(0, transpose(op.dy(), inverse)); });
  return y;
}

Tensor broadcast_to(Operand x, const Shape& shape) {
  require_defined("broadcast_to", x, "x");
  if (x->shape() == shape) return x;
  bool fits = x->rank() <= shape.rank();
  auto dense = dense_strides(x->shape()).strides;
  Strides strides;
  for (int axis = 0; fits && axis < x->rank(); ++axis) {
    int to = axis + shape.rank() - x->rank();
    fits = x->dim(axis) == shape[to] || x->dim(axis) == 1;
    strides.strides[to] = x->dim(axis) == 1 ? 0 : dense[axis];
  }
  if (!fits)
    throw ShapeError(message(
        "broadcast_to",
        fmt::format("does not fit {}: only axes of size 1, and new ones in front, are repeated", to_string(shape)),
        {{"x", x}}, x.where()));
  Tensor y = read(x, shape, strides);
  record({"broadcast_to", x.where(), {{"shape", shape}}}, {x}, y, {},
         [from = x->shape()](Backward& op) { op.give(0, sum_to(op.dy(), from)); });
  return y;
}

Tensor flip(Operand x, AxisList axes) {
  axes = require_axes("flip", x, std::move(axes));
  Strides strides = dense_strides(x->shape());
  for (int axis : axes) {
    strides.offset += (x->dim(axis) - 1) * strides.strides[axis];
    strides.strides[axis] = -strides.strides[axis];
  }
  Tensor y = read(x, x->shape(), strides);
  record({"flip", x.where(), {{"axes", listed(axes)}}}, {x}, y, {},
         [axes](Backward& op) { op.give(0, flip(op.dy(), axes)); });
  return y;
}

Tensor tile(Operand x, const std::vector<std::int64_t>& repeats) {
  require_defined("tile", x, "x");
  if (static_cast<int>(repeats.size()) != x->rank()) {
    throw ShapeError(message("tile", fmt::format("needs one count for each axis, and has {}", repeats.size()),
                             {{"x", x}}, x.where()));
  }
  for (int axis = 0; axis < x->rank(); ++axis) {
    if (repeats[axis] < 0)
      throw ValueError(
          message("tile", fmt::format("cannot repeat axis {} {} times", axis, repeats[axis]), {{"x", x}}, x.where()));
  }
  const Shape tiled = counted("tile", {{"x", x}}, x.where(), [&] {
    Shape shape = x->shape();
    for (int axis = 0; axis < x->rank(); ++axis) shape[axis] = (Counted(shape[axis]) * repeats[axis]).value();
    return shape;
  });
  CallScope scope(x.where());
  Tensor y = x;
  for (int axis = 0; axis < x->rank(); ++axis) {
    if (repeats[axis] == 1) continue;
    Shape shape = y.shape();
    auto [outer, size, inner] = fold(shape, axis);
    Tensor all = broadcast_to(reshape(y, {outer, 1, size * inner}), {outer, repeats[axis], size * inner});
    shape[axis] = tiled[axis];
    y = reshape(all, shape);
  }
  return y;
}

Tensor slice(Operand x, int axis, std::int64_t begin, std::optional<std::int64_t> end, std::int64_t step) {
  axis = require_axis("slice", x, axis);
  std::int64_t size = x->dim(axis), last = end.value_or(size);
  if (begin < 0) begin += size;
  if (last < 0) last += size;
  if (step < 1)
    throw ValueError(
        message("slice", fmt::format("the step must be 1 or more, but is {}", step), {{"x", x}}, x.where()));
  if (begin > last)
    throw ShapeError(message("slice", fmt::format("the range {} .. {} runs backwards; flip() reverses", begin, last),
                             {{"x", x}}, x.where()));
  if (begin < 0 || last > size) {
    throw ShapeError(message(
        "slice", fmt::format("the range {} .. {} is outside axis {}, which has size {}", begin, last, axis, size),
        {{"x", x}}, x.where()));
  }
  step = std::min(step, std::max<std::int64_t>(size, 1));  // a longer one takes the first element, too
  return slice_range(x, axis, begin, (last - begin) / step + ((last - begin) % step != 0), step, x.where());
}

Tensor Tensor::operator[](std::int64_t index) const {
  require_defined("index", *this, "x");
  if (rank() == 0)
    throw ShapeError(message("index", "a scalar has no axis to index; item() gives its value", {{"x", *this}}));
  std::int64_t at = index < 0 ? index + dim(0) : index;
  if (at < 0 || at >= dim(0))
    throw ShapeError(
        message("index", fmt::format("{} is outside the leading axis of size {}", index, dim(0)), {{"x", *this}}));
  return squeeze(slice_range(*this, 0, at, 1, 1, {}), {0});
}

Tensor concat(const Tensors& parts, int axis, Location where) {
  if (parts.empty()) throw ValueError(message("concat", "needs at least one tensor", {}, where));
  Operand first(parts[0], where.file, where.line);
  axis = require_axis("concat", first, axis);
  Shape shape = parts[0].shape();
  shape[axis] = 0;
  for (const Tensor& part : parts) {
    require_alike("concat", first, "first", Operand(part, where.file, where.line), "other");
    bool fits = part.rank() == shape.rank();
    for (int i = 0; fits && i < shape.rank(); ++i) fits = i == axis || part.dim(i) == shape[i];
    if (!fits)
      throw ShapeError(message("concat", fmt::format("shapes may differ in axis {} only", axis),
                               {{"first", parts[0]}, {"other", part}}, where));
    shape[axis] =
        counted("concat", {{"other", part}}, where, [&] { return (Counted(shape[axis]) + part.dim(axis)).value(); });
  }

  Tensor y(shape, parts[0].dtype(), parts[0].device());
  std::vector<TensorRef> inputs(parts.begin(), parts.end());
  std::vector<std::int64_t> sizes;
  std::int64_t begin = 0;
  for (const Tensor& part : parts) {
    write(part, y, slice_strides(shape, axis, begin, 1));
    begin += part.dim(axis);
    sizes.push_back(part.dim(axis));
  }
  Tensor* outputs[] = {&y};
  record({"concat", where, {{"axis", axis}}}, inputs, outputs, {}, [axis, sizes](Backward& op) {
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < sizes.size(); begin += sizes[i++]) {
      if (op.needs(static_cast<int>(i))) op.give(static_cast<int>(i), slice(op.dy(), axis, begin, begin + sizes[i]));
    }
  });
  return y;
}

Tensor stack(const Tensors& parts, int axis, Location where) {
  if (parts.empty()) throw ValueError(message("stack", "needs at least one tensor", {}, where));
  for (const Tensor& part : parts) {
    require_defined("stack", Operand(part, where.file, where.line), "a part");
    if (part.shape() != parts[0].shape())
      throw ShapeError(message("stack", "shapes must be equal", {{"first", parts[0]}, {"other", part}}, where));
  }
  CallScope scope(where);
  Tensors expanded;
  for (const Tensor& part : parts) expanded.push_back(expand_dims(part, axis));
  return concat(expanded, axis, where);
}

Tensors split(Operand x, int axis, std::int64_t parts) {
  axis = require_axis("split", x, axis);
  if (parts < 1)
    throw ValueError(message("split", fmt::format("cannot split into {} parts", parts), {{"x", x}}, x.where()));
  if (x->dim(axis) % parts != 0) {
    throw ShapeError(message(
        "split", fmt::format("axis {} of size {} cannot be split into {} equal parts", axis, x->dim(axis), parts),
        {{"x", x}}, x.where()));
  }
  require_parts("split", x, parts);
  return split(x, axis, std::vector<std::int64_t>(static_cast<std::size_t>(parts), x->dim(axis) / parts));
}

Tensors split(Operand x, int axis, const std::vector<std::int64_t>& sizes) {
  axis = require_axis("split", x, axis);
  for (std::int64_t size : sizes) {
    if (size < 0)
      throw ValueError(
          message("split", fmt::format("sizes cannot be negative, and one is {}", size), {{"x", x}}, x.where()));
  }
  std::int64_t total = counted("split", {{"x", x}}, x.where(), [&] {
    return std::accumulate(sizes.begin(), sizes.end(), Counted(0), std::plus<Counted>()).value();
  });
  if (total != x->dim(axis)) {
    throw ShapeError(message("split",
                             fmt::format("the sizes add up to {}, and axis {} has {}", total, axis, x->dim(axis)),
                             {{"x", x}}, x.where()));
  }
  Tensors parts;
  std::int64_t begin = 0;
  for (std::int64_t size : sizes) {
    parts.push_back(part_of(x, axis, begin, size, 1));
    begin += size;
  }
  record_parts({"split", x.where(), {{"axis", axis}, {"sizes", std::span(sizes)}}}, x, parts,
               [axis](const Tensors& dys) { return concat(dys, axis, {}); });
  return parts;
}

Tensors unstack(Operand x, int axis) {
  axis = require_axis("unstack", x, axis);
  require_parts("unstack", x, x->dim(axis));
  Shape shape;
  for (int i = 0; i < x->rank(); ++i) {
    if (i != axis) shape.append(x->dim(i));
  }
  Tensors parts;
  for (std::int64_t i = 0; i < x->dim(axis); ++i) parts.push_back(part_of(x, axis, i, 1, 1).view(shape));
  record_parts({"unstack", x.where(), {{"axis", axis}}}, x, parts,
               [axis](const Tensors& dys) { return stack(dys, axis, {}); });
  return parts;
}

Tensor pad(Operand x, const std::vector<std::pair<std::int64_t, std::int64_t>>& before_after, Number value) {
  require_defined("pad", x, "x");
  if (static_cast<int>(before_after.size()) != x->rank()) {
    throw ShapeError(message("pad",
                             fmt::format("needs one (before, after) for each axis, and has {}", before_after.size()),
                             {{"x", x}}, x.where()));
  }
  Shape begins, ends;
  for (int axis = 0; axis < x->rank(); ++axis) {
    auto [before, after] = before_after[axis];
    begins.append(before), ends.append(after);
    if (before < 0 || after < 0)
      throw ValueError(message("pad", fmt::format("axis {} cannot be padded by ({}, {})", axis, before, after),
                               {{"x", x}}, x.where()));
  }
  const Shape shape = counted("pad", {{"x", x}}, x.where(), [&] {
    Shape padded = x->shape();
    for (int axis = 0; axis < x->rank(); ++axis)
      padded[axis] = (Counted(padded[axis]) + begins[axis] + ends[axis]).value();
    return padded;
  });
  require_fits("pad", value, x->dtype());
  Tensor y = full(shape, value, x->dtype(), x->device());
  Strides strides = dense_strides(shape);
  for (int axis = 0; axis < x->rank(); ++axis) strides.offset += before_after[axis].first * strides.strides[axis];
  write(x, y, strides);
  const AttributeValue told = is_floating(x->dtype()) ? AttributeValue(value.real()) : AttributeValue(*value.whole());
  record({"pad", x.where(), {{"before", begins}, {"after", ends}, {"value", told}}}, {x}, y, {},
         [begins, inner = x->shape()](Backward& op) {
           Tensor dx = op.dy();
           for (int axis = 0; axis < inner.rank(); ++axis)
             dx = slice(dx, axis, begins[axis], begins[axis] + inner[axis]);
           op.give(0, dx);
         });
  return y;
}

Tensor gather(Operand x, Operand indices, int axis) {
  axis = require_axis("gather", x, axis);
  require_index_dtype("gather", indices);
  return gather_along(x, indices, require_in_range("gather", indices, x->dim(axis)), axis, x.where());
}

Tensor scatter(Operand x, Operand indices, std::int64_t size) {
  require_defined("scatter", x, "x");
  require_index_dtype("scatter", indices);
  if (indices->rank() != 1 || x->rank() == 0 || x->dim(0) != indices->dim(0)) {
    throw ShapeError(
        message("scatter", "needs one index for each part of x", {{"x", x}, {"indices", indices}}, x.where()));
  }
  const Tensor here = require_in_range("scatter", indices, size);
  Shape whole = x->shape();
  whole[0] = size;
  return scatter_along("scatter", x, here, whole, 0, x.where());
}

Tensor one_hot(Operand indices, std::int64_t depth, DType dtype) {
  require_index_dtype("one_hot", indices);
  require_in_range("one_hot", indices, depth);
  Shape shape = indices->shape();
  shape.append(depth);
  Tensor y = zeros(shape, dtype, indices->device());
  if (indices->elements() > 0) run<cpu::one_hot, cuda::one_hot>(indices->device(), indices, y);
  record_blocked({"one_hot", indices.where(), {{"depth", depth}, {"dtype", name(dtype)}}}, {indices}, y);
  return y;
}

Tensor to(Operand x, Device device) {
  require_defined("to", x, "x");
  if (x->device() == device) return x;
  require_device(device);
  Tensor y = x->on(device);
  const char* kind = device.kind == Device::Kind::cpu ? "cpu" : "cuda";
  const Attribute attributes[] = {{"device", kind}, {"index", device.index}};
  OpInfo info{"to", x.where(), attributes};
  if (is_floating(x->dtype()))
    record(info, {x}, y, {}, [from = x->device()](Backward& op) { op.give(0, to(op.dy(), from)); });
  else
    record_blocked(info, {x}, y);
  return y;
}

Tensor cast(Operand x, DType dtype) {
  require_defined("cast", x, "x");
  if (x->dtype() == dtype) return x;
  Tensor y(x->shape(), dtype, x->device());
  run<cpu::cast, cuda::cast>(x->device(), x, y);
  const Attribute attributes[] = {{"dtype", name(dtype)}};
  OpInfo info{"cast", x.where(), attributes};
  if (is_floating(dtype) && is_floating(x->dtype())) {
    record(info, {x}, y, {}, [from = x->dtype()](Backward& op) { op.give(0, cast(op.dy(), from)); });
  } else {
    record_blocked(info, {x}, y);
  }
  return y;
}

}  // namespace floe
