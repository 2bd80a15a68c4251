// Ratings of movies by users: generated, or read from the files of MovieLens.
#pragma once

#include <cstdint>
#include <filesystem>

#include <floe/tensor/rng.h>
#include <floe/tensor/tensor.h>

namespace floe::movielens {

// One rating a row, in random order. Users and movies count from 0 without gaps.
struct Ratings {
  Tensor users;    // int32 (count,)
  Tensor movies;   // int32 (count,)
  Tensor ratings;  // float32 (count,), 0.5 to 5
  std::int64_t user_count, movie_count;  // of all ids
};

// Some users are more generous, some movies better, and users of a taste like movies of that kind; the rest is noise. In
// halves of stars. Every user and movie occurs, no pair twice. ValueError if `count` is below the larger of users and movies, or above half of all pairs.
Ratings generate(std::int64_t users, std::int64_t movies, std::int64_t count, Rng rng);

// The rows of a MovieLens ratings.csv ("userId,movieId,rating,timestamp"), or of the one in a folder, shuffled by `rng`.
// Ids are replaced by 0, 1, 2, ... in the order of the ids. FileError with the line for what is not such a row.
Ratings load(const std::filesystem::path& path, Rng rng);

}  // namespace floe::movielens
