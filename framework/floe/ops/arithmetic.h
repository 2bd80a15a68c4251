// Arithmetic, comparison and logic of two tensors, or a tensor and a number, under NumPy's broadcasting rules
// (numpy.org/doc/stable/user/basics.broadcasting.html).
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// In this file, every result has the shape that a and b broadcast to. ShapeError if they do not, DTypeError or
// DeviceError if a and b differ in dtype or device, DTypeError for a number that is not whole next to integers,
// ValueError for one beyond their range, for two numbers, and for a tensor without a value.

// Numbers of one dtype, which the result has; bool is a DTypeError. Integers wrap.
Tensor add(OperandOrNumber a, OperandOrNumber b);
Tensor subtract(OperandOrNumber a, OperandOrNumber b);
Tensor multiply(OperandOrNumber a, OperandOrNumber b);
Tensor divide(OperandOrNumber a, OperandOrNumber b);  // float32 or float64: x / 0 is an infinity, 0 / 0 NaN
// float32 or float64: a * b, but 0 where b is, even if a is infinite or NaN: b as a mask. So are its gradients: nothing
// goes to a where b is 0, and nothing to b where nothing comes back.
Tensor multiply_no_nan(OperandOrNumber a, OperandOrNumber b);
// NaN if either is. The gradient goes to the one that was taken, at ties to a.
Tensor maximum(OperandOrNumber a, OperandOrNumber b);
Tensor minimum(OperandOrNumber a, OperandOrNumber b);
// NaN for a negative base and an exponent that is not whole. No gradient to b where a is 0 or less. ValueError for
// integers with a negative exponent.
Tensor pow(OperandOrNumber a, OperandOrNumber b);
// a / b rounded down, and what is then left of a, with the sign of b: a = floor_divide(a, b) * b + remainder(a, b), as
// Python's // and %. By 0, integers give 0 and 0, and floats a / b and NaN. Only the remainder has a gradient.
Tensor floor_divide(OperandOrNumber a, OperandOrNumber b);
Tensor remainder(OperandOrNumber a, OperandOrNumber b);
Tensor negative(Operand x);  // x * -1; DTypeError for uint8, which has no negative numbers

// The operators: add, subtract, multiply, divide and negative.
inline Tensor operator+(OperandOrNumber a, OperandOrNumber b) { return add(std::move(a), std::move(b)); }
inline Tensor operator-(OperandOrNumber a, OperandOrNumber b) { return subtract(std::move(a), std::move(b)); }
inline Tensor operator*(OperandOrNumber a, OperandOrNumber b) { return multiply(std::move(a), std::move(b)); }
inline Tensor operator/(OperandOrNumber a, OperandOrNumber b) { return divide(std::move(a), std::move(b)); }
inline Tensor operator-(Operand x) { return negative(std::move(x)); }

// bool, from two tensors of one dtype, even bool; no gradient. NaN equals nothing, and is neither less nor greater.
Tensor equal(OperandOrNumber a, OperandOrNumber b);
Tensor not_equal(OperandOrNumber a, OperandOrNumber b);
Tensor less(OperandOrNumber a, OperandOrNumber b);
Tensor less_equal(OperandOrNumber a, OperandOrNumber b);
Tensor greater(OperandOrNumber a, OperandOrNumber b);
Tensor greater_equal(OperandOrNumber a, OperandOrNumber b);

// The operators: less, less_equal, greater and greater_equal. There is no == of tensors: see equal.
inline Tensor operator<(OperandOrNumber a, OperandOrNumber b) { return less(std::move(a), std::move(b)); }
inline Tensor operator<=(OperandOrNumber a, OperandOrNumber b) { return less_equal(std::move(a), std::move(b)); }
inline Tensor operator>(OperandOrNumber a, OperandOrNumber b) { return greater(std::move(a), std::move(b)); }
inline Tensor operator>=(OperandOrNumber a, OperandOrNumber b) { return greater_equal(std::move(a), std::move(b)); }

// bool from bool; DTypeError for anything else. No gradient.
Tensor logical_and(Operand a, Operand b);
Tensor logical_or(Operand a, Operand b);
Tensor logical_not(Operand x);

// a where the condition (bool, else DTypeError) holds, else b, of any one dtype, which the result has; all three
// broadcast together. The gradient to the one that was not taken is 0.
Tensor where(Operand condition, OperandOrNumber a, OperandOrNumber b);

// The shape that the shapes of a and b broadcast to; ShapeError names both.
Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b, Location where);

}  // namespace floe
