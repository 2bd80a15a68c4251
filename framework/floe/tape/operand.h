// Operand: what an op takes: a tensor, a variable or (for arithmetic) a number, together with the place of the call.
#pragma once

#include <concepts>

#include <floe/tape/variable.h>
#include <floe/tensor/tensor.h>

namespace floe {

// A tensor parameter. Operators take no default arguments, so the caller's line comes from this conversion. Never store
// one: it points at the argument.
class Operand {
 public:
  // A tensor, at the place of this conversion.
  Operand(const Tensor& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&tensor), where_{file, line} {}
  // A tensor that the caller gives away, at the place of this conversion.
  Operand(Tensor&& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&tensor), where_{file, line}, temporary_(true) {}
  // The value of a variable, at the place of this conversion.
  Operand(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&variable.value()), where_{file, line} {}

  // A copy does not give the tensor away: an op that is made of several passes its parameters on as often as it likes.
  Operand(const Operand& other) : tensor_(other.tensor_), where_(other.where_) {}
  Operand(Operand&& other) = default;  // as given
  Operand& operator=(const Operand&) = delete;

  operator const Tensor&() const { return *tensor_; }   // so that it goes where a tensor goes
  const Tensor& tensor() const { return *tensor_; }     // the argument itself
  const Tensor* operator->() const { return tensor_; }  // x->shape() inside an op
  Location where() const { return where_; }             // of the call

  // A tensor that the caller gave away, as in relu(a + b) or relu(std::move(x)), and that no one else holds: an op may
  // write its result over it.
  bool is_spent() const { return temporary_ && tensor_->unique(); }
  void give_up() const { *const_cast<Tensor*>(tensor_) = {}; }  // so that the result is the only one that holds it

 protected:
  Operand(Location where) : tensor_(nullptr), where_(where) {}  // no tensor: a number

  const Tensor* tensor_;    // null for a number
  Location where_;          // of the call
  bool temporary_ = false;  // given away
};

// A tensor or a number, which takes the dtype and device of the tensor next to it.
class OperandOrNumber : public Operand {
 public:
  // A tensor, at the place of this conversion.
  OperandOrNumber(const Tensor& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(tensor, file, line) {}
  // A tensor that the caller gives away, at the place of this conversion.
  OperandOrNumber(Tensor&& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(std::move(tensor), file, line) {}
  // The value of a variable, at the place of this conversion.
  OperandOrNumber(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(variable, file, line) {}
  OperandOrNumber(const Operand& operand) : Operand(operand) {}        // with the place that it has
  OperandOrNumber(Operand&& operand) : Operand(std::move(operand)) {}  // as given
  // A number, at the place of this conversion.
  template <std::convertible_to<Number> N>
  OperandOrNumber(N number, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(Location{file, line}), number_(number) {}

  bool is_number() const { return tensor_ == nullptr; }  // true: there is no tensor
  Number number() const { return number_; }  // 0 for a tensor

 private:
  Number number_ = 0;
};

}  // namespace floe
