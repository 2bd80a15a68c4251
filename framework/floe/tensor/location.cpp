// The call that this thread is in.
#include <floe/tensor/location.h>

namespace floe {
namespace {

struct Call {
  Location outer;
  const char* layer = nullptr;
};

constinit thread_local Call call;

}  // namespace

CallScope::CallScope(Location where) : CallScope(where, call.layer) {}

CallScope::CallScope(Location where, const char* layer) : outer_(call.outer), layer_(call.layer) {
  if (!outer_.file) call.outer = where;
  call.layer = layer;
}

CallScope::~CallScope() { call = {outer_, layer_}; }

Location caller(Location where) { return call.outer.file ? call.outer : where; }
const char* calling_layer() { return call.layer; }

}  // namespace floe
