// Ratings of movies by users.
#include "movielens.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include <floe/files/file.h>
#include <floe/ops/random.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tensor/parse.h>

namespace floe::movielens {
namespace {

constexpr std::string_view header = "userId,movieId,rating,timestamp";

struct Rows {
  std::vector<int> users, movies;
  std::vector<float> ratings;
};

Ratings shuffled(const Rows& rows, std::int64_t user_count, std::int64_t movie_count, Rng rng) {
  Shape shape{static_cast<std::int64_t>(rows.users.size())};
  Tensor order = random_permutation(shape[0], rng);
  auto in_order = [&](const auto& values) { return gather(tensor(values, shape), order); };
  return {in_order(rows.users), in_order(rows.movies), in_order(rows.ratings), user_count, movie_count};
}

template <class T>
T number(const InputFile& file, std::size_t line, std::string_view text, const char* what) {
  auto value = parse_number<T>(text);
  if (!value) file.refuse(fmt::format("line {}", line), fmt::format("expected a {}, found {}", what, in_quotes(text)));
  return *value;
}

// Takes what is before the next comma, and the comma.
std::string_view cell(std::string_view& row) {
  std::size_t comma = std::min(row.find(','), row.size());
  std::string_view text = row.substr(0, comma);
  row.remove_prefix(std::min(comma + 1, row.size()));
  return text;
}

// Ids in ascending order become 0, 1, 2, ...; returns how many there are.
std::int64_t renumber(std::vector<int>& ids) {
  std::vector<int> known = ids;
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  for (int& id : ids) {
    id = static_cast<int>(std::lower_bound(known.begin(), known.end(), id) - known.begin());
  }
  return static_cast<std::int64_t>(known.size());
}

}  // namespace

Ratings generate(std::int64_t users, std::int64_t movies, std::int64_t count, Rng rng) {
  if (users < 1 || movies < 1 || count < std::max(users, movies) || count > users * movies / 2) {
    throw ValueError(fmt::format("movielens: {} ratings cannot be spread over {} users and {} movies: expected {} to {}",
                                 count, users, movies, std::max(users, movies), users * movies / 2));
  }
  constexpr int kinds = 2;
  Rng noise = rng.stream("noise"), pairs = rng.stream("pairs");
  auto normals = [&](const char* name, std::int64_t size) {
    std::vector<float> values;
    for (Rng stream = rng.stream(name); static_cast<std::int64_t>(values.size()) < size;) values.push_back(stream.normal());
    return values;
  };
  std::vector<float> generosity = normals("generosity", users), quality = normals("quality", movies);
  std::vector<float> taste = normals("taste", users * kinds), kind = normals("kind", movies * kinds);

  Rows rows;
  std::unordered_set<std::int64_t> taken;
  while (static_cast<std::int64_t>(rows.users.size()) < count) {
    // The first rows name each user and each movie once; the others are any pair.
    auto i = static_cast<std::int64_t>(rows.users.size());
    bool named = i < std::max(users, movies);
    std::int64_t user = named ? i % users : pairs.below(static_cast<int>(users));
    std::int64_t movie = named ? i % movies : pairs.below(static_cast<int>(movies));
    if (!taken.insert(user * movies + movie).second) continue;

    float liking = 0;
    for (int k = 0; k < kinds; ++k) liking += taste[user * kinds + k] * kind[movie * kinds + k];
    float stars = 3.3f + 0.4f * generosity[user] + 0.6f * quality[movie] + 0.3f * liking + 0.3f * noise.normal();
    rows.users.push_back(static_cast<int>(user));
    rows.movies.push_back(static_cast<int>(movie));
    rows.ratings.push_back(std::clamp(std::round(2 * stars) / 2, 0.5f, 5.0f));
  }
  return shuffled(rows, users, movies, rng.stream("order"));
}

Ratings load(const std::filesystem::path& path, Rng rng) {
  std::error_code absent;
  InputFile file(std::filesystem::is_directory(path, absent) ? path / "ratings.csv" : path);
  std::string text = file.read_text(0, file.size(), "ratings");

  Rows rows;
  std::size_t line = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    ++line;
    if (line == 1) {
      if (row != header) file.refuse("line 1", fmt::format("expected '{}', found {}", header, file.impostor()));
      continue;
    }
    rows.users.push_back(number<int>(file, line, cell(row), "userId"));
    rows.movies.push_back(number<int>(file, line, cell(row), "movieId"));
    rows.ratings.push_back(number<float>(file, line, cell(row), "rating"));
    if (!(rows.ratings.back() >= 0.5f && rows.ratings.back() <= 5)) {
      file.refuse(fmt::format("line {}", line),
                  fmt::format("expected a rating from 0.5 to 5, found {}", rows.ratings.back()));
    }
    number<long long>(file, line, row, "timestamp");
  }
  if (rows.users.empty()) file.refuse("", "expected ratings, found none");
  std::int64_t users = renumber(rows.users), movies = renumber(rows.movies);
  return shuffled(rows, users, movies, rng);
}

}  // namespace floe::movielens
