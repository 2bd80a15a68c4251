// Weights of another program, read into a model of your own.
#include "pages.h"

using namespace floe;

namespace {

void pretrained() {
  Rng rng(1);
  Layer model("model", Device{}, rng);
  Conv2D conv(&model, "conv", {.in = 3, .filters = 8, .kernel_size = 5});
  Dense decide(&model, "decide", {.in = 8, .units = 2});
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "floe-pages-pretrained";
  std::filesystem::create_directories(folder);
  std::filesystem::path file = folder / "torch.safetensors";
  save_safetensors(file, {{"features.0.weight", random_normal({8, 3, 5, 5}, rng)}, {"features.0.bias", zeros({8})},
                          {"classifier.weight", random_normal({2, 8}, rng)}, {"classifier.bias", zeros({2})}});
  //! [pretrained]
  std::map<std::string, RestoreSource> torch = {
      {"model.conv.filters",   {"features.0.weight", {2, 3, 1, 0}}},  // (out, in, height, width) in the file
      {"model.conv.bias",      {"features.0.bias"}},
      {"model.decide.weights", {"classifier.weight", {1, 0}}},        // (out, in)
      {"model.decide.bias",    {"classifier.bias"}},
  };
  Checkpoint checkpoint(folder);
  checkpoint.add("model", model);
  auto report = checkpoint.restore(file, {.source = [&](const std::string& name) { return torch.at(name); }});
  //! [pretrained]
  std::filesystem::remove_all(folder);
  for (const std::string& name : report.matched) fmt::print("{:<20} from {}\n", name, torch.at(name).name);
}

const pages::Example entered[] = {{"checkpoints.pretrained", pretrained}};

}  // namespace
