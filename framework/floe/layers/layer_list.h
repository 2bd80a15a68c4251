// LayerList: repeated blocks of one kind, "down.0", "down.1", ...
#pragma once

#include <deque>

#include <floe/layers/layer.h>

namespace floe {

// As many blocks as a loop adds, each a part of this layer named by its number.
template <class Block>
class LayerList : public Layer {
 public:
  using Layer::Layer;

  // Makes the next block from its options: add({.in = 3, .filters = 64, .kernel_size = 3}). It lives as long as the list.
  Block& add(OptionsOf<Block> options) { return add<OptionsOf<Block>>(std::move(options)); }

  // The same for a block whose constructor takes something else after (parent, name).
  template <class... Arguments>
  Block& add(Arguments&&... arguments) {
    return blocks_.emplace_back(this, std::to_string(size()), std::forward<Arguments>(arguments)...);
  }

  std::size_t size() const { return blocks_.size(); }  // blocks so far
  auto begin() { return blocks_.begin(); }
  auto end() { return blocks_.end(); }

  Block& operator[](std::size_t index) {  // ValueError if there is none
    if (index >= size()) refuse("there is no block " + std::to_string(index) + " of " + std::to_string(size()));
    return blocks_[index];
  }

 private:
  std::deque<Block> blocks_;
};

}  // namespace floe
