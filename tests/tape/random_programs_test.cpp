// Random programs under several tapes that begin, stop, are asked and end in random order, against a slow reference.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/tape/tape.h>
#include <floe/tensor/memory.h>

namespace floe {
namespace {

constexpr int width = 3;
using Row = std::array<double, width>;

Tensor as_tensor(const Row& row) { return tensor(std::vector<double>(row.begin(), row.end()), Shape{width}); }

// The ops of the programs; all but `mean` work element by element, `mean` is broadcast again. The last two block.
enum class Op { leaf, add, subtract, multiply, sine, squash, mean, stop, sign_of };
constexpr int op_count = 8;

Row value_of(Op op, const Row& a, const Row& b) {
  Row y{};
  for (int i = 0; i < width; ++i) {
    switch (op) {
      case Op::add: y[i] = a[i] + b[i]; break;
      case Op::subtract: y[i] = a[i] - b[i]; break;
      case Op::multiply: y[i] = a[i] * b[i]; break;
      case Op::sine: y[i] = std::sin(a[i]); break;
      case Op::squash: y[i] = std::tanh(a[i]); break;
      case Op::mean: y[i] = (a[0] + a[1] + a[2]) / 3; break;
      case Op::stop: y[i] = a[i]; break;
      default: y[i] = (a[i] > 0) - (a[i] < 0);
    }
  }
  return y;
}

Tensor tensor_of(Op op, const Tensor& a, const Tensor& b) {
  switch (op) {
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    case Op::multiply: return a * b;
    case Op::sine: return sin(a);
    case Op::squash: return tanh(a);
    case Op::mean: return reduce_mean(a) * ones({width}, DType::float64);
    case Op::stop: return stop_gradient(a);
    default: return sign(a);
  }
}

// What flows back into a and b.
std::pair<Row, Row> slopes_of(Op op, const Row& dy, const Row& a, const Row& b) {
  Row da{}, db{};
  for (int i = 0; i < width; ++i) {
    switch (op) {
      case Op::add: da[i] = db[i] = dy[i]; break;
      case Op::subtract: da[i] = dy[i], db[i] = -dy[i]; break;
      case Op::multiply: da[i] = dy[i] * b[i], db[i] = dy[i] * a[i]; break;
      case Op::sine: da[i] = dy[i] * std::cos(a[i]); break;
      case Op::squash: da[i] = dy[i] * (1 - std::tanh(a[i]) * std::tanh(a[i])); break;
      case Op::mean: da[i] = (dy[0] + dy[1] + dy[2]) / 3; break;
      default: break;
    }
  }
  return {da, db};
}

enum class Known { nothing, blocked, live };  // to the tapes, when an op read it

struct Node {
  Op op;
  int a, b;
  Row value;
  Tensor tensor;
  Known known;
  int variable = -1;  // which variable's value, for a leaf
};

struct Tape {
  std::unique_ptr<GradientTape> tape;
  bool persistent, asked = false, stopped = false;
  int begin, end = 0;  // nodes it saw
  int watched = -1;    // a leaf
};

class Program {
 public:
  explicit Program(unsigned seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) {
      Row row = random_row();
      variables_.push_back(std::make_unique<Variable>("v" + std::to_string(i), as_tensor(row), i < 2));
      add_leaf(row, *variables_.back(), i);
    }
    for (int i = 0; i < 2; ++i) {
      Row row = random_row();
      add_leaf(row, as_tensor(row), -1);
    }
  }

  int run() {
    int steps = 10 + below(40);
    for (int step = 0; step < steps; ++step) {
      int what = below(20);
      if (what < 2 && tapes_.size() < 3) begin();
      else if (what < 14) compute();
      else if (what == 14) assign();
      else if (what < 18 && !tapes_.empty()) ask(tapes_[pick(tapes_.size())]);
      else if (what == 18 && !tapes_.empty()) stop(tapes_[pick(tapes_.size())]);
      else if (what == 19 && !tapes_.empty()) tapes_.erase(tapes_.begin() + below(static_cast<int>(tapes_.size())));
      if (testing::Test::HasFailure()) break;
    }
    while (!tapes_.empty()) {
      ask(tapes_.back());
      tapes_.erase(tapes_.begin() + below(static_cast<int>(tapes_.size())));
    }
    return answers_;
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  std::size_t pick(std::size_t size) { return static_cast<std::size_t>(below(static_cast<int>(size))); }
  int size() const { return static_cast<int>(nodes_.size()); }
  Node& node(int index) { return nodes_.at(static_cast<std::size_t>(index)); }
  const Node& node(int index) const { return nodes_.at(static_cast<std::size_t>(index)); }

  Row random_row() {
    Row row;
    for (double& x : row) x = 0.25 * (1 + below(8)) * (below(2) ? 1 : -1);
    return row;
  }

  void add_leaf(const Row& row, const Tensor& value, int variable) {
    nodes_.push_back({Op::leaf, -1, -1, row, value, Known::nothing, variable});
    if (variable >= 0) current_.resize(3), current_[static_cast<std::size_t>(variable)] = size() - 1;
  }

  void begin() {
    Tape tape{nullptr, below(2) == 0, false, false, size(), 0, -1};
    if (tape.persistent) tape.tape = std::make_unique<GradientTape>(persistent);
    else tape.tape = std::make_unique<GradientTape>();
    if (below(2)) {
      int leaf = 3 + below(2);
      tape.tape->watch(node(leaf).tensor);
      tape.watched = leaf;
    }
    tapes_.push_back(std::move(tape));
  }

  bool recording(const Tape& tape) const { return !tape.stopped && !(tape.asked && !tape.persistent); }

  // What the tapes in recording know of a node that is about to be read.
  Known known(int index) const {
    const Node& read = node(index);
    bool any = false, watched = false;
    int oldest = size();
    for (const Tape& tape : tapes_) {
      if (!recording(tape)) continue;
      any = true;
      oldest = std::min(oldest, tape.begin);
      watched |= tape.watched == index;
    }
    if (!any) return Known::nothing;
    if (read.op == Op::leaf) {
      bool trainable = read.variable == 0 || read.variable == 1;
      return trainable || watched || (read.variable < 0 && watched_since(index, oldest)) ? Known::live : Known::nothing;
    }
    return index >= oldest ? read.known : Known::nothing;
  }

  // Was this leaf given its name after the oldest recording tape began? Then that tape follows it too.
  bool watched_since(int index, int oldest) const {
    return !node(index).tensor.id().is_constant() && named_at(index) >= oldest;
  }
  int named_at(int index) const {
    int at = -1;
    for (const Tape& tape : tapes_) {
      if (tape.watched == index) at = at < 0 ? tape.begin : std::min(at, tape.begin);
    }
    return at;
  }

  int operand() { return below(3) ? size() - 1 - below(std::min(size(), 6)) : current_[pick(3)]; }

  void compute() {
    Op op = static_cast<Op>(1 + below(op_count));
    int a = operand(), b = below(4) ? operand() : 3 + below(2);
    for (int* which : {&a, &b}) {
      if (node(*which).variable >= 0) *which = current_[static_cast<std::size_t>(node(*which).variable)];
    }
    bool binary = op == Op::add || op == Op::subtract || op == Op::multiply;
    const Node &first = node(a), &second = node(b);
    for (double x : value_of(op, first.value, second.value)) {
      if (std::abs(x) > 8) op = Op::squash, binary = false;
    }
    Known inputs = binary ? std::max(known(a), known(b)) : known(a);
    if (inputs == Known::live && (op == Op::stop || op == Op::sign_of)) inputs = Known::blocked;
    Tensor y = tensor_of(op, first.tensor, second.tensor);
    Row row = value_of(op, first.value, second.value);
    for (int i = 0; i < width; ++i) {
      double found = y.data<double>()[i];
      bool between_signs = op == Op::sign_of && std::abs(first.value[i]) < 1e-9;
      ASSERT_NEAR(found, between_signs ? found : row[i], 1e-12);
      row[i] = found;  // so that no difference grows
    }
    nodes_.push_back({op, a, binary ? b : -1, row, y, inputs});
  }

  void assign() {
    int which = below(3);
    Row row = random_row();
    variables_[static_cast<std::size_t>(which)]->assign(as_tensor(row));
    add_leaf(row, *variables_[static_cast<std::size_t>(which)], which);
  }

  void stop(Tape& tape) {
    tape.tape->stop();
    if (recording(tape)) tape.stopped = true, tape.end = size();
  }

  // What flows back to each node; nothing where there is no path.
  using Flow = std::vector<std::optional<Row>>;

  // Reverse mode over the nodes that the tape saw.
  Flow reference(const Tape& tape, int target) const {
    int end = tape.stopped ? tape.end : size();
    Flow flow(nodes_.size());
    if (target < tape.begin || target >= end || node(target).known != Known::live) return flow;
    flow[static_cast<std::size_t>(target)] = Row{1, 1, 1};
    for (int i = target; i >= tape.begin; --i) {
      const auto& [op, a, b, value, tensor, known, variable] = node(i);
      const std::optional<Row>& dy = flow[static_cast<std::size_t>(i)];
      if (!dy || op == Op::leaf || known != Known::live) continue;
      auto [da, db] = slopes_of(op, *dy, node(a).value, b < 0 ? Row{} : node(b).value);
      add(flow[static_cast<std::size_t>(a)], da);
      if (b >= 0) add(flow[static_cast<std::size_t>(b)], db);
    }
    return flow;
  }

  static void add(std::optional<Row>& sum, const Row& part) {
    if (!sum) sum = Row{};
    for (int i = 0; i < width; ++i) (*sum)[i] += part[i];
  }

  std::optional<Row> expected(const Flow& flow, const Tape& tape, int source) const {
    const std::optional<Row>& here = flow[static_cast<std::size_t>(source)];
    const Node& from = node(source);
    if (from.variable == 2) return {};
    if (from.variable >= 0 && current_[static_cast<std::size_t>(from.variable)] != source) return {};  // a former value
    if (from.variable >= 0) {
      std::optional<Row> sum;  // over all values that the variable has had
      for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].variable == from.variable && flow[i]) add(sum, *flow[i]);
      }
      return sum;
    }
    if (from.op == Op::leaf) return tape.watched == source ? here : std::nullopt;
    int end = tape.stopped ? tape.end : size();
    return source >= tape.begin && source < end && from.known == Known::live ? here : std::nullopt;
  }

  void ask(Tape& tape) {
    int target = size() - 1 - below(std::min(size(), 8)), source = below(3) ? current_[pick(2)] : below(size());
    if (tape.watched >= 0 && below(3) == 0) source = tape.watched;
    const Node &from = node(source), &to = node(target);
    if (to.op == Op::leaf || (from.op == Op::leaf && from.variable < 0 && tape.watched != source)) return;
    if (tape.asked && !tape.persistent) {
      EXPECT_THROW(tape.tape->gradient(to.tensor, from.tensor), GradientError);
      return;
    }
    std::optional<Row> row = expected(reference(tape, target), tape, source);
    tape.asked = true;
    ++answers_;
    bool differentiable = below(2);
    try {
      Tensor found = tape.tape->gradient(to.tensor, from.tensor, {.differentiable = differentiable});
      ASSERT_TRUE(row) << "a gradient to node " << source << " where there is no path";
      for (int i = 0; i < width; ++i) {
        ASSERT_NEAR(found.data<double>()[i], (*row)[i], 1e-11 * std::max(1.0, std::abs((*row)[i])));
      }
    } catch (const GradientError& error) {
      ASSERT_FALSE(row) << "from node " << target << " to node " << source << ": " << error.what();
    }
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<Variable>> variables_;
  std::vector<Node> nodes_;
  std::vector<int> current_;  // the node of each variable's present value
  std::vector<Tape> tapes_;
  int answers_ = 0;
};

TEST(RandomPrograms, HaveTheGradientsOfTheReference) {
  std::size_t before = memory_in_use();
  int answers = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    answers += Program(seed).run();
    ASSERT_FALSE(HasFailure()) << "program " << seed;
  }
  EXPECT_GT(answers, 5000);
  EXPECT_EQ(memory_in_use(), before);
}

// --- Second order ----------------------------------------------------------------------------------------------------

// f(w, x), one random smooth expression, evaluated by the library on tensors.
Tensor expression(unsigned seed, const Tensor& w, const Tensor& x) {
  std::mt19937 random(seed);
  Tensors nodes{w, x};
  for (int i = 0; i < 6; ++i) {
    Op op = static_cast<Op>(1 + random() % 6);
    const Tensor a = nodes[random() % nodes.size()], b = nodes[random() % nodes.size()];
    nodes.push_back(i % 2 ? tanh(tensor_of(op, a, b)) : tensor_of(op, a, b));
  }
  return nodes.back() + sin(nodes[4] * w) * x;
}

TEST(RandomPrograms, HaveSecondOrderGradients) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Variable w("w", as_tensor({0.3, -0.7, 0.5}));
    Tensor x = as_tensor({0.9, 0.4, -0.2});
    auto slope = [&] {
      GradientTape inner;
      return inner.gradient(expression(seed, w, x), w, {.differentiable = true});
    };
    Tensor found;
    {
      GradientTape outer;
      Tensor df = slope();
      found = outer.gradient(reduce_sum(df * df) + 3.0 * reduce_sum(w), w);
    }
    for (int i = 0; i < width; ++i) {
      double sides[2];
      for (int side : {0, 1}) {
        Row row{0.3, -0.7, 0.5};
        row[i] += side ? 1e-5 : -1e-5;
        w.assign(as_tensor(row));
        Tensor df = slope();
        sides[side] = (reduce_sum(df * df) + 3.0 * reduce_sum(w)).item();
      }
      w.assign(as_tensor({0.3, -0.7, 0.5}));
      double expected = (sides[1] - sides[0]) / 2e-5;
      double tolerance = 1e-6 * std::max(1.0, std::abs(expected));
      ASSERT_NEAR(found.data<double>()[i], expected, tolerance) << "program " << seed;
    }
  }
}

}  // namespace
}  // namespace floe
