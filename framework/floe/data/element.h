// Elements of a dataset: a Tensor, a pair of elements, or a plain struct of tensors, walked through field by field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <floe/tensor/tensor.h>

namespace floe {
namespace detail {

template <class T> inline constexpr bool is_pair = false;
template <class A, class B> inline constexpr bool is_pair<std::pair<A, B>> = true;

// How many members E has, if each is a Tensor; else 0.
template <class E>
constexpr int tensor_members() {
  constexpr std::size_t members = sizeof(E) / sizeof(Tensor);
  if constexpr (std::is_aggregate_v<E> && sizeof(E) % sizeof(Tensor) == 0 && members <= 8) {
    return []<std::size_t... i>(std::index_sequence<i...>) {
      return requires { E{(static_cast<void>(i), std::declval<Tensor>())...}; } ? static_cast<int>(sizeof...(i)) : 0;
    }(std::make_index_sequence<members>());
  } else {
    return 0;
  }
}

template <class E>
constexpr bool is_element() {
  if constexpr (is_pair<E>) return is_element<typename E::first_type>() && is_element<typename E::second_type>();
  else return std::is_same_v<E, Tensor> || tensor_members<E>() > 0;
}

}  // namespace detail

// A struct has up to eight members, all of them Tensors; its class needs no declaration to be an element.
template <class E> concept Element = detail::is_element<E>();

// visit(tensor) for each tensor of the element, in the order of its members: field 0, field 1, ...
template <class E, class Visit>
  requires Element<std::remove_const_t<E>>
void visit_fields(E& element, Visit&& visit) {
  using Plain = std::remove_const_t<E>;
  auto all = [&](auto&... fields) { (visit_fields(fields, visit), ...); };
  constexpr int members = detail::is_pair<Plain> ? 2 : detail::tensor_members<Plain>();
  if constexpr (std::is_same_v<Plain, Tensor>) visit(element);
  else if constexpr (members == 1) { auto& [a] = element; all(a); }
  else if constexpr (members == 2) { auto& [a, b] = element; all(a, b); }
  else if constexpr (members == 3) { auto& [a, b, c] = element; all(a, b, c); }
  else if constexpr (members == 4) { auto& [a, b, c, d] = element; all(a, b, c, d); }
  else if constexpr (members == 5) { auto& [a, b, c, d, e] = element; all(a, b, c, d, e); }
  else if constexpr (members == 6) { auto& [a, b, c, d, e, f] = element; all(a, b, c, d, e, f); }
  else if constexpr (members == 7) { auto& [a, b, c, d, e, f, g] = element; all(a, b, c, d, e, f, g); }
  else { auto& [a, b, c, d, e, f, g, h] = element; all(a, b, c, d, e, f, g, h); }
}

namespace detail {
void require_same_rows(const Tensors& fields);
Tensor row(const Tensor& rows, std::int64_t index);
Tensor stack_field(const Tensors& parts, int field);
}  // namespace detail

// How many rows the fields have, the size of their leading axes. ShapeError if they differ or a field is a scalar,
// ValueError if one has no value.
template <Element E>
std::int64_t row_count(const E& rows) {
  Tensors fields;
  visit_fields(rows, [&](const Tensor& field) { fields.push_back(field); });
  detail::require_same_rows(fields);
  return fields[0].dim(0);
}

// Row `index` of every field, without a copy and without a record on any tape: data are constants.
// ShapeError outside 0 to the number of rows - 1.
template <Element E>
E row(const E& rows, std::int64_t index) {
  E result = rows;
  visit_fields(result, [&](Tensor& field) { field = detail::row(field, index); });
  return result;
}

// One element whose fields are those of the parts, stacked along a new leading axis. ValueError without parts;
// ShapeError and DTypeError name the field that differs between them.
template <Element E>
E stack_fields(const std::vector<E>& parts) {
  if (parts.empty()) throw ValueError("stack_fields: needs at least one element");
  E result = parts.front();
  std::vector<Tensors> columns;
  visit_fields(result, [&](const Tensor&) { columns.emplace_back().reserve(parts.size()); });
  for (const E& part : parts) {
    auto column = columns.begin();
    visit_fields(part, [&](const Tensor& field) { (column++)->push_back(field); });
  }
  int number = 0;
  visit_fields(result, [&](Tensor& field) { field = detail::stack_field(columns[number], number), ++number; });
  return result;
}

}  // namespace floe
