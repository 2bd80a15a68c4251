// Gravner and Griffeath's automaton: the paper's rules, its mass, its symmetry, and the shapes it is known for.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <omp.h>

#include <gtest/gtest.h>

#include <floe/tensor/error.h>
#include <support/temp_folder.h>

#include "datasets/snowflakes/gravner_griffeath.h"
#include "datasets/snowflakes/growths.h"

namespace floe::snowflakes {
namespace {

using Part = GravnerGriffeath::Part;
using Place = std::pair<int, int>;

constexpr double rounding = 1e-12;

std::vector<Place> hexagon(int radius) {
  std::vector<Place> places;
  for (int r = -radius; r <= radius; ++r) {
    for (int q = std::max(-radius, -radius - r); q <= std::min(radius, radius - r); ++q) places.push_back({q, r});
  }
  return places;
}

int distance(int q, int r) { return std::max({std::abs(q), std::abs(r), std::abs(q + r)}); }

GravnerGriffeath grown(const Growth& growth, int radius, int updates, Part part = Part::twelfth,
                       std::uint64_t seed = 0) {
  GravnerGriffeath flake(growth, radius, seed, part);
  for (int i = 0; i < updates; ++i) flake.update();
  return flake;
}

// All numbers of two flakes agree to `tolerance`, and the same cells are attached.
void expect_alike(const GravnerGriffeath& found, const GravnerGriffeath& expected, double tolerance) {
  double worst = 0;
  int others = 0;
  for (auto [q, r] : hexagon(expected.radius())) {
    others += found.attached(q, r) != expected.attached(q, r);
    worst = std::max({worst, std::abs(found.vapour(q, r) - expected.vapour(q, r)),
                      std::abs(found.boundary_mass(q, r) - expected.boundary_mass(q, r)),
                      std::abs(found.crystal_mass(q, r) - expected.crystal_mass(q, r))});
  }
  EXPECT_EQ(others, 0);
  EXPECT_LE(worst, tolerance);
}

// --- The rules -------------------------------------------------------------------------------------------------------

// The paper read aloud, one cell after the other.
struct Plain {
  struct State {
    bool a = false;
    double b = 0, c = 0, d = 0;
  };
  Growth growth;
  std::map<Place, State> cells;

  Plain(const Growth& g, int radius) : growth(g) {
    for (Place place : hexagon(radius)) cells[place].d = g.rho;
    cells[{0, 0}] = {true, 0, 1, 0};
  }

  std::vector<Place> neighbours(Place at) const {
    std::vector<Place> result;
    for (Place step : {Place{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, -1}, {-1, 1}}) {
      Place place{at.first + step.first, at.second + step.second};
      if (cells.contains(place)) result.push_back(place);
    }
    return result;
  }

  int attached_around(Place at) const {
    int n = 0;
    for (Place place : neighbours(at)) n += cells.at(place).a;
    return n;
  }

  void update() {
    std::map<Place, State> before = cells;
    for (auto& [at, cell] : cells) {  // diffusion
      if (cell.a) continue;
      double sum = cell.d;
      std::vector<Place> around = neighbours(at);
      for (Place place : around) sum += before[place].a ? before[at].d : before[place].d;
      cell.d = (sum + static_cast<double>(6 - around.size()) * before[at].d) / 7;
    }
    std::vector<Place> boundary;
    for (auto& [at, cell] : cells) {
      if (!cell.a && attached_around(at) > 0) boundary.push_back(at);
    }
    for (Place at : boundary) {  // freezing
      State& cell = cells[at];
      cell.b += (1 - growth.kappa) * cell.d;
      cell.c += growth.kappa * cell.d;
      cell.d = 0;
    }
    std::vector<Place> joining;
    for (Place at : boundary) {  // attachment
      const State& cell = cells[at];
      double vapour = cell.d;
      for (Place place : neighbours(at)) vapour += cells[place].d;
      int n = attached_around(at);
      bool joins = n <= 2   ? cell.b >= growth.beta
                   : n == 3 ? cell.b >= 1 || (vapour < growth.theta && cell.b >= growth.alpha)
                            : true;
      if (joins) joining.push_back(at);
    }
    for (Place at : joining) {
      State& cell = cells[at];
      cell.a = true;
      cell.c += cell.b;
      cell.b = 0;
    }
    for (Place at : boundary) {  // melting
      State& cell = cells[at];
      if (cell.a) continue;
      cell.d += growth.mu * cell.b + growth.gamma * cell.c;
      cell.b *= 1 - growth.mu;
      cell.c *= 1 - growth.gamma;
    }
  }
};

class EveryName : public testing::TestWithParam<NamedGrowth> {};

std::string name_of(const testing::TestParamInfo<NamedGrowth>& info) { return std::string(info.param.name); }

INSTANTIATE_TEST_SUITE_P(Growths, EveryName, testing::ValuesIn(named_growths().begin(), named_growths().end()),
                         name_of);

TEST_P(EveryName, FollowsThePaperCellByCell) {
  Growth growth = GetParam().growth;
  growth.sigma = growth.drift = 0;
  growth.drop_at = 0;
  constexpr int radius = 12, updates = 250;
  Plain plain(growth, radius);
  for (int i = 0; i < updates; ++i) plain.update();
  for (Part part : {Part::twelfth, Part::whole}) {
    GravnerGriffeath flake = grown(growth, radius, updates, part);
    double worst = 0;
    int others = 0;
    for (auto& [at, cell] : plain.cells) {
      others += flake.attached(at.first, at.second) != cell.a;
      worst = std::max({worst, std::abs(flake.vapour(at.first, at.second) - cell.d),
                        std::abs(flake.boundary_mass(at.first, at.second) - cell.b),
                        std::abs(flake.crystal_mass(at.first, at.second) - cell.c)});
    }
    EXPECT_EQ(others, 0);
    EXPECT_LE(worst, rounding);
    EXPECT_GT(flake.width(), 3);
  }
}

TEST_P(EveryName, IsTheSameFromATwelfthAsFromTheWholeWithinRounding) {
  Growth growth = GetParam().growth;
  growth.sigma = 0;
  GravnerGriffeath twelfth = grown(growth, 40, 500), whole = grown(growth, 40, 500, Part::whole);
  expect_alike(twelfth, whole, rounding);
  EXPECT_EQ(twelfth.width(), whole.width());
  EXPECT_EQ(twelfth.attached_cells(), whole.attached_cells());
  EXPECT_NEAR(twelfth.mass(), whole.mass(), rounding * whole.mass());
  EXPECT_NEAR(twelfth.filled(), whole.filled(), rounding);
}

TEST_P(EveryName, KeepsItsMassWhereNothingChangesTheVapour) {
  Growth growth = GetParam().growth;
  growth.sigma = growth.drift = 0;
  growth.drop_at = 0;
  for (Part part : {Part::twelfth, Part::whole}) {
    GravnerGriffeath flake(growth, 45, 0, part);
    double mass = flake.mass();
    double cells = 3.0 * 45 * 46 + 1;
    EXPECT_NEAR(mass, growth.rho * (cells - 1) + 1, 1e-9);
    for (int i = 0; i < 1000; ++i) flake.update();
    EXPECT_NEAR(flake.mass(), mass, rounding * mass);
    EXPECT_GT(flake.attached_cells(), 100);
  }
}

TEST(GravnerGriffeath, ConfinesTheCrystalToTheHexagon) {
  GravnerGriffeath flake({.rho = 1, .beta = 0.3, .theta = 10}, 6);
  double mass = flake.mass();
  for (int i = 0; i < 3000; ++i) flake.update();
  EXPECT_EQ(flake.width(), 13);
  EXPECT_NEAR(flake.mass(), mass, rounding * mass);
  EXPECT_TRUE(flake.grow(13, 1));
  EXPECT_FALSE(flake.grow(15, 1'000'000));
}

TEST(GravnerGriffeath, StopsWhenTheFlakeIsWideEnough) {
  GravnerGriffeath flake(growth_named("fern"), 40);
  EXPECT_FALSE(flake.grow(41, 10));
  EXPECT_EQ(flake.updates(), 10);
  EXPECT_TRUE(flake.grow(41, 100'000));
  EXPECT_EQ(flake.width(), 41);
  EXPECT_TRUE(flake.attached(20, 0));
  EXPECT_FALSE(flake.attached(21, 0));
}

// --- Symmetry --------------------------------------------------------------------------------------------------------

TEST(GravnerGriffeath, HasTwelveSymmetriesToTheBit) {
  GravnerGriffeath flake = grown(growth_named("dendrite_ends"), 40, 900);
  for (auto [q, r] : hexagon(40)) {
    // A turn by 60 degrees and a mirror; together they make all twelve.
    for (auto [q2, r2] : {Place{-r, q + r}, Place{r, q}}) {
      ASSERT_EQ(flake.attached(q, r), flake.attached(q2, r2));
      ASSERT_EQ(flake.vapour(q, r), flake.vapour(q2, r2));
      ASSERT_EQ(flake.boundary_mass(q, r), flake.boundary_mass(q2, r2));
      ASSERT_EQ(flake.crystal_mass(q, r), flake.crystal_mass(q2, r2));
    }
  }
}

TEST(GravnerGriffeath, LeavesFarVapourAsItWasToTheBit) {
  for (Part part : {Part::twelfth, Part::whole}) {
    GravnerGriffeath flake = grown(growth_named("stellar_dendrite"), 100, 90, part);
    EXPECT_LT(flake.vapour(10, 0), 0.64);
    for (auto [q, r] : hexagon(100)) {
      if (distance(q, r) <= 91) continue;
      ASSERT_EQ(flake.vapour(q, r), 0.64);
    }
  }
}

// --- Changes of the vapour -------------------------------------------------------------------------------------------

TEST(GravnerGriffeath, DropsTheVapourOnceBeforeTheUpdate) {
  Growth growth = growth_named("vapour_drop"), steady = growth;
  growth.drop_at = 50;
  steady.drop_at = 0;
  GravnerGriffeath dropped = grown(growth, 60, 49), kept = grown(steady, 60, 49);
  expect_alike(dropped, kept, 0);
  EXPECT_EQ(kept.vapour(59, 0), 0.66);
  double vapour = 0, mass = kept.mass();
  for (auto [q, r] : hexagon(60)) vapour += kept.vapour(q, r);
  dropped.update();
  EXPECT_NEAR(dropped.mass(), mass - 0.4 * vapour, 1e-9);
  EXPECT_EQ(dropped.vapour(59, 0), 0.66 * (1 - 0.4));
  for (int i = 0; i < 200; ++i) dropped.update();
  EXPECT_NEAR(dropped.mass(), mass - 0.4 * vapour, 1e-9);
}

TEST(GravnerGriffeath, LetsTheVapourGrowInEveryUpdate) {
  Growth growth = growth_named("plate");
  growth.drift = 1e-3;
  GravnerGriffeath flake = grown(growth, 200, 20);
  EXPECT_NEAR(flake.vapour(150, 0), 0.8 * std::pow(1.001, 20), rounding);
}

TEST(GravnerGriffeath, ShakesTheVapourBySigmaUpOrDownByChance) {
  Growth growth = growth_named("noisy");
  growth.sigma = 0.25;
  GravnerGriffeath flake(growth, 100, 3);
  EXPECT_EQ(flake.part(), Part::whole);
  flake.update();
  int up = 0, down = 0;
  for (auto [q, r] : hexagon(100)) {
    if (distance(q, r) < 3) continue;
    double factor = flake.vapour(q, r) / growth.rho;
    if (std::abs(factor - 1.25) < rounding)
      ++up;
    else if (std::abs(factor - 0.75) < rounding)
      ++down;
    else
      FAIL() << factor;
  }
  double count = up + down;
  EXPECT_NEAR(up / count, 0.5, 4 * 0.5 / std::sqrt(count));
}

TEST(GravnerGriffeath, RepeatsItsNoiseForASeedOnly) {
  const Growth& growth = growth_named("noisy");
  GravnerGriffeath first = grown(growth, 50, 300, Part::whole, 1), again = grown(growth, 50, 300, Part::whole, 1);
  GravnerGriffeath other = grown(growth, 50, 300, Part::whole, 2);
  expect_alike(first, again, 0);
  EXPECT_NE(first.vapour(40, 3), other.vapour(40, 3));
  EXPECT_NE(first.vapour(40, 3), first.vapour(3, 40));
}

TEST(GravnerGriffeath, GivesTheSameBitsForAnyNumberOfThreads) {
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  GravnerGriffeath expected = grown(growth_named("noisy"), 190, 20, Part::whole, 5);
  for (int threads : {2, 3}) {
    omp_set_num_threads(threads);
    expect_alike(grown(growth_named("noisy"), 190, 20, Part::whole, 5), expected, 0);
  }
  omp_set_num_threads(before);
}

// --- Refusals --------------------------------------------------------------------------------------------------------

std::string refusal(Growth growth, int radius = 50) {
  return test::error_of<ValueError>([&] { GravnerGriffeath(growth, radius); });
}

TEST(GravnerGriffeath, RefusesNumbersOutOfTheirRange) {
  EXPECT_EQ(refusal({.rho = 0}), "GravnerGriffeath: rho is 0; expected above 0 and at most 1");
  EXPECT_EQ(refusal({.rho = NAN}), "GravnerGriffeath: rho is nan; expected above 0 and at most 1");
  EXPECT_EQ(refusal({.beta = -1}), "GravnerGriffeath: beta is -1; expected a number above 0");
  EXPECT_EQ(refusal({.alpha = -0.5}), "GravnerGriffeath: alpha is -0.5; expected a number of 0 or more");
  EXPECT_EQ(refusal({.theta = INFINITY}), "GravnerGriffeath: theta is inf; expected a number of 0 or more");
  EXPECT_EQ(refusal({.kappa = 1.5}), "GravnerGriffeath: kappa is 1.5; expected 0 to 1");
  EXPECT_EQ(refusal({.mu = -0.1}), "GravnerGriffeath: mu is -0.1; expected 0 to 1");
  EXPECT_EQ(refusal({.gamma = 2}), "GravnerGriffeath: gamma is 2; expected 0 to 1");
  EXPECT_EQ(refusal({.sigma = 1}), "GravnerGriffeath: sigma is 1; expected 0 to below 1");
  EXPECT_EQ(refusal({.drift = -1}), "GravnerGriffeath: drift is -1; expected above -1 and at most 1");
  EXPECT_EQ(refusal({.drop_at = -3}), "GravnerGriffeath: drop_at is -3; expected 0 or more");
  EXPECT_EQ(refusal({.drop = 1}), "GravnerGriffeath: drop is 1; expected 0 to below 1");
  EXPECT_EQ(refusal({}, 1), "GravnerGriffeath: radius is 1; expected 2 to 4096");
  EXPECT_EQ(refusal({}, 5000), "GravnerGriffeath: radius is 5000; expected 2 to 4096");
}

TEST(GrowthNamed, NamesAllWhenItRefusesOne) {
  EXPECT_EQ(test::error_of<ValueError>([] { growth_named("potato"); }),
            "growth_named: there is no 'potato'; expected one of sectored_plate, plate, stellar_dendrite, "
            "primitive_fern, fern, simple_star, plate_ends, dendrite_ends, ribs, vapour_drop, noisy");
}

// --- Shapes, grown to 401 cells --------------------------------------------------------------------------------------

struct Shape401 {
  GravnerGriffeath flake;
  std::vector<double> ring;  // share of crystal among the cells of each tenth of the flake's hexagon, from the seed out
};

Shape401 shape_of(std::string_view name) {
  constexpr int cells = 401;
  GravnerGriffeath flake(growth_named(name), cells);
  EXPECT_TRUE(flake.grow(cells, 300'000)) << name;
  int extent = flake.width() / 2;
  std::array<double, 10> ice{}, all{};
  for (auto [q, r] : hexagon(extent)) {
    std::size_t tenth = std::min<std::size_t>(9, static_cast<std::size_t>(10 * distance(q, r) / extent));
    all[tenth] += 1;
    ice[tenth] += flake.attached(q, r);
  }
  std::vector<double> ring;
  for (std::size_t i = 0; i < 10; ++i) ring.push_back(ice[i] / all[i]);
  return {std::move(flake), ring};
}

// How far the arm at an angle of 0 reaches to its side, in half cells, `share` of the way out.
int half_width(const GravnerGriffeath& flake, double share) {
  int along = static_cast<int>(share * (flake.width() / 2)), half = 0;
  // Cells (along - r, 2 r) stand at a right angle to the axis of q.
  for (int r = 0; r <= along / 2; ++r) {
    if (flake.attached(along - r, 2 * r)) half = 2 * r;
  }
  return half;
}

// The branches on one side of an arm: how often a line next to it, within the arm's 30 degrees, enters the crystal; of
// all such lines the one with the most.
int branches(const GravnerGriffeath& flake) {
  int most = 0, extent = flake.width() / 2;
  for (int r = 1; r < extent / 2; ++r) {
    int entries = 0;
    for (int q = r + 1; q <= extent - r; ++q) entries += flake.attached(q, r) && !flake.attached(q - 1, r);
    most = std::max(most, entries);
  }
  return most;
}

TEST(ShapesSlow, PlateIsAHexagon) {
  Shape401 plate = shape_of("plate");
  EXPECT_GT(plate.flake.filled(), 0.97);
  EXPECT_EQ(branches(plate.flake), 0);
}

TEST(ShapesSlow, SectoredPlateIsAPlateWithSixNotches) {
  Shape401 sectored = shape_of("sectored_plate");
  EXPECT_GT(sectored.flake.filled(), 0.75);
  EXPECT_LT(sectored.flake.filled(), 0.92);
  EXPECT_GT(sectored.ring[5], 0.95);              // whole inside
  EXPECT_FALSE(sectored.flake.attached(95, 95));  // open between two corners
  EXPECT_TRUE(sectored.flake.attached(180, 15));  // and closed beside one
  // Ridges of thicker ice on the six axes part the sectors.
  EXPECT_GT(sectored.flake.crystal_mass(100, 0), 1.2 * sectored.flake.crystal_mass(80, 40));
}

TEST(ShapesSlow, FernsHaveManyBranches) {
  Shape401 fern = shape_of("fern"), primitive = shape_of("primitive_fern");
  EXPECT_GE(branches(fern.flake), 10);
  EXPECT_LT(fern.flake.filled(), 0.35);
  EXPECT_GE(branches(primitive.flake), 5);
  EXPECT_LT(primitive.flake.filled(), 0.75);
}

TEST(ShapesSlow, StellarDendriteHasBranchedArmsThatTaperToTheirTips) {
  Shape401 stellar = shape_of("stellar_dendrite");
  EXPECT_LT(stellar.flake.filled(), 0.5);
  EXPECT_GE(branches(stellar.flake), 3);
  EXPECT_LT(stellar.ring[9], 0.1);
  EXPECT_LT(half_width(stellar.flake, 0.9), half_width(stellar.flake, 0.6) / 2);
}

TEST(ShapesSlow, SimpleStarHasSixNarrowArmsWithoutBranches) {
  Shape401 star = shape_of("simple_star");
  EXPECT_LT(star.flake.filled(), 0.4);
  EXPECT_LE(branches(star.flake), 1);
  for (double share : {0.3, 0.5, 0.7, 0.9}) EXPECT_LE(half_width(star.flake, share), 20) << share;
}

TEST(ShapesSlow, PlateEndsSitOnNarrowNecks) {
  Shape401 ends = shape_of("plate_ends");
  int neck = 1000, plate = 0;
  for (double share = 0.5; share < 0.75; share += 0.005) neck = std::min(neck, half_width(ends.flake, share));
  for (double share = 0.75; share < 0.95; share += 0.005) plate = std::max(plate, half_width(ends.flake, share));
  EXPECT_LE(3 * neck, plate);
  // Whole plates: no hole in the middle of one, around which all is crystal.
  for (int q = 150; q < 195; ++q) EXPECT_TRUE(ends.flake.attached(q, 0)) << q;
  EXPECT_TRUE(ends.flake.attached(160, 10));
}

TEST(ShapesSlow, DendriteEndsGrowFromAPlate) {
  Shape401 ends = shape_of("dendrite_ends");
  EXPECT_GT(ends.ring[2], 0.99);
  EXPECT_LT(ends.ring[7], 0.3);
  EXPECT_GE(branches(ends.flake), 4);
}

TEST(ShapesSlow, RibsRunAroundThePlate) {
  Shape401 ribs = shape_of("ribs");
  EXPECT_GT(ribs.ring[6], 0.9);
  // Half-way between two axes the thickness rises and falls more than once.
  std::vector<double> thickness;
  for (int i = 10; i <= 60; ++i) thickness.push_back(ribs.flake.crystal_mass(i, i));
  auto [least, most] = std::minmax_element(thickness.begin(), thickness.end());
  double middle = (*least + *most) / 2;
  int crossings = 0;
  for (std::size_t i = 1; i < thickness.size(); ++i) {
    crossings += (thickness[i] > middle) != (thickness[i - 1] > middle);
  }
  EXPECT_GE(crossings, 4);
}

}  // namespace
}  // namespace floe::snowflakes
