// Variable: identity, assignment.
#include <floe/tape/variable.h>

#include <fmt/format.h>

#include <floe/tape/record.h>
#include <floe/tensor/variable_names.h>

namespace floe {

Variable::Variable(std::string path, const Tensor& value, bool trainable)
    : path_(std::move(path)), value_(value), trainable_(trainable) {
  if (!value.defined()) throw ValueError(fmt::format("variable: {} needs a value", path_));
  value_.set_id(new_variable_id(path_, value).blocked(!trainable));
}

Variable::~Variable() { forget_variable_id(value_.id()); }

void Variable::set_trainable(bool trainable) {
  trainable_ = trainable;
  value_.set_id(value_.id().blocked(!trainable));
}

void Variable::assign(const Tensor& value, Location where) {
  if (!value.defined()) throw ValueError(message("assign", path_ + " needs a value", {}, where));
  if (value.shape() != shape()) {
    throw ShapeError(message("assign", "a variable keeps its shape", {{"variable", value_}, {"value", value}}, where));
  }
  if (value.dtype() != value_.dtype()) {
    throw DTypeError(message("assign", "a variable keeps its dtype; cast() the value first",
                             {{"variable", value_}, {"value", value}}, where));
  }
  if (value.device() != value_.device()) {
    throw DeviceError(message(
        "assign",
        fmt::format("the variable is on {} and the value on {}", to_string(value_.device()), to_string(value.device())),
        {{"variable", value_}, {"value", value}}, where));
  }
  NodeId id = value_.id();
  value_ = value;
  value_.set_id(id);
  updated();
}

void Variable::updated() { renew_variable_value(value_.id(), value_); }

}  // namespace floe
