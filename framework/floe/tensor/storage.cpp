// The caching allocator: freed blocks wait in lists by size class, so that a training loop stops asking the system.
#include <floe/tensor/storage.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <new>

#include <fmt/format.h>

#include <floe/tensor/error.h>

#if defined(__SANITIZE_ADDRESS__)
#define FLOE_PLAIN_MALLOC 1  // each block is one exact malloc, so that a sanitizer sees an overflow by one element
#else
#define FLOE_PLAIN_MALLOC 0
#endif

namespace floe {
namespace {

// A lock for a few instructions.
class SpinLock {
 public:
  void lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_ = ATOMIC_FLAG_INIT;
};

// Four size classes to each power of two, from 64 bytes: at most a fifth of a block is waste.
int class_of(std::size_t bytes) {
  if (bytes <= 256) return static_cast<int>((bytes + 63) / 64) - (bytes != 0);
  int power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power + 1), power >= 8
  std::size_t quarter = std::size_t{1} << (power - 2);
  return 4 * (power - 7) + static_cast<int>((bytes - 1 - (std::size_t{1} << power)) / quarter);
}

std::size_t class_bytes(int size_class) {
  if (size_class < 4) return 64 * static_cast<std::size_t>(size_class + 1);
  int power = size_class / 4 + 7;
  return (std::size_t{1} << power) + static_cast<std::size_t>(size_class % 4 + 1) * (std::size_t{1} << (power - 2));
}

}  // namespace

class Allocator {
 public:
  using Block = Storage::Block;

  Block* take(std::size_t bytes, Device device) {
    require_built(device);
    int size_class = class_of(bytes);
    std::size_t held = FLOE_PLAIN_MALLOC ? bytes : class_bytes(size_class);
    Block* block = nullptr;
    if (!FLOE_PLAIN_MALLOC) {
      lock_.lock();
      block = free_[size_class];
      if (block) free_[size_class] = block->next;
      lock_.unlock();
    }
    if (!block) block = fresh(held, bytes, device);
    block->owners.store(1, std::memory_order_relaxed);
    block->bytes = held;
    block->size_class = size_class;
    block->device = device;

    std::size_t now = in_use.fetch_add(held, std::memory_order_relaxed) + held;
    std::size_t before = peak.load(std::memory_order_relaxed);
    while (now > before && !peak.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
    }
    return block;
  }

  void give(Block* block) noexcept {
    in_use.fetch_sub(block->bytes, std::memory_order_relaxed);
    if (FLOE_PLAIN_MALLOC) {
      std::free(block);
      return;
    }
    lock_.lock();
    block->next = free_[block->size_class];
    free_[block->size_class] = block;
    lock_.unlock();
  }

  void trim() noexcept {
    for (Block*& list : free_) {
      lock_.lock();
      Block* block = std::exchange(list, nullptr);
      lock_.unlock();
      while (block) std::free(std::exchange(block, block->next));
    }
  }

  std::atomic<std::size_t> in_use{0};
  std::atomic<std::size_t> peak{0};

 private:
  Block* fresh(std::size_t held, std::size_t asked, Device device) {
    auto allocate = [&]() -> void* {
      if (held > std::size_t{1} << 46) return nullptr;  // no machine has it; rounding up below would overflow
      return FLOE_PLAIN_MALLOC ? plain(held) : std::aligned_alloc(64, sizeof(Block) + held);
    };
    void* memory = allocate();
    if (!memory) {
      trim();
      memory = allocate();
    }
    if (!memory) {
      throw MemoryError(
          fmt::format("memory: {} bytes asked on {}, {} bytes in use, no more to be had; try a smaller batch", asked,
                      to_string(device), in_use.load()));
    }
    return new (memory) Block{};
  }

  static void* plain(std::size_t held) {
    void* memory = nullptr;
    return posix_memalign(&memory, 64, sizeof(Block) + held) == 0 ? memory : nullptr;
  }

  SpinLock lock_;
  std::array<Block*, 4 * 60> free_{};
};

namespace {

Allocator& allocator() {
  static Allocator* only = new Allocator;  // never destroyed: tensors may outlive static destructors
  return *only;
}

}  // namespace

constinit thread_local detail::Listener detail::allocated = nullptr;

Storage::Storage(std::size_t bytes, Device device) : block_(allocator().take(bytes, device)) {
  if (detail::allocated) [[unlikely]] detail::allocated(data());
}

void Storage::release(Block* block) noexcept { allocator().give(block); }

std::size_t memory_in_use(Device) { return allocator().in_use.load(); }
std::size_t peak_memory(Device) { return allocator().peak.load(); }
void reset_peak_memory(Device) { allocator().peak.store(allocator().in_use.load()); }
void release_cached_memory(Device) { allocator().trim(); }

}  // namespace floe
