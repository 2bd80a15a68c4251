// State: numbers and random streams as tensors.
#include <floe/layers/state.h>

namespace floe {

void State::together(const std::string&, const std::vector<std::pair<std::string, Tensor*>>& tensors) {
  for (const auto& [name, value] : tensors) tensor(name, *value);
}

// As variables, since their shapes are fixed: a walk can spot a value that does not fit before it changes anything.

void State::number(const std::string& name, std::int64_t& value) {
  Variable held(name, floe::tensor(std::vector<std::int64_t>{value}, Shape{}), /*trainable=*/false);
  variable(name, held);
  value = *held.value().data<std::int64_t>();
}

void State::rng(const std::string& name, Rng& rng) {
  std::vector<std::int64_t> words{static_cast<std::int64_t>(rng.key()), static_cast<std::int64_t>(rng.position())};
  Variable held(name, floe::tensor(words, Shape{2}), /*trainable=*/false);
  variable(name, held);
  const std::int64_t* read = held.value().data<std::int64_t>();
  rng = Rng(static_cast<std::uint64_t>(read[0]), static_cast<std::uint64_t>(read[1]));
}

}  // namespace floe
