// Pictures of flakes: from the cells of the triangular lattice to square pixels.
#pragma once

#include <floe/tensor/tensor.h>

#include "gravner_griffeath.h"

namespace floe::snowflakes {

// Both are (side, side, channels), uint8, with the seed in the middle and an arm straight up. A pixel is the mean over
// its area, and each cell is a regular hexagon: the square array turned by 45 degrees and squeezed by 1 / sqrt(3). The
// side shows `cells` cells; a flake is width() of them from tip to tip. ValueError for a side beyond 1 to 8192 pixels
// or a number of cells beyond 1 to a million.

// For training: black around the crystal; in it 150 where it is thinnest and 255 where it is thickest.
Tensor grey_picture(const GravnerGriffeath& flake, int side, double cells);

// As the talk showed them, in the colours of ColorBrewer's BuPu from the dark end: vapour that is still there, a
// lighter halo where the crystal has used it up, and the crystal, brightest where it is thickest.
Tensor colour_picture(const GravnerGriffeath& flake, int side, double cells);

}  // namespace floe::snowflakes
