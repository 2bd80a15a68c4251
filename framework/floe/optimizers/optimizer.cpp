// Optimizer: slots, checks and state.
#include <floe/optimizers/optimizer.h>

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include <floe/backend/optimizer_rules.h>
#include <floe/backend/run.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/tape/record.h>
#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

NodeId identity(const Variable& variable) { return variable.value().id().plain(); }

// Calls updated() at the end, even of a step that failed: the value may have moved to storage of its own.
struct Updated {
  ~Updated() { variable.updated(); }
  Variable& variable;
};

}  // namespace

Optimizer::Optimizer(double learning_rate, std::vector<Slot> slots, const char* name, std::vector<Option> options)
    : name_(name), options_(std::move(options)), learning_rate_(learning_rate), slots_kept_(std::move(slots)) {
  require_options(DType::float64);
}

void Optimizer::set_learning_rate(double rate) {
  require_number("optimizer", "the learning rate", rate, numbers::from_0);
  learning_rate_ = rate;
}

void Optimizer::require_options(DType dtype) const {
  require_number("optimizer", "the learning rate", learning_rate_, numbers::from_0, dtype);
  for (const Option& option : options_) require_number(name_, option.name, option.value, option.range, dtype);
}

void Optimizer::apply(const Gradients& gradients, Location where) {
  // Refuse before anything is changed.
  if (std::none_of(gradients.begin(), gradients.end(), [](const auto& entry) { return entry.variable->trainable(); })) {
    throw ValueError(message("apply",
                             "there is no variable to train: none was asked for, or all of them are frozen "
                             "(set_trainable)",
                             {}, where));
  }
  std::set<std::string_view> paths;
  for (const auto& [variable, gradient] : gradients) {
    const Tensor& value = variable->value();
    auto require_like = [&](const char* role, const Tensor& tensor, const char* what) {
      std::initializer_list<Shown> shown{{"variable", value}, {role, tensor}};
      if (tensor.shape() != value.shape())
        throw ShapeError(message("apply", fmt::format("{} must have its variable's shape", what), shown, where));
      if (tensor.dtype() != value.dtype())
        throw DTypeError(message("apply", fmt::format("{} must have its variable's dtype", what), shown, where));
    };
    auto known = slots_.find(variable->path());
    bool taken = known != slots_.end() && known->second.owner != identity(*variable) &&
                 !variable_name(known->second.owner).empty();
    if (taken || !paths.insert(variable->path()).second) {
      throw ValueError(message("apply",
                               fmt::format("two variables are called {}, and the optimizer keeps its state by name; "
                                           "rename one, or give each its own optimizer",
                                           variable->path()),
                               {}, where));
    }
    if (!gradient.defined())
      throw ValueError(message("apply", fmt::format("{} has no gradient", variable->path()), {}, where));
    require_like("gradient", gradient, "a gradient");
    require_options(value.dtype());
    require_same_device("apply", Operand(value, where.file, where.line), "the variable", gradient, "its gradient");
    if (known == slots_.end()) continue;
    for (const Tensor& slot : known->second.tensors) require_like("kept", slot, "what the optimizer keeps");
  }

  NoRecording silence;
  ++steps_;
  auto steps = [&] {
    for (const auto& [variable, gradient] : gradients) {
      Tensors none, &slots = slots_kept_.empty() ? none : slots_of(*variable);
      observe_begun(variable->value());
      {
        Updated afterwards{*variable};
        step(*variable, gradient, slots);
      }
      observe({"optimizer_step", where}, {gradient}, variable->update());
    }
  };
  const bool any_on_a_gpu = std::any_of(gradients.begin(), gradients.end(), [](const auto& entry) {
    return entry.gradient.device().kind == Device::Kind::cuda;
  });
  // An observer sees each when it is made.
  const bool one_by_one = !any_on_a_gpu || (detail::hooks & detail::observed);
  run<cpu::together, cuda::together>({one_by_one ? Device::Kind::cpu : Device::Kind::cuda}, steps);
}

Tensors& Optimizer::slots_of(const Variable& variable) {
  auto& [owner, tensors] = slots_[variable.path()];
  owner = identity(variable);
  for (Tensor& restored : tensors) restored = restored.on(variable.value().device());
  while (tensors.size() < slots_kept_.size()) {
    const Tensor& value = variable.value();
    tensors.push_back(full(value.shape(), slots_kept_[tensors.size()].first, value.dtype(), value.device()));
  }
  return tensors;
}

void Optimizer::state(State& state, const std::string& prefix) {
  const std::string steps = prefix + ".steps";
  state.number(steps, steps_);
  for (const Slot& slot : slots_kept_) {
    state.names(prefix + "." + slot.name + ".",
                [&](const std::string& path) { slots_[path].tensors.resize(slots_kept_.size()); });
  }
  for (auto& [path, slots] : slots_) {
    std::vector<std::pair<std::string, Tensor*>> named;
    for (std::size_t i = 0; i < slots.tensors.size(); ++i)
      named.emplace_back(prefix + "." + slots_kept_[i].name + "." + path, &slots.tensors[i]);
    state.together(steps, named);
  }

  // A walk may leave slots without a value: one that only checks whether a file fits has named them, or the file was
  // saved before their variable's first step.
  std::erase_if(slots_, [](const auto& entry) {
    const Tensors& slots = entry.second.tensors;
    return std::any_of(slots.begin(), slots.end(), [](const Tensor& slot) { return !slot.defined(); });
  });
}

}  // namespace floe
