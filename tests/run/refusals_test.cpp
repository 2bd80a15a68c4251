// Every public function with arguments that a hasty caller gives it: a tensor without a value, NaN, an infinity, a
// negative or huge number, an axis named twice. It gives the right value, or it says in a sentence why it does not.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <floe/floe.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

// --- A tensor without a value ----------------------------------------------------------------------------------------

struct OfATensor {
  const char* name;
  std::function<void(const Tensor& none)> call;
};

const Tensor none;
const Tensor x = test::distinct({2, 3}), ids = tensor({0, 1}), image = zeros({1, 4, 4, 2});

void expect_no_value(const std::vector<OfATensor>& table) {
  for (const OfATensor& row : table) {
    SCOPED_TRACE(row.name);
    std::string message = error_of([&] { row.call(none); });
    EXPECT_TRUE(message.find("no value") + 1 || message.find("needs a value") + 1) << message;
  }
}

#define OF_ONE(op)                            \
  {                                           \
#op, [](const Tensor& none) { op(none); } \
  }
#define OF_TWO(op)                                           \
  {#op " first", [](const Tensor& none) { op(none, x); }}, { \
#op " second", [](const Tensor& none) { op(x, none); }   \
  }
#define WITH(op, ...)                                      \
  {                                                        \
#op, [](const Tensor& none) { op(none, __VA_ARGS__); } \
  }

const std::vector<OfATensor> functions = {
    // The tensor itself.
    {"item", [](auto& none) { none.item(); }},
    {"data", [](auto& none) { none.template data<float>(); }},
    {"span", [](auto& none) { none.template span<float>(); }},
    {"to_vector", [](auto& none) { none.template to_vector<float>(); }},
    {"mutable_data", [](Tensor none) { none.mutable_data<float>(); }},
    {"raw_mutable", [](Tensor none) { none.raw_mutable(); }},
    {"index", [](auto& none) { none[0]; }},
    OF_ONE(zeros_like),
    OF_ONE(ones_like),
    {"random_categorical",
     [](auto& none) {
       Rng rng;
       random_categorical(none, 1, rng);
     }},
    // Pointwise.
    OF_ONE(exp),
    OF_ONE(expm1),
    OF_ONE(log),
    OF_ONE(log1p),
    OF_ONE(sqrt),
    OF_ONE(rsqrt),
    OF_ONE(square),
    OF_ONE(abs),
    OF_ONE(sign),
    OF_ONE(floor),
    OF_ONE(ceil),
    OF_ONE(round),
    OF_ONE(sin),
    OF_ONE(cos),
    OF_ONE(tanh),
    OF_ONE(sigmoid),
    OF_ONE(relu),
    OF_ONE(leaky_relu),
    OF_ONE(elu),
    OF_ONE(softplus),
    OF_ONE(erf),
    OF_ONE(gelu),
    OF_ONE(isnan),
    OF_ONE(isfinite),
    WITH(clip, 0, 1),
    OF_ONE(negative),
    OF_ONE(logical_not),
    // Two at once.
    OF_TWO(add),
    OF_TWO(subtract),
    OF_TWO(multiply),
    OF_TWO(divide),
    OF_TWO(maximum),
    OF_TWO(minimum),
    OF_TWO(pow),
    OF_TWO(equal),
    OF_TWO(not_equal),
    OF_TWO(less),
    OF_TWO(less_equal),
    OF_TWO(greater),
    OF_TWO(greater_equal),
    OF_TWO(logical_and),
    OF_TWO(logical_or),
    OF_TWO(matmul),
    WITH(add, 1.0),
    WITH(where, x, x),
    {"where a", [](auto& none) { where(x > 0.0, none, x); }},
    {"where b", [](auto& none) { where(x > 0.0, 1.0, none); }},
    // Reductions.
    OF_ONE(reduce_sum),
    OF_ONE(reduce_mean),
    OF_ONE(reduce_variance),
    OF_ONE(reduce_max),
    OF_ONE(reduce_min),
    OF_ONE(reduce_prod),
    OF_ONE(reduce_logsumexp),
    OF_ONE(reduce_any),
    OF_ONE(reduce_all),
    OF_ONE(argmax),
    OF_ONE(argmin),
    WITH(cumsum, 0),
    WITH(top_k, 1),
    OF_ONE(norm),
    WITH(sum_to, Shape{}),
    // Shapes.
    WITH(reshape, Shape{1}),
    OF_ONE(flatten),
    OF_ONE(squeeze),
    WITH(expand_dims, 0),
    OF_ONE(transpose),
    WITH(broadcast_to, Shape{2}),
    WITH(flip, AxisList{}),
    WITH(flip, AxisList{0}),
    WITH(tile, std::vector<std::int64_t>{}),
    WITH(slice, 0, 0),
    WITH(split, 0, 1),
    WITH(split, 0, std::vector<std::int64_t>{}),
    OF_ONE(unstack),
    WITH(pad, {}),
    WITH(gather, ids),
    {"gather by", [](auto& none) { gather(x, none); }},
    WITH(scatter, ids, 2),
    {"scatter by", [](auto& none) { scatter(x, none, 2); }},
    WITH(one_hot, 2),
    WITH(to, Device{}),
    WITH(cast, DType::int32),
    {"concat",
     [](auto& none) {
       concat({none, x}, 0);
     }},
    {"concat, second",
     [](auto& none) {
       concat({x, none}, 0);
     }},
    {"stack",
     [](auto& none) {
       stack({none, none});
     }},
    {"stack of scalars",
     [](auto& none) {
       stack({tensor(1.0), none});
     }},
    // Images.
    WITH(conv2d, x),
    {"filters", [](auto& none) { conv2d(image, none); }},
    {"conv2d bias",
     [](auto& none) {
       conv2d(image, zeros({1, 1, 2, 1}), none);
     }},
    WITH(conv2d_transpose, x),
    {"transposed filters", [](auto& none) { conv2d_transpose(image, none); }},
    OF_ONE(max_pool),
    OF_ONE(average_pool),
    WITH(resize_nearest, 2),
    WITH(resize_bilinear, 2),
    // Normalisation, softmax, dropout, losses.
    WITH(batch_normalization_training, x, x),
    WITH(batch_normalization, x, x, x, x),
    WITH(layer_normalization, x, x),
    WITH(group_normalization, 1, x, x),
    WITH(instance_normalization, x, x),
    {"gamma", [](auto& none) { layer_normalization(x, none, x); }},
    {"beta", [](auto& none) { layer_normalization(x, x, none); }},
    OF_ONE(softmax),
    OF_ONE(log_softmax),
    {"dropout",
     [](auto& none) {
       Rng rng;
       dropout(none, 0.5, rng);
     }},
    WITH(binary_cross_entropy_with_logits, 1.0),
    {"labels", [](auto& none) { binary_cross_entropy_with_logits(x, none); }},
    WITH(sparse_softmax_cross_entropy, ids),
    {"sparse labels", [](auto& none) { sparse_softmax_cross_entropy(x, none); }},
    {"mask", [](auto& none) { sparse_softmax_cross_entropy(x, ids, none); }},
    OF_TWO(mean_squared_error),
    OF_TWO(mean_absolute_error),
    WITH(clip_by_norm, 1.0),
};

TEST(EveryFunction, RefusesATensorWithoutAValue) { expect_no_value(functions); }

// One of each object, which lives as long as the tests.
struct Objects {
  Layer model{"model", Device{}, Rng(1)};
  Dense dense{&model, "dense", {.in = 3, .units = 2}};
  Conv2D conv{&model, "conv", {.in = 2, .filters = 1, .kernel_size = 1}};
  Conv2DTranspose wider{&model, "wider", {.in = 2, .filters = 1, .kernel_size = 1}};
  Embedding embedding{&model, "embedding", {.entries = 2, .units = 1}};
  BatchNormalization batch{&model, "batch", 3};
  LayerNormalization layer{&model, "layer", 3};
  GroupNormalization group{&model, "group", {.channels = 4, .groups = 2}};
  InstanceNormalization instance{&model, "instance", 3};
  Dropout drop{&model, "drop", 0.5};
  Variable w{"w", zeros({2})};
  test::TempFolder folder;
  SummaryWriter writer{folder / "events"};
};

Objects& one() {
  static Objects objects;
  return objects;
}

const std::vector<OfATensor> members = {
    OF_ONE(one().dense),
    OF_ONE(one().conv),
    OF_ONE(one().wider),
    OF_ONE(one().embedding),
    WITH(one().batch, Mode::training),
    WITH(one().batch, Mode::inference),
    OF_ONE(one().layer),
    OF_ONE(one().group),
    OF_ONE(one().instance),
    WITH(one().drop, Mode::training),
    {"Mean", [](auto& none) { Mean().update(none); }},
    {"Accuracy, labels", [](auto& none) { Accuracy().update(none, ids); }},
    {"Accuracy, predictions", [](auto& none) { Accuracy().update(ids, none); }},
    OF_TWO(frechet_distance),
    {"Variable", [](auto& none) { Variable("v", none); }},
    {"assign", [](auto& none) { one().w.assign(none); }},
    {"watch", [](Tensor none) { GradientTape().watch(none); }},
    {"gradient", [](auto& none) { GradientTape().gradient(none, one().w); }},
    OF_ONE(stop_gradient),
    {"dataset", [](auto& none) { dataset(none); }},
    {"row", [](auto& none) { row(none, 0); }},
    {"row_count", [](auto& none) { row_count(none); }},
    {"stack_fields",
     [](auto& none) {
       stack_fields<Tensor>({none, none});
     }},
    {"map_batches", [](auto& none) { map_batches(none, 2, [](const Tensor& x) { return x; }); }},
    {"save_npy", [](auto& none) { save_npy(one().folder / "x.npy", none); }},
    {"save_safetensors",
     [](auto& none) {
       save_safetensors(one().folder / "x.safetensors", {{"x", none}});
     }},
    OF_ONE(encode_png),
    OF_ONE(to_pixels),
    OF_ONE(make_grid),
    WITH(enlarge, 2),
    OF_ONE(half_blocks),
    {"save_png", [](auto& none) { save_png(one().folder / "x.png", none); }},
    {"save_animation", [](auto& none) { save_animation(one().folder / "x.png", {none}, 10); }},
    {"caption", [](auto& none) { caption(none, "text"); }},
    {"place", [](auto& none) { Drawing(2, 2).place(none, 0, 0); }},
    {"scalar", [](auto& none) { one().writer.scalar("x", none, 0); }},
    {"image", [](auto& none) { one().writer.image("x", none, 0); }},
    {"histogram", [](auto& none) { one().writer.histogram("x", none, 0); }},
};

TEST(EveryObject, RefusesATensorWithoutAValue) {
  expect_no_value(members);
  EXPECT_EQ(one().folder.file_count(), 1) << "only the events";
}

// --- Numbers ---------------------------------------------------------------------------------------------------------

// Which numbers an argument takes; everything is float32.
bool any(double v) { return !std::isfinite(v) || std::abs(v) < 1e38; }
bool finite(double v) { return std::isfinite(v) && std::abs(v) < 1e38; }
bool from_0(double v) { return finite(v) && v >= 0; }
bool above_0(double v) { return from_0(v) && v > 1e-45; }
bool epsilon(double v) { return v == 0 || above_0(v); }
bool share(double v) { return v >= 0 && v <= 1; }
bool below_1(double v) { return v >= 0 && static_cast<float>(v) < 1; }
bool probability(double v) { return v >= 0 && v < 1; }

struct OfANumber {
  const char* name;
  std::function<void(double number)> call;
  std::function<bool(double number)> takes;
};

const double numbers_tried[] = {nan,   infinity, -infinity,    -1e300, -1,  -1e-50, 0,
                                1e-50, 0.5,      0.9999999999, 1,      1.5, 1e300};

void expect_numbers(const std::vector<OfANumber>& table) {
  for (const OfANumber& row : table) {
    for (double number : numbers_tried) {
      SCOPED_TRACE(row.name + std::string(" of ") + std::to_string(number) + testing::PrintToString(number));
      std::string message = error_of<ValueError>([&] { row.call(number); });
      EXPECT_EQ(message == "no error", row.takes(number)) << message;
      EXPECT_TRUE(row.takes(number) || message.find(": ") != std::string::npos) << message;
    }
  }
}

const Tensor real = tensor({1.0, 2.0}), scale = ones({2}), shift = zeros({2}), rows = ones({3, 2});

Rng rng(1);

const std::vector<OfANumber> number_functions = {
    {"where", [](double v) { where(real > 1.0, v, real); }, any},
    {"tensor", [](double v) { tensor(v); }, any},
    {"tensor of a row",
     [](double v) {
       tensor({1.0, v});
     },
     any},
    {"tensor of rows",
     [](double v) {
       tensor({{1.0, v}});
     },
     any},
    {"full", [](double v) { full({2}, v); }, any},
    {"pad",
     [](double v) {
       pad(real, {{1, 1}}, v);
     },
     any},
    {"clip, low", [](double v) { clip(real, v, infinity); }, [](double v) { return any(v) && v == v; }},
    {"clip, high", [](double v) { clip(real, -infinity, v); }, [](double v) { return any(v) && v == v; }},
    {"leaky_relu", [](double v) { leaky_relu(real, v); }, from_0},
    {"elu", [](double v) { elu(real, v); }, from_0},
    {"range, start", [](double v) { range(v, 3, 1, DType::float32); }, [](double v) { return finite(v); }},
    {"range, stop", [](double v) { range(0, v, 1, DType::float32); },
     [](double v) { return finite(v) || v == -1e300; }},
    {"range, step", [](double v) { range(0, 3, v, DType::float32); },
     [](double v) { return v == -1e300 || v == -1 || v == -1e-50 || (v >= 0.5 && std::isfinite(v)); }},
    {"linspace, start", [](double v) { linspace(v, 3, 2); }, finite},
    {"linspace, stop", [](double v) { linspace(0, v, 2); }, finite},
    {"random_uniform, low", [](double v) { random_uniform({2}, rng, v, 1); },
     [](double v) { return finite(v) && v <= 1; }},
    {"random_uniform, high", [](double v) { random_uniform({2}, rng, 0, v); }, from_0},
    {"random_normal, mean", [](double v) { random_normal({2}, rng, v, 1); }, finite},
    {"random_normal, deviation", [](double v) { random_normal({2}, rng, 0, v); }, from_0},
    {"random_bernoulli", [](double v) { random_bernoulli({2}, rng, v); }, share},
    {"random_bernoulli, one", [](double v) { random_bernoulli({2}, rng, 0.5, DType::float32, {}, v); }, any},
    {"dropout", [](double v) { dropout(real, v, rng); }, probability},
    {"batch_normalization_training", [](double v) { batch_normalization_training(rows, scale, shift, v); }, epsilon},
    {"batch_normalization", [](double v) { batch_normalization(rows, scale, shift, shift, scale, v); }, epsilon},
    {"layer_normalization", [](double v) { layer_normalization(rows, scale, shift, v); }, epsilon},
    {"group_normalization", [](double v) { group_normalization(rows, 1, scale, shift, v); }, epsilon},
    {"instance_normalization", [](double v) { instance_normalization(expand_dims(rows, 0), scale, shift, v); },
     epsilon},
    {"binary_cross_entropy_with_logits", [](double v) { binary_cross_entropy_with_logits(real, v); }, share},
    {"mean_squared_error", [](double v) { mean_squared_error(real, v); }, any},
    {"mean_absolute_error", [](double v) { mean_absolute_error(real, v); }, any},
    {"clip_by_norm", [](double v) { clip_by_norm(real, v); }, above_0},
};

TEST(EveryFunction, TakesNumbersOfItsRangeAlone) {
  using Op = Tensor (*)(OperandOrNumber, OperandOrNumber);
  std::vector<OfANumber> beside;
  for (Op op : {&add, &subtract, &multiply, &divide, &maximum, &minimum, static_cast<Op>(&floe::pow), &equal,
                &not_equal, &less, &less_equal, &greater, &greater_equal}) {
    beside.push_back({"beside a tensor", [op](double v) { op(real, v); }, any});
    beside.push_back({"in front of a tensor", [op](double v) { op(v, real); }, any});
  }
  expect_numbers(beside);
  expect_numbers(number_functions);
}

template <class Make>
void layer(Make make) {
  Layer model("model", Device{}, Rng(1));
  make(&model);
}

Gradients gradient_of(Variable& w) {
  Gradients gradients;
  gradients.add(w, scale);
  return gradients;
}

template <class Made>
void apply(Made optimizer) {
  Variable w("w", real);
  optimizer.apply(gradient_of(w));
  for (float weight : w.value().to_vector<float>()) EXPECT_TRUE(std::isfinite(weight));
}

void draw(const Initializer& initializer) {
  Rng own(1);
  initializer({2, 3}, own, DType::float32);
}

bool rate(double v) { return std::isfinite(v) && v >= 0; }
bool length(double v) { return v >= 0 && v < 10; }

const std::vector<OfANumber> number_members = {
    {"Rng::uniform, low", [](double v) { Rng().uniform(static_cast<float>(v), 1); },
     [](double v) { return finite(v) && v <= 1; }},
    {"Rng::uniform, high", [](double v) { Rng().uniform(0, static_cast<float>(v)); },
     [](double v) { return finite(v) && static_cast<float>(v) >= 0; }},
    {"Rng::bernoulli", [](double v) { Rng().bernoulli(static_cast<float>(v)); },
     [](double v) { return share(static_cast<float>(v)); }},
    {"constant", [](double v) { draw(initializers::constant(v)); }, finite},
    {"uniform, low", [](double v) { draw(initializers::uniform(v, 1)); }, [](double v) { return finite(v) && v <= 1; }},
    {"uniform, high", [](double v) { draw(initializers::uniform(0, v)); }, from_0},
    {"normal", [](double v) { draw(initializers::normal(v)); }, from_0},
    {"orthogonal", [](double v) { draw(initializers::orthogonal(v)); }, finite},
    {"BatchNormalization",
     [](double v) { layer([v](Layer* m) { BatchNormalization(m, "l", {.channels = 2, .epsilon = v}); }); }, above_0},
    {"BatchNormalization, momentum",
     [](double v) { layer([v](Layer* m) { BatchNormalization(m, "l", {.channels = 2, .momentum = v}); }); }, share},
    {"LayerNormalization",
     [](double v) { layer([v](Layer* m) { LayerNormalization(m, "l", {.shape = {2}, .epsilon = v}); }); }, above_0},
    {"GroupNormalization",
     [](double v) { layer([v](Layer* m) { GroupNormalization(m, "l", {.channels = 2, .groups = 1, .epsilon = v}); }); },
     above_0},
    {"InstanceNormalization",
     [](double v) { layer([v](Layer* m) { InstanceNormalization(m, "l", {.channels = 2, .epsilon = v}); }); }, above_0},
    {"Dropout", [](double v) { layer([v](Layer* m) { Dropout(m, "l", v); }); }, probability},
    {"SGD", [](double v) { apply(SGD(v)); }, from_0},
    {"Momentum, rate", [](double v) { apply(Momentum({.learning_rate = v})); }, from_0},
    {"Momentum", [](double v) { apply(Momentum({.momentum = v})); }, below_1},
    {"RMSprop, decay", [](double v) { apply(RMSprop({.decay = v})); }, below_1},
    {"RMSprop", [](double v) { apply(RMSprop({.epsilon = v})); }, above_0},
    {"Adagrad, sum", [](double v) { apply(Adagrad({.initial_accumulator_value = v})); }, from_0},
    {"Adagrad", [](double v) { apply(Adagrad({.epsilon = v})); }, above_0},
    {"Adam, beta1", [](double v) { apply(Adam({.beta1 = v})); }, below_1},
    {"Adam, beta2", [](double v) { apply(Adam({.beta2 = v})); }, below_1},
    {"Adam", [](double v) { apply(Adam({.epsilon = v})); }, above_0},
    {"AdamW, beta1", [](double v) { apply(AdamW({.beta1 = v})); }, below_1},
    {"AdamW, beta2", [](double v) { apply(AdamW({.beta2 = v})); }, below_1},
    {"AdamW, decay", [](double v) { apply(AdamW({.weight_decay = v})); }, from_0},
    {"AdamW", [](double v) { apply(AdamW({.epsilon = v})); }, above_0},
    {"set_learning_rate", [](double v) { SGD().set_learning_rate(v); }, rate},
    {"constant rate", [](double v) { schedules::constant(v); }, rate},
    {"exponential_decay",
     [](double v) {
       schedules::exponential_decay({v, 1, 0.5});
     },
     rate},
    {"exponential_decay, factor",
     [](double v) {
       schedules::exponential_decay({1, 1, v});
     },
     [](double v) { return std::isfinite(v) && v > 0; }},
    {"cosine_decay", [](double v) { schedules::cosine_decay({.learning_rate = v, .decay_steps = 1}); }, rate},
    {"cosine_decay, alpha", [](double v) { schedules::cosine_decay({.decay_steps = 1, .alpha = v}); }, share},
    {"piecewise",
     [](double v) {
       schedules::piecewise({1}, {1, v});
     },
     rate},
    {"clip_by_value",
     [](double v) {
       Variable w("w", real);
       clip_by_value(gradient_of(w), v);
     },
     [](double v) { return finite(v) && v > 0; }},
    {"clip_by_norm",
     [](double v) {
       Variable w("w", real);
       clip_by_norm(gradient_of(w), v);
     },
     above_0},
    {"clip_by_global_norm",
     [](double v) {
       Variable w("w", real);
       clip_by_global_norm(gradient_of(w), v);
     },
     [](double v) { return std::isfinite(v) && v > 0; }},
    {"Mean, weight", [](double v) { Mean().update(1, v); }, rate},
    {"text_width", [](double v) { text_width("a", v); }, length},
    {"line, width", [](double v) { Drawing(2, 2).line({}, {}, {.width = v}); }, length},
    {"line, opacity", [](double v) { Drawing(2, 2).line({}, {}, {.opacity = v}); }, share},
    {"line, place",
     [](double v) {
       Drawing(2, 2).line({v, 0}, {});
     },
     [](double v) { return std::abs(v) < 10; }},
    {"disc", [](double v) { Drawing(2, 2).disc({}, v); }, length},
    {"rectangle", [](double v) { Drawing(2, 2).rectangle({}, 1, v); }, length},
    {"text, weight", [](double v) { Drawing(2, 2).text({}, "a", {.weight = v}); },
     [](double v) { return v >= 0 && v <= 0.5; }},
    {"make_grid, background",
     [](double v) {
       make_grid(zeros({2, 2, 2}), {.background = v});
     },
     share},
};

TEST(EveryObject, TakesNumbersOfItsRangeAlone) { expect_numbers(number_members); }

// --- Counts ----------------------------------------------------------------------------------------------------------

TEST(EveryFunction, TakesCountsOfItsRangeAlone) {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                         most = std::numeric_limits<std::int64_t>::max();
  const Dataset<Tensor> numbers = dataset(rows);
  struct OfACount {
    const char* name;
    std::function<void(std::int64_t)> call;
    std::int64_t first;  // that is taken; INT64_MAX is taken as well
  };
  const OfACount table[] = {
      {"generate", [](auto n) { Dataset<Tensor>::generate(n, [](std::int64_t) { return real; }); }, 0},
      {"take",
       [&](auto n) {
         for (auto& row : numbers.take(n)) (void)row;
       },
       0},
      {"skip",
       [&](auto n) {
         for (auto& row : numbers.skip(n)) (void)row;
       },
       0},
      {"batch",
       [&](auto n) {
         for (auto& row : numbers.batch(n)) (void)row;
       },
       1},
      {"shuffle",
       [&](auto n) {
         for (auto& row : numbers.shuffle(n, Rng(1))) (void)row;
       },
       1},
      {"repeat",
       [&](auto n) {
         for (auto& row : numbers.repeat(n).take(9)) (void)row;
       },
       1},
      {"prefetch",
       [&](auto n) {
         for (auto& row : numbers.prefetch(n)) (void)row;
       },
       1},
      {"map_batches", [](auto n) { map_batches(rows, n, [](const Tensor& x) { return x; }); }, 1},
      {"decay_steps", [](auto n) { schedules::cosine_decay({.learning_rate = 1, .decay_steps = n})(most); }, 1},
      {"exponential decay_steps",
       [](auto n) {
         schedules::exponential_decay({1, n, 0.5})(most);
       },
       1},
      {"warmup_steps", [](auto n) { schedules::cosine_decay({.decay_steps = 1, .warmup_steps = n})(most); }, 0},
      {"step",
       [](auto n) {
         schedules::piecewise({1, most}, {1, 2, 3})(n);
       },
       0},
      {"boundary",
       [](auto n) {
         schedules::piecewise({n}, {1, 2})(most);
       },
       0},
      {"restore",
       [&](auto n) {
         Dataset<Tensor>(numbers).repeat().restore({0, n});
       },
       0},
  };
  for (const auto& [name, call, first] : table) {
    for (std::int64_t count : {least, least + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, most - 1, most}) {
      SCOPED_TRACE(name + std::string(" of ") + std::to_string(count));
      EXPECT_EQ(error_of<ValueError>([&] { call(count); }) == "no error", count >= first);
    }
  }
  auto many = Dataset<Tensor>::generate(most - 1, [](std::int64_t) { return real; });
  EXPECT_NE(error_of([&] { many.shuffle(1, Rng(1)).begin(); }), "no error");
  auto endless = numbers.repeat();
  EXPECT_NE(error_of([&] { endless.skip(most).skip(most).begin(); }), "no error");
}

// --- Said twice, and values that were wrong --------------------------------------------------------------------------

TEST(EveryFunction, RefusesAnAxisNamedTwice) {
  const Tensor flat = ones({1, 1, 1});
  const std::vector<int> twice{0, 1, -3};
  const std::pair<const char*, std::function<void()>> table[] = {
      {"flip", [&] { flip(flat, twice); }},
      {"squeeze", [&] { squeeze(flat, twice); }},
      {"reduce_sum", [&] { reduce_sum(flat, twice); }},
      {"reduce_mean", [&] { reduce_mean(flat, twice); }},
      {"reduce_variance", [&] { reduce_variance(flat, twice); }},
      {"reduce_max", [&] { reduce_max(flat, twice); }},
      {"reduce_min", [&] { reduce_min(flat, twice); }},
      {"reduce_prod", [&] { reduce_prod(flat, twice); }},
      {"reduce_logsumexp", [&] { reduce_logsumexp(flat, twice); }},
      {"reduce_any", [&] { reduce_any(flat > 0.0, twice); }},
      {"reduce_all", [&] { reduce_all(flat > 0.0, twice); }},
  };
  for (const auto& [name, call] : table) {
    EXPECT_EQ(error_of<ShapeError>(call).substr(0, std::string(name).size() + 23),
              name + std::string(": axis 0 is named twice"));
  }
  EXPECT_NE(error_of<ShapeError>([&] { transpose(flat, twice); }), "no error");
  EXPECT_EQ(flip(tensor({1., 2.}), {}).to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(Range, EndsBeforeItsStop) {
  struct Case {
    double start, stop, step;
    std::int64_t count;  // of the decimals that are written
  };
  const Case table[] = {{1, 1.3, 0.1, 3},  {0, 0.3, 0.1, 3},   {0, 0.9, 0.3, 3},       {0, 1, 0.1, 10},
                        {1, 2, 0.1, 10},   {1, 1.31, 0.1, 4},  {0, 2.1, 0.7, 3},       {1.3, 1, -0.1, 3},
                        {-0.3, 0, 0.1, 3}, {0.1, 0.4, 0.1, 3}, {100, 100.3, 0.1, 3},   {0, 1e-3, 1e-4, 10},
                        {5, 5, 1, 0},      {5, 4.9, 1, 0},     {0, 1e9 + 0.5, 1e9, 2}, {0, 4.1, 1, 5}};
  for (const Case& one : table) {
    SCOPED_TRACE(testing::PrintToString(one.start) + " " + testing::PrintToString(one.stop));
    EXPECT_EQ(range(one.start, one.stop, one.step, DType::float64).elements(), one.count);
  }
  for (int cents = -300; cents <= 300; ++cents) {  // whole cents, which integers count exactly
    for (int step = 1; step <= 40; ++step) {
      std::int64_t count = std::max(0, (300 - cents + step - 1) / step);
      ASSERT_EQ(range(cents / 100.0, 3, step / 100.0, DType::float64).elements(), count) << cents << " by " << step;
    }
  }
}

TEST(Mean, OfWeightZeroCountsNothing) {
  Mean mean;
  mean.update(nan, 0);
  mean.update(2, 3);
  mean.update(infinity, 0);
  EXPECT_EQ(mean.result(), 2);
}

TEST(Functions, ThatAreMissingAreRefused) {
  Layer model("model", Device{}, Rng(1));
  EXPECT_NE(error_of<ValueError>([&] { Dense(&model, "a", {.in = 1, .units = 1, .initializer = {}}); }), "no error");
  EXPECT_NE(error_of<ValueError>([&] { Sequential(&model, "b").add(nullptr); }), "no error");
  EXPECT_NE(error_of<ValueError>([] { Dataset<Tensor>::generate(1, nullptr); }), "no error");
  EXPECT_NE(error_of<ValueError>([] { stack_fields<Tensor>({}); }), "no error");
}

TEST(Random, OfEqualEndsIsTheEnd) {
  Rng rng(1);
  EXPECT_EQ(random_uniform({2}, rng, 3, 3).to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_EQ(random_normal({2}, rng, 3, 0).to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_NE(error_of<ValueError>([&] { random_uniform({2}, rng, -3e38, 3e38); }), "no error") << "their distance";
  EXPECT_EQ(random_uniform({2}, rng, -3e38, 3e38, DType::float64).elements(), 2);
}

TEST(Frechet, OfNoFeaturesIsZero) { EXPECT_EQ(frechet_distance(zeros({3, 0}), zeros({2, 0})), 0); }

}  // namespace
}  // namespace floe
