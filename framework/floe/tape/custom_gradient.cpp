// custom_gradient: a function with a gradient of your own.
#include <floe/tape/custom_gradient.h>

#include <fmt/format.h>

#include <floe/tape/record.h>

namespace floe {
namespace {

template <class Forward, class Backward>
void require_functions(const Forward& forward, const Backward& backward, Location where) {
  if (!forward || !backward) throw ValueError(message("custom_gradient", "needs both functions", {}, where));
}

}  // namespace

Tensor custom_gradient(const Tensor& x, const std::function<Tensor(const Tensor& x)>& forward,
                       std::function<Tensor(const Tensor& dy, const Tensor& x, const Tensor& y)> backward,
                       Location where) {
  require_functions(forward, backward, where);
  return custom_gradient(
      Tensors{x}, [&](const Tensors& inputs) { return forward(inputs[0]); },
      [backward = std::move(backward)](const Tensor& dy, const Tensors& inputs, const Tensor& y) {
        return Tensors{backward(dy, inputs[0], y)};
      },
      where);
}

Tensor custom_gradient(const Tensors& inputs, const std::function<Tensor(const Tensors& inputs)>& forward,
                       std::function<Tensors(const Tensor& dy, const Tensors& inputs, const Tensor& y)> backward,
                       Location where) {
  require_functions(forward, backward, where);
  Tensor y;
  {
    NoRecording silence;
    y = forward(inputs).detached();
  }
  std::vector<TensorRef> refs(inputs.begin(), inputs.end()), keeps(inputs.begin(), inputs.end());
  keeps.emplace_back(y);
  Tensor* outputs[] = {&y};
  record({"custom_gradient", where}, refs, outputs, keeps,
         [backward = std::move(backward), count = static_cast<int>(inputs.size())](Backward& op) {
           Tensors kept;
           for (int i = 0; i < count; ++i) kept.push_back(op.kept(i));
           Tensors gradients = backward(op.dy(), kept, op.kept(count));
           if (static_cast<int>(gradients.size()) != count) {
             throw GradientError(message("custom_gradient",
                                         fmt::format("backward gave {} for {}",
                                                     floe::count(static_cast<long long>(gradients.size()), "gradient"),
                                                     floe::count(count, "input"))));
           }
           for (int i = 0; i < count; ++i) {
             if (!op.needs(i) || !gradients[i].defined()) continue;
             if (gradients[i].shape() != kept[i].shape() || gradients[i].dtype() != kept[i].dtype()) {
               throw GradientError(message("custom_gradient",
                                           "backward must give gradients in the shapes and dtypes of the inputs",
                                           {{"input", kept[i]}, {"gradient", gradients[i]}}));
             }
             op.give(i, gradients[i]);
           }
         });
  return y;
}

}  // namespace floe
