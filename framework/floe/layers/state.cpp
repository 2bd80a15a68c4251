// State: numbers and random streams as tensors.
#include <floe/layers/state.h>

namespace floe {

void State::number(const std::string& name, std::int64_t& value) {
  Tensor held = floe::tensor<std::int64_t>(std::vector<std::int64_t>{value}, Shape{});
  tensor(name, held);
  value = held.item<std::int64_t>();
}

void State::rng(const std::string& name, Rng& rng) {
  std::vector<std::int64_t> words{static_cast<std::int64_t>(rng.key()), static_cast<std::int64_t>(rng.position())};
  Tensor held = floe::tensor(words, Shape{2});
  tensor(name, held);
  const std::int64_t* read = held.data<std::int64_t>();
  rng = Rng(static_cast<std::uint64_t>(read[0]), static_cast<std::uint64_t>(read[1]));
}

}  // namespace floe
