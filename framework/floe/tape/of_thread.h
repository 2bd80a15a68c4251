// OfThread and Seats: what each thread has for itself, and the objects that it calls, wherever and whenever these end.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

namespace floe::detail {

// A T for each thread that asks for it, which ends with the thread. What may outlive it, such as a static object, asks
// for existing() at its own end: null if it is gone. Whoever asks for get() after that has a new one.
template <class T>
class OfThread {
 public:
  static T& get() {
    if (!value_) [[unlikely]]
      make();
    return *value_;
  }
  static T* existing() { return value_; }

 private:
  struct End {
    ~End() { delete std::exchange(value_, nullptr); }
  };

  static void make() {
    value_ = new T;
    static thread_local End end;
  }

  static inline constinit thread_local T* value_ = nullptr;  // a plain pointer can be read to the very end
};

// The objects that one thread calls, in the order in which they sat down. An object empties its seat when it ends, on
// whichever thread: this list may be gone by then, or in the middle of a walk.
template <class T>
class Seats {
 public:
  using Seat = std::shared_ptr<std::atomic<T*>>;

  Seat take(T* who) { return seats_.emplace_back(std::make_shared<std::atomic<T*>>(who)); }

  // f(T&) for each that was there at the beginning and still is when its turn comes.
  template <class F>
  void each(F f) {
    Walk walk(*this);
    for (std::size_t i = 0, count = seats_.size(); i < count; ++i) {
      if (T* who = seats_[i]->load()) f(*who);
    }
  }

  // Forgets the seats that are empty.
  void sweep() {
    if (walks_ == 0) std::erase_if(seats_, [](const Seat& seat) { return !seat->load(); });
  }
  bool empty() const { return seats_.empty(); }

 private:
  struct Walk {  // while one lives, the seats stay where they are
    explicit Walk(Seats& seats) : walks(seats.walks_) { ++walks; }
    ~Walk() { --walks; }
    int& walks;
  };

  std::vector<Seat> seats_;
  int walks_ = 0;
};

}  // namespace floe::detail
