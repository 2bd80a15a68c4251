// The checks that ops share: each throws one complete message.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <floe/ops/padding.h>
#include <floe/tape/operand.h>
#include <floe/tape/record.h>
#include <floe/tensor/number_ranges.h>
#include <floe/tensor/size.h>

namespace floe {

inline void require_defined(const char* op, const Operand& x, const char* role) {
  if (!x->defined()) throw ValueError(message(op, std::string(role) + " has no value yet", {}, x.where()));
}

// Where an op writes its result: over an operand that is spent, so that a chain of pointwise ops walks over one piece of
// memory; but not if the tape keeps that operand, and not while ops are observed, as observers look at inputs
// afterwards. The operand is given up when this ends, after the op was recorded.
class ResultPlace {
 public:
  ResultPlace() = default;
  ResultPlace(const ResultPlace&) = delete;
  ResultPlace& operator=(const ResultPlace&) = delete;
  ~ResultPlace() {
    if (reused_) reused_->give_up();
  }

  bool reuse(const Operand& x, bool kept) {
    bool may = x.is_spent() && (kept ? detail::hooks == 0 : !(detail::hooks & detail::observed));
    if (may) reused_ = &x;
    return may;
  }

  Tensor like(const Operand& x, bool kept) {
    return reuse(x, kept) ? x->detached() : Tensor(x->shape(), x->dtype(), x->device());
  }

 private:
  const Operand* reused_ = nullptr;
};

inline void require_floating(const char* op, const Operand& x, const char* role = "x") {
  require_defined(op, x, role);
  if (is_floating(x->dtype())) return;
  throw DTypeError(message(op, "needs float32 or float64; cast() converts", {{role, x}}, x.where()));
}

inline void require_numbers(const char* op, const Operand& x, const char* role = "x") {
  require_defined(op, x, role);
  if (x->dtype() != DType::boolean) return;
  throw DTypeError(message(op, "needs numbers; cast() converts", {{role, x}}, x.where()));
}

// A number beside x: in its range, also as one of the dtype, which usually is that of x.
inline void require_number(const char* op, const char* what, double number, const NumberRange& range, const Operand& x,
                           DType dtype) {
  std::string refusal = refusal_of(what, number, range, dtype);
  if (!refusal.empty()) throw ValueError(message(op, refusal, {{"x", x}}, x.where()));
}

inline void require_rank(const char* op, const Operand& x, int rank, const char* role, const char* axes) {
  require_defined(op, x, role);
  if (x->rank() == rank) return;
  throw ShapeError(message(
      op, std::string(role) + " needs rank " + std::to_string(rank) + " but has rank " + std::to_string(x->rank()),
      {{role, x, axes}}, x.where()));
}

inline void require_same_dtype(const char* op, const Operand& a, const char* a_role, const Operand& b,
                               const char* b_role) {
  require_defined(op, a, a_role);
  require_defined(op, b, b_role);
  if (a->dtype() == b->dtype()) return;
  throw DTypeError(message(op,
                           std::string(a_role) + " is " + std::string(name(a->dtype())) + " but " + b_role + " is " +
                               std::string(name(b->dtype())) + "; cast() converts",
                           {{a_role, a}, {b_role, b}}, a.where()));
}

inline void require_same_device(const char* op, const Operand& a, const char* a_role, const Operand& b,
                                const char* b_role) {
  if (a->device() == b->device()) return;
  throw DeviceError(message(op,
                            std::string(a_role) + " is on " + to_string(a->device()) + " but " + b_role + " is on " +
                                to_string(b->device()) + "; to() copies",
                            {{a_role, a}, {b_role, b}}, a.where()));
}

inline void require_alike(const char* op, const Operand& a, const char* a_role, const Operand& b, const char* b_role) {
  require_same_dtype(op, a, a_role, b, b_role);
  require_same_device(op, a, a_role, b, b_role);
}

// What `compute` makes of sizes in Counted arithmetic; what cannot be counted is refused in the words of this op.
template <class Compute>
auto counted(const char* op, std::initializer_list<Shown> shown, Location where, Compute compute) {
  try {
    return compute();
  } catch (const Uncountable& error) { throw ShapeError(message(op, error.what(), shown, where)); }
}

// How windows move is counted in pixels, down and across, that fit the 32 bits of a GPU's library: their products with
// sizes then fit 63 bits.
inline void require_pixels(const char* op, const char* what, Size2 pixels, std::int64_t least,
                           std::initializer_list<Shown> shown, Location where) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  auto [height, width] = pixels;
  if (std::min(height, width) >= least && std::max(height, width) <= most) return;
  throw ValueError(message(op,
                           std::string(what) + " must be from " + std::to_string(least) + " to " +
                               std::to_string(most) + ", not " + std::to_string(height) + " by " +
                               std::to_string(width),
                           shown, where));
}

// How many tensors an op can take or give: beyond that, their handles alone would take gigabytes.
inline constexpr std::int64_t most_parts = 1 << 24;

inline void require_parts(const char* op, const Operand& x, std::int64_t parts) {
  if (parts <= most_parts) return;
  throw ShapeError(message(op,
                           "cannot handle " + std::to_string(parts) + " tensors at once, and " +
                               std::to_string(most_parts) + " are the most",
                           {{"x", x}}, x.where()));
}

// Axes as an attribute: there are no more than a shape has sizes.
inline Shape listed(std::span<const int> axes) {
  Shape list;
  for (int axis : axes) list.append(axis);
  return list;
}

// An axis from 0 to rank - 1, or counted from the end as -1 to -rank.
inline int require_axis(const char* op, const Operand& x, int axis) {
  require_defined(op, x, "x");
  int rank = x->rank();
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw ShapeError(message(op, "there is no axis " + std::to_string(axis) + " in rank " + std::to_string(rank),
                           {{"x", x}}, x.where()));
}

// The same for several, none of them twice.
inline std::vector<int> require_axes(const char* op, const Operand& x, std::vector<int> axes) {
  require_defined(op, x, "x");
  unsigned named = 0;
  for (int& axis : axes) {
    axis = require_axis(op, x, axis);
    if (named & 1u << axis)
      throw ShapeError(message(op, "axis " + std::to_string(axis) + " is named twice", {{"x", x}}, x.where()));
    named |= 1u << axis;
  }
  return axes;
}

}  // namespace floe
