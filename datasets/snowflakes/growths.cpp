// The numbers of the paper, with what was settled where its text and its appendix disagree, and sweeps around them.
#include "growths.h"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <floe/tensor/error.h>

#include "snowflakes.h"

namespace floe::snowflakes {
namespace {

// Drift and drop of the vapour are from the paper's figures, too.
constexpr std::array<NamedGrowth, 11> growths = {{
    {"sectored_plate",
     {.rho = 0.8, .beta = 2.9, .alpha = 0.006, .theta = 0.004, .kappa = 0.05, .mu = 0.015, .gamma = 1e-4,
      .drift = 2e-5}},
    // The same without the growing vapour stays a hexagon up to 400 cells.
    {"plate", {.rho = 0.8, .beta = 2.9, .alpha = 0.006, .theta = 0.004, .kappa = 0.05, .mu = 0.015, .gamma = 1e-4}},
    {"stellar_dendrite",
     {.rho = 0.64, .beta = 1.6, .alpha = 0.21, .theta = 0.0205, .kappa = 0.07, .mu = 0.015, .gamma = 5e-5}},
    {"primitive_fern", {.rho = 0.58, .beta = 3.2}},
    // The set of plate_ends in denser air, which the paper does not show.
    {"fern", {.rho = 0.45, .beta = 1.09, .alpha = 0.01, .theta = 0.0745, .kappa = 1e-4, .mu = 0.14, .gamma = 1e-5}},
    // The appendix; the text has gamma 1e-5 and alpha and theta exchanged, which grows a plain hexagon.
    {"simple_star",
     {.rho = 0.65, .beta = 1.75, .alpha = 0.2, .theta = 0.026, .kappa = 0.15, .mu = 0.015, .gamma = 1e-4}},
    {"plate_ends",
     {.rho = 0.36, .beta = 1.09, .alpha = 0.01, .theta = 0.0745, .kappa = 1e-4, .mu = 0.14, .gamma = 1e-5}},
    // With a gamma of 6e-4 as printed the arms become broad ribbed spokes without a side branch.
    {"dendrite_ends",
     {.rho = 0.38, .beta = 1.06, .alpha = 0.35, .theta = 0.112, .kappa = 0.001, .mu = 0.14, .gamma = 6e-5}},
    {"ribs", {.rho = 0.37, .beta = 1.09, .alpha = 0.02, .theta = 0.09, .kappa = 0.003, .mu = 0.12, .gamma = 1e-6}},
    {"vapour_drop",
     {.rho = 0.66, .beta = 1.6, .alpha = 0.4, .theta = 0.025, .kappa = 0.075, .mu = 0.015, .gamma = 5e-5,
      .drop_at = 4000, .drop = 0.4}},
    {"noisy",
     {.rho = 0.65, .beta = 1.6, .alpha = 0.2, .theta = 0.0245, .kappa = 0.1, .mu = 0.015, .gamma = 5e-5,
      .sigma = 1e-5}},
}};

enum Kind {
  plate, sectored_plate, stellar_plate, simple_star, stellar_dendrite, fern, plate_ends, dendrite_ends, ribs
};

}  // namespace

std::span<const NamedGrowth> named_growths() { return growths; }

const Growth& growth_named(std::string_view name) {
  std::string names;
  for (const NamedGrowth& named : growths) {
    if (named.name == name) return named.growth;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", named.name);
  }
  throw ValueError(fmt::format("growth_named: there is no '{}'; expected one of {}", name, names));
}

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = {"plate", "sectored plate", "stellar plate",
                                                 "simple star", "stellar dendrite", "fern",
                                                 "plate ends", "dendrite ends", "ribs"};
  return names;
}

Growth draw_growth(int kind, Rng& rng) {
  // Wide along the sweep that gives the kind its range, and up to a few percent in everything else.
  auto between = [&](double low, double high) { return low + (high - low) * rng.uniform(); };
  auto about = [&](double value) { return value * between(0.95, 1.05); };
  switch (kind) {
    case plate:
      return {.rho = between(0.82, 0.88), .beta = between(2.82, 3), .alpha = about(0.004), .theta = about(0.001),
              .kappa = between(0.03, 0.05), .mu = about(0.015), .gamma = about(1e-4)};
    case sectored_plate:
      return {.rho = between(0.78, 0.82), .beta = between(2.35, 2.7), .alpha = about(0.004), .theta = about(0.001),
              .kappa = between(0.03, 0.06), .mu = about(0.015), .gamma = about(1e-4)};
    case stellar_plate:
      return {.rho = between(0.49, 0.53), .beta = between(1.38, 1.42), .alpha = about(0.1), .theta = about(0.005),
              .kappa = about(0.001), .mu = between(0.065, 0.09), .gamma = about(0.001)};
    case simple_star:
      return {.rho = between(0.62, 0.68), .beta = between(1.57, 1.75), .alpha = between(0.2, 0.4),
              .theta = about(0.025), .kappa = between(0.04, 0.2), .mu = about(0.015), .gamma = about(5e-4)};
    case stellar_dendrite:
      return {.rho = between(0.43, 0.52), .beta = between(1.28, 1.32), .alpha = about(0.08), .theta = about(0.025),
              .kappa = about(0.003), .mu = about(0.07), .gamma = about(5e-5)};
    case fern:
      return {.rho = between(0.44, 0.54), .beta = between(1.07, 1.12), .alpha = about(0.01), .theta = about(0.0745),
              .kappa = about(1e-4), .mu = about(0.14), .gamma = about(1e-5)};
    case plate_ends:
      return {.rho = between(0.37, 0.386), .beta = between(1.08, 1.1), .alpha = about(0.01), .theta = about(0.0745),
              .kappa = about(1e-4), .mu = between(0.135, 0.145), .gamma = about(1e-5)};
    case dendrite_ends:
      return {.rho = between(0.378, 0.42), .beta = between(1.05, 1.07), .alpha = about(0.35), .theta = about(0.112),
              .kappa = about(0.001), .mu = about(0.14), .gamma = about(6e-5)};
    case ribs:
      return {.rho = between(0.374, 0.4), .beta = between(1.08, 1.1), .alpha = about(0.02), .theta = about(0.09),
              .kappa = about(0.003), .mu = about(0.12), .gamma = about(1e-6)};
    default:
      throw ValueError(fmt::format("draw_growth: kind is {}; expected 0 to {}", kind, kind_names().size() - 1));
  }
}

}  // namespace floe::snowflakes
