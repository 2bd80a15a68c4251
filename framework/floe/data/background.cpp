// The thread behind prefetch: a bounded queue with one maker and one taker.
#include <floe/data/background.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <floe/backend/parallel.h>
#include <floe/tape/record.h>

namespace floe::detail {

class Background::Worker {
 public:
  Worker(const Make& make, std::int64_t first, std::int64_t size, std::int64_t depth)
      : thread_([=, this, &make] { work(make, first, size, static_cast<std::size_t>(depth)); }) {}

  ~Worker() { stop(); }

  Made take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !made_.empty(); });
    Made made = std::move(made_.front());
    made_.pop_front();
    lock.unlock();
    room_.notify_one();
    return made;
  }

  // What was made and not taken, in order; there is no more to come.
  std::deque<Made> stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_one();
    if (thread_.joinable()) thread_.join();
    return std::move(made_);
  }

 private:
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
  Tensor waited({0});  // shows observers the wait as an op, which lasts from the allocation of its output
  Made result = made(index);
  if (result.error) std::rethrow_exception(result.error);
  observe({"data_wait"}, {}, waited);
  return std::move(result.value);
}

Background::Made Background::made(std::int64_t index) {
  if (worker_ && index != next_) {
    in_order_ = false;
    for (Made& each : worker_->stop()) ahead_[next_++] = std::move(each);
    worker_.reset();
  }
  if (!in_order_) {
    auto found = ahead_.extract(index);
    return found ? std::move(found.mapped()) : Made{make_(index), nullptr};
  }
  if (!worker_) worker_ = std::make_unique<Worker>(make_, index, size_, depth_);
  Made result = worker_->take();
  next_ = index + 1;
  if (result.error) worker_.reset();  // it ended there
  return result;
}

}  // namespace floe::detail
