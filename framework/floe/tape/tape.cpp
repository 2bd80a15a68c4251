// GradientTape: what it watches, and its answers.
#include <floe/tape/tape.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <floe/backend/filled.h>
#include <floe/tape/backward_pass.h>
#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

std::string described(const Tensor& tensor) {
  std::string path = variable_name(tensor.id());
  return path.empty() ? fmt::format("a tensor of shape {}", to_string(tensor.shape())) : path;
}

[[noreturn]] void fail(Location where, const std::string& what) {
  throw GradientError(message("gradient", what, {}, where));
}

}  // namespace

GradientTape::GradientTape() : state_(std::make_shared<State>()) {
  Record& record = this_record();
  state_->begun = record.last;
  record.tapes.push_back(state_);
  record.refresh();
}

GradientTape::GradientTape(Persistent) : GradientTape() { state_->persistent = true; }
GradientTape::~GradientTape() { state_->leave(); }

void GradientTape::stop() {
  require_here("stop");
  if (state_->stopped.is_constant()) state_->stopped = this_record().last;
  this_record().refresh();
}

void GradientTape::watch(Tensor& x) {
  require_here("watch");
  if (!x.defined()) throw ValueError("watch: the tensor has no value yet");
  if (!is_floating(x.dtype())) {
    throw DTypeError(
        fmt::format("watch: gradients exist for float32 and float64, and the tensor is {}", name(x.dtype())));
  }
  Record& record = this_record();
  if (!record.knows(x.id()) || is_former_value(x))
    x.set_id(record.last = record.last.plus(1));
  else if (x.id().is_variable() || x.id().plain() <= state_->begun)
    state_->watched.push_back(x.id().plain());
}

void GradientTape::watch(const Variable& x) {
  require_here("watch");
  state_->watched.push_back(x.value().id().plain());
}

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

// From here on the tape has answered, even if a gradient function throws.
struct GradientTape::Asked {
  explicit Asked(std::shared_ptr<State> tape) : tape(std::move(tape)) {
    this->tape->asked = !this->tape->persistent;
    this_record().refresh();
  }
  ~Asked() {
    if (tape->asked) tape->leave();
  }
  std::shared_ptr<State> tape;
};

Tensors GradientTape::differentiate(const Tensor& target, TensorRefs sources, const GradientOptions& options,
                                    Location where) {
  require_answerable(target, options.output_gradient, where);
  for (const TensorRef& source : sources) {
    if (!source->defined()) fail(where, "a source has no value");
  }
  Asked now(state_);
  Record& record = this_record();

  // Mark the sources, and everything that depends on them, up to the target.
  NodeId end = seen_until();
  if (target.id().plain() > state_->begun && target.id().plain() <= end) end = target.id().plain();
  BackwardPass pass(state_->begun, end, options.differentiable && detail::hooks & detail::recording);
  add_sources(pass, sources);
  pass.mark(record.between(state_->begun, end));
  if (pass.through_mark(target.id())) {
    fail(where,
         "the target depends on a gradient that was not recorded, so its own gradient would be wrong\n"
         "  take that gradient with {.differentiable = true}, or cut it off with stop_gradient");
  }

  // Walk back from the target. Unless it is differentiable, none of this is recorded, and what ops have kept is freed
  // as it is read.
  if (pass.needs(target.id())) {
    std::optional<NoRecording> silence;
    if (!pass.differentiable()) silence.emplace();
    std::span<Node* const> nodes = record.between(state_->begun, end);  // copied below: the walk may add to the record
    bool release = !state_->persistent && !pass.differentiable() && record.tapes.size() == 1;
    Tensor flows = options.output_gradient.defined() ? options.output_gradient
                                                     : filled(target.shape(), 1, target.dtype(), target.device());
    pass.run(target.id(), std::move(flows), {nodes.begin(), nodes.end()}, release);
  }

  Tensors results = collect(pass, target, sources, options.missing, where);
  if (!pass.differentiable()) leave_mark(target, sources, options.output_gradient, results, where);
  return results;
}

// --- The steps of an answer ------------------------------------------------------------------------------------------

void GradientTape::require_answerable(const Tensor& target, const Tensor& output_gradient, Location where) const {
  if (state_->asked) {
    fail(where,
         "this tape has already answered\n"
         "  a tape gives its gradients once; GradientTape tape{persistent} gives them again");
  }
  require_here("gradient", where);
  if (!target.defined()) fail(where, "the target has no value");
  if (!is_floating(target.dtype()))
    fail(where, fmt::format("the target is {}\n  gradients exist for float32 and float64", name(target.dtype())));
  if (!output_gradient.defined()) return;
  std::initializer_list<Shown> both{{"target", target}, {"output gradient", output_gradient}};
  if (output_gradient.shape() != target.shape())
    throw ShapeError(message("gradient", "the output gradient must have the target's shape", both, where));
  if (output_gradient.dtype() != target.dtype())
    throw DTypeError(message("gradient", "the output gradient must have the target's dtype", both, where));
}

void GradientTape::require_here(const char* op, Location where) const {
  const auto& tapes = this_record().tapes;
  if (state_->asked || std::find(tapes.begin(), tapes.end(), state_) != tapes.end()) return;
  throw GradientError(message(op,
                              "this tape belongs to another thread\n"
                              "  a tape records and answers on the thread that made it",
                              {}, where));
}

NodeId GradientTape::seen_until() const { return state_->stopped.is_constant() ? this_record().last : state_->stopped; }

void GradientTape::add_sources(BackwardPass& pass, TensorRefs sources) const {
  for (const TensorRef& source : sources) {
    NodeId id = source->id();
    if (is_former_value(*source)) continue;
    if (pass.inside(id) && !id.is_blocked())
      pass.add_inner_source(id);
    else if (state_->watches(id) || (id.is_variable() && !id.is_blocked()))
      pass.add_outer_source(id);
  }
}

// What is missing is explained or zero.
Tensors GradientTape::collect(BackwardPass& pass, const Tensor& target, TensorRefs sources, Missing missing,
                              Location where) const {
  Tensors results;
  for (const TensorRef& source : sources) {
    const Tensor* found = is_former_value(*source) ? nullptr : pass.gradient(source->id());
    if (found && found->defined()) {
      results.push_back(pass.differentiable() ? *found : found->detached());
    } else if (missing == Missing::zero) {
      results.push_back(filled(source->shape(), 0, source->dtype(), source->device()));
    } else {
      fail(where, fmt::format("no path from the target to {}\n  {}", described(*source), why_missing(target, *source)));
    }
  }
  return results;
}

// For the other live tapes: silence there would be a wrong number.
void GradientTape::leave_mark(const Tensor& target, TensorRefs sources, const Tensor& output_gradient, Tensors& results,
                              Location where) {
  if (!(detail::hooks & detail::recording)) return;
  std::vector<TensorRef> inputs(sources.begin(), sources.end());
  inputs.emplace_back(target);
  if (output_gradient.defined()) inputs.emplace_back(output_gradient);
  std::vector<Tensor*> outputs;
  for (Tensor& result : results) outputs.push_back(&result);
  this_record().add({"gradient", where}, inputs, outputs, {}, 0, Node::Kind::gradient_mark);
}

Tensor stop_gradient(const Tensor& x, Location where) {
  if (!x.defined()) throw ValueError(message("stop_gradient", "x has no value yet", {}, where));
  Tensor y = x.detached();
  record_blocked({"stop_gradient", where}, {x}, y);
  return y;
}

}  // namespace floe
