// Record: what one thread's tapes have seen. Private to the tape room.
#pragma once

#include <memory>
#include <vector>

#include <floe/tape/of_thread.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>

namespace floe {

// Memory for nodes in chunks: no allocation per op once the chunks are there. A chunk is used again when its nodes are
// gone.
class Arena {
 public:
  struct Chunk {
    std::size_t size, used;
    int nodes;
  };

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* take(std::size_t bytes);  // aligned for anything; the chunk is found again by give()
  void give(void* memory);

 private:
  Chunk* current_ = nullptr;
  std::vector<Chunk*> spare_;
};

struct Record {
  Record();
  ~Record();

  void refresh();  // after any change of a tape, an observer, `paused` or `notifying`

  // How far a tape in recording would follow this tensor.
  enum class Tracking { none, blocked, live };
  Tracking tracking(const Tensor& tensor) const;
  bool recording();  // does a tape still record, now that some may have left on another thread?
  bool watched(NodeId id) const;
  bool knows(NodeId id) const;  // can any tape give gradients to this tensor, even a stopped one?

  Node* add(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs, TensorRefs keeps,
            std::size_t function_size, Node::Kind kind);
  static void empty(Node& node);  // gives up the kept tensors and the gradient function
  void trim();                    // drops the nodes that no tape needs any more
  std::size_t first_after(NodeId id) const;  // index of the first node whose outputs come after `id`
  // The nodes whose outputs come after `begun`, and not all of them after `end`: what a tape saw in between.
  std::span<Node* const> between(NodeId begun, NodeId end) const;
  const Node& maker(NodeId id) const;  // the node whose output this is; it must be there

  std::vector<std::shared_ptr<GradientTape::State>> tapes;  // those that may still answer
  detail::Seats<OpObserver> observers;
  std::vector<Node*> nodes;
  std::size_t trimmed = 0;  // nodes before this index are gone
  NodeId last;              // the newest id
  NodeId oldest_live;       // the begin of the oldest recording tape
  int paused = 0;
  bool notifying = false;  // the observers are at work: what they do is neither observed nor recorded
  const OpInfo* gradient_of = nullptr;
  Arena arena;
};

Record& this_record();

}  // namespace floe
