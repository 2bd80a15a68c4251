// GradientTape: records the ops that follow its construction, and answers with gradients.
//
//   GradientTape tape;
//   Tensor loss = reduce_mean(square(matmul(x, w) - y));
//   Tensor dw = tape.gradient(loss, w);
#pragma once

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <vector>

#include <floe/tape/gradients.h>
#include <floe/tape/observer.h>
#include <floe/tape/variable.h>

namespace floe {

class BackwardPass;

struct Persistent {};
inline constexpr Persistent persistent{};  // GradientTape tape{persistent};

// What to do about a source that the target does not depend on: explain why, or give zeros.
enum class Missing { explain, zero };

// How a gradient is taken, by name: tape.gradient(loss, w, {.differentiable = true}).
struct GradientOptions {
  // Record the work of this call on all tapes that stay live, including this one if it is persistent: higher orders,
  // penalties.
  bool differentiable = false;
  // A source that the target does not depend on: GradientError explaining why, or zeros.
  Missing missing = Missing::explain;
  // What flows into the target, in its shape (ShapeError) and dtype (DTypeError); ones if undefined.
  Tensor output_gradient = {};
};

// Live from construction until it gives its gradients, stop(), or the end of its scope; a persistent tape gives them as
// often as you like, and lives until stop() or the end. It sees only ops after its own start, on its own thread.
// Trainable variables are watched automatically; tensors through watch(). Several tapes may live at once, and begin and
// end in any order; those of a thread share its record. A tape is for the thread that made it, and refuses to be asked
// anything on another (GradientError), but may end anywhere: on another thread, or after its own, as a static one does.
class GradientTape {
 public:
  GradientTape();  // begins to record
  explicit GradientTape(Persistent);  // gives its gradients more than once
  ~GradientTape();
  GradientTape(const GradientTape&) = delete;
  GradientTape& operator=(const GradientTape&) = delete;

  // DTypeError unless floating, ValueError without a value; earlier copies of x do not count
  void watch(Tensor& x);
  void watch(const Variable& x);  // for a frozen variable
  void stop();                    // records no more, but still gives gradients

  // The gradient of the sum of `target` with respect to each source, in the source's shape and dtype. GradientError if
  // the tape has already answered or belongs to another thread, the target or a source has no value, the target is not
  // floating or depends on a gradient that was not differentiable, or there is no path to a source (see
  // GradientOptions::missing).
  Tensor gradient(const Tensor& target, const Tensor& source, const GradientOptions& options = {},
                  Location where = Location::here());
  Tensor gradient(const Tensor& target, const Variable& source, const GradientOptions& options = {},
                  Location where = Location::here());
  Tensors gradient(const Tensor& target, const Tensors& sources, const GradientOptions& options = {},
                   Location where = Location::here());
  Gradients gradient(const Tensor& target, const Variables& sources, const GradientOptions& options = {},
                     Location where = Location::here());

 private:
  friend struct Record;

  // What the record of its thread knows of a tape, and may look at after the tape has ended on another thread.
  struct State {
    NodeId begun;    // the last id before this tape
    NodeId stopped;  // the last id it saw; a constant while it records
    bool persistent = false;
    bool asked = false;             // it has given its gradients, once and for all
    std::atomic<bool> left{false};  // no one will ask any more; from any thread
    std::vector<NodeId> watched;    // ids from before the tape began

    bool live() const { return stopped.is_constant() && !asked; }
    bool watches(NodeId id) const { return std::find(watched.begin(), watched.end(), id.plain()) != watched.end(); }
    void leave();
  };
  struct Asked;

  void require_here(const char* op, Location where = {}) const;  // on the thread that made it
  Tensors differentiate(const Tensor& target, TensorRefs sources, const GradientOptions& options, Location where);
  void require_answerable(const Tensor& target, const Tensor& output_gradient, Location where) const;
  void add_sources(BackwardPass& pass, TensorRefs sources) const;
  Tensors collect(BackwardPass& pass, const Tensor& target, TensorRefs sources, Missing missing, Location where) const;
  static void leave_mark(const Tensor& target, TensorRefs sources, const Tensor& output_gradient, Tensors& results,
                         Location where);

  // Why there is no gradient: because of the source, the target, or what lies between them; "" if that is not why.
  std::string why_missing(const Tensor& target, const Tensor& source) const;
  std::string why_not_to(const Tensor& source) const;
  std::string why_not_from(const Tensor& target) const;
  std::string why_no_way(NodeId target, NodeId source) const;

  NodeId seen_until() const;  // the last id that it saw

  std::shared_ptr<State> state_;
};

// The value of x as a constant: no gradient flows back through it.
Tensor stop_gradient(const Tensor& x, Location where = Location::here());

}  // namespace floe
