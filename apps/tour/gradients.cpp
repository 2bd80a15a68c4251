// What a tape knows, and what can be built on it: regression, higher orders, gradients of your own.
#include "stops.h"

#include <fmt/core.h>

using namespace floe;

namespace tour {
namespace {

using Function = std::function<Tensor(const Tensor&)>;

//! [derivative]
// The derivative of any function, as a function.
Function derivative(Function f) {
  return [f](const Tensor& at) {
    Tensor x = at;
    GradientTape tape;
    tape.watch(x);
    return tape.gradient(f(x), x, {.differentiable = true});       // so that it has a derivative, too
  };
}
//! [derivative]

void explain(const std::function<void()>& mistake) {
  try {
    mistake();
  } catch (const GradientError& error) {
    fmt::print("{}\n", error.what());
  }
}

}  // namespace

void tape(const Settings&) {
  Variable w("w", tensor(1.));

  // A tape records what follows it, and gives gradients once.
  GradientTape tape;
  Tensor loss = w * w;
  print("d(w * w)/dw at 1", tape.gradient(loss, w));
  explain([&] { tape.gradient(loss, w); });

  // A persistent one gives them again and again.
  GradientTape patient{persistent};
  Tensor cube = w * w * w, twice = 2 * w;
  print("d(w * w * w)/dw", patient.gradient(cube, w));
  print("d(2 * w)/dw", patient.gradient(twice, w));
  patient.stop();

  // Variables are watched automatically, other tensors have to be named.
  Tensor x = tensor(3.);
  explain([&] {
    GradientTape unaware;
    unaware.gradient(square(x), x);
  });
  GradientTape watching;
  watching.watch(x);
  print("d(x * x)/dx at 3", watching.gradient(square(x), x));
}

//! [regression]
// y = 3 x + 2 with noise, found again by gradient descent.
void linear_regression(const Settings& settings) {
  Rng rng(settings.seed);
  Device device = settings.device;
  Tensor x = random_normal({1000}, rng, device);
  Tensor y = 3 * x + 2 + random_normal({1000}, rng, device);
  Variable slope("slope", to(tensor(5.), device)), offset("offset", to(tensor(10.), device));
  SGD optimizer(0.01);

  for (int step = 0; step <= 200; ++step) {
    GradientTape tape;
    Tensor loss = mean_squared_error(slope * x + offset, y);
    if (step % 20 == 0) fmt::print("step {:3}  loss {:.3f}\n", step, loss.item());
    optimizer.apply(tape.gradient(loss, Variables{&slope, &offset}));
  }
  fmt::print("slope {:.2f}, offset {:.2f}\n", slope.value().item(), offset.value().item());
}
//! [regression]

void higher_order(const Settings&) {
  Function f = [](const Tensor& x) { return square(x); };
  Tensor three = tensor(3.);
  print("square(3)", f(three));
  print("its derivative", derivative(f)(three));
  print("its second", derivative(derivative(f))(three));
  explain([&] { derivative(derivative(derivative(f)))(three); });  // 2 does not depend on x

  // A branch is followed as it was taken.
  Function absolute = [](const Tensor& x) { return x.item() >= 0 ? x + 0 : -x; };
  print("the slope of |x| at 3", derivative(absolute)(three));
  print("the slope of |x| at -3", derivative(absolute)(-three));
}

void custom_gradient(const Settings&) {
  // The value passes unchanged; what flows back is clipped.
  auto clip_gradient = [](const Tensor& x, double limit) {
    return floe::custom_gradient(x, [](const Tensor& same) { return same; },
                                 [=](const Tensor& dy, const Tensor&, const Tensor&) { return clip_by_norm(dy, limit); });
  };
  Function steep = [](const Tensor& x) { return reduce_sum(100 * x); };
  Tensor point = tensor({3., 4.});
  print("gradient", derivative(steep)(point));
  print("clipped to norm 1", derivative([&](const Tensor& x) { return steep(clip_gradient(x, 1)); })(point));

  //! [custom_gradient]
  // log(1 + exp(x)): the tape's own gradient is infinity / infinity where exp overflows.
  Function log1pexp = [](const Tensor& x) { return log(1 + exp(x)); };
  print("slope of log(1 + exp(x)) at 0", derivative(log1pexp)(tensor(0.)));
  print("at 100", derivative(log1pexp)(tensor(100.)));

  Function stable = [&](const Tensor& at) {
    return floe::custom_gradient(at, log1pexp, [](const Tensor& dy, const Tensor& x, const Tensor&) {
      return dy * (1 - 1 / (1 + exp(x)));
    });
  };
  print("with a gradient of our own, at 0", derivative(stable)(tensor(0.)));
  print("at 100", derivative(stable)(tensor(100.)));
  //! [custom_gradient]
}

}  // namespace tour
