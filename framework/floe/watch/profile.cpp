// Profile: timing ops, the table and the trace.
#include <floe/watch/profile.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <floe/files/file.h>
#include <floe/tensor/tensor.h>

namespace floe {
namespace {

constexpr std::size_t most_events = 100000;

double in_seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }
double in_microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

std::int64_t size_in_bytes(const Tensor& x) {
  return x.defined() ? x.elements() * static_cast<std::int64_t>(item_size(x.dtype())) : 0;
}

// Is the output a part of an input, or written over it?
bool shares_memory(const Tensor& output, TensorRefs inputs) {
  auto place = reinterpret_cast<std::uintptr_t>(output.raw());
  return std::any_of(inputs.begin(), inputs.end(), [&](const TensorRef& x) {
    auto begin = reinterpret_cast<std::uintptr_t>(x->raw());
    return place == begin || (place > begin && place < begin + static_cast<std::uintptr_t>(size_in_bytes(*x)));
  });
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string json_text(const Attributes& attributes) {
  nlohmann::ordered_json all;
  for (const auto& [name, value] : attributes) {
    nlohmann::ordered_json& to = all[name];
    switch (value.kind()) {
      case AttributeValue::Kind::integer:
        to = value.integer();
        break;
      case AttributeValue::Kind::boolean:
        to = value.boolean();
        break;
      case AttributeValue::Kind::list:
        to = value.list();
        break;
      case AttributeValue::Kind::text:
        to = value.text();
        break;
      case AttributeValue::Kind::real:
        if (std::isfinite(value.real()))
          to = value.real();
        else
          to = to_string(value);  // JSON has no infinity
    }
  }
  return all.dump();
}

std::string shapes_text(std::span<const Shape> shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", to_string(shape));
  return "[" + text + "]";
}

}  // namespace

void Profile::begun(const void* data) { begun_[next_++ % begun_.size()] = {data, now(), counted_}; }

void Profile::op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) {
  for (const Tensor* output : outputs) synchronize(output->device());  // a GPU has only been given the work so far

  // Find the beginning: the newest allocation of an output, the first of these if there are several outputs.
  Time end = now(), start = end, counted = counted_;
  bool works = false;
  for (const Tensor* output : outputs) {
    if (shares_memory(*output, inputs)) continue;
    works = true;
    const Begun* newest = nullptr;
    for (const Begun& begun : begun_) {
      if (begun.data == output->raw() && (!newest || begun.start >= newest->start)) newest = &begun;
    }
    if (newest && newest->start < start) start = newest->start, counted = newest->counted;
  }
  for (Begun& begun : begun_) {
    if (begun.start >= start) begun.data = nullptr;
  }

  // What was counted since then belongs to the ops inside.
  Time own = end - start - (counted_ - counted);
  counted_ += own;
  const OpInfo* of = gradient_of();
  Row& row = rows_[{op.name, of != nullptr}];
  ++row.calls;
  row.time += own;
  if (works) {
    for (const TensorRef& input : inputs) row.bytes += size_in_bytes(*input);
    for (const Tensor* output : outputs) row.bytes += size_in_bytes(*output);
    row.flops += op.flops;
  }

  if (events_.size() >= most_events) return;
  Event& event = events_.emplace_back(
      Event{op, KeptAttributes(op.attributes), of ? of->name : nullptr, start, end - start, {}, inputs.size()});
  event.op.attributes = event.attributes;
  for (const TensorRef& input : inputs) event.shapes.push_back(input->shape());
  for (const Tensor* output : outputs) event.shapes.push_back(output->shape());
}

// Whatever kind of work takes most, and what helps against it.
std::string Profile::remedy(Time whole) const {
  enum Kind { calculating, moving, short_calls, waiting, outside, kinds };
  struct Sum {
    double seconds = 0, calls = 0, flops = 0, bytes = 0;
  };
  std::array<Sum, kinds> sums;
  constexpr double short_call = 10e-6;
  for (const auto& [key, row] : rows_) {
    double seconds = in_seconds(row.time), calls = static_cast<double>(row.calls);
    Kind kind = key.first == "data_wait"       ? waiting
                : seconds < calls * short_call ? short_calls
                : row.flops > 0                ? calculating
                                               : moving;
    Sum& sum = sums[kind];
    sum.seconds += seconds, sum.calls += calls, sum.flops += row.flops, sum.bytes += static_cast<double>(row.bytes);
  }
  sums[outside].seconds = in_seconds(whole - counted_);
  auto most =
      std::max_element(sums.begin(), sums.end(), [](const Sum& a, const Sum& b) { return a.seconds < b.seconds; });
  double percent = 100 * most->seconds / in_seconds(whole);
  switch (most - sums.begin()) {
    case calculating:
      return fmt::format(
          "convolutions and matrix products take {:.0f} % at {:.0f} GFLOP/s: a smaller network or more cores "
          "would help",
          percent, most->flops / most->seconds / 1e9);
    case moving:
      return fmt::format(
          "ops that move memory take {:.0f} % at {:.0f} GB/s: fewer passes over large tensors would help", percent,
          most->bytes / most->seconds / 1e9);
    case short_calls:
      return fmt::format("short calls take {:.0f} %, {:.1f} us each: a larger batch would help", percent,
                         1e6 * most->seconds / most->calls);
    case waiting:
      return fmt::format("waiting for data takes {:.0f} %: less work on it, or prefetch(), would help", percent);
    default:
      return fmt::format("{:.0f} % is outside ops: look there first, at data, printing and files", percent);
  }
}

std::string Profile::table() const {
  struct Line {
    std::string name;
    Row row;
  };
  std::vector<Line> lines;
  for (const auto& [key, row] : rows_)
    lines.push_back({fmt::format("{}{}", key.first, key.second ? ", backward" : ""), row});
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.row.time > b.row.time; });

  const Time whole = now(), outside = whole - counted_;  // read once, so that shares add up to all of it
  auto percent = [&](Time time) { return 100 * in_seconds(time) / in_seconds(whole); };

  // What dominates.
  std::string text = fmt::format("no op in {:.2f} s\n", in_seconds(whole));
  if (!lines.empty()) {
    std::size_t top = std::min<std::size_t>(3, lines.size());
    Time most = std::accumulate(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(top), Time{},
                                [](Time sum, const Line& line) { return sum + line.row.time; });
    text = fmt::format("{} takes {:.0f} % of {:.2f} s, ", lines[0].name, percent(lines[0].row.time), in_seconds(whole));
    if (top > 1) text += fmt::format("the first {} lines {:.0f} %; ", top, percent(most));
    text += fmt::format("{:.0f} % is outside ops\n{}\n", percent(outside), remedy(whole));
  }

  std::size_t width = 14;
  for (const Line& line : lines) width = std::max(width, line.name.size());
  text += fmt::format("\n{:<{}}  {:>8}  {:>9}  {:>7}  {:>9}  {:>7}  {:>7}  {:>6}\n", "op", width, "calls", "ms",
                      "share", "us/call", "GFLOP/s", "GB", "GB/s");
  for (const auto& [name, row] : lines) {
    double gigabytes = static_cast<double>(row.bytes) / 1e9, seconds = in_seconds(row.time);
    auto rate = [&](double amount) {
      return seconds > 0 && amount > 0 ? fmt::format("{:.1f}", amount / seconds) : "-";
    };
    text +=
        fmt::format("{:<{}}  {:>8}  {:>9.2f}  {:>5.1f} %  {:>9.1f}  {:>7}  {:>7.2f}  {:>6}\n", name, width, row.calls,
                    1e3 * seconds, percent(row.time), in_microseconds(row.time) / static_cast<double>(row.calls),
                    rate(row.flops / 1e9), gigabytes, rate(gigabytes));
  }
  return text + fmt::format("{:<{}}  {:>8}  {:>9.2f}  {:>5.1f} %\n", "outside ops", width, "",
                            1e3 * in_seconds(outside), percent(outside));
}

void Profile::save_trace(const std::filesystem::path& path) const {
  std::vector<const Event*> order;
  for (const Event& event : events_) order.push_back(&event);
  std::stable_sort(order.begin(), order.end(), [](const Event* a, const Event* b) {
    return a->start != b->start ? a->start < b->start : a->length > b->length;  // what is around others comes first
  });

  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  for (const Event* event : order) {
    const OpInfo& op = event->op;
    std::span<const Shape> shapes = event->shapes;
    text += fmt::format(
        "{}\n{{\"name\": {}, \"cat\": \"{}\", \"ph\": \"X\", \"ts\": {:.3f}, \"dur\": {:.3f}, \"pid\": 1, \"tid\": 1, "
        "\"args\": {{\"inputs\": {}, \"outputs\": {}",
        event == order.front() ? "" : ",", json_text(op.name), event->gradient_of ? "backward" : "forward",
        in_microseconds(event->start), in_microseconds(event->length), shapes_text(shapes.first(event->inputs)),
        shapes_text(shapes.subspan(event->inputs)));
    if (!op.attributes.empty()) text += fmt::format(", \"attributes\": {}", json_text(op.attributes));
    if (op.layer) text += fmt::format(", \"layer\": {}", json_text(op.layer));
    if (event->gradient_of) text += fmt::format(", \"gradient of\": {}", json_text(event->gradient_of));
    if (op.where.file)
      text += fmt::format(", \"line\": {}", json_text(fmt::format("{}:{}", op.where.file, op.where.line)));
    text += "}}";
  }
  text += "\n]}\n";
  write_atomically(path, [&](Writer& writer) { writer.write(text); });
}

}  // namespace floe
