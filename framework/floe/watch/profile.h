// Profile: where the time goes, op by op.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <floe/tape/observer.h>

namespace floe {

// While one lives, the ops and optimizer steps of this thread are timed:
//
//   Profile profile;
//   ...                                   // some steps
//   fmt::print("{}", profile.table());
//   profile.save_trace("trace.json");     // for https://ui.perfetto.dev or chrome://tracing
//
// An op's time runs from the allocation of its output, which is the first thing that it does after its checks, to its
// report. Ops within an op count separately; what else it does counts as its own. A reshape or a slice that
// shares its input's memory takes no time and touches no bytes. All else is outside ops: data, random numbers, the
// tapes, printing. A timed op takes about 0.3 us longer, and results stay the same to the bit.
class Profile : public OpObserver {
 public:
  Profile() : began_(Clock::now()) {}

  // One sentence about what dominates and one about what would help, then a line for each op, longest first. `backward`
  // ops computed gradients; arithmetic is that of convolutions and matrix products, an addition or multiplication a
  // FLOP; bytes are those of inputs and outputs, once for each call:
  //
  //   conv2d_filter_gradient, backward takes 30 % of 9.82 s, the first 3 lines 74 %; 3 % is outside ops
  //   convolutions and matrix products take 81 % at 215 GFLOP/s: a smaller network or more cores would help
  //
  //   op                                         calls         ms    share    us/call  GFLOP/s       GB    GB/s
  //   conv2d_filter_gradient, backward             700    2909.21   29.6 %     4156.0    191.4     2.45     0.8
  //   conv2d_input_gradient, backward              400    2715.22   27.7 %     6788.0    248.0     2.03     0.7
  //   ...
  //   outside ops                                          260.83    2.7 %
  std::string table() const;

  // Every call as a Chrome trace, in order: name, start and length in microseconds, shapes, constants, layer,
  // direction and line.
  // Calls after the first 100,000 are in the table only. Written whole or not at all; FileError if it cannot be.
  void save_trace(const std::filesystem::path& path) const;

  void op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) override;  // counts an op
  void begun(const void* data) override;

 private:
  using Clock = std::chrono::steady_clock;
  using Time = std::chrono::nanoseconds;

  struct Begun {
    const void* data = nullptr;
    Time start{}, counted{};
  };
  struct Row {
    std::int64_t calls = 0, bytes = 0;
    double flops = 0;
    Time time{};
  };
  struct Event {
    OpInfo op;
    KeptAttributes attributes;
    const char* gradient_of;
    Time start, length;
    std::vector<Shape> shapes;  // of inputs, then of outputs
    std::size_t inputs;
  };

  std::string remedy(Time whole) const;
  Time now() const { return Clock::now() - began_; }

  Clock::time_point began_;
  Time counted_{};                 // the time of all ops so far
  std::array<Begun, 64> begun_{};  // the newest allocations, as a ring
  std::size_t next_ = 0;
  std::map<std::pair<std::string_view, bool>, Row> rows_;  // by name and whether backward
  std::vector<Event> events_;
};

}  // namespace floe
