// The snow crystals of Gravner and Griffeath: a cellular automaton that grows one flake out of vapour.
// Gravner and Griffeath, "Modeling snow crystal growth II", Physica D 237, 2008; letters as there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace floe::snowflakes {

// What the air is like around a crystal. Masses are per cell, rates per update.
struct Growth {
  double rho = 0.5;          // vapour in each cell at the start, above 0, at most 1
  double beta = 1.3;         // boundary mass that lets a cell with one or two attached neighbours attach, above 0
  double alpha = 0;          // the same for three of them, where there is little vapour; with b >= 1 they always attach
  double theta = 0;          // little vapour: less than this in a cell and its six neighbours
  double kappa = 0;          // share of the vapour at the boundary that freezes to crystal at once, 0 to 1
  double mu = 0;             // share of the boundary mass that melts, 0 to 1
  double gamma = 0;          // share of the boundary's crystal mass that melts, 0 to 1
  double sigma = 0;          // noise: each cell's vapour times 1 + sigma or 1 - sigma, by chance, 0 to below 1
  double drift = 0;          // all vapour times 1 + drift, in every update, above -1, at most 1
  std::int64_t drop_at = 0;  // the update before which all vapour is multiplied by 1 - drop; 0: never
  double drop = 0;           // 0 to below 1
};

struct Cell {
  int q, r;
};

// The automaton on a hexagon of cells around the seed. Cells have axial coordinates: (q, r) lies at q (1, 0) + r (1/2,
// sqrt(3) / 2), and its neighbours are (q +- 1, r), (q, r +- 1), (q + 1, r - 1) and (q - 1, r + 1), six of the eight of
// a square array. Nothing passes the hexagon's edge.
//
// Without noise a flake has the hexagon's twelve symmetries, and only the cells 0 <= r <= q are computed: symmetric to
// the last bit by construction, where computing all cells would be so within rounding. The same bits on any number of
// threads, and on every machine.
class GravnerGriffeath {
 public:
  enum class Part { twelfth, whole };

  // `radius` is the distance from the seed to the edge, 2 to 4096 cells. With noise the part is the whole, and `seed`
  // names its random numbers. ValueError for a number outside its range.
  GravnerGriffeath(const Growth& growth, int radius, std::uint64_t seed = 0, Part part = Part::twelfth);

  // Diffusion, freezing, attachment, melting, and changes of the vapour.
  void update();

  // Updates until the flake is `cells` wide from tip to tip, or `most` updates were made; true if it is that wide.
  bool grow(int cells, std::int64_t most);

  std::int64_t updates() const { return updates_; }
  int radius() const { return radius_; }
  int width() const { return 2 * extent_ + 1; }  // in cells, from tip to tip
  Part part() const { return part_; }
  const Growth& growth() const { return growth_; }

  // Of any cell of the hexagon.
  bool attached(int q, int r) const { return open_[index(q, r)] < 0; }
  double vapour(int q, int r) const { return vapour_[index(q, r)]; }                // d
  double boundary_mass(int q, int r) const { return boundary_mass_[index(q, r)]; }  // b
  double crystal_mass(int q, int r) const { return crystal_mass_[index(q, r)]; }    // c

  // visit(q, r) for the computed cells: all, or one of every twelve.
  template <class Visit>
  void each_cell(Visit visit) const {
    each_cell(radius_, visit);
  }

  std::int64_t attached_cells() const;  // of the whole hexagon
  double filled() const;                // that number against the smallest hexagon of cells around the flake
  double mass() const;                  // vapour, boundary and crystal mass of the whole hexagon

 private:
  struct Site {  // a boundary cell
    Cell cell;
    std::size_t at;
    bool joins;  // in this update
  };

  Cell computed(int q, int r) const;  // the cell that stands for this one
  std::size_t index(int q, int r) const;
  bool inside(int q, int r) const;
  int copies(int q, int r) const;
  int first_row(int reach) const { return part_ == Part::twelfth ? 0 : -reach; }
  int last_row(int reach) const { return part_ == Part::twelfth ? reach / 2 : reach; }
  int row_begin(int r, int reach) const { return part_ == Part::twelfth ? r : r >= 0 ? -reach : -reach - r; }
  int row_end(int r, int reach) const { return part_ == Part::twelfth || r >= 0 ? reach - r + 1 : reach + 1; }

  template <class Visit>
  void each_cell(int reach, Visit visit) const {
    for (int r = first_row(reach); r <= last_row(reach); ++r) {
      for (int q = row_begin(r, reach); q < row_end(r, reach); ++q) visit(q, r);
    }
  }

  void reflect_vapour();
  void diffuse();
  void extend_reach();
  void freeze();
  void attach();
  void join(Cell cell);
  double vapour_around(Cell cell) const;
  void melt();
  void change_vapour();
  void scale_vapour(double factor);

  Growth growth_;
  int radius_;
  std::uint64_t seed_;
  Part part_;
  std::ptrdiff_t stride_, origin_;  // cell (q, r) is at origin + r stride + q
  std::vector<double> vapour_, next_vapour_, boundary_mass_, crystal_mass_;
  std::vector<double> open_;  // neighbours in the hexagon that are not attached; -1 if the cell itself is
  std::vector<std::uint8_t> attached_neighbours_;
  std::vector<Site> boundary_, joining_;  // cells that are not attached and have an attached neighbour, in no order
  int reach_;  // all vapour at this distance from the seed and beyond is far_vapour_ to the last bit
  double far_vapour_;
  int extent_ = 0;
  std::int64_t updates_ = 0;
};

}  // namespace floe::snowflakes
