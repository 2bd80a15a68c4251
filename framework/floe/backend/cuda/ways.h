// The ways in which a library offers to compute something: the first that it does not refuse, and that has room.
#pragma once

#include <atomic>
#include <deque>
#include <optional>

#include <floe/tensor/error.h>

namespace floe::cuda {

template <class Way>
class Ways {
 public:
  void add(const Way& way) { listed_.emplace_back(way); }

  // Calls run(way), the first listed first, until one gives true. One that gives false was refused, and is not tried
  // again. A MemoryError goes on to the next, which may need less, and is thrown if none is left; false if all were
  // refused.
  template <class Run>
  bool first(Run run) const {
    std::optional<MemoryError> lacking;
    for (const Entry& entry : listed_) {
      if (entry.refused) continue;
      try {
        if (run(entry.way)) return true;
        entry.refused = true;
      } catch (const MemoryError& error) { lacking = error; }
    }
    if (lacking) throw *lacking;
    return false;
  }

 private:
  struct Entry {
    explicit Entry(const Way& way) : way(way) {}
    Way way;
    mutable std::atomic<bool> refused = false;
  };
  std::deque<Entry> listed_;  // which stay where they are
};

}  // namespace floe::cuda
