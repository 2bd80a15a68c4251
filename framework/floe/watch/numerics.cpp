// numerics: looking at each result, and the message about the first that is not finite.
#include <floe/watch/numerics.h>

#include <cmath>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/tensor/print.h>

namespace floe {
namespace {

// The place of the first NaN or infinity, in row-major order; -1 if there is none. It is looked for where the elements
// are: from a GPU only the answer comes.
std::int64_t first_odd(const Tensor& x) {
  if (x.elements() == 0) return -1;
  Tensor place({}, DType::int64, x.device());
  run<cpu::first_not_finite, cuda::first_not_finite>(x.device(), x, place);
  return place.item<std::int64_t>();
}

std::string index_text(const Shape& shape, std::int64_t place) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) index[axis] = place % shape[axis], place /= shape[axis];
  return to_string(index);
}

// Numbers, and switches that are on; what lists say shows in the shapes.
std::string told(const Attributes& attributes) {
  using Kind = AttributeValue::Kind;
  std::vector<Attribute> shown;
  for (const Attribute& attribute : attributes) {
    const AttributeValue& value = attribute.value;
    if (value.kind() != Kind::list && (value.kind() != Kind::boolean || value.boolean())) shown.push_back(attribute);
  }
  return to_string(Attributes(shown));
}

[[noreturn]] void refuse(const OpInfo& op, TensorRefs inputs, const Tensor& output, std::int64_t place,
                         std::optional<std::int64_t> step) {
  double value = output.view({}, place).item();
  std::string what =
      fmt::format("gives {}, first at {}", std::isnan(value) ? NAN : value, index_text(output.shape(), place));

  // In which direction, layer and step.
  std::string context;
  if (const OpInfo* of = gradient_of())
    context = fmt::format("in the gradient of {}", of->name);
  else if (!output.id().is_variable())
    context = "forward";
  if (op.layer) context += fmt::format("{}layer {}", context.empty() ? "" : ", ", op.layer);
  if (step) context += fmt::format("{}step {}", context.empty() ? "" : ", ", *step);
  if (!context.empty()) what += "\n  " + context;
  if (std::string constants = told(op.attributes); !constants.empty()) what += "\n  with " + constants;

  // The output and its inputs, with what they hold.
  std::deque<std::string> texts;
  std::vector<Shown> shown{{"output", output, texts.emplace_back(describe_values(output))}};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]->defined()) continue;
    const std::string& role = texts.emplace_back(fmt::format("input {}", i));
    shown.push_back({role, *inputs[i], texts.emplace_back(describe_values(*inputs[i]))});
  }
  throw NumericsError(message(op.name, what, shown, op.where));
}

}  // namespace

void CheckNumerics::op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) {
  for (const Tensor* output : outputs) {
    if (!is_floating(output->dtype())) continue;
    if (std::int64_t place = first_odd(*output); place >= 0) refuse(op, inputs, *output, place, step_);
  }
}

}  // namespace floe
