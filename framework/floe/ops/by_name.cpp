// The ops that can be called by name: what backend/formulas.h lists, and some that have no formula.
#include <floe/ops/by_name.h>

#include <type_traits>

#include <floe/backend/formulas.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/ops/softmax.h>

namespace floe {
namespace {

// `call` takes whatever the op takes.
template <class Call>
constexpr NamedOp named(const char* name, Call) {
  using X = const Tensor&;
  NamedOp op{name};
  if constexpr (std::is_invocable_v<Call, X>) op.of_one = [](X x) { return Call{}(x); };
  if constexpr (std::is_invocable_v<Call, X, X>) op.of_two = [](X a, X b) { return Call{}(a, b); };
  if constexpr (std::is_invocable_v<Call, X, double>) op.with_number = [](X x, double a) { return Call{}(x, a); };
  if constexpr (std::is_invocable_v<Call, X, double, double>)
    op.with_numbers = [](X x, double a, double b) { return Call{}(x, a, b); };
  return op;
}

#define FLOE_NAMED(op) named(#op, [](const auto&... x) -> decltype(floe::op(x...)) { return floe::op(x...); }),
#define FLOE_NAMED_OF(Formula, op) FLOE_NAMED(op)

constexpr NamedOp all[] = {
    FLOE_EACH_FORMULA(FLOE_NAMED_OF)     //
    FLOE_EACH_MAP(FLOE_NAMED_OF)         //
    FLOE_EACH_TEST(FLOE_NAMED_OF)        //
    FLOE_EACH_ARITHMETIC(FLOE_NAMED_OF)  //
    FLOE_EACH_COMPARISON(FLOE_NAMED_OF)  //
    FLOE_NAMED(negative) FLOE_NAMED(logical_not) FLOE_NAMED(matmul) FLOE_NAMED(softmax) FLOE_NAMED(log_softmax)
    FLOE_NAMED(reduce_sum) FLOE_NAMED(reduce_mean) FLOE_NAMED(reduce_variance) FLOE_NAMED(reduce_max)
    FLOE_NAMED(reduce_min) FLOE_NAMED(reduce_prod) FLOE_NAMED(reduce_logsumexp) FLOE_NAMED(reduce_any)
    FLOE_NAMED(reduce_all) FLOE_NAMED(norm) FLOE_NAMED(transpose) FLOE_NAMED(flatten) FLOE_NAMED(squeeze)};

#undef FLOE_NAMED_OF
#undef FLOE_NAMED

}  // namespace

std::span<const NamedOp> named_ops() { return all; }

}  // namespace floe
