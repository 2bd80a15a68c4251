// Work in fixed parts: the one loop that starts threads.
#include <floe/backend/cpu/parallel.h>

#include <exception>

#include <omp.h>

namespace floe::cpu::detail {

void parallel_ranges(std::int64_t size, std::int64_t grain, Range range, const void* body) {
  std::int64_t parts = (size + grain - 1) / grain;
  if (parts <= 1 || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (std::int64_t part = 0; part < parts; ++part) range(body, part * grain, std::min(size, (part + 1) * grain));
    return;
  }
  std::exception_ptr failure;  // none may leave the region: bodies ask for memory
#pragma omp parallel for schedule(static)
  for (std::int64_t part = 0; part < parts; ++part) {
    try {
      range(body, part * grain, std::min(size, (part + 1) * grain));
    } catch (...) {
#pragma omp critical(floe_parallel_ranges)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace floe::cpu::detail
