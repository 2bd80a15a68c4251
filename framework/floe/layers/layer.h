// Layer: something with variables. Declaring a layer as a member of another registers it: path, device, dtype and
// random stream come from the parent.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <floe/layers/initializers.h>
#include <floe/layers/state.h>
#include <floe/tape/operand.h>

namespace floe {

// What a call is for: dropout and batch normalisation differ between the two.
enum class Mode { training, inference };

// A model or a part of one: variables, layers below it, and an operator() of its own.
//
// ValueError for a name that is empty or holds a dot, and where a parent already has a part of that name. A part that
// is gone leaves its name free, and a layer whose parent is gone goes on by itself.
class Layer {
 public:
  // A root: its name begins all paths; its random stream gives every variable below its initial value, keyed by path,
  // so that adding a layer changes no other. DTypeError unless floating.
  Layer(std::string name, Device device, Rng rng, DType dtype = DType::float32);
  // A root without a name: the paths below begin with the names of its parts.
  Layer(Device device, Rng rng, DType dtype = DType::float32);
  // A part of another layer, which gives it path, device, dtype and random stream.
  Layer(Layer* parent, const std::string& name);
  virtual ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  const std::string& path() const { return path_; }  // "generator.conv1"
  std::string name() const;                          // "conv1"
  Device device() const { return device_; }  // where its variables are
  DType dtype() const { return dtype_; }  // of its variables

  // Of this layer, then of each layer below, in order of declaration. They live as long as their layers.
  Variables variables() const;      // the trainable ones
  Variables all_variables() const;  // including frozen ones and running statistics

  std::int64_t parameter_count() const;  // elements of variables(): frozen ones do not count
  std::int64_t statistic_count() const;  // elements of running statistics

  // Freezes or thaws all but running statistics. In Mode::training a frozen BatchNormalization still normalises by the
  // batch and moves its statistics, unlike in Keras: run it in Mode::inference to stop that.
  void set_trainable(bool trainable);

  // Names every variable and random stream by its path relative to this layer, after `prefix`.
  void state(State& state, const std::string& prefix);

 protected:
  // Parts of this layer, called PATH.NAME, which live as long as it does. A variable's initial value comes from the
  // initializer and a stream of that path; a statistic is never trained; an rng is such a stream, and part of state().
  Variable& add_variable(const std::string& name, const Shape& shape, const Initializer& initializer);
  Variable& add_statistic(const std::string& name, const Shape& shape, const Initializer& initializer);
  Rng& add_rng(const std::string& name);

  [[noreturn]] void refuse(const std::string& what) const;  // ValueError "PATH: WHAT"
  void require_option(std::int64_t value, const char* option) const;  // refuses 0 and less: "PATH: option .x is ..."

 private:
  struct NamedRng {
    std::string name;
    Rng rng;
  };

  std::string path_of(const std::string& part) const;
  static Layer& require_parent(Layer* parent, const std::string& name);
  void claim(const std::string& name);
  Variable& add(const std::string& name, const Shape& shape, const Initializer& initializer, bool trainable);
  template <class Each> void visit(Each each) const;

  Layer* parent_ = nullptr;
  const std::string& path_;  // lives as long as the program: records name a layer that may be gone
  Device device_;
  DType dtype_;
  Rng rng_;
  std::vector<std::string> names_;
  std::vector<Layer*> children_;
  std::deque<Variable> variables_;
  std::vector<bool> statistic_;
  std::deque<NamedRng> rngs_;
};

// What a layer's constructor takes after (parent, name): its Options, if it has such a type.
template <class L>
struct LayerOptions {
  struct None {};
  using type = None;
};
// For a layer that has them.
template <class L>
requires requires { typename L::Options; }
struct LayerOptions<L> {
  using type = typename L::Options;
};
template <class L>
using OptionsOf = typename LayerOptions<L>::type;

// Sees every call of a built-in layer on its thread while it lives. It may end anywhere, like an OpObserver.
class LayerObserver {
 public:
  LayerObserver();  // begins to see
  virtual ~LayerObserver();
  LayerObserver(const LayerObserver&) = delete;
  LayerObserver& operator=(const LayerObserver&) = delete;

  // A built-in layer has just given y.
  virtual void called(const Layer& layer, const Tensor& y) = 0;

 private:
  std::shared_ptr<std::atomic<LayerObserver*>> seat_;
};

// One call of a layer: errors inside it name the caller's line, ops the layer, and observers hear of the result.
class LayerCall {
 public:
  // A call of the layer on x begins.
  LayerCall(const Layer& layer, const Operand& x) : layer_(layer), scope_(x.where(), layer.path().c_str()) {}
  Operand here(Operand x);      // x on the layer's device: data may come from the CPU to a model on a GPU
  Tensor done(Tensor y) const;  // reports y to the observers, and returns it

 private:
  const Layer& layer_;
  CallScope scope_;
  Tensor copied_;
};

}  // namespace floe
