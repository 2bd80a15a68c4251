// debug: functions to call from a debugger. Compiled with debug information in every build.
#include <floe/watch/debug.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/tape/record.h>
#include <floe/tensor/device_memory.h>
#include <floe/tensor/print.h>
#include <floe/watch/inspect.h>

extern "C" void floe_debug() {}  // what the linker is asked for, and with it comes all of this file

namespace floe::debug {
namespace {

void say(std::string_view text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

// An exception would end the program that is being looked at.
template <class Action>
void guarded(Action action) {
  try {
    NoRecording silence;
    action();
  } catch (const std::exception& error) { say(error.what()); }
}

void require_index(const Tensor& x, std::int64_t index) {
  if (index < 0 || index >= x.elements())
    throw ValueError(fmt::format("index {} is outside 0 .. {}", index, x.elements() - 1));
}

using Unary = Tensor (*)(const Tensor& x);
using Binary = Tensor (*)(const Tensor& a, const Tensor& b);

const std::map<std::string_view, Unary> unary = {
    {"abs", [](const Tensor& x) { return abs(x); }},
    {"exp", [](const Tensor& x) { return exp(x); }},
    {"isfinite", [](const Tensor& x) { return isfinite(x); }},
    {"log", [](const Tensor& x) { return log(x); }},
    {"reduce_max", [](const Tensor& x) { return reduce_max(x); }},
    {"reduce_mean", [](const Tensor& x) { return reduce_mean(x); }},
    {"reduce_min", [](const Tensor& x) { return reduce_min(x); }},
    {"reduce_sum", [](const Tensor& x) { return reduce_sum(x); }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }},
    {"square", [](const Tensor& x) { return square(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
};

const std::map<std::string_view, Binary> binary = {
    {"add", [](const Tensor& a, const Tensor& b) { return a + b; }},
    {"divide", [](const Tensor& a, const Tensor& b) { return a / b; }},
    {"matmul", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }},
    {"multiply", [](const Tensor& a, const Tensor& b) { return a * b; }},
    {"subtract", [](const Tensor& a, const Tensor& b) { return a - b; }},
};

template <class Table, class... Arguments>
const Tensor& result_of(const Table& table, const char* name, const Arguments&... x) {
  static std::deque<Tensor> results;
  Tensor& result = results.emplace_back();
  guarded([&] {
    auto found = table.find(name);
    if (found != table.end()) {
      result = found->second(x...);
      return;
    }
    std::string known;
    for (const auto& entry : table) known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.first);
    throw ValueError(fmt::format("there is no '{}'; there is: {}", name, known));
  });
  return result;
}

}  // namespace

void print(const Tensor& x) {
  guarded([&] { say(to_string(x) + "\n" + describe(x)); });
}
void print(const Variable& x) {
  guarded([&] { say(x.path() + "\n" + to_string(x.value()) + "\n" + describe(x.value())); });
}
void print(const Gradients& gradients) {
  guarded([&] {
    std::string table = describe(gradients);
    table.pop_back();  // the last line's end
    say(table);
  });
}

double at(const Tensor& x, std::int64_t index) {
  double result = NAN;
  guarded([&] {
    require_index(x, index);
    result = x.view({}, index).item();
  });
  return result;
}

double mean(const Tensor& x) {
  double sum = 0;
  guarded([&] {
    dispatch(x.dtype(), [&]<class T>() {
      for (T element : x.to_vector<T>()) sum += static_cast<double>(element);
    });
  });
  return sum / static_cast<double>(x.elements());
}

void set(Tensor& x, std::int64_t index, double value) {
  guarded([&] {
    require_index(x, index);
    dispatch(x.dtype(), [&]<class T>() {
      T number = static_cast<T>(value);
      device_memory::copy(static_cast<T*>(x.raw_mutable()) + index, x.device(), &number, Device{}, sizeof(T));
    });
  });
}

void set(Variable& x, std::int64_t index, double value) {
  set(x.update(), index, value);
  x.updated();
}

const Tensor& op(const char* name, const Tensor& x) { return result_of(unary, name, x); }
const Tensor& op(const char* name, const Tensor& a, const Tensor& b) { return result_of(binary, name, a, b); }

}  // namespace floe::debug
