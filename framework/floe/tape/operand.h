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
  Operand(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : tensor_(&variable.value()), where_{file, line} {}

  operator const Tensor&() const { return *tensor_; }
  const Tensor& tensor() const { return *tensor_; }
  const Tensor* operator->() const { return tensor_; }
  Location where() const { return where_; }

 protected:
  Operand(Location where) : tensor_(nullptr), where_(where) {}

  const Tensor* tensor_;
  Location where_;
};

// A tensor or a number, which takes the dtype and device of the tensor beside it.
class OperandOrNumber : public Operand {
 public:
  OperandOrNumber(const Tensor& tensor, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(tensor, file, line) {}
  OperandOrNumber(const Variable& variable, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(variable, file, line) {}
  OperandOrNumber(const Operand& operand) : Operand(operand) {}
  OperandOrNumber(double number, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : Operand(Location{file, line}), number_(number) {}

  bool is_number() const { return tensor_ == nullptr; }
  double number() const { return number_; }

 private:
  double number_ = 0;
};

}  // namespace floe
