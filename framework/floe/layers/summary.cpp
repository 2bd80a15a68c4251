// summary: tables of a model.
#include <floe/layers/summary.h>

#include <algorithm>

#include <fmt/format.h>

namespace floe {
namespace {

// "generator: 474464 trainable parameters, 6464 running statistics".
std::string totals(const Layer& model) {
  std::int64_t all = 0;
  for (const Variable* variable : model.all_variables()) all += variable->value().elements();
  std::int64_t frozen = all - model.parameter_count() - model.statistic_count();
  return fmt::format("{}: {} trainable parameters{}, {} running statistics\n", model.path(), model.parameter_count(),
                     frozen ? fmt::format(", {} frozen", frozen) : "", model.statistic_count());
}

}  // namespace

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
  return text + totals(model);
}

std::string describe(const Layer& model) {
  std::size_t path_width = 8, shape_width = 5;
  for (const Variable* variable : model.all_variables()) {
    path_width = std::max(path_width, variable->path().size());
    shape_width = std::max(shape_width, to_string(variable->shape()).size());
  }
  auto line = [&](std::string_view path, std::string_view shape, auto parameters) {
    return fmt::format("{:<{}}  {:<{}}  {:>10}\n", path, path_width, shape, shape_width, parameters);
  };
  std::string text = line("variable", "shape", "parameters");
  for (const Variable* variable : model.all_variables()) {
    text += line(variable->path(), to_string(variable->shape()), variable->value().elements());
  }
  return text + totals(model);
}

void print(const Layer& model) { fmt::print("{}", describe(model)); }

}  // namespace floe
