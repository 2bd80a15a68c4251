// Loops over fixed parts on all cores: the one place that starts threads for work, and their number never shows in it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace floe {

namespace detail {
enum class Deal { evenly, as_they_finish };
using Range = void (*)(const void* body, std::int64_t begin, std::int64_t end);
void parallel_ranges(Deal deal, std::int64_t size, std::int64_t grain, Range range, const void* body);

template <class Body>
void parallel_ranges(Deal deal, std::int64_t size, std::int64_t grain, const Body& body) {
  parallel_ranges(deal, size, grain, [](const void* body, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Body*>(body))(begin, end);
  }, &body);
}
}  // namespace detail

// body(begin, end) for parts of `grain` of 0 .. size; in one thread if there is only one part or we are inside another
// loop, and in a build without OpenMP. What one part throws comes out here.
template <class Body>
void parallel_ranges(std::int64_t size, std::int64_t grain, const Body& body) {
  detail::parallel_ranges(detail::Deal::evenly, size, grain, body);
}

// The same for parts that differ in their work: a thread that is done with one takes the next.
template <class Body>
void parallel_queue(std::int64_t size, std::int64_t grain, const Body& body) {
  detail::parallel_ranges(detail::Deal::as_they_finish, size, grain, body);
}

int thread_count();  // how many threads a loop that this thread starts may use

// While this lives, loops of the calling thread, and libraries that it calls, use one thread.
class OneThread {
 public:
  OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread();

 private:
  int before_;
};

// How many elements make a part worth a thread: waking one takes some 50 us, and reading and writing this many some 20.
inline constexpr std::int64_t part_elements = 65536;

inline std::int64_t rows_per_part(std::int64_t row_elements) {
  return std::max<std::int64_t>(1, part_elements / std::max<std::int64_t>(1, row_elements));
}

}  // namespace floe
