// Embedding.
#include <floe/layers/embedding.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <floe/ops/checks.h>
#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

// Refuses the first id outside 0 .. entries - 1 by its place. gather() would give only its value.
void require_entries(const Operand& ids, const Tensor& embeddings) {
  dispatch(ids->dtype(), [&]<class T>() {
    const Tensor here = ids->on(Device{});
    std::span<const T> all = here.span<T>();
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto id = static_cast<std::int64_t>(all[i]);
      if (id >= 0 && id < embeddings.dim(0)) continue;

      std::vector<std::int64_t> place(static_cast<std::size_t>(ids->rank()));
      auto rest = static_cast<std::int64_t>(i);
      for (int axis = ids->rank() - 1; axis >= 0; --axis) {
        place[static_cast<std::size_t>(axis)] = rest % ids->dim(axis);
        rest /= ids->dim(axis);
      }
      throw ValueError(
          message("embedding",
                  fmt::format("id {} at ({}) is outside 0 .. {}", id, fmt::join(place, ", "), embeddings.dim(0) - 1),
                  {{"ids", ids}, {"embeddings", embeddings, "entries, units"}}, ids.where()));
    }
  });
}

}  // namespace

Embedding::Embedding(Layer* parent, const std::string& name, EmbeddingOptions options) : Layer(parent, name) {
  require_option(options.entries, "entries");
  require_option(options.units, "units");
  embeddings_ = &add_variable("embeddings", {options.entries, options.units}, options.initializer);
}

Tensor Embedding::operator()(Operand ids) {
  LayerCall call(*this, ids);
  require_defined("embedding", ids, "ids");
  if (ids->dtype() != DType::int32 && ids->dtype() != DType::int64) {
    throw DTypeError(message("embedding", "ids must be int32 or int64; cast() converts", {{"ids", ids}}, ids.where()));
  }
  require_entries(ids, *embeddings_);
  return call.done(gather(*embeddings_, ids));
}

}  // namespace floe
