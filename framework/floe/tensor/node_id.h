// NodeId: the name under which the tapes of a thread know a tensor.
#pragma once

#include <compare>
#include <cstdint>

namespace floe {

// A constant, a variable, or what a recorded op gave. No id is used twice. Those of one thread's ops count up, so "made
// after this tape began" is a comparison of plain ids; those of variables come after all of them.
class NodeId {
 public:
  constexpr NodeId() = default;                                       // a constant: no tape knows it
  constexpr explicit NodeId(std::uint64_t number) : bits_(number) {}  // of what an op gave; below 2^62
  static constexpr NodeId variable(std::uint64_t number) { return NodeId(number | variable_bit); }  // the same limit

  constexpr bool is_constant() const { return bits_ == 0; }            // no tape knows it
  constexpr bool is_variable() const { return bits_ & variable_bit; }  // the value of a Variable, or a former one
  // No gradient flows back from here: a frozen variable, or an op without a gradient made it of something watched.
  constexpr bool is_blocked() const { return bits_ & blocked_bit; }

  constexpr NodeId plain() const { return NodeId(bits_ & ~blocked_bit); }  // the same tensor, blocked or not
  constexpr NodeId blocked(bool yes = true) const { return yes ? NodeId(bits_ | blocked_bit) : plain(); }

  constexpr std::uint64_t number() const { return bits_; }                               // all of it, for tables
  constexpr NodeId plus(std::uint64_t count) const { return NodeId(bits_ + count); }     // this many ids later
  constexpr std::uint64_t since(NodeId earlier) const { return bits_ - earlier.bits_; }  // how many ids later

  friend constexpr auto operator<=>(NodeId, NodeId) = default;  // the same, or earlier and later for plain ids

 private:
  static constexpr std::uint64_t blocked_bit = std::uint64_t{1} << 62, variable_bit = std::uint64_t{1} << 63;

  std::uint64_t bits_ = 0;
};

}  // namespace floe
