// Loops over fixed parts, with OpenMP; without it, in the calling thread.
#include <floe/backend/parallel.h>

#include <exception>
#include <mutex>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace floe {
namespace {

#if defined(_OPENMP)
bool in_parallel() { return omp_in_parallel(); }
void set_threads(int threads) { omp_set_num_threads(threads); }
#else
bool in_parallel() { return false; }
void set_threads(int) {}
#endif

// The first thing that a part threw; none may leave the region, and bodies allocate memory.
class Failure {
 public:
  template <class Work>
  void keep(const Work& work) {
    try {
      work();
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

void detail::parallel_ranges(Deal deal, std::int64_t size, std::int64_t grain, Range range, const void* body) {
  std::int64_t parts = (size + grain - 1) / grain;
  auto run = [&](std::int64_t part) { range(body, part * grain, std::min(size, (part + 1) * grain)); };
  if (parts <= 1 || in_parallel() || thread_count() == 1) {
    for (std::int64_t part = 0; part < parts; ++part) run(part);
    return;
  }
  Failure failure;
  if (deal == Deal::evenly) {
#pragma omp parallel for schedule(static)
    for (std::int64_t part = 0; part < parts; ++part) failure.keep([&] { run(part); });
  } else {
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t part = 0; part < parts; ++part) failure.keep([&] { run(part); });
  }
  failure.rethrow();
}

int thread_count() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  return 1;
#endif
}

OneThread::OneThread() : before_(thread_count()) { set_threads(1); }
OneThread::~OneThread() { set_threads(before_); }

}  // namespace floe
