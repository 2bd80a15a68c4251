// The living variables by id: their paths, for messages, and where their present values are.
#pragma once

#include <string>

#include <floe/tensor/tensor.h>

namespace floe {

NodeId new_variable_id(const std::string& path, const Tensor& value);  // until forget_variable_id
void renew_variable_value(NodeId id, const Tensor& value);
void forget_variable_id(NodeId id);
std::string variable_name(NodeId id);  // "" if it is not a variable, or gone

// Is this tensor, which bears a variable's id, its present value? A copy from before a step or an assignment is not: it
// is a constant.
bool is_present_value(const Tensor& tensor);
inline bool is_former_value(const Tensor& tensor) { return tensor.id().is_variable() && !is_present_value(tensor); }

}  // namespace floe
