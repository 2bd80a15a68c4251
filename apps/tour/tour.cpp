// Short demos from the 2018 talk: tensors that print, tapes, custom gradients, line searches, recursion.
//
// One stop after the other, or one by name.
#include <optional>

#include <fmt/core.h>

#include <datasets/movielens/movielens.h>

#include "stops.h"

using namespace floe;

namespace {

struct Stop {
  const char* name;
  const char* shows;
  void (*run)(const tour::Settings&);
};

constexpr Stop stops[] = {
    {"matmul", "an op runs when it is called, and its result prints", tour::matmul},
    {"slicing", "parts of a tensor, by range, index and condition", tour::slicing},
    {"fizzbuzz", "a loop and branches on tensor values", tour::fizzbuzz},
    {"tape", "what a gradient tape records, and when it says no", tour::tape},
    {"linear_regression", "a training loop from scratch", tour::linear_regression},
    {"line_search", "backtracking and strong Wolfe on Rosenbrock's valley, for any function", tour::line_search},
    {"higher_order", "gradients of gradients, also through a branch", tour::higher_order},
    {"custom_gradient", "clipping what flows back, and log(1 + exp(x)) without NaN", tour::custom_gradient},
    {"variables", "memory comes back when the last reference goes", tour::variables},
    {"metrics", "update, result, reset", tour::metrics},
    {"checkpoints", "save anything by name, restore any part of it", tour::checkpoints},
    {"profile", "a matrix product compared with adding a bias", tour::profile},
    {"tensorboard", "curves, pictures and histograms while a loop runs", tour::tensorboard},
    {"recursion", "a network whose shape is that of its example", tour::recursion},
    {"simple_dot", "users, movies and ratings: shapes printed along the way", tour::simple_dot},
};

void visit(const Stop& stop, const tour::Settings& settings) {
  fmt::print("--- {}: {}\n\n", stop.name, stop.shows);
  stop.run(settings);
  fmt::print("\n");
}

std::string names() {
  std::string all;
  for (const Stop& stop : stops) all += std::string(all.empty() ? "" : ", ") + stop.name;
  return all;
}

int walk(const std::string& wanted, const tour::Settings& settings) {
  require_writable("--out", settings.out);
  if (!settings.tensorboard.empty()) require_writable("--tensorboard", settings.tensorboard);
  if (!settings.data.empty()) movielens::load(settings.data, Rng(settings.seed));  // refuses what is none, before all stops
  std::filesystem::create_directories(settings.out);
  bool found = false;
  for (const Stop& stop : stops) {
    if (wanted != "all" && wanted != stop.name) continue;
    visit(stop, settings);
    found = true;
  }
  if (!found) throw ValueError(fmt::format("there is no stop '{}'; choose from: {}", wanted, names()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  tour::Settings settings;
  std::string stop = "all", device = "cpu";
  bool check_numerics = false;
  Arguments arguments("tour", "Short demos from the 2018 talk on eager execution. Stops: " + names() + ".");
  arguments.add("stop", stop, "Where to stop, or all");
  arguments.add("--seed", settings.seed, "Where all random numbers start; equal seeds give equal runs");
  arguments.add("--device", device, "Where linear_regression, profile, tensorboard and simple_dot compute: cpu or cuda");
  arguments.add("--data", settings.data, "MovieLens ratings.csv for simple_dot, instead of generated ratings");
  arguments.add("--out", settings.out, "Folder for what the stops leave behind");
  arguments.add("--tensorboard", settings.tensorboard, "Folder for TensorBoard's events, instead of one in --out");
  arguments.add("--check-numerics", check_numerics,
                "Stop at the first op that makes a NaN or infinity, and report where");
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  return run_app([&] {
    settings.device = parse_device(device);
    std::optional<CheckNumerics> check;
    if (check_numerics) check.emplace();
    return walk(stop, settings);
  });
}
