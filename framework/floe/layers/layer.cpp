// Layer: registration, paths, and the walk over variables.
#include <floe/layers/layer.h>

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include <floe/ops/shape_ops.h>
#include <floe/tape/of_thread.h>

namespace floe {
namespace {

const std::string* kept_forever(std::string path) {
  static std::mutex mutex;
  static auto* paths = new std::set<std::string>;
  std::lock_guard lock(mutex);
  return &*paths->insert(std::move(path)).first;
}

void require_name(const std::string& where, const std::string& name) {
  if (name.empty() || name.find('.') != std::string::npos)
    throw ValueError(fmt::format("{}: '{}' cannot be a name", where, name));
}

}  // namespace

Layer& Layer::require_parent(Layer* parent, const std::string& name) {
  if (parent) return *parent;
  throw ValueError(
      fmt::format("{}: a layer needs a parent; make a root with Layer model(\"model\", Device{{}}, rng)", name));
}

Layer::Layer(std::string name, Device device, Rng rng, DType dtype)
    : path_(*kept_forever(std::move(name))), device_(device), dtype_(dtype), rng_(rng) {
  require_name("layer", path_);
  if (!is_floating(dtype))
    throw DTypeError(fmt::format("{}: layers are float32 or float64, not {}", path_, floe::name(dtype)));
}

Layer::Layer(Device device, Rng rng, DType dtype)
    : path_(*kept_forever("")), device_(device), dtype_(dtype), rng_(rng) {
  if (!is_floating(dtype))
    throw DTypeError(fmt::format("layer: layers are float32 or float64, not {}", floe::name(dtype)));
}

Layer::Layer(Layer* parent, const std::string& name)
    : parent_(parent),
      path_(*kept_forever(require_parent(parent, name).path_of(name))),
      device_(parent->device_),
      dtype_(parent->dtype_),
      rng_(parent->rng_) {
  parent->claim(name);
  parent->children_.push_back(this);
}

Layer::~Layer() {
  for (Layer* child : children_) child->parent_ = nullptr;
  if (!parent_) return;
  std::erase(parent_->children_, this);
  std::erase(parent_->names_, name());
}

std::string Layer::path_of(const std::string& part) const { return path_.empty() ? part : path_ + "." + part; }

std::string Layer::name() const { return path_.substr(path_.rfind('.') + 1); }

void Layer::claim(const std::string& name) {
  require_name(path_, name);
  if (std::find(names_.begin(), names_.end(), name) != names_.end())
    throw ValueError(fmt::format("{}: it already has a part called '{}'", path_, name));
  names_.push_back(name);
}

Variable& Layer::add(const std::string& name, const Shape& shape, const Initializer& initializer, bool trainable) {
  claim(name);
  if (!initializer) refuse(fmt::format("{} needs an initializer", name));
  std::string path = path_of(name);
  Rng stream = rng_.stream(path);
  statistic_.push_back(!trainable);
  return variables_.emplace_back(path, initializer(shape, stream, dtype_).on(device_), trainable);
}

Variable& Layer::add_variable(const std::string& name, const Shape& shape, const Initializer& initializer) {
  return add(name, shape, initializer, true);
}
Variable& Layer::add_statistic(const std::string& name, const Shape& shape, const Initializer& initializer) {
  return add(name, shape, initializer, false);
}

Rng& Layer::add_rng(const std::string& name) {
  claim(name);
  return rngs_.emplace_back(NamedRng{name, rng_.stream(path_of(name))}).rng;
}

void Layer::refuse(const std::string& what) const { throw ValueError(fmt::format("{}: {}", path_, what)); }

void Layer::require_option(std::int64_t value, const char* option) const {
  if (value == 0) refuse(fmt::format("option .{} is missing", option));
  if (value < 0) refuse(fmt::format("option .{} must be 1 or more, but is {}", option, value));
}

template <class Each>
void Layer::visit(Each each) const {
  each(*this);
  for (const Layer* child : children_) child->visit(each);
}

Variables Layer::all_variables() const {
  Variables all;
  visit([&](const Layer& layer) {
    for (const Variable& variable : layer.variables_) all.push_back(const_cast<Variable*>(&variable));
  });
  return all;
}

Variables Layer::variables() const {
  Variables trainable = all_variables();
  std::erase_if(trainable, [](const Variable* variable) { return !variable->trainable(); });
  return trainable;
}

std::int64_t Layer::parameter_count() const {
  std::int64_t total = 0;
  for (const Variable* variable : variables()) total += variable->value().elements();
  return total;
}

std::int64_t Layer::statistic_count() const {
  std::int64_t total = 0;
  visit([&](const Layer& layer) {
    for (std::size_t i = 0; i < layer.variables_.size(); ++i)
      total += layer.statistic_[i] ? layer.variables_[i].value().elements() : 0;
  });
  return total;
}

void Layer::set_trainable(bool trainable) {
  visit([&](const Layer& layer) {
    std::size_t i = 0;
    for (const Variable& variable : layer.variables_) {
      if (!layer.statistic_[i++]) const_cast<Variable&>(variable).set_trainable(trainable);
    }
  });
}

void Layer::state(State& state, const std::string& prefix) {
  visit([&](const Layer& layer) {
    auto named = [&](const std::string& path) {
      return prefix + "." + path.substr(path_.empty() ? 0 : path_.size() + 1);
    };
    for (const Variable& variable : layer.variables_) {
      state.variable(named(variable.path()), const_cast<Variable&>(variable));
    }
    for (const NamedRng& stream : layer.rngs_) {
      state.rng(named(layer.path_of(stream.name)), const_cast<NamedRng&>(stream).rng);
    }
  });
}

// --- Calls -----------------------------------------------------------------------------------------------------------

namespace {
using LayerObservers = detail::OfThread<detail::Seats<LayerObserver>>;
}

LayerObserver::LayerObserver() : seat_(LayerObservers::get().take(this)) {}

LayerObserver::~LayerObserver() {
  seat_->store(nullptr);
  if (auto* observers = LayerObservers::existing()) observers->sweep();
}

Operand LayerCall::here(Operand x) {
  if (!x->defined() || x->device() == layer_.device()) return x;
  copied_ = to(x, layer_.device());
  return Operand(copied_, x.where().file, x.where().line);
}

Tensor LayerCall::done(Tensor y) const {
  if (auto* observers = LayerObservers::existing())
    observers->each([&](LayerObserver& observer) { observer.called(layer_, y); });
  return y;
}

}  // namespace floe
