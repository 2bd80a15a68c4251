// Attributes: the constants of an op as plain data, such as axes, strides and slopes.
//
// Name, inputs and attributes are all that an op needs to be run again: what a profiler shows, and what a traced
// function or another format is made from. A number next to a tensor, as in x + 2, is an input of rank 0 instead.
// Only custom_gradient() does what the user's functions do; the ops in them report themselves.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <floe/tensor/shape.h>

namespace floe {

// One constant. It refers to the elements of a list, which whoever made it keeps, and to a text that lives as long as
// the program.
class AttributeValue {
 public:
  // A list is of integers.
  enum class Kind : std::uint8_t { integer, real, boolean, list, text };

  // Each kind from what it holds; a shape is a list.
  template <std::integral T>
  constexpr AttributeValue(T integer) : kind_(Kind::integer), integer_(static_cast<std::int64_t>(integer)) {}
  constexpr AttributeValue(bool boolean) : kind_(Kind::boolean), integer_(boolean) {}
  constexpr AttributeValue(double real) : kind_(Kind::real), real_(real) {}
  constexpr AttributeValue(std::string_view text)
      : kind_(Kind::text), size_(static_cast<std::int32_t>(text.size())), text_(text.data()) {}
  constexpr AttributeValue(const char* text) : AttributeValue(std::string_view(text)) {}
  constexpr AttributeValue(std::span<const std::int64_t> list)
      : kind_(Kind::list), size_(static_cast<std::int32_t>(list.size())), list_(list.data()) {}
  constexpr AttributeValue(std::initializer_list<std::int64_t> list)
      : AttributeValue(std::span(list.begin(), list.size())) {}
  AttributeValue(const Shape& shape) : AttributeValue(std::span(shape.begin(), shape.end())) {}

  Kind kind() const { return kind_; }  // which it is
  // Its value as that kind; ValueError if it is another.
  std::int64_t integer() const;
  double real() const;
  bool boolean() const;
  std::span<const std::int64_t> list() const {
    if (kind_ != Kind::list) [[unlikely]]
      require(Kind::list);
    return {list_, static_cast<std::size_t>(size_)};
  }
  std::string_view text() const;

 private:
  void require(Kind kind) const;

  Kind kind_;
  std::int32_t size_ = 0;
  union {
    std::int64_t integer_;
    double real_;
    const std::int64_t* list_;
    const char* text_;
  };
};

// A constant and what the op calls it; the name lives as long as the program.
struct Attribute {
  const char* name;      // "strides"
  AttributeValue value;  // (2, 2)
};

// The constants of an op, in order. Like a span it refers to them: written in braces they live as long as the call that
// they are an argument of.
class Attributes {
 public:
  constexpr Attributes() = default;  // none
  // Those that are already somewhere, or in braces.
  constexpr Attributes(std::span<const Attribute> all) : first_(all.data()), size_(all.size()) {}
  template <std::size_t n>
  constexpr Attributes(const Attribute (&all)[n]) : first_(all), size_(n) {}
  constexpr Attributes(std::initializer_list<Attribute> all) : Attributes(std::span(all.begin(), all.size())) {}

  // The constants, as in a span.
  const Attribute* begin() const { return first_; }
  const Attribute* end() const { return first_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  const AttributeValue* find(std::string_view name) const;        // null if there is none of that name
  const AttributeValue& operator[](std::string_view name) const;  // ValueError if there is none

 private:
  const Attribute* first_ = nullptr;
  std::size_t size_ = 0;
};

std::string to_string(const AttributeValue& value);   // "3", "0.2", "true", "(1, 2)", "float64"
std::string to_string(const Attributes& attributes);  // "axes (0, 1), keepdims true"; "" for none

// Attributes to keep, with their lists. Copies share them.
class KeptAttributes {
 public:
  KeptAttributes() = default;  // none
  explicit KeptAttributes(const Attributes& attributes);  // a copy of these
  KeptAttributes(const KeptAttributes&) = default;        // one that is moved from keeps them, too
  KeptAttributes& operator=(const KeptAttributes&) = default;

  operator const Attributes&() const { return attributes_; }    // as long as this or a copy of it lives
  const Attributes& attributes() const { return attributes_; }  // the same

 private:
  std::shared_ptr<std::byte[]> memory_;
  Attributes attributes_;
};

namespace detail {

// A copy in memory that is aligned for anything, of this many bytes.
std::size_t bytes_of(const Attributes& attributes);
Attributes copied(const Attributes& attributes, std::byte* memory);

}  // namespace detail
}  // namespace floe
