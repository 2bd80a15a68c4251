// What a benchmark achieved, and which share of what the machine could do in the same run.
#pragma once

#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "limits.h"

namespace floe::bench {

template <class Body>
double seconds_of(std::int64_t times, Body&& body) {
  auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < times; ++i) body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(times);
}

// Runs the benchmark's loop and returns the seconds of one iteration.
template <class Body>
double timed(benchmark::State& state, Body body) {
  body();
  auto start = std::chrono::steady_clock::now();
  for (auto _ : state) body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(state.iterations());
}

// For work that moves memory: `bytes` is the least that an iteration has to read and write.
template <class Body>
void against_copy(benchmark::State& state, double bytes, Body body) {
  double seconds = timed(state, body), rate = bytes / seconds;
  state.counters["GB/s"] = rate / 1e9;
  state.counters["of_copy"] = rate / copy_bandwidth();
}

// For work that calculates: `limit` does the same on bare primitives.
template <class Body, class Limit>
void against_bare(benchmark::State& state, double flops, Body body, Limit&& limit) {
  double seconds = timed(state, body);
  limit();
  double bare = seconds_of(std::max<std::int64_t>(3, static_cast<std::int64_t>(0.1 / seconds)), limit);
  state.counters["GFLOP/s"] = flops / seconds / 1e9;
  state.counters["of_bare"] = bare / seconds;
}

}  // namespace floe::bench
