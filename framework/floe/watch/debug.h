// debug: functions to call from a debugger, where conversions and default arguments are not at hand.
//
// Load the printers with `source framework/gdb/floe.py`; then, in a program built with -g (cmake --preset debug):
//
//   (gdb) print x
//   $1 = Tensor (2, 3) float32 cpu, min 1, mean 3.5, max 6, [1 2 3 4 5 6]
//   (gdb) call floe::debug::print(x)
//   (gdb) call floe::debug::op("tanh", x)
//   (gdb) call floe::debug::set(w, 4, 0.5)
//
// Nothing here is recorded or throws: a mistake is printed. A debug build links these functions into every program; in
// others, name `floe_debug` to the linker: -Wl,--undefined=floe_debug.
#pragma once

#include <floe/tape/gradients.h>

namespace floe::debug {

void print(const Tensor& x);  // all of it, and one line about it, to stdout
void print(const Variable& x);  // its path and its value
void print(const Gradients& gradients);  // a line for each variable

double at(const Tensor& x, std::int64_t index);  // the element at an index in row-major order, NaN if there is none
double mean(const Tensor& x);                    // of all elements; NaN over nothing

// Changes one element. Other holders of a tensor's value keep what they have.
void set(Tensor& x, std::int64_t index, double value);
void set(Variable& x, std::int64_t index, double value);

// Runs an op by its name: every pointwise op, comparison and arithmetic op, and those of ops/by_name.cpp. The result stays
// until the program ends, so that the debugger can continue with it.
const Tensor& op(const char* name, const Tensor& x);                               // "tanh", "isfinite", "reduce_max"
const Tensor& op(const char* name, const Tensor& a, const Tensor& b);              // "add", "less", "matmul"
const Tensor& op(const char* name, const Tensor& x, double number);                // "add", "leaky_relu"
const Tensor& op(const char* name, const Tensor& x, double first, double second);  // "clip"

}  // namespace floe::debug
