// Storage: reference-counted, 64-byte aligned bytes of a device from a caching allocator that counts what is in use.
//
// A GPU works through what it is given in the order of the calls, so a block that is free for the caller is free for
// whatever is queued after it: it can be handed out again while the GPU still works on its last contents.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include <floe/tensor/device.h>

namespace floe {

// A handle to a block of memory; copies share the block, and the last one to go gives it back to the allocator.
class Storage {
 public:
  Storage() = default;
  Storage(std::size_t bytes, Device device);  // MemoryError gives how much was requested and is in use;
                                              // DeviceError for a device this build lacks
  Storage(const Storage& other) noexcept : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() {
    if (block_ && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) release(block_);
  }

  // the first byte; not for an empty handle
  std::byte* data() const { return block_->data; }
  // no other handle shares the block; not for an empty one
  bool unique() const { return block_->owners.load(std::memory_order_acquire) == 1; }
  explicit operator bool() const { return block_ != nullptr; }  // does it hold a block?

 private:
  struct alignas(64) Block {  // on the CPU it is directly before its data
    std::atomic<std::size_t> owners;
    std::byte* data;
    std::size_t bytes;
    Block* next;  // in a free list
    int size_class;
    Device device;
  };
  friend class Allocator;

  static void release(Block* block) noexcept;

  Block* block_ = nullptr;
};

namespace detail {
using Listener = void (*)(const void* data);
extern constinit thread_local Listener allocated;  // called for each new block of this thread, unless null
}

}  // namespace floe
