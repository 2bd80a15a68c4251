// Penguins as people doodle them: one per random stream, no two alike.
#pragma once

#include <floe/tensor/rng.h>

#include "drawing.h"

namespace floe::penguins {

// Part of the name of every file that caches drawn penguins; grows whenever draw_penguin() draws differently.
inline constexpr int generator_version = 1;

// One penguin, standing mostly: seen from the front, turned or in profile, with what the hand felt like adding of
// belly, flippers, feet, beak, eyes, shading and a chick. 1 to about 25 strokes in whole numbers, aligned and scaled
// as a Drawing. The same `rng` gives the same penguin on every machine, but that the last bit of a sine or of a fused
// multiplication may tip a coordinate by 1.
Drawing draw_penguin(Rng rng);

}  // namespace floe::penguins
