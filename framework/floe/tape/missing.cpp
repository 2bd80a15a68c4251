// GradientTape: explaining why there is no gradient.
#include <fmt/format.h>

#include <floe/tape/record_state.h>
#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

std::string blocked_by(const Node& node) {
  Location where = node.op.where;
  return fmt::format("no gradient flows through {}", node.op.name) +
         (where.file ? fmt::format(" at {}:{}", where.file, where.line) : "");
}

}  // namespace

std::string GradientTape::why_missing(const Tensor& target, const Tensor& source) const {
  std::string why = why_not_to(source);
  if (why.empty()) why = why_not_from(target);
  return why.empty() ? why_no_way(target.id(), source.id()) : why;
}

std::string GradientTape::why_not_to(const Tensor& source) const {
  const Record& record = this_record();
  NodeId id = source.id();
  bool watched = state_->watches(id);

  if (!is_floating(source.dtype()))
    return fmt::format("it is {}; gradients exist for float32 and float64", name(source.dtype()));
  if (id.is_constant()) return "it was not watched; watch(x) before it is used";
  if (is_former_value(source))
    return "it is a former value of that variable, which is a constant; pass the variable itself";
  if (id.is_variable())
    return id.is_blocked() && !watched ? "it is not trainable; set_trainable(true), or watch it" : "";
  if (!watched && id.plain() <= state_->begun)
    return "it was made before this tape began; watch(x), or begin the tape earlier";
  if (id.plain() > record.last) return "it was made on another thread; watch(x) before it is used";
  if (id.plain() > seen_until()) return "it was made after this tape was stopped";
  if (id.is_blocked()) return blocked_by(record.maker(id)) + ", which made it; watch(x) before it is used";
  return "";
}

std::string GradientTape::why_not_from(const Tensor& target) const {
  NodeId id = target.id();
  if (id.is_constant()) return "the target depends on nothing that was watched while it was made";
  if (id.is_variable()) return "";
  if (id.plain() > this_record().last) return "the target was made on another thread";
  if (id.plain() > seen_until()) return "the target was made after this tape was stopped";
  return id.plain() <= state_->begun ? "the target was made before this tape began" : "";
}

// Follows every dependency, even where no gradient flows, and remembers the first op that stopped it.
std::string GradientTape::why_no_way(NodeId target, NodeId source) const {
  const Record& record = this_record();
  NodeId end = seen_until();
  struct Reached {
    bool yes = false;
    const Node* stop = nullptr;
  };
  std::vector<Reached> reached(end.since(state_->begun));
  auto inside = [&](NodeId id) { return id.plain() > state_->begun && id.plain() <= end; };
  auto from = [&](NodeId id) {
    if (id.plain() == source.plain()) return Reached{true};
    if (!inside(id)) return Reached{};
    Reached found = reached[id.plain().since(state_->begun) - 1];
    if (found.yes && !found.stop && id.is_blocked()) found.stop = &record.maker(id);
    return found;
  };

  bool used = false;
  for (const Node* node : record.between(state_->begun, end)) {
    Reached reach;
    for (int input = 0; input < node->input_count; ++input) {
      NodeId id = node->inputs[input];
      used |= id.plain() == source.plain();
      if (Reached found = from(id); found.yes) reach = {true, found.stop ? found.stop : reach.stop};
    }
    for (int output = 0; output < node->output_count; ++output) {
      NodeId id = node->first_output.plus(static_cast<std::uint64_t>(output));
      if (reach.yes && inside(id)) reached[id.since(state_->begun) - 1] = reach;
    }
  }
  if (!used) return "it was never used while this tape was recording";
  Reached found = from(target);
  return found.stop ? blocked_by(*found.stop) : "it was used, but the target does not depend on it";
}

}  // namespace floe
