// matmul: products of matrices, one or many at once.
#pragma once

#include <floe/tape/operand.h>

namespace floe {

// How the factors are read, by name: matmul(a, b, {.transpose_b = true}).
struct MatmulOptions {
  bool transpose_a = false;  // read a as (inner, rows) without copying it
  bool transpose_b = false;  // read b as (columns, inner)
};

// (..., rows, inner) times (..., inner, columns) gives (..., rows, columns); leading axes broadcast. Numbers of one
// dtype, else DTypeError; integers wrap. ShapeError for a rank below 2, inner axes that differ, or leading ones that do
// not broadcast.
Tensor matmul(Operand a, Operand b, MatmulOptions options = {});

}  // namespace floe
