// The tape: two at once, a gradient inside a loss, and a gradient that is missing on purpose.
#include "pages.h"

using namespace floe;

namespace {

void two() {
  //! [two]
  Variable a("a", tensor(2.)), b("b", tensor(3.));
  GradientTape first, second;                                         // one record of each op serves both
  Tensor product = a * b, sum = a + b;
  print("d(ab)/da", first.gradient(product, a));
  print("d(a + b)/db", second.gradient(sum, b));
  //! [two]
}

void penalty() {
  //! [penalty]
  Variable w("w", tensor({1., -2.}));
  GradientTape tape;
  GradientTape inner;
  Tensor score = reduce_sum(w * w * w);
  Tensor slope = inner.gradient(score, w, {.differentiable = true});  // so that the loss may hold it
  Tensor loss = score + 10 * square(norm(slope) - 1);                 // wants slopes of length 1
  print(tape.gradient(loss, w));
  //! [penalty]
}

void zero() {
  //! [zero]
  Variable used("used", tensor(2.)), unused("unused", tensor(5.));
  GradientTape tape;
  Tensor loss = square(used);
  print(tape.gradient(loss, Variables{&used, &unused}, {.missing = Missing::zero}));
  //! [zero]
}

void frozen() {
  //! [frozen]
  Rng rng(1);
  Layer model("model", Device{}, rng);
  Dense features(&model, "features", {.in = 4, .units = 8}), head(&model, "head", {.in = 8, .units = 1});
  features.set_trainable(false);                                      // a constant to every tape
  for (Variable* variable : model.variables()) fmt::print("{}\n", variable->path());
  //! [frozen]
}

const pages::Example entered[] = {{"tape.two", two}, {"tape.penalty", penalty}, {"tape.zero", zero}, {"tape.frozen", frozen}};

}  // namespace
