// Background: computes what will be asked for next in a thread of its own; the machinery behind Dataset::prefetch.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>

namespace floe::detail {

// Values 0 .. size - 1 of a function, asked for in order from some place on; `depth` of them are computed ahead. The
// function runs in one thread at a time, and so do its loops, since the cores belong to the training step. Asking once
// out of order ends the looking ahead: what was made is kept, and the rest is made when asked for, so that no value is
// made twice. The destructor waits for the value that is being computed, and for no more.
class Background {
 public:
  using Make = std::function<std::shared_ptr<void>(std::int64_t index)>;

  Background(Make make, std::int64_t size, std::int64_t depth);
  ~Background();

  std::shared_ptr<void> at(std::int64_t index);  // rethrows what `make` threw for that index

 private:
  struct Made {  // a value, or why there is none
    std::shared_ptr<void> value;
    std::exception_ptr error;
  };
  class Worker;

  Made made(std::int64_t index);

  Make make_;
  std::int64_t size_, depth_, next_ = 0;  // which the worker gives next
  std::unique_ptr<Worker> worker_;
  bool in_order_ = true;                // so far
  std::map<std::int64_t, Made> ahead_;  // made before that ended
};

}  // namespace floe::detail
