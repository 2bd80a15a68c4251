// Attributes: reading, printing and keeping them.
#include <floe/tape/attributes.h>

#include <algorithm>
#include <array>
#include <new>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

void AttributeValue::require(Kind kind) const {
  if (kind == kind_) return;
  constexpr std::array names{"an integer", "a real number", "a boolean", "a list", "a text"};
  throw ValueError(fmt::format("attribute: expected {}, but {} is {}", names[static_cast<std::size_t>(kind)],
                               to_string(*this), names[static_cast<std::size_t>(kind_)]));
}

std::int64_t AttributeValue::integer() const { return require(Kind::integer), integer_; }
double AttributeValue::real() const { return require(Kind::real), real_; }
bool AttributeValue::boolean() const { return require(Kind::boolean), integer_ != 0; }
std::string_view AttributeValue::text() const {
  require(Kind::text);
  return {text_, static_cast<std::size_t>(size_)};
}

const AttributeValue* Attributes::find(std::string_view name) const {
  auto found = std::find_if(begin(), end(), [&](const Attribute& attribute) { return attribute.name == name; });
  return found == end() ? nullptr : &found->value;
}

const AttributeValue& Attributes::operator[](std::string_view name) const {
  if (const AttributeValue* value = find(name)) return *value;
  throw ValueError(fmt::format("attributes: there is no '{}' in: {}", name, to_string(*this)));
}

std::string to_string(const AttributeValue& value) {
  switch (value.kind()) {
    case AttributeValue::Kind::integer:
      return std::to_string(value.integer());
    case AttributeValue::Kind::real:
      return fmt::format("{}", value.real());
    case AttributeValue::Kind::boolean:
      return value.boolean() ? "true" : "false";
    case AttributeValue::Kind::list:
      return fmt::format("({}{})", fmt::join(value.list(), ", "), value.list().size() == 1 ? "," : "");
    case AttributeValue::Kind::text:
      return std::string(value.text());
  }
  return "";
}

std::string to_string(const Attributes& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, to_string(value));
  return text;
}

KeptAttributes::KeptAttributes(const Attributes& attributes) {
  if (attributes.empty()) return;
  memory_.reset(new std::byte[detail::bytes_of(attributes)]);
  attributes_ = detail::copied(attributes, memory_.get());
}

namespace detail {

std::size_t bytes_of(const Attributes& attributes) {
  std::size_t bytes = attributes.size() * sizeof(Attribute);
  for (const Attribute& attribute : attributes) {
    if (attribute.value.kind() == AttributeValue::Kind::list) bytes += attribute.value.list().size_bytes();
  }
  return bytes;
}

Attributes copied(const Attributes& attributes, std::byte* memory) {
  auto all = reinterpret_cast<Attribute*>(memory);
  auto numbers = reinterpret_cast<std::int64_t*>(memory + attributes.size() * sizeof(Attribute));
  for (Attribute* to = all; const Attribute& attribute : attributes) {
    new (to) Attribute(attribute);
    if (attribute.value.kind() == AttributeValue::Kind::list) {
      std::span<const std::int64_t> list = attribute.value.list();
      to->value = std::span<const std::int64_t>(numbers, list.size());
      for (std::int64_t number : list) *numbers++ = number;
    }
    ++to;
  }
  return std::span<const Attribute>(all, attributes.size());
}

}  // namespace detail
}  // namespace floe
