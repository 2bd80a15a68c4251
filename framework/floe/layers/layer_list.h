// LayerList: repeated blocks of one kind, "down.0", "down.1", ...
#pragma once

#include <memory>
#include <vector>

#include <floe/layers/layer.h>

namespace floe {

template <class Block>
class LayerList : public Layer {
 public:
  using Layer::Layer;

  // Makes the next block from whatever its constructor takes behind (parent, name).
  template <class... Arguments>
  Block& add(Arguments&&... arguments) {
    blocks_.push_back(
        std::make_unique<Block>(this, std::to_string(blocks_.size()), std::forward<Arguments>(arguments)...));
    return *blocks_.back();
  }

  std::size_t size() const { return blocks_.size(); }
  Block& operator[](std::size_t index) { return *blocks_.at(index); }

 private:
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace floe
