// Reiter's automaton: the states that another program left, and what follows from the rules.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <floe/files/npy.h>
#include <floe/tensor/error.h>
#include <support/shared_data.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

#include "datasets/snowflakes/reiter.h"

namespace floe::snowflakes {
namespace {

namespace fs = std::filesystem;

constexpr double alpha = 2.44, beta = 0.35, gamma = 0.001;

TEST(Reiter, HasTheStatesOfAnotherProgram) {
  fs::path folder = test::shared_data() / "snowflake" / "reiter";
  if (!fs::exists(folder)) {  // another program's states, without a licence: not part of the project
    GTEST_SKIP() << "no states of Reiter's automaton in " << folder << "; name the data's folder in FLOE_SHARED_DATA";
  }
  Reiter flake(alpha, beta, gamma);
  int updates = 0, files = 0;
  for (int iteration : {0, 50, 100, 250, 500, 999}) {
    for (; updates <= iteration; ++updates) flake.update();  // the file holds the state after one more update
    Tensor expected = load_npy(folder / ("reiter_a2.44_b0.35_g0.001_n250_iter" + std::to_string(iteration) + ".npy"));
    EXPECT_TRUE(test::close(flake.water(), expected, 1e-12)) << iteration;
    ++files;
  }
  EXPECT_EQ(files, 6);
  EXPECT_EQ(flake.ice_cells(), 4645);
}

TEST(Reiter, GrowsByTheKnownNumbersOfCells) {
  Reiter flake(alpha, beta, gamma);
  EXPECT_EQ(flake.ice_cells(), 1);
  int updates = 0;
  for (auto [after, cells] : {std::array{1, 1}, {51, 43}, {101, 115}, {251, 463}}) {
    for (; updates < after; ++updates) flake.update();
    EXPECT_EQ(flake.ice_cells(), cells) << after;
  }
}

TEST(Reiter, KeepsTheWaterWithoutGamma) {
  Reiter flake(1.5, 0.4, 0, 40);
  auto sum = [&] {
    double total = 0;
    Tensor water = flake.water();
    for (double mass : water.span<double>()) total += mass;
    return total;
  };
  double before = sum();
  for (int i = 0; i < 300; ++i) flake.update();
  EXPECT_NEAR(sum(), before, 1e-9);
  EXPECT_GT(flake.ice_cells(), 1);
}

TEST(Reiter, HasTwelveSymmetriesWhileTheEdgesAreFar) {
  constexpr int side = 120, middle = side / 2 - 1, radius = 25;
  Reiter flake(alpha, beta, gamma, side);
  for (int i = 0; i < 100; ++i) flake.update();
  Tensor water = flake.water();
  // Axial coordinates (q, r), as rows that are offset by half a cell; the seed's row is odd.
  auto at = [&](int q, int r) {
    int row = middle + r, column = middle + q + (r >= 0 ? (r + 1) / 2 : -((1 - r) / 2) + (r % 2 != 0));
    return water.data<double>()[row * side + column];
  };
  ASSERT_EQ(middle % 2, 1);
  for (int r = -radius; r <= radius; ++r) {
    for (int q = -radius; q <= radius; ++q) {
      if (std::abs(q + r) > radius) continue;
      EXPECT_NEAR(at(q, r), at(-r, q + r), 1e-12) << q << ' ' << r;
      EXPECT_NEAR(at(q, r), at(r, q), 1e-12) << q << ' ' << r;
    }
  }
}

TEST(Reiter, RefusesNumbersOutOfTheirRange) {
  auto refusal = [](double a, double b, double g, int side) {
    return test::error_of<ValueError>([&] { Reiter(a, b, g, side); });
  };
  EXPECT_EQ(refusal(5, 0.3, 0, 10), "Reiter: alpha is 5; expected 0 to 4");
  EXPECT_EQ(refusal(NAN, 0.3, 0, 10), "Reiter: alpha is nan; expected 0 to 4");
  EXPECT_EQ(refusal(1, 1, 0, 10), "Reiter: beta is 1; expected 0 to below 1");
  EXPECT_EQ(refusal(1, 0.3, -1, 10), "Reiter: gamma is -1; expected a number of 0 or more");
  EXPECT_EQ(refusal(1, 0.3, 0, 7), "Reiter: side is 7; expected an even number from 4 to 4096");
}

}  // namespace
}  // namespace floe::snowflakes
