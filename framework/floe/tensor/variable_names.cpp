// Which variable a tensor is the value of.
#include <floe/tensor/variable_names.h>

#include <mutex>
#include <unordered_map>

namespace floe {
namespace {

struct Names {
  std::mutex mutex;
  std::unordered_map<NodeId, std::string> paths;
  NodeId last = variable_bit;
};

constexpr NodeId name_of(NodeId id) { return id & ~(NodeId{1} << 62); }  // the tapes mark frozen variables there

Names& names() {
  static Names* all = new Names;  // never destroyed: variables may outlive static destructors
  return *all;
}

}  // namespace

NodeId new_variable_id(const std::string& path) {
  std::lock_guard lock(names().mutex);
  names().paths.emplace(++names().last, path);
  return names().last;
}

void forget_variable_id(NodeId id) {
  std::lock_guard lock(names().mutex);
  names().paths.erase(name_of(id));
}

std::string variable_name(NodeId id) {
  if (!(id & variable_bit)) return "";
  std::lock_guard lock(names().mutex);
  auto found = names().paths.find(name_of(id));
  return found == names().paths.end() ? "" : found->second;
}

}  // namespace floe
