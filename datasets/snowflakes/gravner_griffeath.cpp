// The update of the automaton: rows of vapour for the processor's vectors, and a list of cells for the boundary.
#include "gravner_griffeath.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include <floe/backend/parallel.h>
#include <floe/tensor/error.h>
#include <floe/tensor/rng.h>

namespace floe::snowflakes {
namespace {

constexpr int largest_radius = 4096;
constexpr int threaded_reach = 180;  // 100,000 cells; an update of fewer is over before a busy machine wakes a thread

constexpr std::array<Cell, 6> steps = {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, -1}, {-1, 1}}};

int distance(int q, int r) { return std::max({std::abs(q), std::abs(r), std::abs(q + r)}); }

// The rows r from `first` to `last`, on all cores if they are long: body(r).
template <class Body>
void for_rows(int first, int last, bool threaded, const Body& body) {
  int rows = last - first + 1;
  parallel_ranges(rows, threaded ? 4 : rows, [&](std::int64_t begin, std::int64_t end) {
    for (int r = first + static_cast<int>(begin); r < first + end; ++r) body(r);
  });
}

void require(std::string_view name, double value, bool fits, std::string_view range) {
  if (!fits) throw ValueError(fmt::format("GravnerGriffeath: {} is {}; expected {}", name, value, range));
}

void require_growth(const Growth& g) {
  constexpr std::string_view share = "0 to 1";
  auto is_share = [](double x) { return x >= 0 && x <= 1; };
  require("rho", g.rho, g.rho > 0 && g.rho <= 1, "above 0 and at most 1");
  require("beta", g.beta, g.beta > 0 && std::isfinite(g.beta), "a number above 0");
  require("alpha", g.alpha, g.alpha >= 0 && std::isfinite(g.alpha), "a number of 0 or more");
  require("theta", g.theta, g.theta >= 0 && std::isfinite(g.theta), "a number of 0 or more");
  require("kappa", g.kappa, is_share(g.kappa), share);
  require("mu", g.mu, is_share(g.mu), share);
  require("gamma", g.gamma, is_share(g.gamma), share);
  require("sigma", g.sigma, g.sigma >= 0 && g.sigma < 1, "0 to below 1");
  require("drift", g.drift, g.drift > -1 && g.drift <= 1, "above -1 and at most 1");
  require("drop_at", static_cast<double>(g.drop_at), g.drop_at >= 0, "0 or more");
  require("drop", g.drop, g.drop >= 0 && g.drop < 1, "0 to below 1");
}

// The mean over a cell and its six neighbours, where an attached one counts as the cell itself; 0 in the crystal. In
// this form vapour that is everywhere the same stays so to the last bit, which reach_ relies on.
void diffuse_row(const double* __restrict d, const double* __restrict open, double* __restrict next, std::ptrdiff_t s,
                 std::ptrdiff_t count) {
  constexpr double seventh = 1.0 / 7;
#pragma omp simd
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    double around = ((d[i - 1] + d[i + 1]) + (d[i - s] + d[i + s])) + (d[i - s + 1] + d[i + s - 1]);
    double mean = d[i] + (around - open[i] * d[i]) * seventh;
    next[i] = open[i] < 0 ? 0.0 : mean;
  }
}

// Up or down by chance: 32 cells from each random word, so that a block of Philox serves 128.
void shake_row(double* d, std::ptrdiff_t count, double sigma, Rng rng) {
  const std::array<double, 2> factors = {1 - sigma, 1 + sigma};
  for (std::ptrdiff_t begin = 0; begin < count; begin += 32) {
    std::uint32_t word = rng.next();
    std::ptrdiff_t end = std::min<std::ptrdiff_t>(count, begin + 32);
    for (std::ptrdiff_t i = begin; i < end; ++i, word >>= 1) d[i] *= factors[word & 1];
  }
}

}  // namespace

GravnerGriffeath::GravnerGriffeath(const Growth& growth, int radius, std::uint64_t seed, Part part)
    : growth_(growth), radius_(radius), seed_(seed), part_(growth.sigma > 0 ? Part::whole : part) {
  require_growth(growth);
  require("radius", radius, radius >= 2 && radius <= largest_radius, fmt::format("2 to {}", largest_radius));

  // A margin around the hexagon holds what lies outside and, for a twelfth, mirror images.
  bool twelfth = part_ == Part::twelfth;
  constexpr std::ptrdiff_t margin = 2;
  std::ptrdiff_t left = twelfth ? 0 : radius, height = twelfth ? radius / 2 + 1 : 2 * radius + 1;
  stride_ = left + radius + 1 + 2 * margin;
  origin_ = (left + margin) * stride_ + left + margin;
  std::size_t cells = static_cast<std::size_t>(stride_ * (height + 2 * margin));
  vapour_.assign(cells, 0);
  boundary_mass_.assign(cells, 0);
  crystal_mass_.assign(cells, 0);
  open_.assign(cells, 0);
  attached_neighbours_.assign(cells, 0);

  // Vapour everywhere, and a seed.
  each_cell([&](int q, int r) {
    std::size_t at = index(q, r);
    vapour_[at] = growth.rho;
    for (Cell step : steps) open_[at] += inside(q + step.q, r + step.r);
  });
  far_vapour_ = growth.rho;
  next_vapour_ = vapour_;
  vapour_[index(0, 0)] = 0;
  crystal_mass_[index(0, 0)] = 1;
  join({0, 0});
  bool uniform = growth.sigma == 0 && growth.drift == 0;
  reach_ = uniform ? 2 : radius;
}

Cell GravnerGriffeath::computed(int q, int r) const {
  if (part_ == Part::whole) return {q, r};
  // Of |q|, |r| and |q + r|, which the symmetries only reorder, the largest is the sum of the others.
  int a = std::abs(q), b = std::abs(r), c = std::abs(q + r);
  int least = std::min({a, b, c});
  return {std::max({a, b, c}) - least, least};
}

std::size_t GravnerGriffeath::index(int q, int r) const {
  Cell cell = computed(q, r);
  return static_cast<std::size_t>(origin_ + cell.r * stride_ + cell.q);
}

bool GravnerGriffeath::inside(int q, int r) const { return distance(q, r) <= radius_; }

void GravnerGriffeath::update() {
  ++updates_;
  if (updates_ == growth_.drop_at) scale_vapour(1 - growth_.drop);
  diffuse();
  freeze();
  attach();
  melt();
  change_vapour();
  extend_reach();
}

bool GravnerGriffeath::grow(int cells, std::int64_t most) {
  while (width() < cells && updates_ < most && extent_ < radius_) update();
  return width() >= cells;
}

// --- (i) Diffusion ---------------------------------------------------------------------------------------------------

// Fills the margin that a twelfth reads: one row below r = 0, and two cells left of q = r in every other row.
void GravnerGriffeath::reflect_vapour() {
  double* d = vapour_.data() + origin_;
  double* below = d - stride_;
  below[0] = below[1] = d[1];
  for (int q = 2; q <= reach_ + 1; ++q) below[q] = d[stride_ + q - 1];  // (q, -1) is (q - 1, 1)
  d[-1] = d[1];
  for (int r = 1; r <= last_row(reach_) + 1; ++r) {
    double* row = d + r * stride_;
    row[r - 1] = row[r - stride_];      // (r - 1, r) is (r, r - 1)
    row[r - 2] = row[r - 2 * stride_];  // (r - 2, r) is (r, r - 2)
  }
}

void GravnerGriffeath::diffuse() {
  auto diffuse_row_of = [this](int r) {
    int begin = row_begin(r, reach_), count = row_end(r, reach_) - begin;
    std::ptrdiff_t at = origin_ + r * stride_ + begin;
    diffuse_row(vapour_.data() + at, open_.data() + at, next_vapour_.data() + at, stride_, count);
  };
  if (part_ == Part::twelfth) {
    reflect_vapour();
    for (int r = 0; r <= last_row(reach_); ++r) diffuse_row_of(r);
  } else {
    for_rows(-reach_, reach_, reach_ >= threaded_reach, diffuse_row_of);
  }
  vapour_.swap(next_vapour_);
}

// What is farther away than this has not noticed the crystal yet: a Gaussian tail below the last bit of the vapour.
// That front moves as the root of the time, and up to it all cells are computed.
void GravnerGriffeath::extend_reach() {
  if (reach_ == radius_) return;
  bool changed = false;
  for (int r = first_row(reach_); r <= last_row(reach_); ++r) {
    int begin = row_begin(r, reach_), last = row_end(r, reach_) - 1;
    int stride = part_ == Part::twelfth || std::abs(r) == reach_ ? 1 : std::max(1, last - begin);
    for (int q = part_ == Part::twelfth ? last : begin; q <= last; q += stride) {
      changed = changed || vapour_[index(q, r)] != far_vapour_;
    }
  }
  if (changed) ++reach_;
}

// --- (ii) to (iv) At the boundary ------------------------------------------------------------------------------------

void GravnerGriffeath::freeze() {
  for (const Site& site : boundary_) {
    double& d = vapour_[site.at];
    boundary_mass_[site.at] += (1 - growth_.kappa) * d;
    crystal_mass_[site.at] += growth_.kappa * d;
    d = 0;
  }
}

double GravnerGriffeath::vapour_around(Cell cell) const {
  double sum = vapour(cell.q, cell.r);
  for (Cell step : steps) {
    int q = cell.q + step.q, r = cell.r + step.r;
    if (inside(q, r)) sum += vapour(q, r);
  }
  return sum;
}

// Decides for all cells before any attaches: what joins in one update does not see the others that do.
void GravnerGriffeath::attach() {
  for (Site& site : boundary_) {
    double b = boundary_mass_[site.at];
    int neighbours = attached_neighbours_[site.at];
    if (neighbours <= 2)
      site.joins = b >= growth_.beta;
    else if (neighbours > 3)
      site.joins = true;
    else
      site.joins = b >= 1 || (b >= growth_.alpha && vapour_around(site.cell) < growth_.theta);
  }
  auto stays = [](const Site& site) { return !site.joins; };
  auto first = std::partition(boundary_.begin(), boundary_.end(), stays);
  joining_.assign(first, boundary_.end());
  boundary_.erase(first, boundary_.end());
  for (const Site& site : joining_) open_[site.at] = -1;
  for (const Site& site : joining_) join(site.cell);
}

void GravnerGriffeath::join(Cell cell) {
  std::size_t at = index(cell.q, cell.r);
  crystal_mass_[at] += boundary_mass_[at];
  boundary_mass_[at] = 0;
  open_[at] = -1;
  extent_ = std::max(extent_, distance(cell.q, cell.r));
  for (Cell step : steps) {
    if (!inside(cell.q + step.q, cell.r + step.r)) continue;
    Cell next = computed(cell.q + step.q, cell.r + step.r);
    std::size_t next_at = index(next.q, next.r);
    if (attached(next.q, next.r)) continue;

    // Mirror images of the new cell may touch it too, so its neighbours are counted anew.
    int open = 0, ice = 0;
    for (Cell turn : steps) {
      if (!inside(next.q + turn.q, next.r + turn.r)) continue;
      ++(attached(next.q + turn.q, next.r + turn.r) ? ice : open);
    }
    if (attached_neighbours_[next_at] == 0) boundary_.push_back({next, next_at, false});
    open_[next_at] = open;
    attached_neighbours_[next_at] = static_cast<std::uint8_t>(ice);
  }
}

void GravnerGriffeath::melt() {
  for (const Site& site : boundary_) {
    double &b = boundary_mass_[site.at], &c = crystal_mass_[site.at];
    vapour_[site.at] += growth_.mu * b + growth_.gamma * c;
    b *= 1 - growth_.mu;
    c *= 1 - growth_.gamma;
  }
}

// --- (v) Changes of the vapour ---------------------------------------------------------------------------------------

void GravnerGriffeath::change_vapour() {
  if (growth_.drift != 0) scale_vapour(1 + growth_.drift);
  if (growth_.sigma == 0) return;
  Rng rng = Rng(seed_).stream(static_cast<std::uint64_t>(updates_));
  for_rows(-reach_, reach_, reach_ >= threaded_reach, [&](int r) {
    int begin = row_begin(r, reach_), count = row_end(r, reach_) - begin;
    double* row = vapour_.data() + origin_ + r * stride_ + begin;
    shake_row(row, count, growth_.sigma, rng.stream(static_cast<std::uint64_t>(r + radius_)));
  });
}

void GravnerGriffeath::scale_vapour(double factor) {
  for (double& d : vapour_) d *= factor;
  for (double& d : next_vapour_) d *= factor;
  far_vapour_ *= factor;
}

// --- Sums ------------------------------------------------------------------------------------------------------------

// How many cells of the hexagon a computed cell stands for.
int GravnerGriffeath::copies(int q, int r) const {
  if (part_ == Part::whole) return 1;
  if (q == 0) return 1;
  return r == 0 || q == r ? 6 : 12;
}

std::int64_t GravnerGriffeath::attached_cells() const {
  std::int64_t count = 0;
  each_cell([&](int q, int r) { count += attached(q, r) ? copies(q, r) : 0; });
  return count;
}

double GravnerGriffeath::filled() const {
  double extent = extent_;
  return static_cast<double>(attached_cells()) / (3 * extent * (extent + 1) + 1);
}

double GravnerGriffeath::mass() const {
  double sum = 0;
  each_cell([&](int q, int r) { sum += copies(q, r) * (vapour(q, r) + boundary_mass(q, r) + crystal_mass(q, r)); });
  return sum;
}

}  // namespace floe::snowflakes
