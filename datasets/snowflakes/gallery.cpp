// Draws snow crystals: one of a name or of any parameters, or a sheet of all that have a name.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include <datasets/snowflakes/growths.h>
#include <datasets/snowflakes/picture.h>
#include <floe/floe.h>

using namespace floe;
using namespace floe::snowflakes;

namespace {

constexpr double margin = 2;    // radius of the hexagon of vapour against that of the flake
constexpr double frame = 1.15;  // side of the picture against the flake

Tensor draw(const std::string& name, const Growth& growth, int cells, int size, std::int64_t most, std::uint64_t seed) {
  GravnerGriffeath flake(growth, static_cast<int>(std::ceil(margin * cells / 2)), seed);
  bool done = flake.grow(cells, most);
  fmt::print("{:<16} {} cells after {} updates, {:.0f} % of its hexagon filled{}\n", name, flake.width(),
             flake.updates(), 100 * flake.filled(), done ? "" : "; --updates ended its growth");
  return colour_picture(flake, size, frame * std::max(flake.width(), cells));
}

}  // namespace

int main(int argc, char** argv) {
  // The name comes first, wherever it stands: its numbers are the defaults of the flags.
  std::string name = "stellar_dendrite";
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--name" && i + 1 < argc) name = argv[i + 1];
    if (flag.starts_with("--name=")) name = flag.substr(7);
  }
  Growth growth;
  for (const NamedGrowth& named : named_growths()) {
    if (named.name == name) growth = named.growth;
  }
  int cells = 401, size = 800;
  std::int64_t updates = 300000;
  std::uint64_t seed = 0;
  std::filesystem::path out = "snowflake.png";
  bool sheet = false;

  Arguments arguments("snowflake_gallery", "Grows a snow crystal and draws it.");
  arguments.add("--name", name, "Parameters of this name, such as fern, ribs or plate_ends");
  arguments.add("--rho", growth.rho, "Vapour in each cell at the start");
  arguments.add("--beta", growth.beta, "Boundary mass that attaches at a tip or a flat side");
  arguments.add("--alpha", growth.alpha, "Boundary mass that attaches in a corner, with little vapour about");
  arguments.add("--theta", growth.theta, "What counts as little vapour");
  arguments.add("--kappa", growth.kappa, "Share of the vapour that freezes at once");
  arguments.add("--mu", growth.mu, "Share of the boundary mass that melts");
  arguments.add("--gamma", growth.gamma, "Share of the boundary's crystal mass that melts");
  arguments.add("--sigma", growth.sigma, "Noise in the vapour");
  arguments.add("--drift", growth.drift, "Growth of the vapour in each update");
  arguments.add("--drop-at", growth.drop_at, "Update before which the vapour drops");
  arguments.add("--drop", growth.drop, "Share of the vapour that it then loses");
  arguments.add("--cells", cells, "Cells from tip to tip").at_least(3).at_most(4001);
  arguments.add("--updates", updates, "Most updates").at_least(1);
  arguments.add("--seed", seed, "Seed of the noise");
  arguments.add("--size", size, "Side of the picture, or of each on the sheet, in pixels").at_least(8).at_most(8192);
  arguments.add("--out", out, "The picture");
  arguments.add("--sheet", sheet, "All that have a name, in the order printed, four in a row");
  if (auto status = arguments.parse(argc, argv)) return *status;

  return run_app([&] {
    if (!sheet) {
      growth_named(name);  // refuses what is none
      save_png(out, draw(name, growth, cells, size, updates, seed));
      return 0;
    }
    std::vector<Tensor> pictures;
    for (const NamedGrowth& named : named_growths()) {
      pictures.push_back(draw(std::string(named.name), named.growth, cells, size, updates, seed));
    }
    save_grid(out, stack(pictures), {.columns = 4, .padding = 0, .background = 0});
    return 0;
  });
}
