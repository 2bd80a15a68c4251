// A program to stop in: values of every kind that the printers of framework/gdb/floe.py show.
#include <cmath>

#include <floe/layers/dense.h>
#include <floe/ops/create.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/reduce.h>
#include <floe/tape/tape.h>
#include <floe/watch/debug.h>

using namespace floe;

namespace {

int stop(const Tensor& argument) { return argument.rank(); }  // the breakpoint

}  // namespace

int main() {
  Tensor x = tensor({{1., 2., 3.}, {4., 5., 6.}});
  Tensor odd = tensor({1., std::nan(""), HUGE_VAL, -HUGE_VAL});
  Tensor whole = range(0, 20), truth = x > 3.0, number = full({}, 0.5, DType::float64);
  Tensor none, empty({0, 3}), wide = zeros({3000, 2000});
  Tensor part = x[1];
  Shape shape{7, 1}, single{7};
  DType dtype = DType::uint8;
  Variable w("model.w", tensor({{0.5, -0.5, 1.}, {2., 3., 4.}})), frozen("model.frozen", tensor({1}), false);
  GradientTape tape;
  Tensor loss = reduce_sum(w * x);
  Gradients gradients = tape.gradient(loss, Variables{&w});
  const Tensor& alias = x;
  const Tensor* pointer = &x;
  int result = stop(part) + stop(odd) + static_cast<int>(whole.elements() + truth.elements() + number.elements());
  return result + none.rank() + empty.rank() + wide.rank() + shape.rank() + single.rank() + alias.rank() +
         pointer->rank() + static_cast<int>(dtype) + frozen.shape().rank() + static_cast<int>(gradients.size());
}
