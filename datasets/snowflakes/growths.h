// Growths by name: the parameter sets of the paper, and the families that the training set is drawn from.
#pragma once

#include <span>
#include <string_view>

#include <floe/tensor/rng.h>

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

// A growth of the kind with that place in kind_names() (snowflakes.h), drawn along sweeps of the paper; it reaches 200
// cells in some thousand updates. ValueError for another place.
Growth draw_growth(int kind, Rng& rng);

}  // namespace floe::snowflakes
