// The living variables by id.
#include <floe/tensor/variable_names.h>

#include <mutex>
#include <unordered_map>

namespace floe {
namespace {

struct Named {
  std::string path;
  const void* value;
};

struct Names {
  std::mutex mutex;
  std::unordered_map<NodeId, Named> all;
  NodeId last = variable_bit;
};

constexpr NodeId name_of(NodeId id) { return id & ~(NodeId{1} << 62); }  // the tapes mark frozen variables there

Names& names() {
  static Names* all = new Names;  // never destroyed: variables may outlive static destructors
  return *all;
}

}  // namespace

NodeId new_variable_id(const std::string& path, const Tensor& value) {
  std::lock_guard lock(names().mutex);
  names().all.emplace(++names().last, Named{path, value.raw()});
  return names().last;
}

void forget_variable_id(NodeId id) {
  std::lock_guard lock(names().mutex);
  names().all.erase(name_of(id));
}

std::string variable_name(NodeId id) {
  if (!(id & variable_bit)) return "";
  std::lock_guard lock(names().mutex);
  auto found = names().all.find(name_of(id));
  return found == names().all.end() ? "" : found->second.path;
}

void renew_variable_value(NodeId id, const Tensor& value) {
  std::lock_guard lock(names().mutex);
  names().all.at(name_of(id)).value = value.raw();
}

bool is_present_value(const Tensor& tensor) {
  std::lock_guard lock(names().mutex);
  auto found = names().all.find(name_of(tensor.id()));
  return found != names().all.end() && found->second.value == tensor.raw();
}

}  // namespace floe
