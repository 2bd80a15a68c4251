// State: how anything that a checkpoint holds names its values. One function serves saving and restoring.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <floe/tape/variable.h>
#include <floe/tensor/rng.h>

namespace floe {

// A walk over named values. Saving reads them; restoring replaces them by what the file holds under the same name.
class State {
 public:
  virtual ~State() = default;

  virtual void tensor(const std::string& name, Tensor& value) = 0;       // the shape in the file may differ
  virtual void variable(const std::string& name, Variable& variable) = 0;  // its shape is fixed

  // Values that come and go by name, such as an optimizer's slots: when restoring, calls `found` for each name in the
  // file that begins with `prefix`, without the prefix.
  virtual void names(const std::string& prefix, const std::function<void(const std::string&)>& found) = 0;

  // Tensors that are there all together or not at all, such as what an optimizer keeps for one variable. Restored from a
  // file that has the value `owner` but none of them, and so was saved without, they lose their values.
  virtual void together(const std::string& owner, const std::vector<std::pair<std::string, Tensor*>>& tensors);

  void number(const std::string& name, std::int64_t& value);  // held as int64 ()
  void rng(const std::string& name, Rng& rng);                // key and position, held as int64 (2,)
};

}  // namespace floe
