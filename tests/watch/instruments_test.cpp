// The instruments' own numbers: that those of a profile add up and agree with each other and with the work that was
// done, and that the check of results misses nothing, whatever the size and the place.
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <floe/layers/batch_normalization.h>
#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/conv2d.h>
#include <floe/ops/losses.h>
#include <floe/ops/matmul.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/tape.h>
#include <floe/watch/numerics.h>
#include <floe/watch/profile.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

namespace floe {
namespace {

// --- Profiles --------------------------------------------------------------------------------------------------------

struct Row {
  double calls = 0, milliseconds = 0, share = 0, microseconds = 0, gigaflops = 0, gigabytes = 0, rate = 0;
};

// A table as it is printed.
struct Printed {
  std::string first, second;  // sentences
  std::map<std::string, Row> rows;
  std::vector<std::string> order;
  double outside_milliseconds = 0, outside_share = 0;

  explicit Printed(const std::string& table) {
    std::istringstream in(table);
    std::getline(in, first), std::getline(in, second);
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_match(line, match, std::regex("outside ops +([\\d.]+) +([\\d.]+) %")))
        outside_milliseconds = std::stod(match[1]), outside_share = std::stod(match[2]);
      if (!std::regex_match(line, match,
                            std::regex("(\\S.*?) +(\\d+) +([\\d.]+) +([\\d.]+) % +([\\d.]+) +([-\\d.]+) +"
                                       "([\\d.]+) +([-\\d.]+)")))
        continue;
      auto number = [&](int i) { return match[i] == "-" ? 0 : std::stod(match[i]); };
      rows[match[1]] = {number(2), number(3), number(4), number(5), number(6), number(7), number(8)};
      order.push_back(match[1]);
    }
  }

  double milliseconds() const {
    double sum = outside_milliseconds;
    for (const auto& [name, row] : rows) sum += row.milliseconds;
    return sum;
  }
};

// Ops within ops, backward ops, several outputs, views, steps in place, and time between them.
void work(int times) {
  Rng rng(1);
  Layer model("model", Device{}, rng);
  BatchNormalization norm(&model, "norm", 64);
  Dense dense(&model, "dense", {.in = 64, .units = 64});
  Tensor x = random_normal({300, 64}, rng);
  Adam adam;
  for (int i = 0; i < times; ++i) {
    GradientTape tape;
    Tensors halves = split(norm(dense(x), Mode::training), 0, 2);
    Tensor loss = mean_squared_error(reshape(halves[0], {64, 150}), reshape(halves[1], {64, 150}) * 0.5);
    adam.apply(tape.gradient(loss, model.variables()));
  }
}

TEST(ProfileNumbers, AddUpToTheWhole) {
  auto begin = std::chrono::steady_clock::now();
  Profile profile;
  work(30);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Printed table(profile.table());
  std::chrono::duration<double, std::milli> whole = std::chrono::steady_clock::now() - begin;
  ASSERT_GT(table.rows.size(), 8u);
  double rounding = static_cast<double>(table.rows.size() + 1) * 0.5, shares = table.outside_share;
  for (const auto& [name, row] : table.rows) shares += row.share;
  EXPECT_NEAR(shares, 100, rounding * 0.1);
  EXPECT_LE(table.milliseconds(), whole.count() + rounding * 0.01);
  EXPECT_GE(table.outside_milliseconds, 20);

  // Each cell follows from its neighbours, as far as they are rounded.
  double all = table.milliseconds(), last = std::numeric_limits<double>::infinity();
  for (const std::string& name : table.order) {
    SCOPED_TRACE(name);
    const Row& row = table.rows.at(name);
    EXPECT_NEAR(row.share, 100 * row.milliseconds / all, 0.06 + 100 * rounding * 0.01 / all);
    EXPECT_NEAR(row.microseconds, 1000 * row.milliseconds / row.calls, 0.06 + 1000 * 0.006 / row.calls);
    EXPECT_LE(row.milliseconds, last) << "longest first";
    last = row.milliseconds;
  }
  EXPECT_NEAR(table.outside_share, 100 * table.outside_milliseconds / all, 0.06 + 100 * rounding * 0.01 / all);

  // The sentence says what the table does.
  std::smatch match;
  ASSERT_TRUE(std::regex_match(table.first, match,
                               std::regex("(.*) takes (\\d+) % of ([\\d.]+) s, the first 3 lines "
                                          "(\\d+) %; (\\d+) % is outside ops")))
      << table.first;
  double top = 0;
  for (int i = 0; i < 3; ++i) top += table.rows.at(table.order[static_cast<std::size_t>(i)]).share;
  EXPECT_EQ(match[1], table.order[0]);
  EXPECT_NEAR(std::stod(match[2]), table.rows.at(table.order[0]).share, 0.56);
  EXPECT_NEAR(std::stod(match[3]), all / 1000, 0.0051 + rounding * 0.00001);
  EXPECT_NEAR(std::stod(match[4]), top, 0.66);
  EXPECT_NEAR(std::stod(match[5]), table.outside_share, 0.56);
}

// Calls, bytes and arithmetic do not depend on the clock.
TEST(ProfileNumbers, CountTheWorkThatIsDone) {
  const std::int64_t size = 1 << 20;  // 4 MiB each
  Tensor a = ones({size}), b = ones({size}), image = ones({2, 64, 64, 32}), filters = ones({3, 3, 16, 64});
  Tensor matrix = ones({256, 512}), other = ones({512, 1024});
  Profile profile;
  for (int i = 0; i < 8; ++i) {
    maximum(a, b);
    cast(a, DType::float64);
    split(reshape(a, {1024, -1}), 1, 2);
  }
  for (int i = 0; i < 3; ++i) matmul(matrix, other), conv2d(image, filters, {.groups = 2});
  Printed table(profile.table());
  auto row = [&](const char* name) { return table.rows.at(name); };
  auto near = [](double found, double expected) { EXPECT_NEAR(found, expected, 0.00501); };
  double gigabytes = 4e-9 * static_cast<double>(size);
  EXPECT_EQ(row("maximum").calls, 8);
  near(row("maximum").gigabytes, 8 * 3 * gigabytes);
  EXPECT_EQ(row("cast").calls, 8);
  near(row("cast").gigabytes, 8 * 3 * gigabytes);
  EXPECT_EQ(row("reshape").calls, 8);
  EXPECT_EQ(row("reshape").gigabytes, 0) << "it moves nothing";
  near(row("split").gigabytes, 8 * 2 * gigabytes);
  near(row("matmul").gigabytes, 3 * 4e-9 * (256 * 512 + 512 * 1024 + 256 * 1024));
  near(row("conv2d").gigabytes, 3 * 4e-9 * (2 * 64 * 64 * 32 + 9 * 16 * 64 + 2 * 64 * 64 * 64));

  // The arithmetic, from its rate and its time, whose rounding can be large where it took little.
  auto flops = [&](const char* name, double expected) {
    const Row& one = row(name);
    double low = (one.milliseconds - 0.0051) * (one.gigaflops - 0.051),
           high = (one.milliseconds + 0.0051) * (one.gigaflops + 0.051);
    EXPECT_LE(low * 1e6, expected) << name;
    EXPECT_GE(high * 1e6, expected) << name;
  };
  flops("matmul", 3 * 2.0 * 256 * 512 * 1024);
  flops("conv2d", 3 * 2.0 * (2 * 64 * 64 * 64) * (9 * 16));
  EXPECT_EQ(row("maximum").gigaflops, 0);
}

// A trace has each op with all that is inside it; the table counts what is inside once, as what it is.
TEST(ProfileNumbers, OfATraceAreThoseOfTheTable) {
  struct Sum {
    double calls = 0, microseconds = 0;
  };
  struct Open {
    std::string name;
    double end;
  };
  test::TempFolder folder;
  Profile profile;
  work(10);
  Printed table(profile.table());
  profile.save_trace(folder / "trace.json");
  auto trace = nlohmann::json::parse(test::read_bytes(folder / "trace.json"));
  std::map<std::string, Sum> own;
  std::vector<Open> around;
  for (const auto& event : trace.at("traceEvents")) {
    std::string name = event.at("name").get<std::string>() + (event.at("cat") == "backward" ? ", backward" : "");
    double start = event.at("ts"), length = event.at("dur");
    while (!around.empty() && around.back().end < start + length - 0.002) around.pop_back();
    if (!around.empty()) own[around.back().name].microseconds -= length;
    own[name].calls += 1, own[name].microseconds += length;
    around.push_back({name, start + length});
  }
  ASSERT_EQ(own.size(), table.rows.size());
  for (const auto& [name, row] : table.rows) {
    EXPECT_EQ(own[name].calls, row.calls) << name;
    EXPECT_NEAR(own[name].microseconds, 1000 * row.milliseconds, 5.1 + 0.02 * row.calls) << name;
  }
}

// --- Checks of results -----------------------------------------------------------------------------------------------

TEST(CheckNumerics, MissesNothingWhateverTheSizeAndThePlace) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (DType dtype : {DType::float32, DType::float64}) {
    for (std::int64_t size : {1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 4096, 4099}) {
      std::set<std::int64_t> places{0, size / 2, size - 1};
      for (std::int64_t at : {63, 64, 65, 127, 128, 4095, 4096}) places.insert(std::min<std::int64_t>(at, size - 1));
      for (double odd : {nan, -nan, infinity, -infinity}) {
        for (std::int64_t place : places) {
          Tensor x = test::made(
              {size}, [&](const test::Index& i) { return i[0] == place ? odd : 1.0; }, dtype);
          CheckNumerics check;
          std::string message = test::error_of<NumericsError>([&] { reshape(x, {1, size}); });
          EXPECT_EQ(message.substr(0, message.find('\n')),
                    fmt::format("reshape: gives {}, first at (0, {})", std::isnan(odd) ? nan : odd, place))
              << size << " elements of " << name(dtype);
        }
      }
    }
  }
}

TEST(CheckNumerics, FindsTheFirstOfSeveral) {
  for (std::int64_t first : {3, 63, 64, 130}) {
    Tensor x = test::made(
        {200}, [&](const test::Index& i) { return i[0] >= first ? std::log(-1.0) : 1.0; }, DType::float32);
    CheckNumerics check;
    std::string message = test::error_of<NumericsError>([&] { reshape(x, {200}); });
    EXPECT_TRUE(message.starts_with(fmt::format("reshape: gives nan, first at ({},)", first))) << message;
  }
}

TEST(CheckNumerics, LooksAtEveryOutputOfAnOp) {
  for (int odd = 0; odd < 3; ++odd) {
    Tensor x =
        test::made({3, 70}, [&](const test::Index& i) { return i[0] == odd && i[1] == 69 ? std::log(0.0) : 1.0; });
    CheckNumerics check;
    std::string message = test::error_of<NumericsError>([&] { split(x, 0, 3); });
    EXPECT_TRUE(message.starts_with("split: gives -inf, first at (0, 69)")) << message;
  }
}

TEST(CheckNumerics, LetsTheLargestAndTheSmallestNumbersPass) {
  for (DType dtype : {DType::float32, DType::float64}) {
    double most = dtype == DType::float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    double least =
        dtype == DType::float32 ? std::numeric_limits<float>::denorm_min() : std::numeric_limits<double>::denorm_min();
    for (std::int64_t size : {1, 64, 130}) {
      Tensor x = test::made(
          {size}, [&](const test::Index& i) { return i[0] % 3 == 0   ? most
                                                     : i[0] % 3 == 1 ? -most
                                                                     : least; }, dtype);
      CheckNumerics check;
      EXPECT_NO_THROW(reshape(x, {1, size}));
    }
  }
}

}  // namespace
}  // namespace floe
