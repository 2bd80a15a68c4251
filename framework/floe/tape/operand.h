// Operand: what an op takes: a tensor, a variable or (for arithmetic) a number, together with the place of the call.
#pragma once

#include <floe/tape/variable.h>
#include <floe/tensor/tensor.h>

namespace floe {

// A tensor parameter. Operators take no default arguments, so the caller's line comes from this conversion. Never store
// one: it points at the argument.
class Operand {
 public:
  Operand(const Tensor& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&tensor), where_{file, line} {}
  Operand(Tensor&& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&tensor), where_{file, line}, temporary_(true) {}
  Operand(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&variable.value()), where_{file, line} {}

  // A copy does not give the tensor away: an op that is made of several passes its parameters on as often as it likes.
  Operand(const Operand& other) : tensor_(other.tensor_), where_(other.where_) {}
  Operand(Operand&& other) = default;
  Operand& operator=(const Operand&) = delete;

  operator const Tensor&() const { return *tensor_; }
  const Tensor& tensor() const { return *tensor_; }
  const Tensor* operator->() const { return tensor_; }
  Location where() const { return where_; }

  // A tensor that the caller gave away, as in relu(a + b) or relu(std::move(x)), and that no one else holds: an op may
  // write its result over it.
  bool is_spent() const { return temporary_ && tensor_->unique(); }
  void give_up() const { *const_cast<Tensor*>(tensor_) = {}; }  // so that the result is the only one that holds it

 protected:
  Operand(Location where) : tensor_(nullptr), where_(where) {}

  const Tensor* tensor_;
  Location where_;
  bool temporary_ = false;
};

// A tensor or a number, which takes the dtype and device of the tensor beside it.
class OperandOrNumber : public Operand {
 public:
  OperandOrNumber(const Tensor& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(tensor, file, line) {}
  OperandOrNumber(Tensor&& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(std::move(tensor), file, line) {}
  OperandOrNumber(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(variable, file, line) {}
  OperandOrNumber(const Operand& operand) : Operand(operand) {}
  OperandOrNumber(Operand&& operand) : Operand(std::move(operand)) {}
  OperandOrNumber(double number, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(Location{file, line}), number_(number) {}

  bool is_number() const { return tensor_ == nullptr; }
  double number() const { return number_; }

 private:
  double number_ = 0;
};

}  // namespace floe
