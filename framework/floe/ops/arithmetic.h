// Arithmetic, comparison and logic of two tensors, or a tensor and a number, under NumPy's broadcasting rules.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// Numeric tensors of one dtype; ShapeError if the shapes cannot be broadcast, DTypeError if the dtypes differ or a number
// beside integers is not whole, ValueError if it is beyond their range.
Tensor add(OperandOrNumber a, OperandOrNumber b);
Tensor subtract(OperandOrNumber a, OperandOrNumber b);
Tensor multiply(OperandOrNumber a, OperandOrNumber b);
Tensor divide(OperandOrNumber a, OperandOrNumber b);      // float32 or float64
Tensor maximum(OperandOrNumber a, OperandOrNumber b);     // NaN if either is; at ties the gradient goes to a
Tensor minimum(OperandOrNumber a, OperandOrNumber b);
Tensor pow(OperandOrNumber a, OperandOrNumber b);         // float32 or float64
Tensor negative(Operand x);

inline Tensor operator+(OperandOrNumber a, OperandOrNumber b) { return add(a, b); }
inline Tensor operator-(OperandOrNumber a, OperandOrNumber b) { return subtract(a, b); }
inline Tensor operator*(OperandOrNumber a, OperandOrNumber b) { return multiply(a, b); }
inline Tensor operator/(OperandOrNumber a, OperandOrNumber b) { return divide(a, b); }
inline Tensor operator-(Operand x) { return negative(x); }

// bool tensors; no gradient.
Tensor equal(OperandOrNumber a, OperandOrNumber b);
Tensor not_equal(OperandOrNumber a, OperandOrNumber b);
Tensor less(OperandOrNumber a, OperandOrNumber b);
Tensor less_equal(OperandOrNumber a, OperandOrNumber b);
Tensor greater(OperandOrNumber a, OperandOrNumber b);
Tensor greater_equal(OperandOrNumber a, OperandOrNumber b);

inline Tensor operator<(OperandOrNumber a, OperandOrNumber b) { return less(a, b); }
inline Tensor operator<=(OperandOrNumber a, OperandOrNumber b) { return less_equal(a, b); }
inline Tensor operator>(OperandOrNumber a, OperandOrNumber b) { return greater(a, b); }
inline Tensor operator>=(OperandOrNumber a, OperandOrNumber b) { return greater_equal(a, b); }

Tensor logical_and(Operand a, Operand b);
Tensor logical_or(Operand a, Operand b);
Tensor logical_not(Operand x);

// a where the condition (bool) holds, else b; all three broadcast together.
Tensor where(Operand condition, OperandOrNumber a, OperandOrNumber b);

// The shape that two shapes broadcast to; ShapeError names both.
Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b, Location where);

}  // namespace floe
