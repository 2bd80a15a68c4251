// Ratings as the dot product of what is known of a user and of a movie, with shapes printed along the way.
#include "stops.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>

#include <datasets/movielens/movielens.h>

using namespace floe;

namespace tour {
namespace {

struct Ratings {          // a batch, or all of them
  Tensor users, movies;   // int32 (batch,)
  Tensor stars;           // float32 (batch,)
};

class SimpleDot : public Layer {
 public:
  SimpleDot(std::string name, Device device, Rng rng, std::int64_t users, std::int64_t movies)
      : Layer(std::move(name), device, rng),
        users_(this, "users", {.entries = users, .units = 64, .initializer = initializers::uniform(0, 0.05)}),
        movies_(this, "movies", {.entries = movies, .units = 64, .initializer = initializers::uniform(0, 0.05)}) {}

  Tensor operator()(const Ratings& ratings, bool show = false) {
    Tensor user = users_(ratings.users);                              // (batch, 64)
    Tensor movie = movies_(ratings.movies);                           // (batch, 64)
    Tensor dot = reduce_sum(user * movie, -1);                        // (batch,)
    if (show) {
      fmt::print("user lookup   {}\n", describe(user));
      fmt::print("movie lookup  {}\n", describe(movie));
      fmt::print("dot           {}\n", describe(dot));
    }
    return dot;
  }

 private:
  Embedding users_, movies_;
};

}  // namespace

void simple_dot(const Settings& settings) {
  Rng rng(settings.seed);
  auto data = settings.data.empty() ? movielens::generate(300, 500, 20000, rng.stream("ratings"))
                                    : movielens::load(settings.data, rng.stream("ratings"));
  std::int64_t count = data.ratings.dim(0), training = count * 4 / 5;
  auto part = [&](std::int64_t begin, std::int64_t end) {
    return Ratings{slice(data.users, 0, begin, end), slice(data.movies, 0, begin, end),
                   slice(data.ratings, 0, begin, end)};
  };
  Ratings held_out = part(training, count);
  auto batches = dataset(part(0, training)).shuffle(training, rng.stream("order")).batch(32);
  fmt::print("{} ratings of {} movies by {} users\n", count, data.movie_count, data.user_count);

  SimpleDot model("simple_dot", settings.device, rng, data.user_count, data.movie_count);
  Adam optimizer({.learning_rate = 1e-3});
  double best = std::numeric_limits<double>::infinity();
  for (int epoch = 1, since_best = 0; epoch <= 10 && since_best < 2; ++epoch) {
    Mean training_loss;
    for (bool first = epoch == 1; const Ratings& batch : batches) {
      GradientTape tape;
      Tensor loss = mean_squared_error(model(batch, std::exchange(first, false)), batch.stars);
      optimizer.apply(tape.gradient(loss, model.variables()));
      training_loss.update(loss);
    }
    double validation = mean_squared_error(model(held_out), held_out.stars).item();
    fmt::print("epoch {:2}  squared error {:.3f}  of unseen ratings {:.3f}\n", epoch, training_loss.result(), validation);
    since_best = validation < best ? 0 : since_best + 1;
    best = std::min(best, validation);
  }
  fmt::print("an unseen rating is off by {:.2f} stars; the mean of all would be off by {:.2f}\n", std::sqrt(best),
             std::sqrt(reduce_variance(held_out.stars).item()));
}

}  // namespace tour
