// The thread behind prefetch: a bounded queue with one maker and one taker.
#include <floe/data/background.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include <floe/backend/parallel.h>
#include <floe/tape/record.h>

namespace floe::detail {

class Background::Worker {
 public:
  Worker(const Make& make, std::int64_t first, std::int64_t size, std::int64_t depth)
      : thread_([=, this, &make] { work(make, first, size, static_cast<std::size_t>(depth)); }) {}

  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_one();
    thread_.join();
  }

  std::shared_ptr<void> take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !made_.empty(); });
    Made made = std::move(made_.front());
    made_.pop_front();
    lock.unlock();
    room_.notify_one();
    if (made.error) std::rethrow_exception(made.error);
    return std::move(made.value);
  }

 private:
  struct Made {
    std::shared_ptr<void> value;
    std::exception_ptr error;
  };

  void work(const Make& make, std::int64_t first, std::int64_t size, std::size_t depth) {
    OneThread one_thread;  // the other cores belong to the training step
    std::unique_lock lock(mutex_);
    for (std::int64_t index = first; index < size; ++index) {
      // Wait before making, so that no more than `depth` values exist that no one has asked for.
      room_.wait(lock, [&] { return stopped_ || made_.size() < depth; });
      if (stopped_) return;

      lock.unlock();
      Made made;
      try {
        made.value = make(index);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();

      bool failed = made.error != nullptr;
      made_.push_back(std::move(made));
      filled_.notify_one();
      if (failed) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<Made> made_;
  bool stopped_ = false;
  std::thread thread_;  // the last member: it starts when the others are there
};

Background::Background(Make make, std::int64_t size, std::int64_t depth)
    : make_(std::move(make)), size_(size), depth_(depth) {}

Background::~Background() = default;

std::shared_ptr<void> Background::at(std::int64_t index) {
  if (index != next_) {
    worker_.reset();  // before the next one starts: `make_` runs in one thread at a time
    worker_ = std::make_unique<Worker>(make_, index, size_, depth_);
  }
  next_ = -1;  // an error ends the worker
  Tensor waited({0});  // shows observers the wait as an op, which lasts from the allocation of its output
  std::shared_ptr<void> value = worker_->take();
  observe({"data_wait"}, {}, waited);
  next_ = index + 1;
  return value;
}

}  // namespace floe::detail
