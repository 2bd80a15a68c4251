// How an op reports to the live tapes of its thread, and to the observers of ops, what it did.
//
// An op is recorded once, for all live tapes, and only if an input depends on something watched.
#pragma once

#include <new>
#include <type_traits>

#include <floe/tape/observer.h>

namespace floe {

class BackwardPass;
class GradientTape;
struct Strides;  // backend/kernels.h

// What the gradient function of an op works with: the gradients of its outputs, the tensors it kept, and which inputs
// need a gradient. It gives each of those at most once, in the input's shape. It runs if a gradient has come to one
// of the outputs at least.
class Backward {
 public:
  const Tensor& dy(int output = 0) const;  // undefined if nothing flows back through this output
  Tensor take_dy();  // that of a single output, and if no one else will read it, the only handle to it
  // What record() was given to keep, in that order.
  const Tensor& kept(int index) const;
  bool needs(int input) const;  // may a gradient to this input be requested?
  // The gradient of an input, in its shape.
  void give(int input, Tensor dx);
  // The same for a gradient that is 0 except at these elements of the input's shape, `whole`: `part` is added there, so
  // that a loop over all slices of a tensor costs what the tensor does, not its square. Where differentiable() is false.
  void give_part(int input, const Shape& whole, const Strides& at, const Tensor& part);
  bool differentiable() const;  // this gradient is itself recorded: it must be made of ops, not of a fused kernel

 private:
  friend class BackwardPass;
  explicit Backward(BackwardPass& pass) : pass_(&pass) {}

  struct Node* node_ = nullptr;
  BackwardPass* pass_;
};

// One recorded op, in an arena; inputs, kept tensors, the op's attributes and the gradient function's captures follow it.
struct Node {
  // With a gradient; without one; or a mark on a gradient that was not differentiable.
  enum class Kind : std::uint8_t { op, blocked, gradient_mark };

  OpInfo op;                                         // its attributes are in the arena
  NodeId first_output;                               // outputs have consecutive ids
  void (*call)(void* function, Backward& backward);  // runs the gradient function
  void (*destroy)(void* function);                   // null if there is nothing to destroy
  void* function;                                    // its captures, in the arena
  NodeId* inputs;
  Tensor* kept;  // what the gradient reads
  int input_count, kept_count, output_count;
  Kind kind;
};

namespace detail {

inline constexpr unsigned recording = 1, observed = 2;
extern constinit thread_local unsigned hooks;  // what an op has to do beyond its work; mostly nothing

void notify(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs);
void notify_begun(const void* data);

// Adds a node if an input is tracked, and gives the outputs their ids; `function` is then uninitialised memory.
Node* add_node(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs, TensorRefs keeps,
               std::size_t function_size, Node::Kind kind);

}  // namespace detail

// Is this tensor known to a live tape, so that an op on it will be recorded with a gradient?
bool is_tracked(const Tensor& tensor);

// `kept` if a gradient to `input` may be requested, else an undefined tensor: an op keeps only what it will read.
const Tensor& kept_for(const Tensor& input, const Tensor& kept);

// Reports an op and its gradient function, `void(Backward&)`. Outputs that are not floats are constants to the tapes.
template <class Function>
void record(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs, TensorRefs keeps,
            Function function) {
  if (detail::hooks == 0) [[likely]] return;
  static_assert(alignof(Function) <= alignof(std::max_align_t));
  Node* node = detail::add_node(op, inputs, outputs, keeps, sizeof(Function), Node::Kind::op);
  if (!node) return;
  new (node->function) Function(std::move(function));
  node->call = [](void* memory, Backward& backward) { (*static_cast<Function*>(memory))(backward); };
  if constexpr (!std::is_trivially_destructible_v<Function>) {
    node->destroy = [](void* memory) { static_cast<Function*>(memory)->~Function(); };
  }
}

// The same in braces, and for an op of one output.
template <class Function>
void record(const OpInfo& op, TensorList inputs, std::initializer_list<Tensor*> outputs, TensorList keeps,
            Function function) {
  if (detail::hooks == 0) [[likely]] return;
  record(op, TensorRefs(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()),
         TensorRefs(keeps.begin(), keeps.size()), std::move(function));
}
template <class Function>
void record(const OpInfo& op, TensorList inputs, Tensor& output, TensorList keeps, Function function) {
  if (detail::hooks == 0) [[likely]] return;
  record(op, inputs, {&output}, keeps, std::move(function));
}

// Reports only to the observers: a fused gradient, a part of an op, an optimizer's step. They are never recorded.
inline void observe(const OpInfo& op, TensorList inputs, std::initializer_list<Tensor*> outputs) {
  if ((detail::hooks & detail::observed) == 0) [[likely]] return;
  detail::notify(op, TensorRefs(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()));
}
inline void observe(const OpInfo& op, TensorList inputs, Tensor& output) { observe(op, inputs, {&output}); }

// Reports to the observers that work on a value begins in the memory that it has.
inline void observe_begun(const Tensor& value) {
  if (detail::hooks & detail::observed) [[unlikely]] detail::notify_begun(value.raw());
}

// Reports an op through which no gradient flows (comparisons, arg-max, stop_gradient), so that a tape can explain it.
void record_blocked(const OpInfo& op, TensorList inputs, std::initializer_list<Tensor*> outputs);
inline void record_blocked(const OpInfo& op, TensorList inputs, Tensor& output) {
  if (detail::hooks) record_blocked(op, inputs, {&output});
}

// While one lives, nothing is recorded on this thread: optimizer steps, metrics.
class NoRecording {
 public:
  NoRecording();
  ~NoRecording();
  NoRecording(const NoRecording&) = delete;
  NoRecording& operator=(const NoRecording&) = delete;
};

}  // namespace floe
