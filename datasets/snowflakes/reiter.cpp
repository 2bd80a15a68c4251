// Reiter's update: cells are divided into water that stays and water that moves.
#include "reiter.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe::snowflakes {
namespace {

void require(std::string_view name, double value, bool fits, std::string_view range) {
  if (!fits) throw ValueError(fmt::format("Reiter: {} is {}; expected {}", name, value, range));
}

}  // namespace

Reiter::Reiter(double alpha, double beta, double gamma, int side) : alpha_(alpha), gamma_(gamma), side_(side) {
  require("alpha", alpha, alpha >= 0 && alpha <= 4, "0 to 4");
  require("beta", beta, beta >= 0 && beta < 1, "0 to below 1");
  require("gamma", gamma, gamma >= 0 && std::isfinite(gamma), "a number of 0 or more");
  require("side", side, side >= 4 && side <= 4096 && side % 2 == 0, "an even number from 4 to 4096");
  std::size_t cells = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  water_.assign(cells, beta);
  water_[static_cast<std::size_t>(side / 2 - 1) * static_cast<std::size_t>(side + 1)] = 1;
  moving_.resize(cells);
  staying_.resize(cells);
}

template <class Visit>
void Reiter::each_neighbour(int i, int j, Visit visit) const {
  auto at = [&](int row, int column) {
    row = row < 0 ? row + side_ : row >= side_ ? row - side_ : row;
    column = column < 0 ? column + side_ : column >= side_ ? column - side_ : column;
    return static_cast<std::size_t>(row * side_ + column);
  };
  int slant = i % 2 == 0 ? j - 1 : j + 1;
  visit(at(i, j - 1)), visit(at(i, j + 1));
  visit(at(i - 1, j)), visit(at(i + 1, j));
  visit(at(i - 1, slant)), visit(at(i + 1, slant));
}

void Reiter::update() {
  for (int i = 0; i < side_; ++i) {
    for (int j = 0; j < side_; ++j) {
      std::size_t at = static_cast<std::size_t>(i * side_ + j);
      bool receptive = water_[at] >= 1;
      each_neighbour(i, j, [&](std::size_t neighbour) { receptive = receptive || water_[neighbour] >= 1; });
      staying_[at] = receptive ? water_[at] + gamma_ : 0;
      moving_[at] = receptive ? 0 : water_[at];
    }
  }
  for (int i = 0; i < side_; ++i) {
    for (int j = 0; j < side_; ++j) {
      std::size_t at = static_cast<std::size_t>(i * side_ + j);
      double around = 0;
      each_neighbour(i, j, [&](std::size_t neighbour) { around += moving_[neighbour]; });
      water_[at] = staying_[at] + (1 - alpha_ / 2) * moving_[at] + alpha_ / 12 * around;
    }
  }
}

std::int64_t Reiter::ice_cells() const {
  return std::count_if(water_.begin(), water_.end(), [](double water) { return water >= 1; });
}

Tensor Reiter::water() const { return tensor(water_, {side_, side_}); }

}  // namespace floe::snowflakes
