// OpObserver: sees every op of its thread, with its name, constants, inputs, outputs, line and layer.
#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>

#include <floe/tape/attributes.h>
#include <floe/tensor/tensor.h>

namespace floe {

// A tensor in a list, without copying it.
class TensorRef {
 public:
  template <class T> requires std::is_convertible_v<const T&, const Tensor&>  // a Tensor, Variable or Operand
  TensorRef(const T& tensor) : tensor_(&static_cast<const Tensor&>(tensor)) {}
  const Tensor& operator*() const { return *tensor_; }  // what is referred to
  const Tensor* operator->() const { return tensor_; }  // the same: ref->shape()

 private:
  const Tensor* tensor_;
};
using TensorRefs = std::span<const TensorRef>;
using TensorList = std::initializer_list<TensorRef>;  // the same, written in braces

// Which op, with which constants, where the user called it, and in which layer. The texts live as long as the program.
struct OpInfo {
  const char* name;             // "matmul"
  Location where = {};          // the user's line
  Attributes attributes = {};   // its constants; KeptAttributes outlive the call
  double flops = 0;             // additions and multiplications of convolutions and matrix products; 0 for other ops
  const char* layer = nullptr;  // path of the innermost built-in layer; null outside one
};

// Sees every op and optimizer step of its thread while it lives, taped or not. It may throw: the op then fails, and the
// tapes continue. It may run ops, which are neither observed nor recorded. It may end anywhere: inside a call of its
// own, on another thread while this one runs no op, or after its thread.
class OpObserver {
 public:
  OpObserver();
  virtual ~OpObserver();
  OpObserver(const OpObserver&) = delete;
  OpObserver& operator=(const OpObserver&) = delete;

  // An op, or a step of an optimizer, has just given these outputs.
  virtual void op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) = 0;

  // Work on the value at `data` begins: ops allocate their output first. Not every such value is an op's.
  virtual void begun(const void* /*data*/) {}

 private:
  std::shared_ptr<std::atomic<OpObserver*>> seat_;
};

// The recorded op whose gradient this thread is computing; null outside a tape's walk.
const OpInfo* gradient_of();

}  // namespace floe
