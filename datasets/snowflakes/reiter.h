// The snow crystals of Reiter: a cellular automaton of three numbers.
// Reiter, "A local cellular model for snow crystal growth", Chaos, Solitons and Fractals 23, 2005.
#pragma once

#include <cstdint>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe::snowflakes {

// side x side cells in rows that are offset by half a cell, so that (i, j) touches (i, j +- 1), (i +- 1, j), and
// (i +- 1, j - 1) in even rows, (i +- 1, j + 1) in odd ones; the edges wrap around. Each cell holds water, and is ice
// from 1 up. Water next to ice, and ice, stays and gains gamma; the rest diffuses.
class Reiter {
 public:
  // Starts from one cell of ice in the middle, (side / 2 - 1, side / 2 - 1), in air of `beta` water. alpha is twice the
  // share of the water that leaves a cell, 0 to 2 without overshooting and up to 4; beta is 0 to below 1, gamma from 0,
  // and side an even number from 4 to 4096. ValueError otherwise.
  Reiter(double alpha, double beta, double gamma, int side = 250);

  void update();

  std::int64_t ice_cells() const;
  Tensor water() const;  // float64 (side, side)

 private:
  template <class Visit>
  void each_neighbour(int i, int j, Visit visit) const;

  double alpha_, gamma_;
  int side_;
  std::vector<double> water_, moving_, staying_;
};

}  // namespace floe::snowflakes
