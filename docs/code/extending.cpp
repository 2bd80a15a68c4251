// An op, a layer and an optimizer of your own, outside the library.
#include "pages.h"

using namespace floe;

namespace {

//! [composed]
Tensor softsign(const Tensor& x) { return x / (1 + abs(x)); }         // made of ops: it has a gradient already
//! [composed]

//! [own_gradient]
Tensor straight_through(const Tensor& x) {                            // rounds, but lets the gradient through
  return custom_gradient(x, [](const Tensor& x) { return round(x); },
                         [](const Tensor& dy, const Tensor&, const Tensor&) { return dy; });
}
//! [own_gradient]

//! [layer]
// x + W2 relu(W1 x): a step to the side of what comes in.
class Residual : public Layer {
 public:
  Residual(Layer* parent, const std::string& name, std::int64_t units)
      : Layer(parent, name),
        in_(this, "in", {.in = units, .units = units}),
        out_(this, "out", {.in = units, .units = units}),
        scale_(add_variable("scale", {units}, initializers::constant(0.1))) {}

  Tensor operator()(const Tensor& x) { return x + scale_ * out_(relu(in_(x))); }   // (..., units) -> the same

 private:
  Dense in_, out_;
  Variable& scale_;                                                   // (units,)
};
//! [layer]

//! [optimizer]
// w -= rate * (g + decay * w): a step that also pulls every number towards 0. Krogh and Hertz, 1992.
class DecayingSGD : public Optimizer {
 public:
  DecayingSGD(double learning_rate, double decay) : Optimizer(learning_rate, {}), decay_(decay) {}

 private:
  void step(Variable& variable, const Tensor& gradient, Tensors&) override {
    variable.assign(variable.value() - learning_rate() * (gradient + decay_ * variable.value()));
  }

  double decay_;
};
//! [optimizer]

void used() {
  //! [used]
  Rng rng(7777);
  Layer model("model", Device{}, rng);
  LayerList<Residual> blocks(&model, "blocks");
  for (int i = 0; i < 3; ++i) blocks.add(8);
  Dense head(&model, "head", {.in = 8, .units = 1});
  Tensor x = random_normal({64, 8}, rng), target = reduce_sum(softsign(x), 1, true);

  DecayingSGD optimizer(0.05, 1e-3);
  for (int step = 0; step <= 200; ++step) {
    GradientTape tape;
    Tensor y = x;
    for (Residual& block : blocks) y = block(y);
    Tensor loss = mean_squared_error(head(y), target);
    if (step % 50 == 0) fmt::print("step {:3}  loss {:.4f}\n", step, loss.item());
    optimizer.apply(tape.gradient(loss, model.variables()));
  }
  print(model);
  //! [used]
}

void straight() {
  //! [straight]
  Variable x("x", tensor({0.2, 0.7, 1.6}));
  GradientTape tape;
  Tensor y = straight_through(x);
  print("y", y);
  print("dy/dx", tape.gradient(y, x));
  //! [straight]
}

const pages::Example entered[] = {{"extending.used", used}, {"extending.straight", straight}};

}  // namespace
