// summary: tables of a model, of its layers with their output shapes, and of its variables.
#pragma once

#include <string>
#include <vector>

#include <floe/layers/layer.h>
#include <floe/tape/record.h>

namespace floe {

// Hears what each layer gave while it lives, in order of the calls.
class SummaryObserver : public LayerObserver {
 public:
  void called(const Layer& layer, const Tensor& y) override;  // notes down what it gave
  // A row for each call, and a line about the model: see summary().
  std::string table(const Layer& model) const;

 private:
  struct Row {
    std::string layer, shape;
    std::int64_t parameters;
  };
  std::vector<Row> rows_;
};

// Runs the model once on the input, in inference and unrecorded, and shows what came out of each call of a built-in
// layer. The column counts all variables of the layer and those below, including frozen ones and running statistics;
// the last line lists them separately, and is about the whole model:
//
//   layer              output     parameters
//   generator.project  (1, 3136)      313600
//   ...
//   generator: 474464 trainable parameters, 6464 running statistics
template <class Model>
std::string summary(Model& model, const Tensor& input) {
  SummaryObserver observer;
  NoRecording silence;
  if constexpr (std::is_invocable_v<Model&, const Tensor&, Mode>) model(input, Mode::inference);
  else model(input);
  return observer.table(model);
}

// Without an input: a line for each variable, including those that are not trained, with its number of elements.
//
//   variable                   shape        parameters
//   generator.project.weights  (100, 3136)      313600
//   ...
//   generator: 474464 trainable parameters, 6464 running statistics
std::string describe(const Layer& model);
void print(const Layer& model);  // the same to stdout

}  // namespace floe
