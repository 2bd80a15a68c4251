// A network whose shape is that of its example: it computes what a formula of true, false, not, and, or amounts to.
#include "stops.h"

#include <fmt/core.h>

using namespace floe;

namespace tour {
namespace {

constexpr int width = 16;  // numbers in what the network knows of a formula

struct Formula {
  enum class Kind { constant, negation, conjunction, disjunction } kind;
  bool value;                              // what it amounts to
  std::unique_ptr<Formula> left, right{};  // a negation has a left part only
};

std::unique_ptr<Formula> random_formula(int depth, Rng& rng) {
  auto part = [&] { return random_formula(depth - 1, rng); };
  if (depth == 0 || rng.bernoulli(0.2f)) {
    return std::make_unique<Formula>(Formula{Formula::Kind::constant, rng.bernoulli(0.5f), nullptr});
  }
  switch (rng.below(3)) {
    case 0: {
      auto left = part();
      return std::make_unique<Formula>(Formula{Formula::Kind::negation, !left->value, std::move(left)});
    }
    case 1: {
      auto left = part(), right = part();
      bool both = left->value && right->value;
      return std::make_unique<Formula>(Formula{Formula::Kind::conjunction, both, std::move(left), std::move(right)});
    }
    default: {
      auto left = part(), right = part();
      bool any = left->value || right->value;
      return std::make_unique<Formula>(Formula{Formula::Kind::disjunction, any, std::move(left), std::move(right)});
    }
  }
}

std::string text(const Formula& formula) {
  switch (formula.kind) {
    case Formula::Kind::constant: return formula.value ? "T" : "F";
    case Formula::Kind::negation: return "!" + text(*formula.left);
    case Formula::Kind::conjunction: return "(" + text(*formula.left) + " & " + text(*formula.right) + ")";
    default: return "(" + text(*formula.left) + " | " + text(*formula.right) + ")";
  }
}

//! [recursion]
class FormulaNetwork : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Formula& formula) { return decide_(know(formula)); }   // (1, 1), a logit: above 0 means true

 private:
  // What it knows of a formula follows from what it knows of the parts: C++'s recursion is the network's.
  Tensor know(const Formula& formula) {                                          // (1, width)
    switch (formula.kind) {
      case Formula::Kind::constant: return tanh(constant_(full({1, 1}, formula.value ? 1 : -1)));
      case Formula::Kind::negation: return tanh(negation_(know(*formula.left)));
      case Formula::Kind::conjunction: return tanh(conjunction_(concat({know(*formula.left), know(*formula.right)}, 1)));
      default: return tanh(disjunction_(concat({know(*formula.left), know(*formula.right)}, 1)));
    }
  }

  Dense constant_{this, "constant", {.in = 1, .units = width}};
  Dense negation_{this, "negation", {.in = width, .units = width}};
  Dense conjunction_{this, "conjunction", {.in = 2 * width, .units = width}};
  Dense disjunction_{this, "disjunction", {.in = 2 * width, .units = width}};
  Dense decide_{this, "decide", {.in = width, .units = 1}};
};
//! [recursion]

// The share of formulas of this depth that it gets right.
double accuracy(FormulaNetwork& network, int depth, Rng rng) {
  Mean right;
  for (int i = 0; i < 500; ++i) {
    auto formula = random_formula(depth, rng);
    right.update((network(*formula).item() > 0) == formula->value);
  }
  return right.result();
}

}  // namespace

void recursion(const Settings& settings) {
  Rng rng(settings.seed);
  Rng formulas = rng.stream("formulas");
  FormulaNetwork network("network", {}, rng);
  Adam optimizer({.learning_rate = 3e-3});

  for (int step = 1; step <= 300; ++step) {
    GradientTape tape;
    Tensors logits, labels;
    for (int i = 0; i < 32; ++i) {                                   // no two need be alike
      auto formula = random_formula(4, formulas);
      logits.push_back(network(*formula));
      labels.push_back(full({1, 1}, formula->value));
    }
    Tensor loss = binary_cross_entropy_with_logits(concat(logits, 0), concat(labels, 0));
    optimizer.apply(tape.gradient(loss, network.variables(), {.missing = Missing::zero}));
    if (step == 1 || step % 50 == 0) fmt::print("step {:3}  loss {:.4f}\n", step, loss.item());
  }

  fmt::print("right: {:.1f} % at depth 4, {:.1f} % at depth 7, which it never saw\n",
             100 * accuracy(network, 4, rng.stream("test")), 100 * accuracy(network, 7, rng.stream("deeper")));
  Rng examples = rng.stream("examples");
  for (int i = 0; i < 4; ++i) {
    auto formula = random_formula(3, examples);
    fmt::print("{:6.2f}  {}  {}\n", network(*formula).item(), formula->value ? "true " : "false", text(*formula));
  }
}

}  // namespace tour
