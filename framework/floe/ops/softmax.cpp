// Softmax and its logarithm.
#include <floe/ops/softmax.h>

#include <floe/backend/run.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>

namespace floe {
namespace {

Tensor either(const char* name, const Operand& x, bool logarithm) {
  require_floating(name, x);
  if (x->rank() == 0) throw ShapeError(message(name, "needs an axis of classes", {{"x", x}}, x.where()));
  Tensor y(x->shape(), x->dtype(), x->device());
  if (y.elements() > 0) run<cpu::softmax, cuda::softmax>(x->device(), x, logarithm, y);
  record({name, x.where()}, {x}, y, {y}, [=](Backward& op) {
    const Tensor &dy = op.dy(), &y = op.kept(0);
    if (op.differentiable()) {
      if (logarithm) return op.give(0, dy - multiply_no_nan(reduce_sum(dy, -1, true), exp(y)));
      return op.give(0, multiply_no_nan(dy - reduce_sum(multiply_no_nan(dy, y), -1, true), y));
    }
    Tensor dx(y.shape(), y.dtype(), y.device());
    if (y.elements() > 0) run<cpu::softmax_gradient, cuda::softmax_gradient>(y.device(), dy, y, logarithm, dx);
    observe({"softmax_gradient", {}, {{"logarithm", logarithm}}}, {dy, y}, dx);
    op.give(0, dx);
  });
  return y;
}

}  // namespace

Tensor softmax(Operand x) { return either("softmax", x, false); }
Tensor log_softmax(Operand x) { return either("log_softmax", x, true); }

}  // namespace floe
