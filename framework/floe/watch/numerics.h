// numerics: stops at the first op that makes a NaN or an infinity, and reports where it was.
#pragma once

#include <cstdint>
#include <optional>

#include <floe/tape/observer.h>

namespace floe {

// While one lives, every floating-point result of this thread is checked: of each op, forward and backward, and each
// variable after a step of its optimizer. The first with a NaN or an infinity becomes a NumericsError:
//
//   sqrt_gradient: gives inf, first at (1,)
//     in the gradient of sqrt, layer model.norm, step 12
//     output   (3,)   min 0.25, mean 0.375, max 0.5, 0 NaN, 1 Inf
//     input 0  (3,)   min 1, mean 1, max 1, 0 NaN, 0 Inf
//     input 1  (3,)   min 0, mean 1, max 2, 0 NaN, 0 Inf
//     at apps/mine/mine.cpp:41
//
// Numbers among an op's constants are shown below its place, such as "with slope 0.2". If an input has NaNs or infinities
// already, they came from no op: from data, or an initial value. Intended infinities count too, such as a mask of
// -inf before a softmax (-1e9 does the same). Like TensorFlow's enable_check_numerics.
//
// The tapes stay usable. An optimizer has then changed the variable that is named, and those before it. Each result is
// read once more, which makes a step of the penguins about 2 % slower.
class CheckNumerics : public OpObserver {
 public:
  void step(std::int64_t step) { step_ = step; }  // to be named in the message
  // checks the outputs; NumericsError
  void op(const OpInfo& op, TensorRefs inputs, std::span<Tensor* const> outputs) override;

 private:
  std::optional<std::int64_t> step_;
};

}  // namespace floe
