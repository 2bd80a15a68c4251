// The caching allocator: freed blocks wait in lists by size class, so that a training loop stops asking the system.
#include <floe/tensor/storage.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <new>

#include <fmt/format.h>

#include <floe/tensor/device_memory.h>
#include <floe/tensor/error.h>
#include <floe/tensor/memory.h>

#if defined(__SANITIZE_ADDRESS__)
#define FLOE_PLAIN_MALLOC 1  // each block is one exact malloc, so that a sanitizer sees an overflow by one element
#else
#define FLOE_PLAIN_MALLOC 0
#endif

namespace floe {
namespace {

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

class Allocator {  // of one device
 public:
  using Block = Storage::Block;

  explicit Allocator(Device device) : device_(device) {}

  Block* take(std::size_t bytes) {
    int size_class = class_of(bytes);
    std::size_t held = keeps() ? std::max(bytes, class_bytes(size_class)) : bytes;  // in 32 bits the last class is 0
    Block* block = nullptr;
    if (keeps()) {
      lock_.lock();
      block = free_[size_class];
      if (block) free_[size_class] = block->next;
      lock_.unlock();
    }
    if (!block) block = fresh(held, bytes);
    block->owners.store(1, std::memory_order_relaxed);
    block->bytes = held;
    block->size_class = size_class;
    block->device = device_;

    std::size_t now = in_use.fetch_add(held, std::memory_order_relaxed) + held;
    std::size_t before = peak.load(std::memory_order_relaxed);
    while (now > before && !peak.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
    }
    return block;
  }

  void give(Block* block) noexcept {
    in_use.fetch_sub(block->bytes, std::memory_order_relaxed);
    if (!keeps()) return destroy(block);
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
      while (block) destroy(std::exchange(block, block->next));
    }
  }

  std::atomic<std::size_t> in_use{0};
  std::atomic<std::size_t> peak{0};

 private:
  bool on_cpu() const { return device_.kind == Device::Kind::cpu; }
  bool keeps() const { return !(FLOE_PLAIN_MALLOC && on_cpu()); }  // a GPU's blocks are always kept: see storage.h

  Block* fresh(std::size_t held, std::size_t asked) {
    Block* block = create(held);
    if (block) return block;
    auto [kept, largest] = cached();
    trim();
    block = create(held);
    if (block) return block;
    std::string more = "no more available";
    if (!on_cpu())
      more = fmt::format("{} bytes free on the device, {} bytes were kept for reuse, the largest block {} bytes",
                         device_memory::free_bytes(device_), kept, largest);
    throw MemoryError(fmt::format("memory: {} bytes requested on {}, {} bytes in use, {}; try a smaller batch", asked,
                                  to_string(device_), in_use.load(), more));
  }

  Block* create(std::size_t held) {
    if (held > std::numeric_limits<std::ptrdiff_t>::max() - sizeof(Block)) return nullptr;
    if (on_cpu()) {
      void* memory = device_memory::allocate(sizeof(Block) + held, device_);
      if (!memory) return nullptr;
      Block* block = new (memory) Block{};
      block->data = reinterpret_cast<std::byte*>(block + 1);
      return block;
    }
    void* memory = device_memory::allocate(held, device_);
    if (!memory) return nullptr;
    Block* block = new Block{};
    block->data = static_cast<std::byte*>(memory);
    return block;
  }

  void destroy(Block* block) noexcept {
    if (on_cpu()) return device_memory::release(block, device_);
    device_memory::release(block->data, device_);
    delete block;
  }

  // A lock for a few instructions.
  class SpinLock {
   public:
    void lock() {
      while (flag_.test_and_set(std::memory_order_acquire)) {}
    }
    void unlock() { flag_.clear(std::memory_order_release); }

   private:
    std::atomic_flag flag_ = ATOMIC_FLAG_INIT;
  };

  struct Cached {
    std::size_t bytes = 0, largest = 0;
  };
  Cached cached() noexcept {  // what waits in the lists
    Cached found;
    lock_.lock();
    for (Block* block : free_) {
      for (; block; block = block->next) found.bytes += block->bytes, found.largest = std::max(found.largest, block->bytes);
    }
    lock_.unlock();
    return found;
  }

  Device device_;
  SpinLock lock_;
  std::array<Block*, 4 * 60> free_{};
};

namespace {

constexpr int most_gpus = 64;

// Never destroyed: tensors may outlive static destructors.
Allocator& allocator(Device device) {
  static Allocator* cpu = new Allocator({});
  if (device.kind == Device::Kind::cpu) [[likely]] return *cpu;
  static std::array<std::atomic<Allocator*>, most_gpus>* gpus = new std::array<std::atomic<Allocator*>, most_gpus>{};
  std::atomic<Allocator*>& slot = (*gpus)[device.index % most_gpus];
  Allocator* there = slot.load(std::memory_order_acquire);
  if (there) return *there;
  Allocator* made = new Allocator(device);
  if (slot.compare_exchange_strong(there, made, std::memory_order_acq_rel)) return *made;
  delete made;
  return *there;
}

Allocator& available_allocator(Device device) {
  if (device.kind != Device::Kind::cpu) [[unlikely]] require_device(device);
  return allocator(device);
}

}  // namespace

constinit thread_local detail::Listener detail::allocated = nullptr;

Storage::Storage(std::size_t bytes, Device device) : block_(available_allocator(device).take(bytes)) {
  if (detail::allocated) [[unlikely]] detail::allocated(data());
}

void Storage::release(Block* block) noexcept {
  if (block->device.kind != Device::Kind::cpu) [[unlikely]]
    device_memory::changed(block->data, block->bytes, block->device);
  allocator(block->device).give(block);
}

std::size_t memory_in_use(Device device) { return allocator(device).in_use.load(); }
std::size_t peak_memory(Device device) { return allocator(device).peak.load(); }
void reset_peak_memory(Device device) { allocator(device).peak.store(allocator(device).in_use.load()); }
void release_cached_memory(Device device) { allocator(device).trim(); }

}  // namespace floe
