// The stops of the tour: each a short function that runs, and prints what the talk showed.
#pragma once

#include <filesystem>
#include <functional>

#include <floe/floe.h>

namespace tour {

using floe::Device;

struct Settings {
  std::uint64_t seed = 1;
  Device device{};                          // where the stops with much to compute do so
  std::filesystem::path data{};             // ratings for simple_dot; empty: generated ones
  std::filesystem::path out = "out/tour";  // for what a stop leaves behind
  std::filesystem::path tensorboard{};      // events of the stop of this name; empty: in `out`
};

// values.cpp: tensors that print.
void matmul(const Settings&);
void slicing(const Settings&);
void fizzbuzz(const Settings&);

// gradients.cpp: what a tape knows, and what can be built on it.
void tape(const Settings&);
void linear_regression(const Settings&);
void higher_order(const Settings&);
void custom_gradient(const Settings&);

// line_search.cpp: an algorithm that decides by values.
void line_search(const Settings&);

// objects.cpp: variables, metrics and checkpoints are objects like any other.
void variables(const Settings&);
void metrics(const Settings&);
void checkpoints(const Settings&);

// watching.cpp: where the time goes, and curves while they grow.
void profile(const Settings&);
void tensorboard(const Settings&);

// recursion.cpp: a network whose shape is that of its example.
void recursion(const Settings&);

// simple_dot.cpp: embeddings of users and movies.
void simple_dot(const Settings&);

}  // namespace tour
