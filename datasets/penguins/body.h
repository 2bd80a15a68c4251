// The trunk and head of a penguin, and where its other parts belong.
#pragma once

#include <initializer_list>

#include "pen.h"

namespace floe::penguins {

// Measures in body heights: y is 0 at the crown and 1 at the bottom, x is 0 in the middle.
struct Body {
  float facing = 0;         // 0: looks at us; 1: turned to the right; 2: in profile, to the right
  Point head;               // the middle of the face
  float head_radius = 0;
  Point shoulders[2];       // on the left and the right edge; in profile on the back and on the chest
  Point belly, belly_half;  // the middle and the half axes of the light part
  float foot_spread = 0;    // the feet are this far left and right of foot_middle
  float foot_middle = 0;
  bool beak_drawn = false;  // already part of the outline
  Path outline;             // of the trunk, from its top round to its bottom and back
};

// Draws one of many builds and returns its measures.
Body draw_body(Rng& rng, Pen& pen);

// An index into `weights`, each as often as its weight demands.
int pick(Rng& rng, std::initializer_list<float> weights);

}  // namespace floe::penguins
