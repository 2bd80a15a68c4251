// What the snowflakes app shows beside its flakes: where their codes lie, and how six-fold they are.
#pragma once

#include <string>
#include <vector>

#include <floe/tensor/tensor.h>

// Points (count, 2 or more), of which the first two numbers count, over the square from -4 to 4, coloured by their kind
// (int32 (count,)): an image uint8 (512, 512, 3). The axes are drawn; points beyond the square lie on its edge.
floe::Tensor scatter(const floe::Tensor& points, const floe::Tensor& kinds);

// "red plates, green ferns": which colour of a scatter is which kind.
std::string colours_of(const std::vector<std::string>& kind_names);

// How much images (count, side, side, 1) change under a turn of 60 degrees about their centre: the mean absolute
// difference inside the inscribed circle, as a share of the mean value there. 0 for a flake that is the same six times.
double asymmetry(const floe::Tensor& images);
