// How an op reports to the live tapes of its thread.
#include <floe/tape/record.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include <floe/tape/record_state.h>
#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t chunk_bytes = 0;  // each node is one exact malloc, so that a sanitizer sees every mistake
#else
constexpr std::size_t chunk_bytes = 1 << 18;
#endif

constexpr std::size_t alignment = alignof(std::max_align_t);
constexpr std::size_t rounded(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

// The ids of finished threads at their last: a new thread continues from there. 20 bits for threads that live at once,
// 42 for the ops of one.
struct Ids {
  static Ids& all() {
    static Ids* only = new Ids;  // never destroyed: threads may outlive static destructors
    return *only;
  }

  NodeId take() {
    std::lock_guard lock(mutex);
    if (free.empty()) return NodeId((threads++ << 42) + 1);
    NodeId last = free.back();
    free.pop_back();
    return last;
  }

  void give(NodeId last) {
    std::lock_guard lock(mutex);
    free.push_back(last);
  }

  std::mutex mutex;
  std::vector<NodeId> free;
  std::uint64_t threads = 0;
};

// What is reported of an op: its constants are copied to `memory` if there is some.
OpInfo told(const OpInfo& op, std::byte* memory = nullptr) {
  Attributes attributes = memory && !op.attributes.empty() ? detail::copied(op.attributes, memory) : op.attributes;
  return {op.name, caller(op.where), attributes, op.flops, calling_layer()};
}

}  // namespace

// --- Arena -----------------------------------------------------------------------------------------------------------

Arena::~Arena() {
  std::free(current_);
  for (Chunk* chunk : spare_) std::free(chunk);
}

void* Arena::take(std::size_t bytes) {
  std::size_t whole = rounded(sizeof(Chunk*)) + rounded(bytes);
  if (!current_ || current_->used + whole > current_->size) {
    if (current_ && current_->nodes == 0) std::free(current_);
    current_ = nullptr;
    if (!spare_.empty() && spare_.back()->size >= whole) {
      current_ = spare_.back();
      spare_.pop_back();
    } else {
      std::size_t size = std::max(chunk_bytes, whole);
      void* memory = std::malloc(rounded(sizeof(Chunk)) + size);
      if (!memory) throw MemoryError("tape: no memory for one more op; use fewer steps under one tape");
      current_ = new (memory) Chunk{size, 0, 0};
    }
  }
  std::byte* at = reinterpret_cast<std::byte*>(current_) + rounded(sizeof(Chunk)) + current_->used;
  *reinterpret_cast<Chunk**>(at) = current_;
  current_->used += whole;
  ++current_->nodes;
  return at + rounded(sizeof(Chunk*));
}

void Arena::give(void* memory) {
  Chunk* chunk = *reinterpret_cast<Chunk**>(static_cast<std::byte*>(memory) - rounded(sizeof(Chunk*)));
  if (--chunk->nodes > 0) return;
  chunk->used = 0;
  if (chunk == current_ && chunk_bytes) return;
  if (chunk == current_) current_ = nullptr;
  if (chunk->size == chunk_bytes) spare_.push_back(chunk);
  else std::free(chunk);
}

// --- Record ----------------------------------------------------------------------------------------------------------

Record& this_record() { return detail::OfThread<Record>::get(); }

Record::Record() : last(Ids::all().take()) {}

// Tapes and observers may be left: what this thread still does at its end is neither recorded nor observed.
Record::~Record() {
  detail::hooks = 0;
  detail::allocated = nullptr;
  tapes.clear();
  trim();
  Ids::all().give(last);
}

void GradientTape::State::leave() {
  left = true;
  if (Record* record = detail::OfThread<Record>::existing()) record->refresh(), record->trim();
}

void Record::refresh() {
  std::erase_if(tapes, [](const auto& tape) { return tape->left.load(); });
  observers.sweep();
  bool any = false;
  for (const auto& tape : tapes) {
    if (!tape->live()) continue;
    oldest_live = any ? std::min(oldest_live, tape->begun) : tape->begun;
    any = true;
  }
  bool observed = !observers.empty() && !notifying;
  detail::allocated = observed ? detail::notify_begun : nullptr;
  detail::hooks = (any && paused == 0 && !notifying ? detail::recording : 0) | (observed ? detail::observed : 0);
}

bool Record::recording() {
  if (std::any_of(tapes.begin(), tapes.end(), [](const auto& tape) { return tape->left.load(); })) refresh(), trim();
  return detail::hooks & detail::recording;
}

bool Record::watched(NodeId id) const {
  for (const auto& tape : tapes) {
    if (tape->live() && tape->watches(id)) return true;
  }
  return false;
}

bool Record::knows(NodeId id) const {
  if (id.is_variable()) return true;
  if (id.is_constant() || id.is_blocked() || id > last) return false;
  return std::any_of(tapes.begin(), tapes.end(),
                     [id](const auto& tape) { return id > tape->begun || tape->watches(id); });
}

Record::Tracking Record::tracking(const Tensor& tensor) const {
  NodeId id = tensor.id();
  if (id.is_constant()) return Tracking::none;
  if (id.is_variable())
    return (id.is_blocked() && !watched(id)) || !is_present_value(tensor) ? Tracking::none : Tracking::live;
  if (id.plain() > oldest_live && id.plain() <= last) return id.is_blocked() ? Tracking::blocked : Tracking::live;
  return watched(id) ? Tracking::live : Tracking::none;
}

Node* Record::add(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs, TensorRefs keeps,
                  std::size_t function_size, Node::Kind kind) {
  // See what the inputs are to the tapes.
  Tracking most = Tracking::none;
  for (const TensorRef& input : inputs) most = std::max(most, tracking(*input));
  if (most == Tracking::none) {
    for (Tensor* output : outputs) output->set_id({});
    return nullptr;
  }
  if (most == Tracking::blocked) kind = Node::Kind::blocked;
  if (kind != Node::Kind::op) keeps = {}, function_size = 0;

  // Lay the node out: itself, input ids, kept tensors, attributes, the gradient function.
  std::size_t inputs_at = sizeof(Node), kept_at = inputs_at + inputs.size() * sizeof(NodeId);
  std::size_t attributes_at = kept_at + keeps.size() * sizeof(Tensor);
  std::size_t function_at =
      rounded(op.attributes.empty() ? attributes_at : attributes_at + detail::bytes_of(op.attributes));
  std::byte* memory = static_cast<std::byte*>(arena.take(function_at + function_size));
  Node* node = new (memory) Node{told(op, memory + attributes_at),
                                 last.plus(1),
                                 nullptr,
                                 nullptr,
                                 memory + function_at,
                                 reinterpret_cast<NodeId*>(memory + inputs_at),
                                 reinterpret_cast<Tensor*>(memory + kept_at),
                                 static_cast<int>(inputs.size()),
                                 0,
                                 static_cast<int>(outputs.size()),
                                 kind};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    node->inputs[i] = tracking(*inputs[i]) == Tracking::none ? NodeId() : inputs[i]->id();

  // Name the outputs before keeping tensors, which may be among them.
  for (Tensor* output : outputs) {
    last = last.plus(1);
    output->set_id(last.blocked(kind == Node::Kind::blocked || !is_floating(output->dtype())));
  }
  for (const TensorRef& keep : keeps) new (node->kept + node->kept_count++) Tensor(*keep);
  nodes.push_back(node);
  return kind == Node::Kind::op ? node : nullptr;
}

void Record::empty(Node& node) {
  if (node.destroy) node.destroy(node.function);
  node.destroy = nullptr;
  for (int i = 0; i < node.kept_count; ++i) node.kept[i].~Tensor();
  node.kept_count = 0;
}

void Record::trim() {
  NodeId oldest(~std::uint64_t{0});
  for (const auto& tape : tapes) oldest = std::min(oldest, tape->begun);
  while (trimmed < nodes.size() && nodes[trimmed]->first_output <= oldest) {
    Node* node = nodes[trimmed++];
    empty(*node);
    arena.give(node);
  }
  if (trimmed > nodes.size() / 2) {
    nodes.erase(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(trimmed));
    trimmed = 0;
  }
}

std::size_t Record::first_after(NodeId id) const {
  auto found = std::upper_bound(nodes.begin() + static_cast<std::ptrdiff_t>(trimmed), nodes.end(), id,
                                [](NodeId wanted, const Node* node) { return wanted < node->first_output; });
  return static_cast<std::size_t>(found - nodes.begin());
}

std::span<Node* const> Record::between(NodeId begun, NodeId end) const {
  std::size_t first = first_after(begun);
  return {nodes.data() + first, first_after(end) - first};
}

const Node& Record::maker(NodeId id) const { return *nodes[first_after(id.plain()) - 1]; }

// --- What ops call ---------------------------------------------------------------------------------------------------

namespace detail {

constinit thread_local unsigned hooks = 0;

namespace {

// While one lives, the observers are at work.
struct Notifying {
  Notifying() { set(true); }
  ~Notifying() { set(false); }
  static void set(bool notifying) {
    this_record().notifying = notifying;
    this_record().refresh();
  }
};

}  // namespace

void notify(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) {
  OpInfo known = told(op);
  Notifying now;
  this_record().observers.each([&](OpObserver& observer) { observer.op(known, inputs, outputs); });
}

void notify_begun(const void* data) {
  Notifying now;
  this_record().observers.each([&](OpObserver& observer) { observer.begun(data); });
}

Node* add_node(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs, TensorRefs keeps,
               std::size_t function_size, Node::Kind kind) {
  if (hooks & observed) notify(op, inputs, outputs);
  return hooks & recording && this_record().recording()
             ? this_record().add(op, inputs, outputs, keeps, function_size, kind)
             : nullptr;
}

}  // namespace detail

bool is_tracked(const Tensor& tensor) {
  return (detail::hooks & detail::recording) && this_record().tracking(tensor) == Record::Tracking::live;
}

const Tensor& kept_for(const Tensor& input, const Tensor& kept) {
  static const Tensor nothing;
  return is_tracked(input) ? kept : nothing;
}

void record_blocked(const OpInfo& op, TensorList inputs, std::initializer_list<Tensor*> outputs) {
  if (detail::hooks == 0) return;
  detail::add_node(op, TensorRefs(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()), {}, 0,
                   Node::Kind::blocked);
}

OpObserver::OpObserver() : seat_(this_record().observers.take(this)) { this_record().refresh(); }

OpObserver::~OpObserver() {
  seat_->store(nullptr);
  if (Record* record = detail::OfThread<Record>::existing()) record->refresh();
}

NoRecording::NoRecording() {
  ++this_record().paused;
  this_record().refresh();
}

NoRecording::~NoRecording() {
  if (Record* record = detail::OfThread<Record>::existing()) --record->paused, record->refresh();
}

const OpInfo* gradient_of() { return this_record().gradient_of; }

}  // namespace floe
