// GradientTape: walking the record backwards, and saying why there is no gradient.
#include <floe/tape/tape.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/tape/record_state.h>
#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

std::string described(const Tensor& tensor) {
  std::string path = variable_name(tensor.id());
  return path.empty() ? fmt::format("a tensor of shape {}", to_string(tensor.shape())) : path;
}

// A variable's value from before a step or an assignment: a constant.
bool is_former_value(const Tensor& tensor) { return tensor.id() & variable_bit && !is_present_value(tensor); }

// `value` everywhere, in the shape of x; ones_like and zeros_like stand to the right of this room.
Tensor filled_like(const Tensor& x, double value) {
  Tensor y(x.shape(), x.dtype(), x.device());
  run<cpu::fill, cuda::fill>(x.device(), value, y);
  return y;
}

// a + b for two gradients that meet: recorded like any other op; in place if no one else holds `a` or observes.
Tensor sum(Tensor a, const Tensor& b, bool in_place) {
  if (in_place && a.unique() && !(detail::hooks & detail::observed)) {
    run<cpu::add, cuda::add>(a.device(), a, b, a);
    return a;
  }
  Tensor c(a.shape(), a.dtype(), a.device());
  run<cpu::add, cuda::add>(a.device(), a, b, c);
  record({"add"}, {a, b}, c, {}, [](Backward& op) {
    if (op.needs(0)) op.give(0, op.dy());
    if (op.needs(1)) op.give(1, op.dy());
  });
  return c;
}

}  // namespace

// --- One walk backwards ----------------------------------------------------------------------------------------------

// Ids in (begun, end] index two dense tables; the few other sources (variables, tensors watched from before) a sorted list.
struct Backward::Walk {
  static constexpr std::uint8_t needed = 1;       // a source leads here
  static constexpr std::uint8_t through_mark = 2; // a source leads here through a gradient that was not recorded
  static constexpr std::uint8_t source = 4;

  struct Outside {
    NodeId id;
    Tensor gradient;
  };

  Walk(NodeId begun, NodeId end) : begun(begun), flags(end - begun), gradients(end - begun) {}

  bool inside(NodeId id) const { return plain(id) > begun && plain(id) <= begun + flags.size(); }

  Outside* outside(NodeId id) {
    auto found = std::lower_bound(outsides.begin(), outsides.end(), plain(id),
                                  [](const Outside& a, NodeId b) { return a.id < b; });
    return found != outsides.end() && found->id == plain(id) ? &*found : nullptr;
  }

  std::uint8_t flags_of(NodeId id) {
    if (inside(id)) return flags[plain(id) - begun - 1];
    return outside(id) ? needed : 0;
  }

  Tensor* slot(NodeId id) {
    if (inside(id)) return &gradients[plain(id) - begun - 1];
    Outside* found = outside(id);
    return found ? &found->gradient : nullptr;
  }

  NodeId begun;
  std::vector<std::uint8_t> flags;
  Tensors gradients;
  std::vector<Outside> outsides;
  bool differentiable = false;
};

const Tensor& Backward::dy(int output) const { return *walk_->slot(node_->first_output + static_cast<NodeId>(output)); }

Tensor Backward::take_dy() {
  bool kept = walk_->flags_of(node_->first_output) & Walk::source;
  Tensor& slot = *walk_->slot(node_->first_output);
  return kept ? slot : std::move(slot);
}

const Tensor& Backward::kept(int index) const { return node_->kept[index]; }
bool Backward::needs(int input) const { return walk_->flags_of(node_->inputs[input]) & Walk::needed; }
bool Backward::differentiable() const { return walk_->differentiable; }

void Backward::give(int input, Tensor dx) {
  Tensor& slot = *walk_->slot(node_->inputs[input]);
  slot = slot.defined() ? sum(std::move(slot), dx, !walk_->differentiable) : std::move(dx);
}

// --- The tape --------------------------------------------------------------------------------------------------------

GradientTape::GradientTape() : begun_(this_record().last) { this_record().enter(this); }
GradientTape::GradientTape(Persistent) : GradientTape() { persistent_ = true; }
GradientTape::~GradientTape() { this_record().leave(this); }

void GradientTape::stop() {
  if (!stopped_) stopped_ = this_record().last;
  this_record().refresh();
}

void GradientTape::watch(Tensor& x) {
  if (!is_floating(x.dtype())) {
    throw DTypeError(
        fmt::format("watch: gradients exist for float32 and float64, and the tensor is {}", name(x.dtype())));
  }
  Record& record = this_record();
  if (!record.knows(x.id())) x.set_id(++record.last);
  else if (x.id() & variable_bit || plain(x.id()) <= begun_) watched_.push_back(plain(x.id()));
}

void GradientTape::watch(const Variable& x) { watched_.push_back(plain(x.value().id())); }

Tensor GradientTape::gradient(const Tensor& target, const Tensor& source, const GradientOptions& options,
                              Location where) {
  TensorRef sources[] = {source};
  return differentiate(target, sources, options, where)[0];
}

Tensor GradientTape::gradient(const Tensor& target, const Variable& source, const GradientOptions& options,
                              Location where) {
  return gradient(target, source.value(), options, where);
}

Tensors GradientTape::gradient(const Tensor& target, const Tensors& sources, const GradientOptions& options,
                               Location where) {
  std::vector<TensorRef> refs(sources.begin(), sources.end());
  return differentiate(target, refs, options, where);
}

Gradients GradientTape::gradient(const Tensor& target, const Variables& sources, const GradientOptions& options,
                                 Location where) {
  std::vector<TensorRef> refs;
  for (const Variable* source : sources) refs.emplace_back(source->value());
  Tensors values = differentiate(target, refs, options, where);
  Gradients gradients;
  for (std::size_t i = 0; i < sources.size(); ++i) gradients.add(*sources[i], std::move(values[i]));
  return gradients;
}

Tensors GradientTape::differentiate(const Tensor& target, TensorRefs sources, const GradientOptions& options,
                                    Location where) {
  Record& record = this_record();
  auto fail = [&](const std::string& what) { throw GradientError(message("gradient", what, {}, where)); };

  // Refuse what cannot be answered.
  if (std::find(record.tapes.begin(), record.tapes.end(), this) == record.tapes.end()) {
    fail(asked_ ? "this tape has been asked\n  a tape gives its gradients once; GradientTape tape{persistent} gives "
                  "them again"
                : "this tape belongs to another thread\n  a tape records and answers on the thread that made it");
  }
  if (!target.defined()) fail("the target has no value");
  if (!is_floating(target.dtype()))
    fail(fmt::format("the target is {}\n  gradients exist for float32 and float64", name(target.dtype())));
  if (options.output_gradient.defined() && options.output_gradient.shape() != target.shape()) {
    throw ShapeError(message("gradient", "the output gradient must have the target's shape",
                             {{"target", target}, {"output gradient", options.output_gradient}}, where));
  }
  if (options.output_gradient.defined() && options.output_gradient.dtype() != target.dtype()) {
    throw DTypeError(message("gradient", "the output gradient must have the target's dtype",
                             {{"target", target}, {"output gradient", options.output_gradient}}, where));
  }

  // From here on this tape counts as asked, also if a gradient function throws.
  struct Asked {
    explicit Asked(GradientTape* tape) : tape(tape) {
      tape->asked_ = !tape->persistent_;
      this_record().refresh();
    }
    ~Asked() {
      if (tape->asked_) this_record().leave(tape);
    }
    GradientTape* tape;
  } asked(this);

  // Mark the sources, and everything that depends on them, up to the target.
  NodeId end = stopped_ ? stopped_ : record.last;
  if (plain(target.id()) > begun_ && plain(target.id()) <= end) end = plain(target.id());
  Backward::Walk walk(begun_, end);
  for (const TensorRef& source : sources) {
    NodeId id = source->id();
    if (is_former_value(*source)) continue;
    bool watched = std::find(watched_.begin(), watched_.end(), plain(id)) != watched_.end();
    if (walk.inside(id) && !(id & blocked_bit))
      walk.flags[plain(id) - begun_ - 1] = Backward::Walk::needed | Backward::Walk::source;
    else if (watched || ((id & variable_bit) && !(id & blocked_bit))) walk.outsides.push_back({plain(id), {}});
  }
  std::sort(walk.outsides.begin(), walk.outsides.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  walk.outsides.erase(std::unique(walk.outsides.begin(), walk.outsides.end(),
                                  [](const auto& a, const auto& b) { return a.id == b.id; }),
                      walk.outsides.end());

  std::size_t first = record.first_after(begun_), last = record.first_after(end);
  for (std::size_t i = first; i < last; ++i) {
    const Node& node = *record.nodes[i];
    std::uint8_t reach = 0;
    for (int input = 0; input < node.input_count; ++input) reach |= walk.flags_of(node.inputs[input]);
    reach &= ~Backward::Walk::source;
    if (node.kind == Node::Kind::blocked) reach = 0;
    if (node.kind == Node::Kind::gradient_mark && reach) reach = Backward::Walk::through_mark;
    for (int output = 0; output < node.output_count; ++output) {
      std::size_t at = node.first_output + static_cast<NodeId>(output) - begun_ - 1;
      if (at < walk.flags.size()) walk.flags[at] |= reach;
    }
  }
  if (walk.flags_of(target.id()) & Backward::Walk::through_mark) {
    fail("the target depends on a gradient that was not recorded, so its own gradient would be wrong\n"
         "  ask that gradient with {.differentiable = true}, or cut it off with stop_gradient");
  }

  // Walk back from the target. Without `differentiable` nothing of this is recorded, and kept tensors go as they are read.
  walk.differentiable = options.differentiable && (detail::hooks & detail::recording);
  std::optional<NoRecording> silence;
  if (!walk.differentiable) silence.emplace();
  bool release = !persistent_ && !walk.differentiable && record.tapes.size() == 1;
  struct GradientOf {
    ~GradientOf() { this_record().gradient_of = outer; }
    const OpInfo* outer = this_record().gradient_of;
  } restored_at_the_end;
  if (walk.flags_of(target.id()) & Backward::Walk::needed) {
    *walk.slot(target.id()) = options.output_gradient.defined() ? options.output_gradient : filled_like(target, 1);
    Backward backward;
    backward.walk_ = &walk;
    for (std::size_t i = last; i-- > first;) {
      Node& node = *record.nodes[i];
      if (node.kind != Node::Kind::op) continue;
      bool arrived = false, wanted = false;
      for (int output = 0; output < node.output_count; ++output) {
        NodeId id = node.first_output + static_cast<NodeId>(output);
        arrived |= walk.inside(id) && walk.gradients[id - begun_ - 1].defined();
      }
      for (int input = 0; input < node.input_count; ++input)
        wanted |= walk.flags_of(node.inputs[input]) & Backward::Walk::needed;
      if (arrived && wanted) {
        backward.node_ = &node;
        record.gradient_of = &node.op;
        CallScope scope(node.op.where, node.op.layer);
        node.call(node.function, backward);
      }
      for (int output = 0; output < node.output_count; ++output) {
        NodeId id = node.first_output + static_cast<NodeId>(output);
        if (walk.inside(id) && !(walk.flags[id - begun_ - 1] & Backward::Walk::source))
          walk.gradients[id - begun_ - 1] = {};
      }
      if (release) Record::empty(node);
    }
  }
  silence.reset();

  // Collect; what is missing is explained or zero.
  Tensors results;
  for (const TensorRef& source : sources) {
    Tensor* slot = is_former_value(*source) ? nullptr : walk.slot(source->id());
    if (slot && slot->defined()) {
      results.push_back(walk.differentiable ? *slot : slot->detached());
    } else if (options.missing == Missing::zero) {
      results.push_back(filled_like(*source, 0));
    } else {
      fail(fmt::format("no path from the target to {}\n  {}", described(*source), why_missing(target, *source)));
    }
  }

  // Leave a mark for the other live tapes: silence there would be a wrong number.
  if (!walk.differentiable && (detail::hooks & detail::recording)) {
    std::vector<TensorRef> inputs(sources.begin(), sources.end());
    inputs.emplace_back(target);
    std::vector<Tensor*> outputs;
    for (Tensor& result : results) outputs.push_back(&result);
    record.add({"gradient", where}, inputs, outputs, {}, 0, Node::Kind::gradient_mark);
  }
  return results;
}

std::string GradientTape::why_missing(const Tensor& target, const Tensor& source) const {
  const Record& record = this_record();
  NodeId end = stopped_ ? stopped_ : record.last;
  NodeId id = source.id();
  bool watched = std::find(watched_.begin(), watched_.end(), plain(id)) != watched_.end();

  // The source itself.
  if (!is_floating(source.dtype()))
    return fmt::format("it is {}; gradients exist for float32 and float64", name(source.dtype()));
  if (id == 0) return "it was not watched; watch(x) before it is used";
  if (is_former_value(source))
    return "it is a former value of that variable, which is a constant; ask for the variable";
  if (id & variable_bit && id & blocked_bit && !watched) return "it is not trainable; set_trainable(true), or watch it";
  if (!(id & variable_bit) && !watched && plain(id) <= begun_)
    return "it was made before this tape began; watch(x), or begin the tape earlier";
  if (!(id & variable_bit) && plain(id) > record.last)
    return "it was made on another thread; watch(x) before it is used";
  if (!(id & variable_bit) && plain(id) > end) return "it was made after this tape was stopped";
  auto blocked_by = [](const Node& node) {
    Location where = node.op.where;
    return fmt::format("no gradient flows through {}", node.op.name) +
           (where.file ? fmt::format(" at {}:{}", where.file, where.line) : "");
  };
  if (!(id & variable_bit) && id & blocked_bit) {
    return blocked_by(*record.nodes[record.first_after(plain(id) - 1)]) + ", which made it; watch(x) before it is used";
  }

  // The target.
  if (!(target.id() & variable_bit) && plain(target.id()) > record.last) return "the target was made on another thread";
  if (!(target.id() & variable_bit) && plain(target.id()) > end)
    return "the target was made after this tape was stopped";
  if (target.id() == 0 || plain(target.id()) <= begun_) {
    return target.id() == 0 ? "the target depends on nothing that was watched while it was made"
                            : "the target was made before this tape began";
  }

  // The way between them: follow every dependency, also where no gradient flows, and remember the first such op.
  std::vector<const Node*> blocked(end - begun_, nullptr);
  std::vector<bool> reached(end - begun_, false);
  bool used = false;
  if (plain(id) > begun_ && plain(id) <= end) reached[plain(id) - begun_ - 1] = true;
  for (std::size_t i = record.first_after(begun_); i < record.first_after(end); ++i) {
    const Node& node = *record.nodes[i];
    bool reach = false;
    const Node* by = nullptr;
    for (int input = 0; input < node.input_count; ++input) {
      NodeId from = node.inputs[input];
      bool inside = !(from & variable_bit) && plain(from) > begun_ && plain(from) <= end;
      bool direct = plain(from) == plain(id);
      used |= direct;
      if (!direct && !(inside && reached[plain(from) - begun_ - 1])) continue;
      reach = true;
      if (inside && blocked[plain(from) - begun_ - 1]) by = blocked[plain(from) - begun_ - 1];
    }
    if (!reach) continue;
    if (node.kind == Node::Kind::blocked && !by) by = &node;
    for (int output = 0; output < node.output_count; ++output) {
      std::size_t at = node.first_output + static_cast<NodeId>(output) - begun_ - 1;
      if (at < reached.size()) reached[at] = true, blocked[at] = by;
    }
  }
  if (!used) return "it was never used while this tape was recording";
  if (reached[plain(target.id()) - begun_ - 1]) {
    const Node* by = blocked[plain(target.id()) - begun_ - 1];
    if (by) return blocked_by(*by);
  }
  return "it was used, but the target does not depend on it";
}

Tensor stop_gradient(const Tensor& x, Location where) {
  Tensor y = x.detached();
  record_blocked({"stop_gradient", where}, {x}, y);
  return y;
}

// --- Gradients -------------------------------------------------------------------------------------------------------

const Tensor& Gradients::operator[](const Variable& variable) const {
  for (const Entry& entry : entries_) {
    if (entry.variable == &variable) return entry.gradient;
  }
  throw ValueError(fmt::format("gradients: {} was not asked for", variable.path()));
}

const Tensor& Gradients::operator[](const std::string& path) const {
  for (const Entry& entry : entries_) {
    if (entry.variable->path() == path) return entry.gradient;
  }
  throw ValueError(fmt::format("gradients: {} was not asked for", path));
}

}  // namespace floe
