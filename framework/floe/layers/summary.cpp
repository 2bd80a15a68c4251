// summary: a table of a model's layers.
#include <floe/layers/summary.h>

#include <algorithm>

#include <fmt/format.h>

namespace floe {

void SummaryObserver::called(const Layer& layer, const Tensor& y) {
  std::int64_t parameters = 0;
  for (const Variable* variable : layer.all_variables()) parameters += variable->value().elements();
  rows_.push_back({layer.path(), to_string(y.shape()), parameters});
}

std::string SummaryObserver::table(const Layer& model) const {
  std::size_t name_width = 5, shape_width = 6;
  for (const Row& row : rows_) {
    name_width = std::max(name_width, row.layer.size());
    shape_width = std::max(shape_width, row.shape.size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {:>10}\n", "layer", name_width, "output", shape_width, "parameters");
  for (const Row& row : rows_)
    text += fmt::format("{:<{}}  {:<{}}  {:>10}\n", row.layer, name_width, row.shape, shape_width, row.parameters);
  std::int64_t all = 0;
  for (const Variable* variable : model.all_variables()) all += variable->value().elements();
  std::int64_t frozen = all - model.parameters() - model.statistics();
  return text + fmt::format("{}: {} trainable parameters{}, {} running statistics\n", model.path(), model.parameters(),
                            frozen ? fmt::format(", {} frozen", frozen) : "", model.statistics());
}

}  // namespace floe
