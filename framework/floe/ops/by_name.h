// Ops that are called by their names, for a debugger.
#pragma once

#include <span>

#include <floe/tensor/tensor.h>

namespace floe {

// An op as a function of tensors, or of one and the numbers after it; null for what it does not take.
struct NamedOp {
  const char* name;
  Tensor (*of_one)(const Tensor& x) = nullptr;
  Tensor (*of_two)(const Tensor& a, const Tensor& b) = nullptr;
  Tensor (*with_number)(const Tensor& x, double number) = nullptr;
  Tensor (*with_numbers)(const Tensor& x, double first, double second) = nullptr;
};

// Every pointwise op, question, comparison and arithmetic op, and some more; a name may occur twice.
std::span<const NamedOp> named_ops();

}  // namespace floe
