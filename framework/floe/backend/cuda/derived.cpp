// What is kept of arrays, by the places where these begin.
#include <floe/backend/cuda/derived.h>

#include <atomic>
#include <map>
#include <mutex>

#include <floe/tensor/device_memory.h>

namespace floe::cuda {
namespace {

struct Kept {
  Form form;
  Storage storage;
};

struct All {
  std::mutex mutex;
  std::map<const void*, Kept> by_place;
  std::atomic<bool> any = false;  // most arrays change while there is none
};

All& all() {
  static All& all = *new All;  // never destroyed, as tensors may not be
  return all;
}

}  // namespace

Storage find_derived(const void* from, const Form& form) noexcept {
  std::lock_guard lock(all().mutex);
  auto found = all().by_place.find(from);
  return found != all().by_place.end() && found->second.form == form ? found->second.storage : Storage();
}

void keep_derived(const void* from, const Form& form, const Storage& made) {
  Kept former{form, made};  // given back after the lock, as that asks for changes
  std::lock_guard lock(all().mutex);
  std::swap(all().by_place[from], former);
  all().any = true;
}

void changed(const void* begin, std::size_t bytes) noexcept {
  if (!all().any.load(std::memory_order_relaxed)) return;
  std::map<const void*, Kept> gone;
  std::lock_guard lock(all().mutex);
  auto& kept = all().by_place;
  for (auto one = kept.lower_bound(begin);
       one != kept.end() && one->first < static_cast<const std::byte*>(begin) + bytes;)
    gone.insert(kept.extract(one++));
}

}  // namespace floe::cuda
