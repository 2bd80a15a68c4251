// matmul: products of matrices, one or many at once.
#include <floe/ops/matmul.h>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

Shape leading(const Tensor& x) { return Shape(std::span(x.shape().begin(), static_cast<std::size_t>(x.rank() - 2))); }

bool broadcastable(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    std::int64_t one = a[a.rank() - i], other = b[b.rank() - i];
    if (one != other && one != 1 && other != 1) return false;
  }
  return true;
}

Shape with_matrix(Shape shape, std::int64_t rows, std::int64_t columns) {
  shape.append(rows);
  shape.append(columns);
  return shape;
}

}  // namespace

Tensor matmul(Operand a, Operand b, MatmulOptions options) {
  require_numbers("matmul", a, "a");
  require_alike("matmul", a, "a", b, "b");
  const char* a_axes = options.transpose_a ? "..., inner, rows" : "..., rows, inner";
  const char* b_axes = options.transpose_b ? "..., columns, inner" : "..., inner, columns";
  auto refuse = [&](const std::string& what) {
    throw ShapeError(message("matmul", what, {{"a", a, a_axes}, {"b", b, b_axes}}, a.where()));
  };
  if (a->rank() < 2 || b->rank() < 2) refuse("needs matrices, rank 2 or more");
  auto [ta, tb] = options;
  std::int64_t rows = a->dim(ta ? -1 : -2), inner = a->dim(ta ? -2 : -1);
  std::int64_t columns = b->dim(tb ? -2 : -1), other = b->dim(tb ? -1 : -2);
  if (inner != other) refuse(fmt::format("the inner axes differ: a has {} and b has {}", inner, other));

  // Leading axes: the same, or absent on one side; else the smaller is repeated first.
  Shape batch_a = leading(a), batch_b = leading(b);
  if (batch_a != batch_b && batch_a.rank() > 0 && batch_b.rank() > 0) {
    if (!broadcastable(batch_a, batch_b))
      refuse(fmt::format("the leading axes {} and {} cannot be broadcast", to_string(batch_a), to_string(batch_b)));
    CallScope scope(a.where());
    Shape batch = broadcast_shape("matmul", a->view(batch_a), b->view(batch_b), a.where());
    return matmul(broadcast_to(a, with_matrix(batch, a->dim(-2), a->dim(-1))),
                  broadcast_to(b, with_matrix(batch, b->dim(-2), b->dim(-1))), options);
  }
  if (batch_b.rank() == 0 && batch_a.rank() > 0 && !ta) {  // many matrices times one: their rows are one tall matrix
    CallScope scope(a.where());
    return reshape(matmul(reshape(a, {batch_a.elements() * rows, inner}), b, options),
                   with_matrix(batch_a, rows, columns));
  }

  const Shape& batch = batch_a.rank() > 0 ? batch_a : batch_b;
  MatmulGeometry g{batch.elements(),
                   rows,
                   columns,
                   inner,
                   batch_a.rank() > 0 ? rows * inner : 0,
                   batch_b.rank() > 0 ? inner * columns : 0,
                   ta,
                   tb};
  Tensor c(with_matrix(batch, rows, columns), a->dtype(), a->device());
  if (c.elements() > 0) run<cpu::matmul, cuda::matmul>(a->device(), a, b, g, c);
  double flops = 2.0 * static_cast<double>(c.elements()) * static_cast<double>(inner);
  record({"matmul", a.where(), {{"transpose_a", ta}, {"transpose_b", tb}}, flops}, {a, b}, c,
         {kept_for(b, a), kept_for(a, b)}, [ta = ta, tb = tb, sa = a->shape(), sb = b->shape()](Backward& op) {
           const Tensor& dc = op.dy();
           if (op.needs(0)) {
             const Tensor& b = op.kept(1);
             op.give(0, sum_to(ta ? matmul(b, dc, {tb, true}) : matmul(dc, b, {false, !tb}), sa));
           }
           if (op.needs(1)) {
             const Tensor& a = op.kept(0);
             op.give(1, sum_to(tb ? matmul(dc, a, {true, ta}) : matmul(a, dc, {!ta, false}), sb));
           }
         });
  return c;
}

}  // namespace floe
