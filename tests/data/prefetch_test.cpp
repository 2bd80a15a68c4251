// What is asked of a prefetching thread after it has failed or come to its end: an answer, and never an endless wait.
#include <floe/data/background.h>

#include <stdexcept>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/data/dataset.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;

// In a process that is ended after some seconds, if it waits.
std::string in_time(const std::function<std::string()>& action) {
  return test::in_child([&] {
    alarm(20);
    return action();
  });
}

std::shared_ptr<void> number(std::int64_t i) { return std::make_shared<std::int64_t>(i); }
std::int64_t number_of(const std::shared_ptr<void>& value) { return *static_cast<std::int64_t*>(value.get()); }

TEST(Background, ThrowsAgainWhereItIsAskedAgainAndGoesOnBehindIt) {
  for (std::int64_t depth : {1, 3, 100}) {
    EXPECT_EQ(in_time([&] {
                detail::Background background(
                    [](std::int64_t i) { return i == 5 ? throw std::runtime_error("no 5") : number(i); }, 8, depth);
                std::string said;
                for (std::int64_t i : {4, 5, 5, 6, 7, 5, 0}) {
                  said +=
                      error_of<std::runtime_error>([&] { said += fmt::format("{} ", number_of(background.at(i))); }) +
                      " ";
                }
                return said;
              }),
              "4 no error no 5 no 5 6 no error 7 no error no 5 0 no error ");
  }
}

TEST(Prefetch, AfterAnExceptionThrowsAgain) {
  EXPECT_EQ(in_time([] {
              auto failing = Dataset<int>::generate(4, [](std::int64_t i) {
                               return i == 2 ? throw std::runtime_error("no 2") : static_cast<int>(i);
                             }).prefetch(2);
              auto at = failing.begin();
              ++at;
              std::string said = fmt::format("{}", *at);
              for (int i = 0; i < 3; ++i) said += ", " + error_of<std::runtime_error>([&] { ++at; });
              return said;
            }),
            "1, no 2, no 2, no 2");
}

TEST(Prefetch, GoesOnBehindAnExceptionThatComesOnce) {
  EXPECT_EQ(in_time([] {
              auto tries = std::make_shared<int>(0);
              auto shaky =
                  Dataset<int>::generate(4, [tries](std::int64_t i) {
                    return i == 2 && (*tries)++ == 0 ? throw std::runtime_error("not yet") : static_cast<int>(i);
                  }).prefetch(2);
              auto at = shaky.begin();
              ++at;
              std::string said = error_of<std::runtime_error>([&] { ++at; });
              for (++at; at != shaky.end(); ++at) said += fmt::format(" {}", *at);
              return said;
            }),
            "not yet 2 3");
}

TEST(Prefetch, BehindItsEndStaysThere) {
  EXPECT_EQ(in_time([] {
              auto two = Dataset<int>::generate(2, [](std::int64_t i) { return static_cast<int>(i); }).prefetch(5);
              auto at = two.begin();
              for (int i = 0; i < 4; ++i) ++at;
              return std::string(at == two.end() ? "the end" : "more");
            }),
            "the end");
}

}  // namespace
}  // namespace floe
