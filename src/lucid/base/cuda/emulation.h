// SPDX-License-Identifier: Apache-2.0
// CUDA emulation on the CPU for tests, the other implementation of platform.h. Blocks run one after another; the
// threads of a block are fibers that switch only at barriers and warp-wide operations; shared memory is static storage;
// device memory is heap memory filled with junk. A barrier that not all threads reach ends the program with a message.
// nvcc never includes this file.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "lucid/base/cuda/failure.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define LUCID_CUDA_PLATFORM emulated
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

namespace lucid::cuda::LUCID_CUDA_PLATFORM {

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct Index3 {
  unsigned x = 0, y = 0, z = 0;
};
inline thread_local Index3 threadIdx, blockIdx;
inline thread_local dim3 blockDim, gridDim;

/// The order in which the lanes of a warp, and the warps of a block, run. Code without data races gives the same result
/// in either order.
enum class LaneOrder { kAscending, kDescending };
inline thread_local LaneOrder lane_order = LaneOrder::kAscending;

/// The threads of one block. Later blocks reuse the fibers, because creating a fiber costs more than running a small
/// kernel on it.
class Block {
 public:
  static Block& current() {
    thread_local Block block;
    return block;
  }

  void run(unsigned threads, const std::function<void()>& body) {
    if (threads == 0 || threads % 32 != 0 || threads > 1024) stop("a block's size is no multiple of 32 up to 1024");
    while (fibers_.size() < threads) add_fiber();
    threads_ = threads;
    body_ = &body;
    arrived_ = 0;
    for (auto& warp : warps_) warp.arrived = 0;
    for (unsigned t = 0; t < threads; ++t) fibers_[t]->done = false;
    unsigned left = threads;
    while (left > 0) {
      const unsigned before = turns_taken_;
      for (unsigned w = 0; w < threads / 32; ++w) left -= run_warp(32 * ordered(w, threads / 32));
      if (turns_taken_ == before) stop("threads wait for threads that never come (a barrier that not all reach?)");
    }
  }

  /// Waits for all threads of the block and returns the sum of their values.
  int barrier(int value) {
    const uint64_t mine = generation_;
    counts_[mine & 1] += value;
    if (++arrived_ == threads_) {
      arrived_ = 0;
      counts_[(mine + 1) & 1] = 0;
      ++generation_;
    } else {
      wait_while(&generation_, mine);
    }
    return counts_[mine & 1];
  }

  /// Waits for all 32 lanes of the warp and returns their values.
  const uint64_t* all_lanes(unsigned mask, uint64_t value) {
    if (mask != 0xffffffffu) stop("a warp-wide operation on part of a warp");
    Warp& warp = warps_[threadIdx.x / 32];
    const uint64_t mine = warp.generation;
    uint64_t* lanes = warp.lanes[mine & 1];  // two buffers suffice: nobody starts operation n + 2 before all finished n
    lanes[threadIdx.x % 32] = value;
    if (++warp.arrived == 32) {
      warp.arrived = 0;
      ++warp.generation;
    } else {
      wait_while(&warp.generation, mine);
    }
    return lanes;
  }

 private:
  static constexpr size_t kStack = 256 << 10;
  struct Fiber {
    std::unique_ptr<char[]> stack;
    ucontext_t start;
    jmp_buf at;
    bool started = false, done = true;
    const uint64_t* waits_for = nullptr;  // the fiber waits while *waits_for == seen
    uint64_t seen = 0;
    unsigned index = 0;
  };
  struct Warp {
    uint64_t generation = 0;
    unsigned arrived = 0;
    uint64_t lanes[2][32];
  };

  [[noreturn]] static void stop(const char* why) {
    std::fprintf(stderr, "emulated kernel: %s (block %u, %u; thread %u)\n", why, blockIdx.x, blockIdx.y, threadIdx.x);
    std::abort();
  }

  static unsigned ordered(unsigned i, unsigned count) {
    return lane_order == LaneOrder::kAscending ? i : count - 1 - i;
  }

  void add_fiber() {
    auto fiber = std::make_unique<Fiber>();
    fiber->stack = std::make_unique<char[]>(kStack);
    fiber->index = static_cast<unsigned>(fibers_.size());
    getcontext(&fiber->start);
    fiber->start.uc_stack.ss_sp = fiber->stack.get();
    fiber->start.uc_stack.ss_size = kStack;
    fiber->start.uc_link = nullptr;
    makecontext(&fiber->start, &Block::fiber_main, 0);
    fibers_.push_back(std::move(fiber));
  }

  /// Entry point of a fiber: runs one thread of each block.
  static void fiber_main() {
    Block& block = current();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &block.own_stack_, &block.own_stack_size_);
#endif
    for (;;) {
      (*block.body_)();
      block.running_->done = true;
      block.yield();
    }
  }

  unsigned run_warp(unsigned first) {
    unsigned finished = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (unsigned lane = 0; lane < 32; ++lane) {
        Fiber& fiber = *fibers_[first + ordered(lane, 32)];
        if (fiber.done || (fiber.waits_for != nullptr && *fiber.waits_for == fiber.seen)) continue;
        fiber.waits_for = nullptr;
        threadIdx.x = fiber.index;
        running_ = &fiber;
        moved = true;
        ++turns_taken_;
        resume(&fiber);
        finished += fiber.done;
      }
    }
    return finished;
  }

  void wait_while(const uint64_t* counter, uint64_t seen) {
    running_->waits_for = counter;
    running_->seen = seen;
    yield();
  }

#if defined(__SANITIZE_ADDRESS__)  // AddressSanitizer supports swapcontext and must be told of every switch
  void resume(Fiber* fiber) {
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, fiber->stack.get(), kStack);
    swapcontext(&own_context_, &fiber->start);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  }
  void yield() {
    void* fake_stack = nullptr;
    Fiber* mine = running_;
    __sanitizer_start_switch_fiber(&fake_stack, own_stack_, own_stack_size_);
    swapcontext(&mine->start, &own_context_);
    __sanitizer_finish_switch_fiber(fake_stack, &own_stack_, &own_stack_size_);
  }
  ucontext_t own_context_;
  const void* own_stack_ = nullptr;
  size_t own_stack_size_ = 0;
#else  // setjmp and longjmp: no system call, where swapcontext makes two
  __attribute__((noinline)) void resume(Fiber* fiber) {
    if (_setjmp(own_place_) != 0) return;
    if (fiber->started) _longjmp(fiber->at, 1);
    fiber->started = true;
    setcontext(&fiber->start);
  }
  __attribute__((noinline)) void yield() {
    if (_setjmp(running_->at) == 0) _longjmp(own_place_, 1);
  }
  jmp_buf own_place_;
#endif

  std::vector<std::unique_ptr<Fiber>> fibers_;
  Warp warps_[32];
  const std::function<void()>* body_ = nullptr;
  Fiber* running_ = nullptr;
  unsigned threads_ = 0, arrived_ = 0, turns_taken_ = 0;
  uint64_t generation_ = 0;
  int counts_[2] = {0, 0};
};

inline void __syncthreads() { Block::current().barrier(0); }
inline int __syncthreads_count(int predicate) { return Block::current().barrier(predicate != 0); }

template <class T>
uint64_t word_of(T value) {
  static_assert(sizeof(T) <= 8);
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  return word;
}
template <class T>
T value_of(uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof(T));
  return value;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane) {
  return value_of<T>(Block::current().all_lanes(mask, word_of(value))[lane & 31]);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return value_of<T>(Block::current().all_lanes(mask, word_of(value))[(int(threadIdx.x) ^ bits) & 31]);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const uint64_t* lanes = Block::current().all_lanes(mask, predicate != 0);
  unsigned bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) bits |= unsigned(lanes[lane]) << lane;
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  const uint64_t* lanes = Block::current().all_lanes(mask, value);
  return static_cast<unsigned>(std::accumulate(lanes, lanes + 32, uint64_t(0)));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  const uint64_t* lanes = Block::current().all_lanes(mask, value);
  return static_cast<unsigned>(*std::max_element(lanes, lanes + 32));
}
inline int __ffs(int bits) { return __builtin_ffs(bits); }
template <class T>
T atomicAdd(T* at, T value) {
  return std::exchange(*at, *at + value);
}
template <class T>
T atomicMin(T* at, T value) {
  return std::exchange(*at, std::min(*at, value));
}
inline float exp2_of(float x) { return std::exp2(x); }
inline uint32_t bfloat16_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return x != x ? 0x7fffu : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
inline uint32_t bfloat16_pair_of(float low, float high) { return bfloat16_of(high) << 16 | bfloat16_of(low); }

using Stream = void*;

inline void* allocate(size_t bytes) {
  void* at = std::malloc(bytes);
  if (at == nullptr) call_failed("malloc", "out of memory");
  std::memset(at, 0xa5, bytes);  // junk, so that reads of uninitialised memory show up in results
  return at;
}
inline void release(void* at) noexcept { std::free(at); }
inline void* allocate_pinned(size_t bytes) { return allocate(bytes); }
inline void release_pinned(void* at) noexcept { release(at); }
inline void copy_to_host(void* to, const void* from, size_t bytes, Stream) { std::memcpy(to, from, bytes); }
inline void fill(void* at, int byte, size_t bytes, Stream) {
  if (bytes > 0) std::memset(at, byte, bytes);
}

class Event {
 public:
  void record(Stream) {}
  void wait() { ++waits; }
  int waits = 0;
};

template <class... Parameters, class... Arguments>
void launch(const char*, void (*kernel)(Parameters...), dim3 grid, unsigned block, Stream,
            const Arguments&... arguments) {
  const std::function<void()> body = [&] { kernel(Parameters(arguments)...); };
  blockDim = dim3(block);
  gridDim = grid;
  for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
    for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) Block::current().run(block, body);
  }
}

template <class Key, class Value>
bool sort_pairs(void* temporary, size_t* bytes, Key* keys, Key* spare_keys, Value* values, Value* spare_values,
                int64_t count, int bits, Stream) {
  *bytes = 1;
  if (temporary == nullptr) return false;
  const Key mask = bits >= int(8 * sizeof(Key)) ? ~Key(0) : Key((Key(1) << bits) - 1);
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return (keys[a] & mask) < (keys[b] & mask); });
  for (int64_t k = 0; k < count; ++k) {
    spare_keys[k] = keys[order[static_cast<size_t>(k)]];
    spare_values[k] = values[order[static_cast<size_t>(k)]];
  }
  return true;
}

inline void exclusive_scan(void* temporary, size_t* bytes, const uint32_t* from, uint32_t* to, int64_t count, Stream) {
  *bytes = 1;
  if (temporary != nullptr) std::exclusive_scan(from, from + count, to, 0u);
}

}  // namespace lucid::cuda::LUCID_CUDA_PLATFORM
