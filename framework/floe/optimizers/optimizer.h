// Optimizer: applies gradients to the variables they belong to. Never recorded by a tape.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <floe/layers/state.h>
#include <floe/tape/gradients.h>
#include <floe/tensor/number_ranges.h>

namespace floe {

// What all optimizers share: a step count, a learning rate, and a few tensors kept for each variable.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // One step for all variables. Each is written in place if nothing else holds its value; other holders keep what they
  // had. ShapeError or DTypeError if a gradient, or what was kept for a variable of that path, does not match the
  // variable; ValueError if none is trainable, another living variable has that path, a gradient has no value, or the rate
  // or an option is out of its range as a number of the variable's dtype: all before anything is changed. The slots of a
  // variable that is gone pass on to the next one with its path.
  void apply(const Gradients& gradients, Location where = Location::here());

  double learning_rate() const { return learning_rate_; }  // of the next step
  void set_learning_rate(double rate);           // ValueError unless finite and 0 or more
  std::int64_t steps() const { return steps_; }  // calls of apply(), whichever variables they were for

  // Names the step count and every slot. A restore leaves the slots that the file has: all of them if it is restored
  // before its first step, none if the file was saved before that.
  // The learning rate belongs to the program: one that decays is set again after a restore.
  void state(State& state, const std::string& prefix);

 protected:
  // A tensor like the variable, which the optimizer keeps for it.
  struct Slot {
    // All of one value at first.
    Slot(const char* called, double value = 0) : name(called), first(value) {}
    std::string name;
    double first;  // every element of it, before the variable's first step
  };

  // A number among the options, such as "option .epsilon".
  struct Option {
    const char* name;
    double value;
    const NumberRange& range;
  };

  // ValueError as in set_learning_rate(), and for an option out of its range, under the name of the optimizer.
  Optimizer(double learning_rate, std::vector<Slot> slots, const char* name = "optimizer",
            std::vector<Option> options = {});

  // Changes the variable by update(), and its slots; steps() counts this step already.
  virtual void step(Variable& variable, const Tensor& gradient, Tensors& slots) = 0;

 private:
  Tensors& slots_of(const Variable& variable);

  void require_options(DType dtype) const;

  const char* name_;
  std::vector<Option> options_;
  double learning_rate_;
  std::int64_t steps_ = 0;
  std::vector<Slot> slots_kept_;
  struct Slots {
    NodeId owner;  // the variable they belong to; a constant until the first step after they were restored
    Tensors tensors;
  };
  std::map<std::string, Slots> slots_;  // by variable path
};

}  // namespace floe
