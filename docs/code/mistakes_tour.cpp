// The tour, broken: tapes and values used in ways that do not work.
#include "pages.h"

using namespace floe;

namespace {

//! [not_watched]
void not_watched() {
  Tensor x = tensor(3.);
  GradientTape tape;
  Tensor y = square(x);                                               // nobody said that x matters
  tape.gradient(y, x);
}
//! [not_watched]

//! [counted]
void counted() {
  Tensor x = tensor({0.2, 0.7, 0.9});
  GradientTape tape;
  tape.watch(x);
  Tensor above = cast(x > 0.5, DType::float32);                       // a comparison has no slope
  tape.gradient(reduce_sum(above), x);
}
//! [counted]

//! [mixed_dtypes]
void mixed_dtypes() {
  Tensor counts = tensor({1, 2, 3}), shares = tensor({0.5, 0.25, 0.25});
  Tensor product = counts * shares;                                   // int32 times float32
}
//! [mixed_dtypes]

//! [not_one]
void not_one() {
  Tensor losses = tensor({0.5, 0.25});
  if (losses.item() < 1) fmt::print("small\n");
}
//! [not_one]

//! [second_order]
void second_order() {
  Variable x("x", tensor(3.));
  GradientTape outer, inner;
  Tensor y = x * x * x;
  Tensor slope = inner.gradient(y, x);                                // as a value: nobody recorded how it came about
  outer.gradient(slope, x);
}
//! [second_order]

const pages::Example entered[] = {{"tour.not_watched", not_watched},
                                  {"tour.counted", counted},
                                  {"tour.mixed_dtypes", mixed_dtypes},
                                  {"tour.not_one", not_one},
                                  {"tour.second_order", second_order}};

}  // namespace
