// The message for a size that memory cannot have.
#include <floe/tensor/size.h>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

void detail::refuse_as_size(std::uint64_t number, std::uint64_t most) {
  throw MemoryError(
      fmt::format("memory: {} is beyond what this machine can address, {}; try a smaller batch", number, most));
}

}  // namespace floe
