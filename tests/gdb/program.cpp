// A program to stop in: values of every kind that the printers of framework/gdb/floe.py show.
#include <cmath>
#include <cstring>

#include <floe/floe.h>
#include <floe/watch/debug.h>

using namespace floe;

namespace {

// The breakpoints.
int stop(const Tensor& argument) { return argument.rank(); }
int stop_among_types(const Operand& operand, const OperandOrNumber& number, TensorRef ref) {
  return operand->rank() + number.is_number() + ref->rank();
}
int stop_before_values(const void* bytes) { return bytes != nullptr; }
int stop_in_a_loop(double loss) { return loss > 0; }

class Generator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& noise, Mode mode) {  // (batch, 3)
    Tensor x = reshape(leaky_relu(norm_(project_(noise), mode)), {-1, 2, 2, 2});
    return tanh(conv_(blocks_[0](x)));
  }

 private:
  Dense project_{this, "project", {.in = 3, .units = 8, .use_bias = false}};
  BatchNormalization norm_{this, "norm", 8};
  LayerList<Conv2D> blocks_{this, "blocks"};
  Conv2D& first_ = blocks_.add({.in = 2, .filters = 2, .kernel_size = 1});
  Conv2DTranspose conv_{this, "conv", {.in = 2, .filters = 1, .kernel_size = 2, .strides = 2}};
  Dropout dropout_{this, "dropout", 0.5};
};

int types() {
  Device device;
  Rng rng(7);
  Mode mode = Mode::training;
  Location place{"mine.cpp", 12}, nowhere;
  Generator generator("generator", device, rng);
  Sequential chain("chain", device, rng);
  chain.add<Dense>("hidden", {.in = 3, .units = 2}).add([](const Tensor& x) { return relu(x); });
  Layer* part = &generator;
  Adam adam({.learning_rate = 0.01});
  SGD sgd(0.1);
  Momentum momentum({.learning_rate = 0.1});
  Optimizer& optimizer = adam;
  Tensor noise = zeros({2, 3});
  GradientTape tape{persistent}, answered, stopped;
  tape.watch(noise);
  stopped.stop();
  Tensor loss = reduce_mean(square(generator(noise, mode)));
  adam.apply(answered.gradient(loss, generator.variables()));
  Mean mean, empty_mean;
  mean.update(3), mean.update(4);
  Accuracy accuracy;
  auto images = dataset(range(0, 20)), endless = images.repeat();
  auto pairs = dataset(std::pair{range(0, 3), range(3, 6)});
  DatasetPosition position{2, 5};
  NodeId id = loss.id(), constant, of_variable = generator.variables()[0]->value().id();
  const std::int64_t sizes[] = {3, 4};
  const Attribute attributes[] = {
      {"slope", 0.2}, {"axes", std::span<const std::int64_t>(sizes)}, {"keepdims", true}, {"to", "cpu"}};
  KeptAttributes kept{Attributes(attributes)};
  OpInfo info{"leaky_relu", place, Attributes(attributes), 0, "generator.norm"};
  Storage storage(64, device), no_storage;
  TopK top = top_k(noise, 2);
  GradientOptions options;
  Profile profile;
  CheckNumerics check;
  int result = 0;
  for (const Tensor& image : images) {
    result += stop_among_types(image, 2.5, loss);
    break;
  }
  return result + (mode == Mode::training) + place.line + nowhere.line + (part != nullptr) + optimizer.steps() +
         empty_mean.result() + accuracy.result() + endless.size() + pairs.size() + position.epoch + id.is_constant() +
         constant.is_constant() + of_variable.is_variable() + kept.attributes().size() + info.flops +
         no_storage.operator bool() + top.values.rank() + options.differentiable + sgd.steps() + momentum.steps();
}

// What lies where values are to be, and in variables before their line.
int before_values() {
  alignas(64) std::byte bytes[4096];
  int result = 0;
  for (int pattern : {0x00, 0x01, 0x7f, 0xa5, 0xff}) {
    std::memset(bytes, pattern, sizeof bytes);
    result += stop_before_values(bytes);
  }
  return result;
}

// What the page walks through: the loss of a step, and a rate to change.
int walk() {
  Variable w("w", tensor({1., 2.}));
  int result = 0;
  for (int step = 0; step < 3; ++step) {
    GradientTape tape;
    Tensor loss = reduce_sum(square(w));
    Tensor gradient = tape.gradient(loss, w);
    result += stop_in_a_loop(loss.item());
    w.assign(w - 0.25 * gradient);
  }
  return result;
}

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
  result += types() + before_values() + walk();
  return result + none.rank() + empty.rank() + wide.rank() + shape.rank() + single.rank() + alias.rank() +
         pointer->rank() + static_cast<int>(dtype) + frozen.shape().rank() + static_cast<int>(gradients.size());
}
