// Optimizer: applies gradients to the variables they belong to. Never recorded by a tape.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <floe/layers/state.h>
#include <floe/tape/gradients.h>

namespace floe {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One step for all variables. Each is written in place if nothing else holds its value; other holders keep what they
  // had. ShapeError or DTypeError if a gradient is not like its variable.
  void apply(const Gradients& gradients, Location where = Location::here());

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double rate);  // ValueError unless finite and 0 or more
  std::int64_t steps() const { return steps_; }

  // Names the step count and every slot. Restored before its first step, an optimizer takes its slots from the file.
  void state(State& state, const std::string& prefix);

 protected:
  // `slots`: how many tensors like the variable the optimizer keeps for it, zero at first, and their names.
  Optimizer(double learning_rate, std::vector<std::string> slots);

  virtual void step(Variable& variable, const Tensor& gradient, Tensors& slots) = 0;

 private:
  double learning_rate_;
  std::int64_t steps_ = 0;
  std::vector<std::string> slot_names_;
  std::map<std::string, Tensors> slots_;  // by variable path
};

}  // namespace floe
