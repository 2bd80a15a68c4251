// Getting started, broken: what is wrong, and what Floe says about it.
#include "pages.h"

using namespace floe;

namespace {

struct Setting {
  Rng rng{7777};
  Tensor measured = random_normal({10, 3}, rng), width = random_normal({10, 1}, rng);
  Layer model{"petal_width", Device{}, rng};
};

//! [wrong_in]
void wrong_in() {
  Setting s;
  Dense hidden(&s.model, "hidden", {.in = 4, .units = 32});           // but there are three measurements
  hidden(s.measured);
}
//! [wrong_in]

//! [flat_target]
void flat_target() {
  Setting s;
  Dense hidden(&s.model, "hidden", {.in = 3, .units = 1});
  mean_squared_error(hidden(s.measured), reshape(s.width, {10}));     // (10,), but the model predicts (10, 1)
}
//! [flat_target]

//! [before_the_tape]
void before_the_tape() {
  Setting s;
  Dense hidden(&s.model, "hidden", {.in = 3, .units = 1});
  Tensor said = hidden(s.measured);                                   // too early: no tape sees it
  GradientTape tape;
  Tensor loss = mean_squared_error(said, s.width);
  tape.gradient(loss, s.model.variables());
}
//! [before_the_tape]

//! [asked_twice]
void asked_twice() {
  Setting s;
  Dense hidden(&s.model, "hidden", {.in = 3, .units = 1});
  GradientTape tape;                                                  // outside the loop
  for (int step = 0; step < 2; ++step) {
    Tensor loss = mean_squared_error(hidden(s.measured), s.width);
    tape.gradient(loss, s.model.variables());
  }
}
//! [asked_twice]

//! [no_units]
void no_units() {
  Setting s;
  Dense hidden(&s.model, "hidden", {.in = 3});
}
//! [no_units]

const pages::Example entered[] = {{"start.wrong_in", wrong_in},
                                  {"start.flat_target", flat_target},
                                  {"start.before_the_tape", before_the_tape},
                                  {"start.asked_twice", asked_twice},
                                  {"start.no_units", no_units}};

}  // namespace
