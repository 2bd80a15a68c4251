// Sequential: for models that are a plain chain.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <floe/layers/layer.h>

namespace floe {

// Layers and functions, each taking what the one before it gave, on this model's device.
class Sequential : public Layer {
 public:
  using Layer::Layer;

  // The next layer, from its options: layers that take a mode get it, others do not.
  //
  //   model.add<Dense>("hidden", {.in = 784, .units = 100});
  template <class Next>
  Sequential& add(const std::string& name, typename Next::Options options) {
    auto layer = std::make_shared<Next>(this, name, std::move(options));
    steps_.push_back([layer](const Tensor& x, Mode mode) {
      if constexpr (std::is_invocable_v<Next&, Operand, Mode>) return (*layer)(x, mode);
      else return static_cast<void>(mode), (*layer)(x);
    });
    return *this;
  }

  // The next function, such as an activation: add([](const Tensor& x) { return relu(x); }).
  // ValueError for one that is missing.
  Sequential& add(std::function<Tensor(const Tensor&)> function) {
    if (!function) refuse("add() needs a function");
    steps_.push_back([this, function = std::move(function)](const Tensor& x, Mode) {
      return function(LayerCall(*this, x).here(x));  // on this model's device, as layers move it by themselves
    });
    return *this;
  }

  // What the last step gives for what those before it gave; x itself without steps.
  Tensor operator()(Operand x, Mode mode) {
    CallScope scope(x.where(), path().c_str());
    Tensor y = x;
    for (auto& step : steps_) y = step(y, mode);
    return y;
  }

 private:
  std::vector<std::function<Tensor(const Tensor&, Mode)>> steps_;
};

}  // namespace floe
