// Attributes of ops: what each tells of its constants, and that they are all that it takes to run it again.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include <floe/floe.h>
#include <floe/ops/by_name.h>
#include <support/tensors.h>

namespace floe {
namespace {

// --- What each op tells ----------------------------------------------------------------------------------------------

// "name attributes" of each op.
class Told : public OpObserver {
 public:
  void op(const OpInfo& op, TensorRefs, std::span<Tensor* const>) override {
    all.insert(op.name + (op.attributes.empty() ? "" : " " + to_string(op.attributes)));
  }

  std::multiset<std::string> all;  // compilers choose which operand of two is computed first
};

// The parts of a text between "; ".
std::multiset<std::string> parts(std::string text) {
  std::multiset<std::string> all;
  for (std::size_t at; !text.empty(); text.erase(0, at == text.npos ? at : at + 2)) {
    at = text.find("; ");
    all.insert(text.substr(0, at));
  }
  return all;
}

struct Row {
  const char* op;  // as the header has it
  std::function<void()> call;
  const char* told;  // by it, or by the ops that it is made of
};

const Tensor x = test::distinct({2, 3}), one = test::distinct({2}), whole = tensor({2, 0, 1});
const Tensor image = test::normal({1, 5, 6, 2}), filters = test::normal({3, 2, 2, 4}), truth = x > 0.0;
const Tensor channels = test::uniform({3}, 1, 2), logits = test::normal({3, 3});

const std::vector<Row> rows = {
    {"add", [] { add(x, 2); }, "add"},
    {"subtract", [] { subtract(x, x); }, "subtract"},
    {"multiply", [] { multiply(x, x); }, "multiply"},
    {"multiply_no_nan", [] { multiply_no_nan(x, x); }, "multiply_no_nan"},
    {"divide", [] { divide(x, x); }, "divide"},
    {"maximum", [] { maximum(x, 0); }, "maximum"},
    {"minimum", [] { minimum(x, 0); }, "minimum"},
    {"pow", [] { pow(x, 2); }, "pow"},
    {"floor_divide", [] { floor_divide(x, 2); }, "floor_divide"},
    {"remainder", [] { remainder(x, 2); }, "remainder"},
    {"negative", [] { negative(x); }, "multiply"},
    {"equal", [] { equal(x, x); }, "equal"},
    {"not_equal", [] { not_equal(x, x); }, "not_equal"},
    {"less", [] { less(x, x); }, "less"},
    {"less_equal", [] { less_equal(x, x); }, "less_equal"},
    {"greater", [] { greater(x, x); }, "greater"},
    {"greater_equal", [] { greater_equal(x, x); }, "greater_equal"},
    {"logical_and", [] { logical_and(truth, truth); }, "logical_and"},
    {"logical_or", [] { logical_or(truth, truth); }, "logical_or"},
    {"logical_not", [] { logical_not(truth); }, "logical_not"},
    {"where", [] { where(truth, x, 0); }, "where"},

    {"exp", [] { exp(x); }, "exp"},
    {"expm1", [] { expm1(x); }, "expm1"},
    {"log", [] { log(x); }, "log"},
    {"log1p", [] { log1p(x); }, "log1p"},
    {"sqrt", [] { sqrt(x); }, "sqrt"},
    {"rsqrt", [] { rsqrt(x); }, "rsqrt"},
    {"square", [] { square(x); }, "square"},
    {"square", [] { square(whole); }, "square"},
    {"abs", [] { abs(x); }, "abs"},
    {"abs", [] { abs(whole); }, "abs"},
    {"sign", [] { sign(x); }, "sign"},
    {"floor", [] { floor(x); }, "floor"},
    {"ceil", [] { ceil(x); }, "ceil"},
    {"round", [] { round(x); }, "round"},
    {"sin", [] { sin(x); }, "sin"},
    {"cos", [] { cos(x); }, "cos"},
    {"tanh", [] { tanh(x); }, "tanh"},
    {"sigmoid", [] { sigmoid(x); }, "sigmoid"},
    {"relu", [] { relu(x); }, "relu"},
    {"leaky_relu", [] { leaky_relu(x, 0.3); }, "leaky_relu slope 0.3"},
    {"elu", [] { elu(x, 0.5); }, "elu alpha 0.5"},
    {"softplus", [] { softplus(x); }, "softplus"},
    {"erf", [] { erf(x); }, "erf"},
    {"normal_cdf", [] { normal_cdf(x); }, "normal_cdf"},
    {"gelu", [] { gelu(x); }, "gelu"},
    {"clip", [] { clip(x, -0.25, 1); }, "clip low -0.25, high 1"},
    {"clip", [] { clip(whole, -0.25, 1.5); }, "clip low 0, high 1"},
    {"isnan", [] { isnan(x); }, "isnan"},
    {"isfinite", [] { isfinite(x); }, "isfinite"},

    {"reduce_sum", [] { reduce_sum(x); }, "reduce_sum axes (0, 1), keepdims false"},
    {"reduce_sum", [] { reduce_sum(whole, -1, true); }, "reduce_sum axes (0,), keepdims true"},
    {"reduce_mean", [] { reduce_mean(x, 1); }, "reduce_sum axes (1,), keepdims false; divide"},
    {"reduce_variance", [] { reduce_variance(x, 0); },
     "reduce_sum axes (0,), keepdims true; divide; subtract; square; reduce_sum axes (0,), keepdims false; divide"},
    {"reduce_max",
     [] {
       reduce_max(x, {1, 0});
     },
     "reduce_max axes (0, 1), keepdims false"},
    {"reduce_min", [] { reduce_min(whole, 0, true); }, "reduce_min axes (0,), keepdims true"},
    {"reduce_prod", [] { reduce_prod(one); },
     "transpose order (0,); reshape shape (1, 2); slice axis 1, begin 0, end 1, step 1; "
     "slice axis 1, begin 1, end 2, step 1; multiply; reshape shape ()"},
    {"reduce_logsumexp", [] { reduce_logsumexp(x, 1); },
     "reduce_max axes (1,), keepdims true; stop_gradient; isfinite; where; subtract; exp; "
     "reduce_sum axes (1,), keepdims true; log; add; reshape shape (2,)"},
    {"reduce_any", [] { reduce_any(truth, 0); }, "reduce_any axes (0,), keepdims false"},
    {"reduce_all", [] { reduce_all(truth, {}, true); }, "reduce_all axes (0, 1), keepdims true"},
    {"argmax", [] { argmax(x); }, "argmax axis 1"},
    {"argmin", [] { argmin(x, 0); }, "argmin axis 0"},
    {"cumsum", [] { cumsum(x, -1, true, false); }, "cumsum axis 1, exclusive true, reverse false"},
    {"top_k", [] { top_k(x, 2); }, "top_k k 2"},
    {"top_k", [] { top_k(whole, 1); }, "top_k k 1"},
    {"norm", [] { norm(one); },
     "abs; reduce_max axes (0,), keepdims false; less; where; greater; where; multiply; square; "
     "reduce_sum axes (0,), keepdims false; sqrt; divide; norm"},
    {"scale_for_squares", [] { scale_for_squares(one); },
     "abs; reduce_max axes (0,), keepdims false; less; where; greater; where"},
    {"sum_to", [] { sum_to(x, {3}); }, "reduce_sum axes (0,), keepdims true; reshape shape (3,)"},

    {"reshape",
     [] {
       reshape(x, {3, -1});
     },
     "reshape shape (3, 2)"},
    {"flatten", [] { flatten(image); }, "reshape shape (1, 60)"},
    {"squeeze", [] { squeeze(image); }, "reshape shape (5, 6, 2)"},
    {"expand_dims", [] { expand_dims(x, -1); }, "reshape shape (2, 3, 1)"},
    {"transpose", [] { transpose(x); }, "transpose order (1, 0)"},
    {"broadcast_to",
     [] {
       broadcast_to(x, {4, 2, 3});
     },
     "broadcast_to shape (4, 2, 3)"},
    {"flip",
     [] {
       flip(x, {-1, 0});
     },
     "flip axes (1, 0)"},
    {"tile",
     [] {
       tile(x, {1, 2});
     },
     "reshape shape (2, 1, 3); broadcast_to shape (2, 2, 3); reshape shape (2, 6)"},
    {"slice", [] { slice(x, 1, 0, 3, 2); }, "slice axis 1, begin 0, end 3, step 2"},
    {"slice", [] { slice(x, 0, -1); }, "slice axis 0, begin 1, end 2, step 1"},
    {"concat",
     [] {
       concat({x, x}, -1);
     },
     "concat axis 1"},
    {"stack",
     [] {
       stack({one, one});
     },
     "reshape shape (1, 2); reshape shape (1, 2); concat axis 0"},
    {"split",
     [] {
       split(x, 1, {1, 2});
     },
     "split axis 1, sizes (1, 2)"},
    {"split", [] { split(x, 0, 2); }, "split axis 0, sizes (1, 1)"},
    {"unstack", [] { unstack(x, -1); }, "unstack axis 1"},
    {"pad",
     [] {
       pad(x, {{0, 1}, {2, 0}}, 0.5);
     },
     "pad before (0, 2), after (1, 0), value 0.5"},
    {"pad", [] { pad(tensor({std::int64_t{1}}), {{0, 1}}, 9007199254740993); },
     "pad before (0,), after (1,), value 9007199254740993"},
    {"gather", [] { gather(x, whole, 1); }, "gather axis 1"},
    {"scatter",
     [] {
       scatter(one, tensor({3, 0}), 5);
     },
     "scatter shape (5,), axis 0"},
    {"one_hot", [] { one_hot(whole, 3, DType::uint8); }, "one_hot depth 3, dtype uint8"},
    {"to", [] { to(x, Device{}); }, ""},
    {"cast", [] { cast(x, DType::boolean); }, "cast dtype bool"},
    {"cast", [] { cast(x, DType::float32); }, "cast dtype float32"},

    {"matmul", [] { matmul(x, x, {.transpose_b = true}); }, "matmul transpose_a false, transpose_b true"},
    {"conv2d",
     [] {
       conv2d(image, filters, {.strides = {2, 1}, .padding = Padding::of(1, 0, 2, 3)});
     },
     "conv2d strides (2, 1), padding (1, 0, 2, 3), dilation (1, 1), groups 1"},
    {"conv2d",
     [] {
       conv2d(image, test::normal({2, 2, 1, 4}), test::normal({4}), {.dilation = 2, .groups = 2});
     },
     "conv2d strides (1, 1), padding (1, 1, 1, 1), dilation (2, 2), groups 2"},
    {"conv2d_transpose",
     [] {
       conv2d_transpose(image, test::normal({3, 3, 1, 2}), {.strides = 2});
     },
     "conv2d_transpose strides (2, 2), padding (0, 1, 0, 1), dilation (1, 1), groups 1, size (10, 12)"},
    {"max_pool", [] { max_pool(image); }, "max_pool window (2, 2), strides (2, 2), padding (0, 0, 0, 0), size (5, 6)"},
    {"average_pool", [] { average_pool(image, {.window = 3, .strides = 1, .padding = Padding::same}); },
     "average_pool window (3, 3), strides (1, 1), padding (1, 1, 1, 1), size (5, 6)"},
    {"resize_nearest",
     [] {
       resize_nearest(image, {3, 4});
     },
     "resize_nearest size (3, 4)"},
    {"resize_bilinear", [] { resize_bilinear(image, 7); }, "resize_bilinear size (7, 7)"},
    {"batch_normalization_training", [] { batch_normalization_training(x, channels, channels, 0.01); },
     "moments sizes (1, 2, 3, 1), shape (3,); add; rsqrt; "
     "batch_normalization sizes (1, 2, 3, 1), epsilon 0.01"},
    {"layer_normalization", [] { layer_normalization(x, channels, channels); },
     "moments sizes (2, 1, 1, 3), shape (2,); add; rsqrt; "
     "layer_normalization sizes (2, 1, 1, 3), epsilon 0.001"},
    {"group_normalization", [] { group_normalization(image, 1, one, one); },
     "moments sizes (1, 30, 1, 2), shape (1, 1); add; rsqrt; "
     "group_normalization sizes (1, 30, 1, 2), epsilon 0.001"},
    {"instance_normalization", [] { instance_normalization(image, one, one); },
     "moments sizes (1, 30, 2, 1), shape (1, 2); add; rsqrt; "
     "instance_normalization sizes (1, 30, 2, 1), epsilon 1e-05"},
    {"batch_normalization", [] { batch_normalization(x, channels, channels, channels, channels); },
     "add; rsqrt; multiply; multiply; multiply; subtract; add"},
    {"softmax", [] { softmax(x); }, "softmax"},
    {"log_softmax", [] { log_softmax(x); }, "log_softmax"},
    {"dropout",
     [] {
       Rng rng(7, 5);
       dropout(x, 0.25, rng);
     },
     "dropout_mask rate 0.25, key 7, position 5; multiply_no_nan"},
    {"binary_cross_entropy_with_logits", [] { binary_cross_entropy_with_logits(one, 0); },
     "softplus; reduce_sum axes (0,), keepdims false; divide"},
    {"sparse_softmax_cross_entropy", [] { sparse_softmax_cross_entropy(logits, whole); },
     "cast dtype int64; reshape shape (3,); multiply; add; log_softmax; reshape shape (9,); gather axis 0; "
     "reshape shape (3,); multiply; reduce_sum axes (0,), keepdims false; divide"},
    {"mean_squared_error", [] { mean_squared_error(one, 0); },
     "subtract; square; reduce_sum axes (0,), keepdims false; divide"},
    {"mean_absolute_error", [] { mean_absolute_error(one, 0); },
     "subtract; abs; reduce_sum axes (0,), keepdims false; divide"},

    {"stop_gradient", [] { stop_gradient(x); }, "stop_gradient"},
    {"custom_gradient",
     [] {
       custom_gradient(
           x, [](const Tensor& x) { return x; }, [](const Tensor& dy, auto&&...) { return dy; });
     },
     "custom_gradient"},
};

TEST(OpAttributes, TellEveryConstant) {
  for (const Row& row : rows) {
    Told told;
    row.call();
    EXPECT_EQ(told.all, parts(row.told)) << row.op;
  }
}

// The functions that a header declares with a tensor as their result, and what is behind the opening bracket.
std::vector<std::pair<std::string, std::string>> ops_in(const std::filesystem::path& header) {
  std::vector<std::pair<std::string, std::string>> found;
  std::ifstream in(header);
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, match, std::regex("^(?:Tensors?|TopK|Normalized) ([a-z0-9_]+)\\((.*)")))
      found.emplace_back(match[1], match[2]);
  }
  return found;
}

// Of all headers in which ops are declared.
std::vector<std::pair<std::string, std::string>> public_ops() {
  std::filesystem::path floe = std::filesystem::path(FLOE_SOURCE_DIR) / "framework" / "floe";
  std::vector<std::filesystem::path> headers{floe / "tape" / "tape.h", floe / "tape" / "custom_gradient.h"};
  const std::set<std::string> constants{"create.h", "random.h"};  // what these give comes from no op
  for (const auto& entry : std::filesystem::directory_iterator(floe / "ops")) {
    if (entry.path().extension() == ".h" && !constants.contains(entry.path().filename()))
      headers.push_back(entry.path());
  }
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& header : headers) std::ranges::copy(ops_in(header), std::back_inserter(all));
  return all;
}

TEST(OpAttributes, AreInTheTableForEachOpOfEachHeader) {
  std::set<std::string> told;
  for (const Row& row : rows) told.insert(row.op);
  const std::set<std::string> inner{"pointwise", "pointwise_gradient"};  // of ops/pointwise_op.h
  EXPECT_GT(public_ops().size(), 80u);
  for (const auto& [op, parameters] : public_ops())
    EXPECT_TRUE(told.contains(op) || inner.contains(op)) << op << " has no row";
}

TEST(NamedOps, HaveEachOpOfOneOrTwoTensors) {
  std::map<std::string, const NamedOp*> named;
  for (const NamedOp& op : named_ops()) named[op.name] = &op;
  for (const auto& [op, parameters] : public_ops()) {
    bool unary = parameters.starts_with("Operand x);"),
         binary = parameters.starts_with("OperandOrNumber a, OperandOrNumber b);");
    if (!unary && !binary) continue;
    ASSERT_TRUE(named.contains(op)) << op;
    EXPECT_TRUE(unary ? named[op]->of_one != nullptr : named[op]->of_two && named[op]->with_number) << op;
  }
}

// --- Running ops again from what they told ---------------------------------------------------------------------------

// The ops of a program in order, with all their values.
class Recorder : public OpObserver {
 public:
  struct Step {
    std::string name;
    KeptAttributes attributes;
    Tensors inputs, outputs;
  };

  void op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) override {
    Step& step = steps.emplace_back(Step{op.name, KeptAttributes(op.attributes), {}, {}});
    for (const TensorRef& input : inputs) step.inputs.push_back(input->detached());
    for (const Tensor* output : outputs) step.outputs.push_back(output->detached());
  }

  std::vector<Step> steps;
};

using Interpreter = std::function<Tensors(const Tensors& inputs, const Attributes& attributes)>;

Shape shape_of(const AttributeValue& list) { return Shape(list.list()); }
std::vector<int> ints_of(const AttributeValue& list) { return {list.list().begin(), list.list().end()}; }
Size2 size_of(const AttributeValue& list) { return {list.list()[0], list.list()[1]}; }
Padding padding_of(const AttributeValue& list) {
  return Padding::of(list.list()[0], list.list()[1], list.list()[2], list.list()[3]);
}
// Integer ops have whole constants.
Number number_of(const AttributeValue& value) {
  return value.kind() == AttributeValue::Kind::integer ? Number(value.integer()) : Number(value.real());
}
DType dtype_of(const AttributeValue& text) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    if (name(dtype) == text.text()) return dtype;
  }
  throw ValueError("no such dtype");
}

ConvOptions conv_options(const Attributes& a) {
  return {size_of(a["strides"]), padding_of(a["padding"]), size_of(a["dilation"]), a["groups"].integer()};
}

Tensor reversed_conv(const Tensors& in, const Attributes& a) {
  ConvOptions o = conv_options(a);
  Size2 size = size_of(a["size"]);
  auto left = [](std::int64_t wanted, std::int64_t small, std::int64_t stride, std::int64_t taps, std::int64_t dilation,
                 std::int64_t pads) { return wanted - ((small - 1) * stride + (taps - 1) * dilation + 1 - pads); };
  Size2 more{left(size.height, in[0].dim(1), o.strides.height, in[1].dim(0), o.dilation.height,
                  o.padding.top + o.padding.bottom),
             left(size.width, in[0].dim(2), o.strides.width, in[1].dim(1), o.dilation.width,
                  o.padding.left + o.padding.right)};
  ConvTransposeOptions options{o.strides, o.padding, o.dilation, more, o.groups};
  return in.size() == 3 ? conv2d_transpose(in[0], in[1], in[2], options) : conv2d_transpose(in[0], in[1], options);
}

// A linear op's reverse, through its gradient.
Tensor reversed(const Tensor& dy, const Shape& shape, const std::function<Tensor(const Tensor&)>& op) {
  Tensor zero = zeros(shape, dy.dtype());
  GradientTape tape;
  tape.watch(zero);
  return tape.gradient(op(zero), zero, {.output_gradient = dy});
}

Shape image_shape(const Tensor& dy, const Attributes& a) {
  return {dy.dim(0), size_of(a["size"]).height, size_of(a["size"]).width, dy.dim(3)};
}

PoolOptions pool_options(const Attributes& a) {
  return {size_of(a["window"]), size_of(a["strides"]), padding_of(a["padding"])};
}

template <class Op>
Interpreter reduction(Op op) {
  return [op](const Tensors& in, const Attributes& a) {
    return Tensors{op(in[0], Axes(ints_of(a["axes"])), a["keepdims"].boolean())};
  };
}

const std::map<std::string, Interpreter> interpreters = {
    {"reduce_sum", reduction([](auto... x) { return reduce_sum(x...); })},
    {"reduce_max", reduction([](auto... x) { return reduce_max(x...); })},
    {"reduce_min", reduction([](auto... x) { return reduce_min(x...); })},
    {"reduce_any", reduction([](auto... x) { return reduce_any(x...); })},
    {"argmax", [](auto& in, auto& a) { return Tensors{argmax(in[0], static_cast<int>(a["axis"].integer()))}; }},
    {"cumsum",
     [](auto& in, auto& a) {
       return Tensors{
           cumsum(in[0], static_cast<int>(a["axis"].integer()), a["exclusive"].boolean(), a["reverse"].boolean())};
     }},
    {"top_k",
     [](auto& in, auto& a) {
       TopK top = top_k(in[0], a["k"].integer());
       return Tensors{top.values, top.indices};
     }},
    {"leaky_relu", [](auto& in, auto& a) { return Tensors{leaky_relu(in[0], a["slope"].real())}; }},
    {"elu", [](auto& in, auto& a) { return Tensors{elu(in[0], a["alpha"].real())}; }},
    {"clip", [](auto& in, auto& a) { return Tensors{clip(in[0], number_of(a["low"]), number_of(a["high"]))}; }},
    {"where", [](auto& in, auto&) { return Tensors{where(in[0], in[1], in[2])}; }},
    {"stop_gradient", [](auto& in, auto&) { return Tensors{stop_gradient(in[0])}; }},
    {"reshape", [](auto& in, auto& a) { return Tensors{reshape(in[0], shape_of(a["shape"]))}; }},
    {"transpose", [](auto& in, auto& a) { return Tensors{transpose(in[0], ints_of(a["order"]))}; }},
    {"broadcast_to", [](auto& in, auto& a) { return Tensors{broadcast_to(in[0], shape_of(a["shape"]))}; }},
    {"flip", [](auto& in, auto& a) { return Tensors{flip(in[0], ints_of(a["axes"]))}; }},
    {"slice",
     [](auto& in, auto& a) {
       return Tensors{slice(in[0], static_cast<int>(a["axis"].integer()), a["begin"].integer(), a["end"].integer(),
                            a["step"].integer())};
     }},
    {"slice_gradient",
     [](auto& in, auto& a) {
       int axis = static_cast<int>(a["axis"].integer());
       std::int64_t begin = a["begin"].integer(), step = a["step"].integer();
       std::int64_t end = begin + (in[0].dim(axis) - 1) * step + 1;
       return Tensors{
           reversed(in[0], shape_of(a["shape"]), [=](const Tensor& x) { return slice(x, axis, begin, end, step); })};
     }},
    {"split",
     [](auto& in, auto& a) {
       auto sizes = a["sizes"].list();
       return split(in[0], static_cast<int>(a["axis"].integer()), {sizes.begin(), sizes.end()});
     }},
    {"unstack", [](auto& in, auto& a) { return unstack(in[0], static_cast<int>(a["axis"].integer())); }},
    {"concat", [](auto& in, auto& a) { return Tensors{concat(in, static_cast<int>(a["axis"].integer()))}; }},
    {"pad",
     [](auto& in, auto& a) {
       std::vector<std::pair<std::int64_t, std::int64_t>> both;
       for (int i = 0; i < in[0].rank(); ++i) both.emplace_back(a["before"].list()[i], a["after"].list()[i]);
       return Tensors{pad(in[0], both, number_of(a["value"]))};
     }},
    {"gather", [](auto& in, auto& a) { return Tensors{gather(in[0], in[1], static_cast<int>(a["axis"].integer()))}; }},
    {"gather_gradient",
     [](auto& in, auto& a) {
       int axis = static_cast<int>(a["axis"].integer());
       return Tensors{
           reversed(in[0], shape_of(a["shape"]), [&, axis](const Tensor& x) { return gather(x, in[1], axis); })};
     }},
    {"scatter", [](auto& in, auto& a) { return Tensors{scatter(in[0], in[1], a["shape"].list()[0])}; }},
    {"one_hot", [](auto& in, auto& a) { return Tensors{one_hot(in[0], a["depth"].integer(), dtype_of(a["dtype"]))}; }},
    {"cast", [](auto& in, auto& a) { return Tensors{cast(in[0], dtype_of(a["dtype"]))}; }},
    {"matmul",
     [](auto& in, auto& a) {
       return Tensors{matmul(in[0], in[1], {a["transpose_a"].boolean(), a["transpose_b"].boolean()})};
     }},
    {"conv2d",
     [](auto& in, auto& a) {
       return Tensors{in.size() == 3 ? conv2d(in[0], in[1], in[2], conv_options(a))
                                     : conv2d(in[0], in[1], conv_options(a))};
     }},
    {"conv2d_transpose", [](auto& in, auto& a) { return Tensors{reversed_conv(in, a)}; }},
    {"conv2d_input_gradient", [](auto& in, auto& a) { return Tensors{reversed_conv(in, a)}; }},
    {"conv2d_filter_gradient",
     [](auto& in, auto& a) {
       ConvOptions options = conv_options(a);
       Size2 size = size_of(a["kernel_size"]);
       return Tensors{reversed(in[1], {size.height, size.width, in[0].dim(3) / options.groups, in[1].dim(3)},
                               [&](const Tensor& w) { return conv2d(in[0], w, options); })};
     }},
    {"max_pool",
     [](auto& in, auto& a) {
       Recorder winners;  // which the op gives to its gradient alone
       max_pool(in[0], pool_options(a));
       return winners.steps[0].outputs;
     }},
    {"max_pool_gradient",
     [](auto& in, auto& a) {
       Shape shape = image_shape(in[0], a);
       return Tensors{reshape(scatter(reshape(in[0], {-1}), reshape(in[1], {-1}), shape.elements()), shape)};
     }},
    {"average_pool", [](auto& in, auto& a) { return Tensors{average_pool(in[0], pool_options(a))}; }},
    {"average_pool_gradient",
     [](auto& in, auto& a) {
       return Tensors{
           reversed(in[0], image_shape(in[0], a), [&](const Tensor& x) { return average_pool(x, pool_options(a)); })};
     }},
    {"resize_nearest", [](auto& in, auto& a) { return Tensors{resize_nearest(in[0], size_of(a["size"]))}; }},
    {"resize_bilinear", [](auto& in, auto& a) { return Tensors{resize_bilinear(in[0], size_of(a["size"]))}; }},
    {"resize_bilinear_gradient",
     [](auto& in, auto& a) {
       Size2 from{in[0].dim(1), in[0].dim(2)};
       return Tensors{
           reversed(in[0], image_shape(in[0], a), [=](const Tensor& x) { return resize_bilinear(x, from); })};
     }},
    {"resize_nearest_gradient",
     [](auto& in, auto& a) {
       Size2 from{in[0].dim(1), in[0].dim(2)};
       return Tensors{reversed(in[0], image_shape(in[0], a), [=](const Tensor& x) { return resize_nearest(x, from); })};
     }},
    {"moments",
     [](auto& in, auto& a) {
       auto sizes = a["sizes"].list();
       Tensor x = reshape(in[0], {sizes[0], sizes[1], sizes[2] * sizes[3]}), any = ones({x.dim(2)});
       Recorder statistics;  // all kinds are one in groups
       group_normalization(x, sizes[2], any, any);
       Tensors found;
       for (const Tensor& each : statistics.steps[0].outputs) found.push_back(reshape(each, shape_of(a["shape"])));
       return found;
     }},
    {"layer_normalization",
     [](auto& in, auto& a) { return Tensors{layer_normalization(in[0], in[1], in[2], a["epsilon"].real())}; }},
    {"group_normalization",
     [](auto& in, auto& a) {
       return Tensors{group_normalization(in[0], a["sizes"].list()[2], in[1], in[2], a["epsilon"].real())};
     }},
    {"instance_normalization",
     [](auto& in, auto& a) { return Tensors{instance_normalization(in[0], in[1], in[2], a["epsilon"].real())}; }},
    {"batch_normalization",
     [](auto& in, auto& a) {
       return Tensors{batch_normalization_training(in[0], in[1], in[2], a["epsilon"].real()).y};
     }},
    {"dropout_mask",
     [](auto& in, auto& a) {
       Rng rng(static_cast<std::uint64_t>(a["key"].integer()), static_cast<std::uint64_t>(a["position"].integer()));
       return Tensors{dropout(ones_like(in[0]), a["rate"].real(), rng)};
     }},
};

// An op from its name, constants and inputs.
Tensors interpreted(const std::string& name, const Attributes& attributes, const Tensors& in) {
  if (auto found = interpreters.find(name); found != interpreters.end()) return found->second(in, attributes);
  EXPECT_TRUE(attributes.empty()) << name;
  for (const NamedOp& op : named_ops()) {
    if (op.name != name) continue;
    if (in.size() == 1 && op.of_one) return {op.of_one(in[0])};
    if (in.size() == 2 && op.of_two) return {op.of_two(in[0], in[1])};
  }
  throw ValueError("cannot run " + name);
}

// Values by where they are: tensors of one shape at one address are one, as whoever recorded them kept them.
using Place = std::tuple<const void*, std::string, DType>;
Place place(const Tensor& x) { return {x.raw(), to_string(x.shape()), x.dtype()}; }

// The steps again from another value of `x`; what no step gave is a constant.
std::map<Place, Tensor> replayed(const std::vector<Recorder::Step>& steps, const Tensor& x, const Tensor& other) {
  std::map<Place, Tensor> values{{place(x), other}};
  for (const Recorder::Step& step : steps) {
    Tensors inputs;
    for (const Tensor& input : step.inputs) {
      auto found = values.find(place(input));
      inputs.push_back(found == values.end() ? input : found->second);
    }
    Tensors outputs = interpreted(step.name, step.attributes, inputs);
    EXPECT_EQ(outputs.size(), step.outputs.size()) << step.name;
    for (std::size_t i = 0; i < std::min(outputs.size(), step.outputs.size()); ++i)
      values[place(step.outputs[i])] = outputs[i];
  }
  return values;
}

// Convolutions, pools, sizes and normalisation of x (2, 6, 6, 2).
Tensors pictures(const Tensor& x, Rng& rng) {
  auto weights = [&](const Shape& shape) { return random_normal(shape, rng); };
  Tensor h = conv2d(x, weights({3, 3, 2, 4}), weights({4}), {.strides = 2});
  Tensor grouped =
      conv2d(x, weights({2, 3, 1, 4}), {.padding = Padding::of(1, 0, 2, 1), .dilation = {1, 2}, .groups = 2});
  Tensor large = conv2d_transpose(h, weights({4, 3, 2, 4}), {.strides = {2, 3}, .output_padding = {1, 0}});
  Tensor biased = conv2d_transpose(h, weights({3, 3, 1, 4}), weights({1}), {.padding = Padding::valid});
  Normalized normal = batch_normalization_training(h, weights({4}), weights({4}), 1e-2);
  return {h,
          grouped,
          large,
          biased,
          normal.y,
          normal.variance,
          layer_normalization(h, weights({3, 4}), weights({3, 4})),
          group_normalization(h, 2, weights({4}), weights({4}), 1e-2),
          instance_normalization(h, weights({4}), weights({4})),
          max_pool(x),
          average_pool(x, {.window = 3, .strides = 2, .padding = Padding::same}),
          resize_bilinear(x, {4, 9}),
          resize_nearest(x, {9, 4}),
          dropout(h, 0.3, rng)};
}

// Places and sums of h (2, 9).
Tensors places(const Tensor& h, Rng& rng) {
  Tensor best = argmax(h), sorted = top_k(h, 3).values;
  return {reduce_sum(h, 0, true),
          reduce_max(h, 1),
          reduce_variance(h, {0, 1}),
          reduce_logsumexp(h, -1, true),
          cast(reduce_any(h > 0.0, 0), DType::float32),
          cumsum(h, 1, true, true),
          sorted,
          one_hot(best, 9),
          gather(h, tensor({{0, 3}, {3, 8}}), 1),
          scatter(h, tensor({4, 4}), 6),
          transpose(h),
          flip(h, {1}),
          pad(h, {{1, 0}, {0, 2}}, 0.5),
          concat({h, slice(h, 1, 1, 8, 3)}, 1),
          stack({h, h + 1.0}, 1),
          split(h, 1, {2, 3, 4})[1],
          unstack(h, 1)[4],
          tile(h, {2, 3}),
          cast(cast(h, DType::float64), DType::float32),
          where(h > 0.2, h, 0.5),
          matmul(h, random_normal({4, 9}, rng), {.transpose_b = true}),
          matmul(h, h, {.transpose_a = true}),
          log_softmax(h),
          h * softmax(h)};
}

Tensors curves(const Tensor& h) {
  return {leaky_relu(h, 0.1),
          elu(h, 0.5),
          clip(h, -0.5, 0.25),
          gelu(h),
          exp(h),
          tanh(h),
          square(h) / (abs(h) + 2),
          sigmoid(h) - softplus(h),
          pow(maximum(h, 0.5), 1.5),
          round(h),
          sin(h) * cos(h),
          minimum(h, negative(h))};
}

// Many ops of x (2, 6, 6, 2), and the gradient of all of them.
Tensors program(Tensor x) {
  Rng rng(3);
  GradientTape outer, tape;  // the outer one has the gradient made of ops
  tape.watch(x);
  Tensors all = pictures(x, rng);
  Tensor h = reshape(all[1] * 0.5, {2, -1});
  h = slice(h, 1, 2, 11);
  std::ranges::copy(places(h, rng), std::back_inserter(all));
  std::ranges::copy(curves(h), std::back_inserter(all));
  Tensor loss = mean_squared_error(h, 0.5) + sparse_softmax_cross_entropy(h, tensor({3, 8}));
  for (const Tensor& y : all) loss = loss + reduce_mean(y * y);
  all.push_back(loss);
  all.push_back(tape.gradient(loss, x, {.differentiable = true}));
  return all;
}

TEST(OpAttributes, AreAllThatItTakesToRunAProgramAgain) {
  Rng rng(1);
  Tensor first = random_normal({2, 6, 6, 2}, rng), second = random_normal({2, 6, 6, 2}, rng);
  Tensors expected = program(second), outputs;
  std::vector<Recorder::Step> steps;
  {
    Recorder recorder;
    outputs = program(first);
    steps = std::move(recorder.steps);
  }
  std::set<std::string> names;
  for (const Recorder::Step& step : steps) names.insert(step.name);
  EXPECT_GT(names.size(), 60u);

  for (const Tensor& input : {first, second}) {
    std::map<Place, Tensor> values = replayed(steps, first, input);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      SCOPED_TRACE("output " + std::to_string(i));
      ASSERT_TRUE(values.contains(place(outputs[i])));
      EXPECT_TRUE(test::same_bits(values.at(place(outputs[i])), input.raw() == first.raw() ? outputs[i] : expected[i]));
    }
  }
}

}  // namespace
}  // namespace floe
