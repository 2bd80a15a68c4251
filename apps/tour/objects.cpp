// Variables, metrics and checkpoints are objects like any other.
#include "stops.h"

#include <fmt/core.h>

using namespace floe;

namespace tour {
namespace {

class Discriminator : public Layer {
 public:
  using Layer::Layer;
  Tensor operator()(const Tensor& x) { return decide_(relu(hidden_(x))); }   // (batch, 8) -> (batch, 1)

 private:
  Dense hidden_{this, "hidden", {.in = 8, .units = 16}};
  Dense decide_{this, "decide", {.in = 16, .units = 1}};
};

class Generator : public Layer {
 public:
  using Layer::Layer;
  Tensor operator()(const Tensor& noise) { return tanh(draw_(noise)); }      // (batch, 4) -> (batch, 8)

 private:
  Dense draw_{this, "draw", {.in = 4, .units = 8}};
};

}  // namespace

// A variable lives as long as someone holds it, and its memory with it, also on a GPU.
void variables(const Settings& settings) {
  Rng rng(settings.seed);
  auto megabytes = [] { return static_cast<double>(memory_in_use()) / 1e6; };
  double before = megabytes();
  auto show = [&](const char* when) { fmt::print("{}: {:.0f} MB\n", when, megabytes() - before); };

  auto v = std::make_unique<Variable>("v", random_normal({1000, 1000}, rng));
  show("a variable of 1000 x 1000");
  Tensor held = *v;                                                 // shares its memory
  show("a tensor that holds the same value");
  v.reset();
  show("the variable is gone, the tensor is not");
  held = {};
  show("no one holds it any more");
}

void metrics(const Settings&) {
  Mean mean;
  mean.update(0);
  mean.update(5);
  fmt::print("mean of 0 and 5: {}\n", mean.result());
  mean.update(tensor({8., 9.}));
  fmt::print("and of 8 and 9 as well: {}\n", mean.result());
  mean.reset();
  mean.update(1);
  fmt::print("after a reset, of 1 alone: {}\n", mean.result());

  Accuracy accuracy;
  accuracy.update(tensor({2, 0, 1}), tensor({{0.1, 0.2, 0.7}, {0.8, 0.1, 0.1}, {0.5, 0.3, 0.2}}));
  fmt::print("two of three: {:.3f}\n", accuracy.result());
}

void checkpoints(const Settings& settings) {
  // Anything with a value has a name in a file.
  Variable x("x", tensor(10.));
  Checkpoint checkpoint(settings.out / "checkpoint");
  checkpoint.add("x", x);
  std::filesystem::path file = checkpoint.save(1);
  x.assign(tensor(11.));
  fmt::print("x is {}", x.value().item());
  checkpoint.restore(file);
  fmt::print(", and restored {}\n", x.value().item());

  //! [part]
  // Of a whole training, one part fits into another program: the discriminator, without its generator.
  Rng rng(settings.seed);
  Generator generator("generator", {}, rng);
  Discriminator discriminator("discriminator", {}, rng);
  Adam optimizer;
  std::int64_t step = 7;
  Checkpoint whole(settings.out / "gan");
  whole.add("generator", generator);
  whole.add("discriminator", discriminator);
  whole.add("optimizer", optimizer);
  whole.add("step", step);
  file = whole.save(step);

  Discriminator judge("judge", {}, rng.stream("another"));
  Tensor examples = random_normal({4, 8}, rng);
  bool before = reduce_all(equal(judge(examples), discriminator(examples))).item<bool>();
  Checkpoint part(settings.out / "unused");
  part.add("discriminator", judge);
  RestoreReport report = part.restore(file);
  //! [part]
  bool after = reduce_all(equal(judge(examples), discriminator(examples))).item<bool>();
  fmt::print("{}\n", report.text());
  fmt::print("the judge agrees with the discriminator: before {}, after {}\n", before, after);
  for (const std::string& name : report.unexpected) fmt::print("left in the file: {}\n", name);
}

}  // namespace tour
