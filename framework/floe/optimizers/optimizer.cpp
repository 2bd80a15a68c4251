// Optimizer: slots, checks and state.
#include <floe/optimizers/optimizer.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include <floe/tape/record.h>

namespace floe {

Optimizer::Optimizer(double learning_rate, std::vector<std::string> slots) : slot_names_(std::move(slots)) {
  set_learning_rate(learning_rate);
}

void Optimizer::set_learning_rate(double rate) {
  if (!(rate >= 0 && std::isfinite(rate)))
    throw ValueError(fmt::format("optimizer: the learning rate must be 0 or more, and is {}", rate));
  learning_rate_ = rate;
}

void Optimizer::apply(const Gradients& gradients, Location where) {
  // Refuse before anything is changed.
  std::set<std::string_view> paths;
  for (const auto& [variable, gradient] : gradients) {
    const Tensor& value = variable->value();
    if (!paths.insert(variable->path()).second) {
      throw ValueError(message(
          "apply", fmt::format("two variables are called {}, and the optimizer's state goes by name", variable->path()),
          {}, caller(where)));
    }
    if (!gradient.defined())
      throw ValueError(message("apply", fmt::format("{} has no gradient", variable->path()), {}, caller(where)));
    if (gradient.shape() != value.shape())
      throw ShapeError(message("apply", "a gradient must have its variable's shape",
                               {{"variable", value}, {"gradient", gradient}}, caller(where)));
    if (gradient.dtype() != value.dtype())
      throw DTypeError(message("apply", "a gradient must have its variable's dtype",
                               {{"variable", value}, {"gradient", gradient}}, caller(where)));
  }

  NoRecording silence;
  ++steps_;
  for (const auto& [variable, gradient] : gradients) {
    Tensors& slots = slots_[variable->path()];
    while (slots.size() < slot_names_.size()) slots.push_back(zeros_like(variable->value()));
    for (Tensor& slot : slots) {
      if (slot.shape() != variable->shape() || slot.dtype() != variable->value().dtype())
        slot = zeros_like(variable->value());
    }
    observe_begun(variable->value());
    step(*variable, gradient, slots);
    variable->updated();
    observe({"optimizer_step", where}, {gradient}, variable->update());
  }
}

void Optimizer::state(State& state, const std::string& prefix) {
  state.number(prefix + ".steps", steps_);
  if (slot_names_.empty()) return;
  state.names(prefix + "." + slot_names_[0] + ".",
              [&](const std::string& path) { slots_[path].resize(slot_names_.size()); });
  for (auto& [path, slots] : slots_) {
    for (std::size_t i = 0; i < slots.size(); ++i) state.tensor(prefix + "." + slot_names_[i] + "." + path, slots[i]);
  }

  // A walk may name slots and then leave them without a value, such as one that only looks whether a file fits.
  std::erase_if(slots_, [](const auto& entry) {
    return std::any_of(entry.second.begin(), entry.second.end(), [](const Tensor& slot) { return !slot.defined(); });
  });
}

}  // namespace floe
