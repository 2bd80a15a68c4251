// The messages for sizes that memory, or 63 bits, cannot have.
#include <floe/tensor/size.h>

#include <fmt/format.h>

namespace floe {

void detail::refuse_as_size(std::uint64_t number, std::uint64_t most) {
  throw MemoryError(
      fmt::format("memory: {} is beyond what this machine can address, {}; try a smaller batch", number, most));
}

void Counted::refuse(Counted a, char sign, Counted b) {
  throw Uncountable(fmt::format("{} {} {} is more than can be counted", a.value_, sign, b.value_));
}

}  // namespace floe
