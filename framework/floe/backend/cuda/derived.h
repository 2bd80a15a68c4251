// Forms of an array that a library wants beside it, such as filters turned for cuDNN: made once, and kept until the
// array changes.
#pragma once

#include <compare>
#include <cstdint>

#include <floe/backend/cuda/context.h>

namespace floe::cuda {

// Which form: whatever says how it follows from the array.
struct Form {
  std::int64_t number[12] = {};
  friend bool operator==(const Form&, const Form&) = default;
};

// `bytes` that make(memory) fills, unless they are kept from an earlier call: of the last form of the array at `from`
// only. device_memory::changed() forgets them.
template <class Make>
Storage derived(const Context& on, const void* from, const Form& form, std::size_t bytes, Make make);

// Of the function above.
Storage find_derived(const void* from, const Form& form) noexcept;  // empty if it is not kept
void keep_derived(const void* from, const Form& form, const Storage& made);

template <class Make>
Storage derived(const Context& on, const void* from, const Form& form, std::size_t bytes, Make make) {
  Storage kept = find_derived(from, form);
  if (kept) return kept;
  Storage made(bytes, on.device);
  make(made.data());
  keep_derived(from, form, made);
  return made;
}

}  // namespace floe::cuda
