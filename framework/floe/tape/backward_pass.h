// BackwardPass: one walk back through the record, from a target to the sources of a gradient. Private to the tape room.
#pragma once

#include <optional>
#include <vector>

#include <floe/tape/record_state.h>

namespace floe {

// What has flowed back so far, by id, and which ids lead to a source. Ids in (begun, end] index two dense tables; the few
// sources from outside, variables and tensors watched from before, are in a sorted list.
class BackwardPass {
 public:
  BackwardPass(NodeId begun, NodeId end, bool differentiable);

  // First the sources, then all ops in the order in which they ran: what depends on a source needs a gradient.
  void add_inner_source(NodeId id) { flags_[index(id)] = needed | source; }
  void add_outer_source(NodeId id) { outer_.push_back({id.plain(), {}}); }
  void mark(std::span<Node* const> nodes);

  bool inside(NodeId id) const { return id.plain() > begun_ && index(id) < flags_.size(); }
  bool needs(NodeId id) const { return flags_of(id) & needed; }
  bool through_mark(NodeId id) const { return flags_of(id) & marked; }  // by a gradient that was not recorded
  bool differentiable() const { return differentiable_; }

  // Then the walk, from what flows into the target. `release`: no one else will need these nodes.
  void run(NodeId target, Tensor output_gradient, const std::vector<Node*>& nodes, bool release);

  // What has come to this id so far, perhaps undefined; null if none is gathered for it.
  Tensor* gradient(NodeId id) {
    if (inside(id)) return &gradients_[index(id)];
    std::optional<std::size_t> place = outer(id);
    return place ? &outer_[*place].gradient : nullptr;
  }

 private:
  friend class Backward;
  static constexpr std::uint8_t needed = 1, marked = 2, source = 4;

  struct Outer {
    NodeId id;
    Tensor gradient;
  };

  std::size_t index(NodeId id) const { return id.plain().since(begun_) - 1; }
  std::optional<std::size_t> outer(NodeId id) const;
  std::uint8_t flags_of(NodeId id) const {
    if (inside(id)) return id.is_blocked() ? 0 : flags_[index(id)];
    return !id.is_constant() && outer(id) ? needed : 0;
  }
  bool arrived(const Node& node) const;   // has a gradient come to any of its outputs?
  bool wanted(const Node& node) const;    // does any of its inputs need one?
  void call(Node& node);                  // runs its gradient function
  void forget_outputs(const Node& node);  // their gradients, except for the sources'

  NodeId begun_;
  std::vector<std::uint8_t> flags_;
  Tensors gradients_;
  std::vector<Outer> outer_;
  bool differentiable_;
};

}  // namespace floe
