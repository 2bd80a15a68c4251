// BackwardPass: marking what leads to the sources, walking back, and adding up what flows.
#include <floe/tape/backward_pass.h>

#include <algorithm>
#include <utility>

#include <floe/backend/filled.h>
#include <floe/backend/strides.h>
#include <floe/backend/run.h>

namespace floe {
namespace {

NodeId output_of(const Node& node, int output) { return node.first_output.plus(static_cast<std::uint64_t>(output)); }

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

// Reports a part that was added to a gradient of this shape, at these places.
void observe_part(const Tensor& part, const Shape& whole, const Strides& at, Tensor& output) {
  std::span<const std::int64_t> strides(at.strides.data(), static_cast<std::size_t>(whole.rank()));
  observe({"slice_gradient", {}, {{"shape", whole}, {"offset", at.offset}, {"strides", strides}}}, {part}, output);
}

// total += part at those places, in memory of its own: at once where they are contiguous, else through a copy.
void add_part(Tensor& total, const Strides& at, const Tensor& part) {
  total.raw_mutable();  // a gradient that someone else holds is copied here, once
  const Shape whole = total.shape();
  Strides dense = dense_strides(part.shape());
  bool contiguous = true;
  for (int axis = 0; axis < part.rank(); ++axis)
    contiguous &= part.dim(axis) == 1 || at.strides[axis] == dense.strides[axis];

  if (contiguous) {
    Tensor place = total.view(part.shape(), at.offset);
    total = {};  // the only handle is now `place`, or writing there would copy it
    observe_begun(place);
    run<cpu::add, cuda::add>(part.device(), place, part, place);
    observe_part(part, whole, at, place);
    total = place.view(whole, -at.offset);
  } else {
    Tensor place(part.shape(), part.dtype(), part.device());
    run<cpu::read_strided, cuda::read_strided>(part.device(), total, at, place);
    run<cpu::add, cuda::add>(part.device(), place, part, place);
    run<cpu::write_strided, cuda::write_strided>(part.device(), place, total, at);
    observe_part(part, whole, at, place);
  }
}

// Puts back which op's gradient is being computed, even after an exception.
struct GradientOf {
  ~GradientOf() { this_record().gradient_of = outer; }
  const OpInfo* outer = this_record().gradient_of;
};

}  // namespace

// --- Which ids lead to a source --------------------------------------------------------------------------------------

BackwardPass::BackwardPass(NodeId begun, NodeId end, bool differentiable)
    : begun_(begun), flags_(end.since(begun)), gradients_(flags_.size()), differentiable_(differentiable) {}

void BackwardPass::mark(std::span<Node* const> nodes) {
  // Sort the sources from outside; one may have been named twice.
  auto before = [](const Outer& a, const Outer& b) { return a.id < b.id; };
  auto same = [](const Outer& a, const Outer& b) { return a.id == b.id; };
  std::sort(outer_.begin(), outer_.end(), before);
  outer_.erase(std::unique(outer_.begin(), outer_.end(), same), outer_.end());

  for (const Node* node : nodes) {
    std::uint8_t reach = 0;
    for (int input = 0; input < node->input_count; ++input) reach |= flags_of(node->inputs[input]);
    reach &= needed | marked;
    if (node->kind == Node::Kind::blocked) reach = 0;
    if (node->kind == Node::Kind::gradient_mark && reach) reach = marked;
    for (int output = 0; reach && output < node->output_count; ++output) {
      if (NodeId id = output_of(*node, output); inside(id)) flags_[index(id)] |= reach;
    }
  }
}

std::optional<std::size_t> BackwardPass::outer(NodeId id) const {
  auto found =
      std::lower_bound(outer_.begin(), outer_.end(), id.plain(), [](const Outer& a, NodeId b) { return a.id < b; });
  if (found == outer_.end() || found->id != id.plain()) return {};
  return static_cast<std::size_t>(found - outer_.begin());
}

// --- The walk --------------------------------------------------------------------------------------------------------

// Each op, last first: what has come to its outputs is passed on to its inputs, and what only that needed is freed.
void BackwardPass::run(NodeId target, Tensor output_gradient, const std::vector<Node*>& nodes, bool release) {
  *gradient(target) = std::move(output_gradient);
  GradientOf put_back;
  for (auto at = nodes.rbegin(); at != nodes.rend(); ++at) {
    Node& node = **at;
    if (node.kind != Node::Kind::op) continue;
    if (arrived(node) && wanted(node)) call(node);
    forget_outputs(node);
    if (release) Record::empty(node);
  }
}

bool BackwardPass::arrived(const Node& node) const {
  for (int output = 0; output < node.output_count; ++output) {
    NodeId id = output_of(node, output);
    if (inside(id) && gradients_[index(id)].defined()) return true;
  }
  return false;
}

bool BackwardPass::wanted(const Node& node) const {
  for (int input = 0; input < node.input_count; ++input) {
    if (needs(node.inputs[input])) return true;
  }
  return false;
}

void BackwardPass::call(Node& node) {
  Backward backward(*this);
  backward.node_ = &node;
  this_record().gradient_of = &node.op;
  CallScope scope(node.op.where, node.op.layer);
  node.call(node.function, backward);
}

void BackwardPass::forget_outputs(const Node& node) {
  for (int output = 0; output < node.output_count; ++output) {
    NodeId id = output_of(node, output);
    if (inside(id) && !(flags_[index(id)] & source)) gradients_[index(id)] = {};
  }
}

// --- What a gradient function sees of it -----------------------------------------------------------------------------

const Tensor& Backward::dy(int output) const {
  static const Tensor nothing;
  const Tensor* found = pass_->gradient(output_of(*node_, output));  // null for one that comes after the target
  return found ? *found : nothing;
}

Tensor Backward::take_dy() {
  bool kept = pass_->flags_of(node_->first_output) & BackwardPass::source;
  Tensor& slot = *pass_->gradient(node_->first_output);
  return kept ? slot : std::move(slot);
}

const Tensor& Backward::kept(int index) const { return node_->kept[index]; }
bool Backward::needs(int input) const { return pass_->needs(node_->inputs[input]); }
bool Backward::differentiable() const { return pass_->differentiable(); }

void Backward::give(int input, Tensor dx) {
  Tensor& slot = *pass_->gradient(node_->inputs[input]);
  slot = slot.defined() ? sum(std::move(slot), dx, !differentiable()) : std::move(dx);
}

void Backward::give_part(int input, const Shape& whole, const Strides& at, const Tensor& part) {
  Tensor& slot = *pass_->gradient(node_->inputs[input]);
  if (!slot.defined()) {
    slot = filled(whole, 0, part.dtype(), part.device());
    if (part.elements() > 0) run<cpu::write_strided, cuda::write_strided>(part.device(), part, slot, at);
    observe_part(part, whole, at, slot);
  } else if (part.elements() > 0) {
    add_part(slot, at, part);
  }
}

}  // namespace floe
