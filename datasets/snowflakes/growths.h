// Growths by name: the parameter sets of the paper, and the families that the training set is drawn from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <floe/tensor/random.h>

#include "gravner_griffeath.h"

namespace floe::snowflakes {

struct NamedGrowth {
  std::string_view name;  // in snake_case
  Growth growth;
};

// Each gives the shape of its name when it is grown to 400 cells.
std::span<const NamedGrowth> named_growths();
const Growth& growth_named(std::string_view name);  // ValueError with all names for another one

// Part of the name of every file that caches grown flakes; changes whenever a seed grows other flakes.
inline constexpr int generator_version = 1;

// The types of crystal in the training set, in the order of their labels: "plate", "sectored plate", ...
const std::vector<std::string>& kind_names();

// A growth of that kind with parameters drawn along the sweeps of the paper; it reaches 200 cells in some thousand
// updates.
Growth draw_growth(int kind, Rng& rng);

}  // namespace floe::snowflakes
