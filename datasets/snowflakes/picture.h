// Pictures of flakes: from the cells of the triangular lattice to square pixels.
#pragma once

#include <floe/tensor/tensor.h>

#include "gravner_griffeath.h"

namespace floe::snowflakes {

// Both are (side, side, channels), uint8, with the seed in the middle and one of the six arms straight up. Every pixel is
// the mean over its area of cells that are regular hexagons: the square array turned by 45 degrees and squeezed by
// 1 / sqrt(3). `cells` is what the side shows; a flake is width() cells from tip to tip. ValueError for a side beyond
// 1 to 8192 or a number of cells that is not above 0.

// Crystal on black, for training: 255 where there is most of it, in parts of `flake` that have little of it 90.
Tensor grey_picture(const GravnerGriffeath& flake, int side, double cells);

// As the talk showed them, in the colours of ColorBrewer's BuPu: dark where the vapour is untouched, a lighter halo
// where the crystal has used it up, and the crystal brightest.
Tensor colour_picture(const GravnerGriffeath& flake, int side, double cells);

// The mean of each block of pixels: (side, side, 1), uint8, to a side that divides that of `image`.
Tensor shrink(const Tensor& image, int side);

}  // namespace floe::snowflakes
