// Dataset: elements made when a loop asks for them, reordered, changed, batched and prefetched on the way.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <floe/data/background.h>
#include <floe/data/element.h>
#include <floe/tensor/rng.h>
#include <floe/tensor/size.h>

namespace floe {

// How elements are batched, by name.
struct BatchOptions {
  bool drop_remainder = false;  // leave out the last batch if it is not full
};

// A place in a dataset's sequence of epochs, for a checkpoint.
struct DatasetPosition {
  std::int64_t epoch = 0;  // loops begun before
  std::int64_t position = 0;  // elements given in that epoch

  bool operator==(const DatasetPosition&) const = default;
};

namespace detail {
inline constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max();

std::int64_t require_at_least(std::int64_t least, const char* op, const char* what, std::int64_t value);  // gives value
std::int64_t require_batch(std::int64_t count);                                                           // gives count
void refuse_endless(std::int64_t size);
Tensor shuffled_order(std::int64_t size, std::int64_t buffer, Rng rng);
std::int64_t repeated_size(std::int64_t size, std::int64_t count);
void require_idle(const char* op, const char* remedy, bool looping);
void require_place(DatasetPosition place, std::int64_t size);
Tensor uploaded(const Tensor& field, Device device);

// Where a dataset is, and whether a loop over it is running. The loop shares it, and may outlive the dataset.
struct Course {
  DatasetPosition place;
  bool looping = false;
};

// The course of one dataset: a copy has one of its own, at the same place, and is in no loop.
class OwnCourse {
 public:
  OwnCourse() : course_(std::make_shared<Course>()) {}
  OwnCourse(const OwnCourse& other) : course_(std::make_shared<Course>(Course{other->place})) {}
  OwnCourse& operator=(const OwnCourse& other) { return course_ = OwnCourse(other).course_, *this; }
  Course* operator->() const { return course_.get(); }
  const std::shared_ptr<Course>& shared() const { return course_; }

 private:
  std::shared_ptr<Course> course_;
};
}  // namespace detail

// A recipe for elements, copied like a value:
//
//   Dataset penguins = dataset(drawings).shuffle(60000, rng.stream("order")).batch(256).prefetch();
//   for (const Tensor& images : penguins) { ... }                        // one epoch; the next loop is the next epoch
//
// Every loop is an epoch, with an order of its own. Leaving a loop early (break, return, an exception) ends the epoch
// too: the next loop starts the next one. One loop at a time; from_start() gives a dataset for a loop inside it:
//
//   for (const Tensor& a : rows) {
//     for (const Tensor& b : rows.from_start()) { ... }                // every pair
//   }
//
// A copy begins at the original's place instead, to go on from there. One that is moved from is as it was.
//
// Inside, an epoch is a size and a function of an index. So a stage that reorders moves indices and holds no elements,
// elements that are passed over are never made, and the element at a place is the same whatever happened before: it
// depends on the epoch, the index and the seeds alone, not on threads. Functions given to a dataset must be so, too;
// they are called as const, in the thread of a prefetch after them, and once for each element that is asked for.
template <class E>
class Dataset {
 public:
  class Iterator;

  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;

  // `count` elements, each made by element(index) when it is asked for, in any order: files that are read lazily.
  // ValueError for a negative count or a function that is missing.
  static Dataset generate(std::int64_t count, std::function<E(std::int64_t index)> element) {
    if (!element) throw ValueError("generate: the function is missing");
    auto shared = std::make_shared<const std::function<E(std::int64_t)>>(std::move(element));
    return Dataset(detail::require_at_least(0, "generate", "count", count), 0,
                   [shared](std::int64_t) { return [shared](std::int64_t i) { return (*shared)(i); }; });
  }

  // --- Stages: each gives a new dataset, at its start. ValueError for a size, buffer, depth or repeat below 1, and to
  //     take or skip less than 0. ---

  // f(element), of any type.
  template <class F>
    requires std::invocable<const F&, E>
  auto map(F f) const {
    return mapped([f = std::move(f)](std::int64_t, std::int64_t, E element) { return f(std::move(element)); });
  }

  // f(element, rng) with a random stream that belongs to this element in this epoch: augmentation that can be resumed.
  template <class F>
    requires std::invocable<const F&, E, Rng&>
  auto map(F f, Rng rng) const {
    return mapped([f = std::move(f), rng](std::int64_t epoch, std::int64_t index, E element) {
      Rng own = rng.stream(static_cast<std::uint64_t>(epoch)).stream(static_cast<std::uint64_t>(index));
      return f(std::move(element), own);
    });
  }

  // Each element is drawn from the next `buffer` ones: all of them with a buffer of size() or more, near ones with
  // a smaller one, for files that are best read in order. The order follows from the key of `rng` (give each shuffle a
  // stream of its own) and the epoch. It takes 8 bytes per element, and as many for a shuffle before it (MemoryError).
  // ValueError for an endless dataset.
  Dataset shuffle(std::int64_t buffer, Rng rng) const {
    detail::require_at_least(1, "shuffle", "buffer", buffer);
    detail::refuse_endless(size_);
    return Dataset(size_, ahead_, [open = open_, size = size_, buffer, rng](std::int64_t epoch) {
      Tensor order = detail::shuffled_order(size, buffer, rng.stream(static_cast<std::uint64_t>(epoch)));
      return [at = open(epoch), order](std::int64_t i) { return at(order.data<std::int64_t>()[i]); };
    });
  }

  // `size` elements in one, each field stacked along a new leading axis: (height, width) becomes (size, height, width).
  // ShapeError and DTypeError name the field (0, 1, ... in an element's order) that differs between them.
  Dataset batch(std::int64_t size, BatchOptions options = {}) const requires Element<E> {
    detail::require_at_least(1, "batch", "size", size);
    std::int64_t batches = size_ / size + (size_ % size != 0 && !options.drop_remainder);
    if (size_ == detail::endless) batches = size_;
    return Dataset(batches, 0, [open = opened(), all = size_, size](std::int64_t epoch) {
      return [at = open(epoch), all, size](std::int64_t i) {
        std::vector<E> parts;
        const std::int64_t first = (Counted(i) * size).value();
        const std::int64_t count = detail::require_batch(std::min(size, all - first));
        for (std::int64_t j = 0; j < count; ++j) parts.push_back(at(first + j));
        return stack_fields(parts);
      };
    });
  }

  // The dataset `count` times, without end if not given, as one epoch. Each pass is reshuffled.
  Dataset repeat(std::int64_t count = detail::endless) const {
    detail::require_at_least(1, "repeat", "count", count);
    std::int64_t times = std::min(count, std::int64_t{1} << 32);  // epochs of this dataset in one of the result
    return Dataset(
        detail::repeated_size(size_, count), ahead_, [open = open_, size = size_, times](std::int64_t epoch) {
          struct Pass {
            At at;
            std::int64_t left;
          };
          // Open until all of it was asked for, in whatever order: a shuffle goes back and forth between passes.
          return [open, size, first = (Counted(epoch) * times).value(),
                  passes = std::map<std::int64_t, Pass>()](std::int64_t i) mutable {
            auto pass = passes.find(i / size);
            if (pass == passes.end())
              pass = passes.emplace(i / size, Pass{open((Counted(first) + i / size).value()), size}).first;
            E element = pass->second.at(i % size);
            if (--pass->second.left == 0) passes.erase(pass);
            return element;
          };
        });
  }

  Dataset take(std::int64_t count) const {  // the first `count`, or all if there are fewer
    return Dataset(std::min(size_, detail::require_at_least(0, "take", "count", count)), ahead_, open_);
  }

  Dataset skip(std::int64_t count) const {  // all but the first `count`
    detail::require_at_least(0, "skip", "count", count);
    std::int64_t rest = size_ == detail::endless ? size_ : std::max<std::int64_t>(0, size_ - count);
    return Dataset(rest, ahead_, [open = open_, count](std::int64_t epoch) {
      return [at = open(epoch), count](std::int64_t i) { return at((Counted(i) + count).value()); };
    });
  }

  // Makes up to `depth` elements ahead in a thread while the loop works; usually the last stage. Those that come next
  // after a shuffle, repeat, take or skip of it, too. But a shuffle of what a map or batch made of it asks out of order,
  // and nothing is made ahead. An exception arrives where its element would have come. What was made ahead and never
  // asked for does not count as given.
  Dataset prefetch(std::int64_t depth = 2) const {
    return Dataset(size_, detail::require_at_least(1, "prefetch", "depth", depth), opened());
  }

  // The same, and takes the elements to a GPU on the way, during the work of the loop. Integers of 32 and 64 bits stay
  // on the CPU: indices and labels, which ops look at there. DeviceError for a device that does not exist.
  Dataset prefetch(Device device, std::int64_t depth = 2) const requires Element<E> {
    require_device(device);
    return map([device](E element) {
             visit_fields(element, [&](Tensor& field) { field = detail::uploaded(field, device); });
             return element;
           })
        .prefetch(depth);
  }

  Dataset from_start() const { return Dataset(size_, ahead_, open_); }  // the same one, before its first loop

  // --- Loops ---

  Iterator begin();  // starts an epoch. ValueError while a loop over this object runs
  std::default_sentinel_t end() const { return {}; }

  std::int64_t size() const { return size_ == detail::endless ? -1 : size_; }  // of an epoch; -1 is endless
  std::int64_t epoch() const { return course_->place.epoch; }                  // the running one, else the next; from 0
  std::int64_t position() const { return course_->place.position; }            // elements given in it

  // Saved in a loop or between two, and restored into a dataset made alike, it makes the next loop continue exactly
  // there, at once. restore: ValueError for a place that cannot be, and while a loop runs.
  DatasetPosition position_state() const { return course_->place; }
  void restore(DatasetPosition place) {
    detail::require_idle("restore", "restore before it begins", course_->looping);
    detail::require_place(place, size_);
    course_->place = place;
  }

 private:
  template <class> friend class Dataset;
  using At = std::function<E(std::int64_t index)>;        // the elements of one epoch, for one thread
  using Open = std::function<At(std::int64_t epoch)>;

  Dataset(std::int64_t size, std::int64_t ahead, Open open) : size_(size), ahead_(ahead), open_(std::move(open)) {}

  // The elements as a loop asks for them, or a stage with work of its own: this is where those of a prefetch are made,
  // which stages that only move indices pass on.
  Open opened() const {
    if (ahead_ == 0) return open_;
    return [open = open_, size = size_, depth = ahead_](std::int64_t epoch) {
      auto make = [at = open(epoch)](std::int64_t i) -> std::shared_ptr<void> { return std::make_shared<E>(at(i)); };
      return [ahead = std::make_shared<detail::Background>(std::move(make), size, depth)](std::int64_t i) {
        return std::move(*std::static_pointer_cast<E>(ahead->at(i)));
      };
    };
  }

  template <class F>  // f(epoch, index, element)
  auto mapped(F f) const {
    using Result = std::decay_t<std::invoke_result_t<const F&, std::int64_t, std::int64_t, E>>;
    auto shared = std::make_shared<const F>(std::move(f));  // what f holds is not copied for each epoch
    return Dataset<Result>(size_, 0, [open = opened(), shared](std::int64_t epoch) {
      return [at = open(epoch), shared, epoch](std::int64_t i) -> Result { return (*shared)(epoch, i, at(i)); };
    });
  }

  std::int64_t size_;
  std::int64_t ahead_;  // how many elements a loop has made ahead; 0: none
  Open open_;
  detail::OwnCourse course_;
};

// One loop over a dataset, which it may outlive: its end, however it comes, ends the epoch.
template <class E>
class Dataset<E>::Iterator {
 public:
  explicit Iterator(const Dataset& dataset)
      : course_(dataset.course_.shared().get(), EndEpoch{dataset.course_.shared()}), size_(dataset.size_) {
    course_->looping = true;
    at_ = dataset.opened()(course_->place.epoch);
    ++*this;
  }

  const E& operator*() const { return *element_; }
  const E* operator->() const { return &*element_; }
  bool operator==(std::default_sentinel_t) const { return !element_; }

  Iterator& operator++() {
    element_.reset();  // its memory can serve the next one
    if (course_->place.position == size_) return *this;
    element_ = at_(course_->place.position);
    ++course_->place.position;
    return *this;
  }

 private:
  struct EndEpoch {
    std::shared_ptr<detail::Course> kept;
    void operator()(detail::Course* course) const { *course = {{course->place.epoch + 1, 0}}; }
  };

  std::unique_ptr<detail::Course, EndEpoch> course_;
  std::int64_t size_;
  At at_;
  std::optional<E> element_;
};

template <class E>
typename Dataset<E>::Iterator Dataset<E>::begin() {
  detail::require_idle("begin", "inside it, loop over from_start() of the dataset", course_->looping);
  return Iterator(*this);
}

// The rows of a tensor, of a pair of tensors (`dataset(std::pair{images, labels})`) or of a struct of them, as views.
// ShapeError if their leading axes differ or one is a scalar, ValueError if one has no value.
template <Element E>
Dataset<E> dataset(E rows) {
  std::int64_t count = row_count(rows);
  return Dataset<E>::generate(count, [rows = std::move(rows)](std::int64_t i) { return row(rows, i); });
}

extern template class Dataset<Tensor>;  // compiled once, in dataset.cpp

}  // namespace floe
