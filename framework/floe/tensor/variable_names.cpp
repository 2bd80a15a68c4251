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
  std::unordered_map<std::uint64_t, Named> all;  // by number
  std::uint64_t last = 0;
};

std::uint64_t key(NodeId id) { return id.plain().number(); }  // frozen or not

Names& names() {
  static Names* all = new Names;  // never destroyed: variables may outlive static destructors
  return *all;
}

}  // namespace

NodeId new_variable_id(const std::string& path, const Tensor& value) {
  std::lock_guard lock(names().mutex);
  NodeId id = NodeId::variable(++names().last);
  names().all.emplace(key(id), Named{path, value.raw()});
  return id;
}

void forget_variable_id(NodeId id) {
  std::lock_guard lock(names().mutex);
  names().all.erase(key(id));
}

std::string variable_name(NodeId id) {
  if (!id.is_variable()) return "";
  std::lock_guard lock(names().mutex);
  auto found = names().all.find(key(id));
  return found == names().all.end() ? "" : found->second.path;
}

void renew_variable_value(NodeId id, const Tensor& value) {
  std::lock_guard lock(names().mutex);
  names().all.at(key(id)).value = value.raw();
}

bool is_present_value(const Tensor& tensor) {
  std::lock_guard lock(names().mutex);
  auto found = names().all.find(key(tensor.id()));
  return found != names().all.end() && found->second.value == tensor.raw();
}

}  // namespace floe
