// Gradients: what a tape gives for a list of variables, in the order requested.
#pragma once

#include <vector>

#include <floe/tape/variable.h>

namespace floe {

// The variables are pointed at, not held: they must outlive this.
class Gradients {
 public:
  // One variable and what the tape gave for it.
  struct Entry {
    Variable* variable;
    Tensor gradient;  // in the variable's shape
  };

  // At the end, unchecked: an optimizer refuses what does not fit.
  void add(Variable& variable, Tensor gradient) { entries_.push_back({&variable, std::move(gradient)}); }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }  // how many variables

  const Tensor& operator[](const Variable& variable) const;  // ValueError if it was not requested
  const Tensor& operator[](const std::string& path) const;   // the same by path

 private:
  std::vector<Entry> entries_;
};

}  // namespace floe
