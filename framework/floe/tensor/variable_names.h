// Which variable a tensor is the value of: the ids of living variables and their paths, for messages.
#pragma once

#include <string>

#include <floe/tensor/tensor.h>

namespace floe {

inline constexpr NodeId variable_bit = NodeId{1} << 63;  // set in the ids of variables' values

NodeId new_variable_id(const std::string& path);  // until forget_variable_id
void forget_variable_id(NodeId id);
std::string variable_name(NodeId id);  // "" if it is none, or gone

}  // namespace floe
