// What is computed and what is recorded: kernels of a GAN step counted, steps and metrics unseen, the caller's lines.
#include <map>

#include <gtest/gtest.h>

#include <floe/layers/conv2d.h>
#include <floe/layers/dense.h>
#include <floe/layers/sequential.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/losses.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/random.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/ops/softmax.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/tape.h>
#include <floe/metrics/metrics.h>
#include <floe/tape/record.h>
#include <support/messages.h>

namespace floe {
namespace {

using Counts = std::map<std::string, int>;

// Counts ops by name, and remembers their lines.
class Counter : public OpObserver {
 public:
  void op(const OpInfo& op, TensorRefs, std::span<Tensor* const>) override {
    ++all[op.name];
    lines.push_back(op.where.line);
  }

  // The convolutions since the last call.
  Counts convolutions() {
    Counts found;
    for (const auto& [name, count] : std::exchange(all, {})) {
      if (name.starts_with("conv2d")) found[name] = count;
    }
    return found;
  }

  Counts all;
  std::vector<int> lines;
};

class Generator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& noise) {  // (batch, 5) -> (batch, 8, 8, 1)
    Tensor x = reshape(leaky_relu(project_(noise)), {-1, 2, 2, 3});
    return tanh(second_(leaky_relu(first_(x))));
  }

 private:
  Dense project_{this, "project", {.in = 5, .units = 12}};
  Conv2DTranspose first_{this, "first", {.in = 3, .filters = 4, .kernel_size = 3, .strides = 2}};
  Conv2DTranspose second_{this, "second", {.in = 4, .filters = 1, .kernel_size = 3, .strides = 2}};
};

class Discriminator : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images) {  // (batch, 8, 8, 1) -> (batch, 1)
    return judge_(flatten(leaky_relu(second_(leaky_relu(first_(images))))));
  }

 private:
  Conv2D first_{this, "first", {.in = 1, .filters = 3, .kernel_size = 3, .strides = 2}};
  Conv2D second_{this, "second", {.in = 3, .filters = 4, .kernel_size = 3, .strides = 2}};
  Dense judge_{this, "judge", {.in = 16, .units = 1}};
};

TEST(GanStep, ComputesOnlyTheGradientsAskedFor) {
  Rng rng(1);
  Generator generator("generator", Device{}, rng);
  Discriminator discriminator("discriminator", Device{}, rng);
  Tensor noise = random_normal({4, 5}, rng), images = random_normal({4, 8, 8, 1}, rng);
  Adam generator_optimizer, discriminator_optimizer;

  Counter counter;
  GradientTape generator_tape, discriminator_tape;
  Tensor generated = generator(noise);
  Tensor real_logits = discriminator(images), fake_logits = discriminator(generated);
  Tensor g_loss = binary_cross_entropy_with_logits(fake_logits, 1.0);
  Tensor d_loss =
      binary_cross_entropy_with_logits(real_logits, 1.0) + binary_cross_entropy_with_logits(fake_logits, 0.0);
  EXPECT_EQ(counter.convolutions(), (Counts{{"conv2d", 4}, {"conv2d_transpose", 2}}));

  // Through both layers of the discriminator without a filter's gradient; a transposed convolution's input gradient is
  // a convolution.
  Gradients g_gradients = generator_tape.gradient(g_loss, generator.variables());
  EXPECT_EQ(counter.convolutions(),
            (Counts{{"conv2d", 2}, {"conv2d_filter_gradient", 2}, {"conv2d_input_gradient", 2}}));

  // Two passes through the discriminator, and neither goes on into the images.
  Gradients d_gradients = discriminator_tape.gradient(d_loss, discriminator.variables());
  EXPECT_EQ(counter.convolutions(), (Counts{{"conv2d_filter_gradient", 4}, {"conv2d_input_gradient", 2}}));

  generator_optimizer.apply(g_gradients);
  discriminator_optimizer.apply(d_gradients);
  EXPECT_EQ(counter.convolutions(), Counts{});
  EXPECT_EQ(g_gradients.size(), 6u);
  EXPECT_EQ(d_gradients.size(), 6u);
}

TEST(GanStep, GivesTheGradientsOfTwoSeparateSteps) {
  Rng rng(1);
  Generator generator("generator", Device{}, rng);
  Discriminator discriminator("discriminator", Device{}, rng);
  Tensor noise = random_normal({4, 5}, rng), images = random_normal({4, 8, 8, 1}, rng);
  auto g_loss = [&] { return binary_cross_entropy_with_logits(discriminator(generator(noise)), 1.0); };
  auto d_loss = [&] {
    return binary_cross_entropy_with_logits(discriminator(images), 1.0) +
           binary_cross_entropy_with_logits(discriminator(generator(noise)), 0.0);
  };
  Gradients g_alone, d_alone;
  {
    GradientTape tape;
    g_alone = tape.gradient(g_loss(), generator.variables());
  }
  {
    GradientTape tape;
    d_alone = tape.gradient(d_loss(), discriminator.variables());
  }

  SGD sgd(1);
  GradientTape g_tape, d_tape;
  Tensor g = g_loss(), d = d_loss();
  Gradients g_both = g_tape.gradient(g, generator.variables());
  sgd.apply(g_both);
  Gradients d_both = d_tape.gradient(d, discriminator.variables());
  for (const auto& [variable, gradient] : g_both) {
    EXPECT_EQ(gradient.to_vector<float>(), g_alone[*variable].to_vector<float>()) << variable->path();
  }
  for (const auto& [variable, gradient] : d_both) {
    EXPECT_EQ(gradient.to_vector<float>(), d_alone[*variable].to_vector<float>()) << variable->path();
  }
}

TEST(Observers, MayRunOpsThemselves) {
  struct Meddler : OpObserver {
    void op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) override {
      names += std::string(op.name) + " ";
      NoRecording silence;
      largest = std::max(largest, reduce_max(square(*outputs[0]) * *inputs[0]).item());
    }
    void begun(const void*) override { square(tensor(1.)); }
    std::string names;
    double largest = 0;
  };
  Variable w("w", tensor(3.));
  GradientTape tape;
  Tensor y;
  {
    Meddler meddler;
    y = w * w;
    EXPECT_EQ(meddler.names, "multiply ");
    EXPECT_EQ(meddler.largest, 243);
    EXPECT_FALSE(y.id().is_blocked());
  }
  Tensor z = y * 1.0;
  EXPECT_EQ(z.id(), y.id().plus(1)) << "nothing of the observer's was recorded";
  EXPECT_EQ(tape.gradient(z, w).item(), 6);
}

TEST(Observers, ThatThrowAreHeardAgain) {
  struct Refuser : OpObserver {
    void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override {
      if (++calls == 1) throw ValueError("not this one");
    }
    int calls = 0;
  } refuser;
  EXPECT_THROW(square(tensor(1.)), ValueError);
  square(tensor(1.));
  EXPECT_EQ(refuser.calls, 2);
}

TEST(Frozen, LayersCostNoGradients) {
  Rng rng(1);
  Discriminator discriminator("discriminator", Device{}, rng);
  Tensor images = random_normal({4, 8, 8, 1}, rng);
  discriminator.set_trainable(false);
  Counter counter;
  GradientTape tape;
  Tensor loss = reduce_mean(discriminator(images));
  EXPECT_TRUE(loss.id().is_constant());
  tape.watch(images);
  loss = reduce_mean(discriminator(images));
  counter.convolutions();
  tape.gradient(loss, images);
  EXPECT_EQ(counter.convolutions(), (Counts{{"conv2d_input_gradient", 2}}));
}

TEST(OptimizerSteps, AreNotRecorded) {
  Variable w("w", tensor({1., 2.}));
  GradientTape tape{persistent};
  Tensor loss = reduce_sum(square(w));
  Gradients gradients = tape.gradient(loss, Variables{&w});
  NodeId id = w.value().id();
  Adam adam;
  adam.apply(gradients);
  EXPECT_EQ(w.value().id(), id);
  EXPECT_EQ(tape.gradient(loss, w).to_vector<float>(), (std::vector<float>{2, 4}));
}

TEST(Metrics, AreNotRecorded) {
  Variable w("w", tensor({{0.2, 0.7}, {0.9, 0.1}}));
  GradientTape tape;
  Tensor logits = w * 2.0, loss = reduce_mean(logits), last = loss * 1.0;
  Mean mean;
  mean.update(loss);
  Accuracy accuracy;
  accuracy.update(tensor({1, 1}), logits);
  EXPECT_EQ((loss * 1.0).id(), last.id().plus(1)) << "no id was given in between";
  EXPECT_FLOAT_EQ(static_cast<float>(mean.result()), 0.95f);
  EXPECT_EQ(accuracy.result(), 0.5);
  EXPECT_EQ(tape.gradient(loss, w).to_vector<float>(), std::vector<float>(4, 0.5f));
}

TEST(NoRecording, CoversWhatIsInside) {
  Variable w("w", tensor(2.));
  GradientTape tape;
  Tensor metric;
  {
    NoRecording outer;
    { NoRecording inner; }
    metric = w * w;
  }
  EXPECT_TRUE(metric.id().is_constant());
  EXPECT_EQ(tape.gradient(w * w + metric, w).item(), 4);
}

TEST(Observers, SeeEveryOpWithOrWithoutTape) {
  Variable w("w", tensor(2.));
  Counter outer;
  {
    Counter inner;
    tensor(1.) + w;
    GradientTape tape;
    Tensor y = sin(w * 3.0);
    NoRecording silence;
    greater(w, 1.0);
    EXPECT_EQ(inner.all, (Counts{{"add", 1}, {"greater", 1}, {"multiply", 1}, {"sin", 1}}));
  }
  negative(w);
  EXPECT_EQ(outer.all["multiply"], 2);
}

TEST(Observers, SeeWhatIsAddedWhereGradientsMeet) {
  Variable w("w", tensor(2.));
  Counter counter;
  GradientTape tape;
  EXPECT_EQ(tape.gradient(w * w + w, w).item(), 5);
  EXPECT_EQ(counter.all["add"], 3) << "one forward, two where the three gradients of w meet";
}

TEST(Observers, SeeTheStepOfEachVariable) {
  Variable w("w", tensor({1., 2.})), v("v", tensor(3.));
  GradientTape tape;
  Gradients gradients = tape.gradient(reduce_sum(w * v), Variables{&w, &v});
  Counter counter;
  Adam adam;
  int line = __LINE__ + 1;
  adam.apply(gradients);
  EXPECT_EQ(counter.all["optimizer_step"], 2);
  EXPECT_EQ(counter.lines.back(), line);
}

TEST(Observers, MayThrowAndTheTapesGoOn) {
  struct Refusing : OpObserver {
    void op(const OpInfo& op, TensorRefs, std::span<Tensor* const>) override {
      if (std::string(op.name) == "cos") throw ValueError("no cosine");
    }
  };
  Variable w("w", tensor(2.));
  GradientTape whole;
  Tensor y = w * w;
  {
    GradientTape broken;
    Tensor z = sin(w);
    Refusing refusing;
    EXPECT_EQ(test::error_of<ValueError>([&] { cos(w); }), "no cosine");
    EXPECT_EQ(test::error_of<ValueError>([&] { broken.gradient(z, w, {.differentiable = true}); }), "no cosine");
    EXPECT_EQ(gradient_of(), nullptr);
  }
  EXPECT_EQ(whole.gradient(y, w).item(), 4);
}

// --- Layers ----------------------------------------------------------------------------------------------------------

// "op layer < op whose gradient this is", for each op.
class Places : public OpObserver {
 public:
  void op(const OpInfo& op, TensorRefs, std::span<Tensor* const>) override {
    const OpInfo* of = gradient_of();
    all.push_back(std::string(op.name) + " " + (op.layer ? op.layer : "-") + (of ? std::string(" < ") + of->name : ""));
  }

  std::vector<std::string> all;
};

TEST(Layers, AreNamedByTheirOpsAndTheGradientsOfThese) {
  Tensor loss;
  Places places;
  GradientTape tape;
  {
    Layer model("model", Device{}, Rng(1));
    Dense dense(&model, "dense", {.in = 4, .units = 5});
    loss = reduce_sum(sin(dense(ones({2, 4}))));
    EXPECT_EQ(std::exchange(places.all, {}),
              (std::vector<std::string>{"matmul model.dense", "add model.dense", "sin -", "reduce_sum -"}));
    tape.gradient(loss, model.variables());
  }
  EXPECT_EQ(places.all, (std::vector<std::string>{"reshape - < reduce_sum", "broadcast_to - < reduce_sum",
                                                  "sin_gradient - < sin", "reduce_sum model.dense < add",
                                                  "reshape model.dense < add", "matmul model.dense < matmul"}));
}

TEST(Layers, AreNamedInGradientsAfterTheyAreGone) {
  Places places;
  Tensor x = ones({2, 4}), loss;
  GradientTape tape;
  tape.watch(x);
  {
    auto layer = std::make_unique<Sequential>("gone", Device{}, Rng(1));
    layer->add([](const Tensor& x) { return sin(x); });
    loss = (*layer)(x, Mode::training);
  }
  tape.gradient(loss, x);
  EXPECT_EQ(places.all, (std::vector<std::string>{"sin gone", "sin_gradient gone < sin"}));
  EXPECT_EQ(gradient_of(), nullptr);
}

TEST(Layers, InnerOnesAreNamedThenOuterOnesAgain) {
  Sequential model("model", Device{}, Rng(1));
  model.add<Dense>("dense", {.in = 4, .units = 5, .use_bias = false}).add([](const Tensor& x) { return sin(x); });
  Places places;
  model(ones({2, 4}), Mode::training);
  sin(ones({2}));
  EXPECT_EQ(places.all, (std::vector<std::string>{"matmul model.dense", "sin model", "sin -"}));
}

// --- The caller's lines ----------------------------------------------------------------------------------------------

TEST(Lines, AreTheCallersInComposedOps) {
  Tensor x = ones({2, 3});
  Counter counter;
  int line = __LINE__ + 1;
  reduce_variance(x, 1);
  EXPECT_GE(counter.lines.size(), 4u);
  for (int seen : counter.lines) EXPECT_EQ(seen, line);
}

TEST(Lines, AreTheCallersOfLayers) {
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 4, .units = 5});
  EXPECT_MESSAGE(ShapeError, dense(zeros({2, 3})),
                 "matmul: the inner axes differ: a has 3 and b has 4\n"
                 "  a  (2, 3)   ..., rows, inner\n"
                 "  b  (4, 5)   ..., inner, columns   [model.dense.weights]");
}

TEST(Lines, AreTheCallersOfSequential) {
  Sequential model("model", Device{}, Rng(1));
  model.add<Dense>("one", {.in = 4, .units = 5}).add<Dense>("two", {.in = 4, .units = 5});
  EXPECT_MESSAGE(ShapeError, model(zeros({2, 4}), Mode::training),
                 "matmul: the inner axes differ: a has 5 and b has 4\n"
                 "  a  (2, 5)   ..., rows, inner\n"
                 "  b  (4, 5)   ..., inner, columns   [model.two.weights]");
}

TEST(Lines, AreTheCallersInLosses) {
  EXPECT_MESSAGE(ShapeError, mean_squared_error(zeros({2, 3}), zeros({2, 4})),
                 "mean_squared_error: target does not broadcast to the shape of prediction\n"
                 "  prediction  (2, 3)\n"
                 "  target      (2, 4)");
}

TEST(Lines, OfOperatorsAreTheCallers) {
  Tensor a = zeros({2, 3});
  Variable b("b", zeros({4}));
  EXPECT_MESSAGE(ShapeError, a * b,
                 "multiply: axis -1 has 3 and 4, and only a size of 1 is repeated\n"
                 "  a  (2, 3)\n"
                 "  b  (4,)     [b]");
  EXPECT_MESSAGE(DTypeError, a + tensor({1, 2, 3}),
                 "add: a is float32 but b is int32; cast() converts\n"
                 "  a  (2, 3)\n"
                 "  b  (3,)     int32");
}

TEST(Lines, OfRecordedOpsStayInBackward) {
  Variable w("w", tensor(0.5));
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor y = exp(sin(w) * 2.0);
  Counter counter;
  tape.gradient(y, w);
  EXPECT_FALSE(counter.lines.empty());
  for (int seen : counter.lines) EXPECT_EQ(seen, line);
}

}  // namespace
}  // namespace floe
