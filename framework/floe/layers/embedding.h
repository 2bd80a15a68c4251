// Embedding: a vector for each id, such as that of a word, which training moves.
#pragma once

#include <floe/layers/layer.h>

namespace floe {

// The options of an Embedding, by name.
struct EmbeddingOptions {
  std::int64_t entries = 0;  // ids are 0 to entries - 1; Keras: input_dim
  std::int64_t units = 0;    // Keras: output_dim
  Initializer initializer = initializers::uniform(-0.05, 0.05);  // of the vectors
};

// A table of vectors, looked up by id.
class Embedding : public Layer {
 public:
  using Options = EmbeddingOptions;

  Embedding(Layer* parent, const std::string& name, EmbeddingOptions options);  // ValueError for a missing option

  // ids are int32 or int64 (DTypeError), such as (batch, time) -> (batch, time, units). ValueError for one without an
  // entry. The gradient of an id that occurs more than once is the sum.
  Tensor operator()(Operand ids);

 private:
  Variable* embeddings_;  // (entries, units)
};

}  // namespace floe
