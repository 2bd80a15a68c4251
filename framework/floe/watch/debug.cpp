// debug: functions to call from a debugger. Compiled with debug information in every build.
#include <floe/watch/debug.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include <floe/ops/by_name.h>
#include <floe/tape/record.h>
#include <floe/tensor/device_memory.h>
#include <floe/tensor/print.h>
#include <floe/watch/inspect.h>

extern "C" void floe_debug() {}  // the name that the linker is given, and with it comes all of this file

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

// The result of the op of this name; `form` is the member of NamedOp that takes such arguments.
template <class Form, class... Arguments>
const Tensor& result_of(const char* name, Form NamedOp::*form, const Arguments&... x) {
  static std::deque<Tensor> results;
  Tensor& result = results.emplace_back();
  guarded([&] {
    std::set<std::string_view> known;
    for (const NamedOp& op : named_ops()) {
      if (!(op.*form)) continue;
      if (std::string_view(op.name) == name) {
        CallScope scope(Location::here());
        result = (op.*form)(x...);
        return;
      }
      known.insert(op.name);
    }
    throw ValueError(fmt::format("there is no '{}'; choose from: {}", name, fmt::join(known, ", ")));
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
      T number = converted<T>(value);
      device_memory::copy(static_cast<T*>(x.raw_mutable()) + index, x.device(), &number, Device{}, sizeof(T));
    });
  });
}

void set(Variable& x, std::int64_t index, double value) {
  set(x.update(), index, value);
  x.updated();
}

const Tensor& op(const char* name, const Tensor& x) { return result_of(name, &NamedOp::of_one, x); }
const Tensor& op(const char* name, const Tensor& a, const Tensor& b) { return result_of(name, &NamedOp::of_two, a, b); }
const Tensor& op(const char* name, const Tensor& x, double number) {
  return result_of(name, &NamedOp::with_number, x, number);
}
const Tensor& op(const char* name, const Tensor& x, double first, double second) {
  return result_of(name, &NamedOp::with_numbers, x, first, second);
}

}  // namespace floe::debug
