// Looking inside: what can be printed, and the check that stops at the first NaN.
#include "pages.h"

using namespace floe;

namespace {

void prints() {
  Rng rng(7777);
  Layer model("model", Device{}, rng);
  Dense hidden(&model, "hidden", {.in = 2, .units = 3}), decide(&model, "decide", {.in = 3, .units = 1});
  Tensor x = random_normal({4, 2}, rng);
  GradientTape tape;
  Tensor logits = decide(relu(hidden(x)));
  Tensor loss = binary_cross_entropy_with_logits(logits, 1);
  Gradients gradients = tape.gradient(loss, model.variables());
  //! [prints]
  print("logits", logits);                                            // the values, as NumPy prints them
  fmt::print("{}\n", describe(logits));                               // one line about them
  print(gradients);                                                   // a line for each variable
  print(model);                                                       // its variables: path, shape, how many numbers
  print(*model.variables()[0]);                                       // the values of the first
  //! [prints]
}

void checked() {
  //! [checked]
  CheckNumerics check;                                                // looks at every result while it lives
  Tensor share = tensor({0.5, 0., 0.5});
  Tensor entropy = -reduce_sum(share * log(share));                   // 0 * log(0) is meant as 0, but log(0) is not finite
  //! [checked]
}

const pages::Example entered[] = {{"debugging.prints", prints}, {"debugging.checked", checked}};

}  // namespace
