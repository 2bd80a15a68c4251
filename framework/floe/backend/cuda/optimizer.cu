// The optimizers' steps: weights and their state are read and written in one pass, in place.
#include <floe/backend/cuda/launch.h>
#include <floe/backend/rules.h>

namespace floe::cuda {
namespace {

template <class S, class Rule, class... State>
__global__ void step_kernel(std::int64_t size, Rule rule, const S* slopes, S* weights, State*... state) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) rule(slopes[i], weights[i], state[i]...);
}

template <class Rule, class... State>
void step(Tensor& w, const Tensor& dw, const Rule& rule, State&... state) {
  const Context& on = context(w.device());
  dispatch_floating(w.dtype(), [&]<class S>() {
    launch(on, step_kernel<S, Rule, std::conditional_t<true, S, State>...>, blocks_for(on, w.elements()), w.elements(),
           rule, data<S>(dw), mutable_data<S>(w), mutable_data<S>(state)...);
  });
}

}  // namespace

void sgd_step(Tensor& w, const Tensor& dw, double rate) { step(w, dw, rules::Sgd{rate}); }

void momentum_step(Tensor& w, const Tensor& dw, Tensor& velocity, double rate, double momentum, bool nesterov) {
  if (nesterov) step(w, dw, rules::Nesterov{rate, momentum}, velocity);
  else step(w, dw, rules::Momentum{rate, momentum}, velocity);
}

void rmsprop_step(Tensor& w, const Tensor& dw, Tensor& square, double rate, double decay, double epsilon) {
  step(w, dw, rules::RmsProp{rate, decay, epsilon}, square);
}

void adam_step(Tensor& w, const Tensor& dw, Tensor& m, Tensor& v, const AdamStep& of) {
  step(w, dw, rules::Adam{of}, m, v);
}

}  // namespace floe::cuda
