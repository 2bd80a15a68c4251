// Runs the blocks of a kernel one after another, and the threads of a block in one OS thread: as plain calls until one
// meets a barrier, which then keeps its stack as a fibre while the others continue.
#include "internal.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace floe_simulator {
namespace {

// ---- Stacks and the switch between them ----

constexpr std::size_t stack_bytes = 256 << 10, page = 4096;

struct Context {
#if defined(__x86_64__)
  void* stack_pointer = nullptr;
#else
  ucontext_t state;
#endif
  void* bottom = nullptr;  // of the stack, for AddressSanitizer
  std::size_t size = 0;
  void* fake_stack = nullptr;
};

#if defined(__x86_64__)
// Saves what a call must preserve, stores the stack pointer and continues where `to` was left. swapcontext does the same
// with two system calls.
__attribute__((naked, noinline)) void switch_stack(void** /*from*/, void* /*to*/) {
  asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}
#endif

// The first thing to do on a stack that was switched to; `came_from` learns the bounds of the stack that was left.
void arrive([[maybe_unused]] Context& self, [[maybe_unused]] Context* came_from) {
#ifdef __SANITIZE_ADDRESS__
  const void* bottom;
  std::size_t size;
  __sanitizer_finish_switch_fiber(self.fake_stack, &bottom, &size);
  if (came_from) {
    came_from->bottom = const_cast<void*>(bottom);
    came_from->size = size;
  }
#endif
}

// `came_from` is what switches back to `from`.
void switch_to(Context& from, Context& to, Context* came_from) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
#if defined(__x86_64__)
  switch_stack(&from.stack_pointer, to.stack_pointer);
#else
  swapcontext(&from.state, &to.state);
#endif
  arrive(from, came_from);
}

// ---- The block that runs ----

enum class State { not_started, running, at_barrier, at_warp, returned };

struct Thread {
  uint3 index;
  State state;
  Context* fibre;
  unsigned mask;             // of the warp operation it waits in
  std::uint64_t gives, got;  // by that operation
  int source;
  int predicate;
};

struct Block {
  const std::function<void()>* body = nullptr;
  std::vector<Thread> threads;
  std::vector<int> waiting_in_warp;  // for each warp
  int count = 0, started = 0, returned = 0, at_barrier = 0, current = 0;
  int barrier_count = 0;  // of true predicates
  bool backward = false;
  bool active = false;
  Context scheduler;
  Context* entered = nullptr;  // the fibre that was switched to last
  std::vector<Context*> idle;  // fibres that no thread keeps
};

Block& block() {
  static Block& block = *new Block;
  return block;
}

void print_place(char* text, std::size_t size) {
  std::snprintf(text, size, "kernel of grid (%u, %u, %u) and block (%u, %u, %u), in block (%u, %u, %u)", gridDim.x,
                gridDim.y, gridDim.z, blockDim.x, blockDim.y, blockDim.z, blockIdx.x, blockIdx.y, blockIdx.z);
}

#define FAIL_IN_KERNEL(format, ...)                        \
  do {                                                     \
    char place[256];                                       \
    print_place(place, sizeof place);                      \
    fail("%s: " format, place __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

void begin(int thread) {
  Block& b = block();
  b.current = thread;
  threadIdx = b.threads[thread].index;
  b.threads[thread].state = State::running;
}

// A fibre takes threads that have not started until one waits; that one keeps it until it returns.
[[noreturn]] void run_threads(Context& self) {
  Block& b = block();
  for (;;) {
    while (b.started < b.count) {
      int thread = b.backward ? b.count - 1 - b.started : b.started;
      b.started++;
      b.threads[thread].fibre = &self;
      begin(thread);
      (*b.body)();
      b.threads[thread].state = State::returned;
      b.returned++;
    }
    b.idle.push_back(&self);
    switch_to(self, b.scheduler, &b.scheduler);
  }
}

extern "C" void floe_simulator_fibre() {
  Context& self = *block().entered;
  arrive(self, &block().scheduler);
  run_threads(self);
}

Context* make_fibre(std::size_t number) {
  auto* memory = static_cast<char*>(
      mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (memory == MAP_FAILED) fail("no memory for the stack of thread %zu", number);
  mprotect(memory, page, PROT_NONE);
  auto* fibre = new Context;
  fibre->bottom = memory + page;
  fibre->size = stack_bytes - number % 32 * 128;  // equal ends would share few lines of the cache
#if defined(__x86_64__)
  auto** top = reinterpret_cast<void**>(memory + page + fibre->size);
  *--top = nullptr;  // the return address of the entry, which never returns
  *--top = reinterpret_cast<void*>(&floe_simulator_fibre);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  fibre->stack_pointer = top;
#else
  getcontext(&fibre->state);
  fibre->state.uc_stack.ss_sp = fibre->bottom;
  fibre->state.uc_stack.ss_size = fibre->size;
  makecontext(&fibre->state, &floe_simulator_fibre, 0);
#endif
  return fibre;
}

// The current thread waits until the scheduler resumes it.
void wait(State state) {
  Block& b = block();
  Thread& self = b.threads[b.current];
  self.state = state;
  switch_to(*self.fibre, b.scheduler, &b.scheduler);
}

void resume(int thread) {
  Block& b = block();
  begin(thread);
  switch_to(b.scheduler, *b.threads[thread].fibre, nullptr);
}

void start_threads() {
  Block& b = block();
  static std::size_t made = 0;
  while (b.started < b.count) {
    if (b.idle.empty()) b.idle.push_back(make_fibre(made++));
    b.entered = b.idle.back();
    b.idle.pop_back();
    switch_to(b.scheduler, *b.entered, nullptr);
  }
}

int warp_size(int warp) { return std::min(32, block().count - warp * 32); }

// Releases the lanes of a warp that all wait for each other. Returns whether there were any.
bool release_warp(int warp) {
  Block& b = block();
  if (b.waiting_in_warp[warp] == 0) return false;
  Thread* lanes = &b.threads[warp * 32];
  int size = warp_size(warp);
  unsigned existing = size == 32 ? ~0u : (1u << size) - 1;
  for (int first = 0; first < size; ++first) {
    if (lanes[first].state != State::at_warp) continue;
    unsigned mask = lanes[first].mask & existing;
    bool complete = true;
    for (int i = 0; i < size; ++i) {
      if (!(mask >> i & 1)) continue;
      if (lanes[i].state == State::returned) {
        FAIL_IN_KERNEL("a divergent warp operation: lane %d of warp %d waits for lane %d, which has returned", first,
                       warp, i);
      }
      complete = complete && lanes[i].state == State::at_warp && (lanes[i].mask & existing) == mask;
    }
    if (!complete) continue;
    for (int i = 0; i < size; ++i) {
      if (!(mask >> i & 1)) continue;
      int source = lanes[i].source;
      bool takes_part = source >= 0 && source < size && (mask >> source & 1);
      lanes[i].got = takes_part ? lanes[source].gives : ~std::uint64_t{0};
    }
    b.waiting_in_warp[warp] -= std::popcount(mask);
    for (int i = 0; i < size; ++i) {
      int lane = b.backward ? size - 1 - i : i;
      if (mask >> lane & 1) resume(warp * 32 + lane);
    }
    return true;
  }
  return false;
}

void release_barrier() {
  Block& b = block();
  b.at_barrier = 0;
  b.barrier_count = 0;
  for (Thread& thread : b.threads) b.barrier_count += thread.predicate;
  for (int i = 0; i < b.count; ++i) resume(b.backward ? b.count - 1 - i : i);
}

void run_block() {
  Block& b = block();
  b.started = b.returned = b.at_barrier = 0;
  for (Thread& thread : b.threads) thread.state = State::not_started;
  start_threads();
  int warps = static_cast<int>(b.waiting_in_warp.size());
  while (b.returned < b.count) {
    bool progress = false;
    for (int i = 0; i < warps; ++i) {
      while (release_warp(b.backward ? warps - 1 - i : i)) progress = true;
    }
    if (b.at_barrier > 0 && b.at_barrier + b.returned == b.count) {
      if (b.returned > 0) {
        FAIL_IN_KERNEL("a divergent barrier: %d of %d threads wait at __syncthreads() and the others have returned",
                       b.at_barrier, b.count);
      }
      release_barrier();
      progress = true;
    }
    if (!progress && b.returned < b.count) {
      FAIL_IN_KERNEL(
          "a divergent barrier: of %d threads %d have returned, %d wait at __syncthreads() and the others "
          "in warp operations that will never be complete",
          b.count, b.returned, b.at_barrier);
    }
  }
}

Thread& current_thread(const char* what) {
  Block& b = block();
  if (!b.active) fail("%s outside a kernel", what);
  return b.threads[b.current];
}

int meet(int predicate) {
  Thread& self = current_thread("__syncthreads()");
  self.predicate = predicate != 0;
  block().at_barrier++;
  wait(State::at_barrier);
  return block().barrier_count;
}

}  // namespace

void* assume_aligned(const void* pointer, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0)
    FAIL_IN_KERNEL("a misaligned address: %p is no multiple of %zu", pointer, bytes);
  return const_cast<void*>(pointer);
}

int lane() {
  current_thread("a warp operation");
  return block().current % 32;
}

std::uint64_t exchange(unsigned mask, std::uint64_t bits, int source) {
  Thread& self = current_thread("a warp operation");
  int own = block().current % 32;
  if (!(mask >> own & 1)) FAIL_IN_KERNEL("lane %d calls a warp operation whose mask %#x leaves it out", own, mask);
  self.mask = mask;
  self.gives = bits;
  self.source = source;
  block().waiting_in_warp[block().current / 32]++;
  wait(State::at_warp);
  return self.got;
}

void run_grid(dim3 grid, dim3 size, bool backward, const std::function<void()>& thread) {
  Block& b = block();
  b.body = &thread;
  b.backward = backward;
  b.count = static_cast<int>(size.x * size.y * size.z);
  b.threads.resize(b.count);
  b.waiting_in_warp.assign((b.count + 31) / 32, 0);
  std::size_t i = 0;
  for (unsigned z = 0; z < size.z; ++z) {
    for (unsigned y = 0; y < size.y; ++y) {
      for (unsigned x = 0; x < size.x; ++x) b.threads[i++].index = {x, y, z};
    }
  }
  gridDim = grid;
  blockDim = size;
  b.active = true;
  std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
  for (std::uint64_t n = 0; n < blocks; ++n) {
    std::uint64_t at = backward ? blocks - 1 - n : n;
    blockIdx = {static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                static_cast<unsigned>(at / grid.x / grid.y)};
    run_block();
  }
  b.active = false;
}

}  // namespace floe_simulator

void __syncthreads() { floe_simulator::meet(0); }
int __syncthreads_count(int predicate) { return floe_simulator::meet(predicate); }
int __syncthreads_or(int predicate) { return floe_simulator::meet(predicate) > 0; }
int __syncthreads_and(int predicate) {
  int threads = static_cast<int>(blockDim.x * blockDim.y * blockDim.z);
  return floe_simulator::meet(predicate) == threads;
}
void __syncwarp(unsigned mask) { floe_simulator::exchange(mask, 0, 0); }
