// Tensors that print: products, slices, and a loop that branches on values.
#include "stops.h"

#include <fmt/core.h>

using namespace floe;

namespace tour {

//! [matmul]
// An op runs when it is called. No session, no placeholder: its result is there, and prints.
void matmul(const Settings&) {
  Tensor m1 = tensor({{1, 3, 5, 7}, {2, 4, 6, 8}});                 // (2, 4)
  Tensor m2 = tensor({{1, 5}, {2, 6}, {3, 7}, {4, 8}});             // (4, 2)
  print(floe::matmul(m1, m2));

  Tensor x = tensor({{2.}});
  Tensor m = floe::matmul(x, x);
  print("m", m);

  Tensor a = tensor({{1., 2.}, {3., 4.}, {5., 6.}});                // (3, 2)
  print("a times its transpose", floe::matmul(a, a, {.transpose_b = true}));
  print("its trace", reduce_sum(floe::matmul(a, a, {.transpose_b = true}) * eye(3)));

  // A mistake is found at the line that makes it, not when a graph runs.
  try {
    floe::matmul(a, a);
  } catch (const ShapeError& error) {
    fmt::print("{}\n", error.what());
  }
}
//! [matmul]

void slicing(const Settings&) {
  Tensor t = reshape(range(0, 24), {2, 3, 4});
  print("t", t);
  print("t[1]", t[1]);                                              // shares memory with t
  print("t[1][-1]", t[1][-1]);
  print("every other column", slice(t, -1, 0, {}, 2));
  print("its last two rows", slice(t, 1, -2));
  print("rows 2 and 0", gather(t, tensor({2, 0}), 1));
  print("upside down", flip(t[0], {0}));
  print("above 10, else 0", where(t > 10, t, 0));
  print("each row with its own number", concat({reshape(range(0, 3), {3, 1}), t[0]}, 1));

  int from_cpp = t[1][2][3].item<int>() + 1;                        // out to C++ and back
  print("24, from C++", tensor(from_cpp));
}

//! [fizzbuzz]
// Loops and branches are C++'s own; a tensor's value is read with item().
void fizzbuzz(const Settings&) {
  auto divides = [](double divisor, const Tensor& number) {
    return equal(floor(number / divisor) * divisor, number).item<bool>();
  };
  Tensor last = tensor(15.);
  for (Tensor number = tensor(1.); (number <= last).item<bool>(); number = number + 1) {
    if (divides(15, number)) fmt::print("FizzBuzz\n");
    else if (divides(3, number)) fmt::print("Fizz\n");
    else if (divides(5, number)) fmt::print("Buzz\n");
    else fmt::print("{}\n", number.item<int>());
  }
}
//! [fizzbuzz]

}  // namespace tour
