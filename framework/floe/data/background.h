// Background: computes what will be asked for next in a thread of its own; the machinery behind Dataset::prefetch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace floe::detail {

// Values 0 .. size - 1 of a function, asked for in order; `depth` of them are computed ahead. The function runs in one
// thread at a time, and so do its loops, since the cores belong to the training step. Asking out of order starts anew
// there. The destructor waits for the value that is being computed, and for no more.
class Background {
 public:
  using Make = std::function<std::shared_ptr<void>(std::int64_t index)>;

  Background(Make make, std::int64_t size, std::int64_t depth);
  ~Background();

  std::shared_ptr<void> at(std::int64_t index);  // rethrows what `make` threw for that index

 private:
  class Worker;

  Make make_;
  std::int64_t size_, depth_, next_ = -1;
  std::unique_ptr<Worker> worker_;
};

}  // namespace floe::detail
