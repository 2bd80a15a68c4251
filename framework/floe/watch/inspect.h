// inspect: gradients as a table, for printed-value debugging.
#pragma once

#include <string>
#include <string_view>

#include <floe/tape/gradients.h>

namespace floe {

// A line for each variable: path, shape, then of the finite elements norm, smallest and largest, then the first values,
// and how many are not finite. ValueError for a gradient without a value.
//
//   variable                   shape           norm       min        max        first values
//   generator.project.weights  (100, 3136)     0.01234    -0.00102   0.00099    1.2e-05 -3.4e-06 8.8e-06
std::string describe(const Gradients& gradients);

// The table to stdout, below the name if there is one.
void print(const Gradients& gradients);
void print(std::string_view name, const Gradients& gradients);

}  // namespace floe
