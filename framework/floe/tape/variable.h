// Variable: a named tensor that training changes, and that tapes watch automatically if it is trainable.
#pragma once

#include <string>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe {

// A tensor with a name and a place: training assigns to it, where a Tensor only changes hands.
class Variable {
 public:
  Variable(std::string path, const Tensor& value, bool trainable = true);  // ValueError if there is no value yet
  ~Variable();
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  const std::string& path() const { return path_; }  // "generator.conv1.filters"
  // A copy (`Tensor before = w;`) keeps the value it had then; a reference follows the variable, and ends with it.
  const Tensor& value() const { return value_; }
  operator const Tensor&() const { return value_; }
  const Shape& shape() const { return value_.shape(); }

  bool trainable() const { return trainable_; }  // do tapes watch it automatically?
  void set_trainable(bool trainable);  // a frozen variable is a constant to every tape

  // A new value of the same shape, dtype and device (else ShapeError, DTypeError or DeviceError; ValueError if it
  // has none). Never recorded.
  void assign(const Tensor& value, Location where = Location::here());

  // For optimizers: the value itself, to be written through mutable_data(); then updated() must follow. Other holders
  // of the value keep what they had, which from then on is a constant to every tape.
  Tensor& update() { return value_; }
  void updated();

 private:
  std::string path_;
  Tensor value_;
  bool trainable_;
};

using Variables = std::vector<Variable*>;  // in a fixed order: that of declaration

}  // namespace floe
