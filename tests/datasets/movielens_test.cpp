// Ratings: generated ones, the format of the real ones, and one sentence for whatever else a file holds.
#include <datasets/movielens/movielens.h>

#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include <floe/ops/reduce.h>
#include <support/messages.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

namespace floe::movielens {
namespace {

using test::TempFolder;

const std::string header = "userId,movieId,rating,timestamp\n";

std::filesystem::path file_of(const TempFolder& folder, const std::string& text) {
  std::ofstream(folder.path() / "ratings.csv", std::ios::binary) << text;
  return folder.path() / "ratings.csv";
}

std::string refusal(const std::string& text) {
  TempFolder folder;
  std::filesystem::path path = file_of(folder, text);
  try {
    load(path, Rng(1));
  } catch (const FileError& error) {
    std::string what = error.what(), prefix = path.string() + ": ";
    return what.starts_with(prefix) ? what.substr(prefix.size()) : what;
  }
  return "no error";
}

TEST(Movielens, GeneratesEveryUserAndMovieAndNoPairTwice) {
  Ratings ratings = generate(30, 50, 700, Rng(3));
  std::set<int> users, movies;
  std::set<std::pair<int, int>> pairs;
  std::set<float> stars;
  for (int i = 0; i < 700; ++i) {
    int user = ratings.users.data<std::int32_t>()[i], movie = ratings.movies.data<std::int32_t>()[i];
    users.insert(user), movies.insert(movie), pairs.insert({user, movie});
    stars.insert(ratings.ratings.data<float>()[i]);
  }
  EXPECT_EQ(users.size(), 30u);
  EXPECT_EQ(movies.size(), 50u);
  EXPECT_EQ(*users.rbegin(), 29);
  EXPECT_EQ(*movies.rbegin(), 49);
  EXPECT_EQ(pairs.size(), 700u);
  for (float star : stars) EXPECT_TRUE(star >= 0.5f && star <= 5 && 2 * star == std::floor(2 * star)) << star;
  EXPECT_GE(stars.size(), 8u);
}

TEST(Movielens, GeneratesTheSameForOneSeedAndOthersForAnother) {
  Ratings one = generate(30, 50, 700, Rng(3)), same = generate(30, 50, 700, Rng(3)), other = generate(30, 50, 700, Rng(4));
  EXPECT_TRUE(test::same_bits(one.ratings, same.ratings) && test::same_bits(one.users, same.users));
  EXPECT_FALSE(test::same_bits(one.ratings, other.ratings));
}

TEST(Movielens, RefusesCountsThatCannotBe) {
  EXPECT_THROW(generate(0, 50, 60, Rng(1)), ValueError);
  EXPECT_THROW(generate(30, 50, 49, Rng(1)), ValueError);
  try {
    generate(30, 50, 751, Rng(1));
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "movielens: 751 ratings cannot be spread over 30 users and 50 movies: expected 50 to 750");
  }
}

TEST(Movielens, ReadsTheFormatOfTheRealFile) {
  TempFolder folder;
  std::filesystem::path path = file_of(folder, header + "1,31,2.5,1260759144\r\n1,1029,3.0,1260759179\n7,31,5,851868750");
  for (const std::filesystem::path& given : {path, path.parent_path()}) {
    Ratings ratings = load(given, Rng(1));
    EXPECT_EQ(ratings.user_count, 2);
    EXPECT_EQ(ratings.movie_count, 2);
    std::set<std::tuple<int, int, float>> rows;
    for (int i = 0; i < 3; ++i) {
      rows.insert({ratings.users.data<std::int32_t>()[i], ratings.movies.data<std::int32_t>()[i],
                   ratings.ratings.data<float>()[i]});
    }
    EXPECT_EQ(rows, (std::set<std::tuple<int, int, float>>{{0, 0, 2.5f}, {0, 1, 3.f}, {1, 0, 5.f}}));
  }
}

TEST(Movielens, SaysWhichLineIsWrong) {
  EXPECT_EQ(refusal("user,movie\n"),
            "line 1: expected 'userId,movieId,rating,timestamp', found 'user,mov'");
  EXPECT_EQ(refusal(header), "expected ratings, found none");
  EXPECT_EQ(refusal(header + "1,31,2.5,126\nx,31,2.5,126\n"), "line 3: expected a userId, found 'x'");
  EXPECT_EQ(refusal(header + "1,,2.5,126\n"), "line 2: expected a movieId, found ''");
  EXPECT_EQ(refusal(header + "1,31,five,126\n"), "line 2: expected a rating, found 'five'");
  EXPECT_EQ(refusal(header + "1,31,7,126\n"), "line 2: expected a rating from 0.5 to 5, found 7");
  EXPECT_EQ(refusal(header + "1,31,nan,126\n"), "line 2: expected a rating from 0.5 to 5, found nan");
  EXPECT_EQ(refusal(header + "1,31,2.5\n"), "line 2: expected a timestamp, found ''");
  EXPECT_EQ(refusal(header + "1,31,2.5,126,9\n"), "line 2: expected a timestamp, found '126,9'");
  EXPECT_EQ(refusal(header + "99999999999,31,2.5,126\n"), "line 2: expected a userId, found '99999999999'");
  EXPECT_EQ(refusal("").substr(0, 7), "expecte");
}

TEST(Movielens, RefusesEveryTruncationInsideARow) {
  std::string text = header + "12,310,2.5,1260\n";
  for (std::size_t size = 0; size < header.size() + 12; ++size) {
    EXPECT_NE(refusal(text.substr(0, size)), "no error") << size;
  }
}

}  // namespace
}  // namespace floe::movielens
