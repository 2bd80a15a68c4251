// Profile: what is counted and timed, the layout of the table, the trace, and that results stay as they are.
#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <regex>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <floe/data/dataset.h>
#include <floe/layers/batch_normalization.h>
#include <floe/layers/dense.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/conv2d.h>
#include <floe/ops/losses.h>
#include <floe/ops/matmul.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/tape.h>
#include <floe/watch/profile.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

namespace floe {
namespace {

// The cells of the table's lines by name: calls, ms, share, us/call, GFLOP/s, GB, GB/s, without those that are a dash.
// Outside ops: ms, share.
std::map<std::string, std::vector<double>> cells(const std::string& table) {
  std::map<std::string, std::vector<double>> lines;
  std::istringstream in(table);
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, std::regex("(\\S.*?)  +([-0-9. %]+)"))) continue;
    std::istringstream numbers(std::regex_replace(match[2].str(), std::regex("[-%]"), ""));
    std::vector<double>& row = lines[match[1]];
    for (double number; numbers >> number;) row.push_back(number);
  }
  return lines;
}

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

TEST(Profile, CountsEachCall) {
  Variable w("w", ones({4, 3}));
  Tensor x = ones({2, 4});
  SGD sgd;
  Profile profile;
  for (int i = 0; i < 5; ++i) {
    GradientTape tape;
    Tensor loss = reduce_sum(tanh(matmul(x, w)));
    sgd.apply(tape.gradient(loss, Variables{&w}));
  }
  std::map<std::string, double> calls;
  for (const auto& [name, row] : cells(profile.table())) {
    if (name != "outside ops") calls[name] = row.at(0);
  }
  EXPECT_EQ(calls, (std::map<std::string, double>{{"matmul", 5},
                                                  {"tanh", 5},
                                                  {"reduce_sum", 5},
                                                  {"reshape, backward", 5},
                                                  {"broadcast_to, backward", 5},
                                                  {"tanh_gradient, backward", 5},
                                                  {"matmul, backward", 5},
                                                  {"optimizer_step", 5}}));
}

TEST(Profile, AccountsForAScopeOfMatrices) {
  Rng rng(1);
  Tensor a = random_normal({512, 512}, rng);
  matmul(a, a);
  auto begin = std::chrono::steady_clock::now();
  Profile profile;
  for (int i = 0; i < 20; ++i) matmul(a, a);
  std::string table = profile.table();
  double whole = milliseconds(std::chrono::steady_clock::now() - begin);
  auto rows = cells(table);
  EXPECT_GE(rows.at("matmul").at(1), 0.8 * whole);
  EXPECT_LE(rows.at("matmul").at(1) + rows.at("outside ops").at(0), whole + 0.02);
  double calculated = 20 * 2 * std::pow(512.0, 3) / 1e9;  // GFLOP
  double printed = rows.at("matmul").at(1) / 1e3, half_a_digit = 0.005 / 1e3;  // seconds
  EXPECT_GE(rows.at("matmul").at(4), calculated / (printed + half_a_digit) - 0.0501);
  EXPECT_LE(rows.at("matmul").at(4), calculated / (printed - half_a_digit) + 0.0501);
  EXPECT_DOUBLE_EQ(rows.at("matmul").at(5), 0.06) << "20 times three matrices of 1 MiB";
}

TEST(Profile, LeavesTheTimeBetweenOpsOutside) {
  Tensor x = ones({10});
  Profile profile;
  Tensor y = sin(x);
  Tensor mine = zeros({10});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Tensor z = reshape(mine, {2, 5}) + 1.0;
  auto rows = cells(profile.table());
  EXPECT_GE(rows.at("outside ops").at(0), 50);
  for (const char* name : {"sin", "reshape", "add"}) EXPECT_LT(rows.at(name).at(1), 20) << name;
  EXPECT_EQ(rows.at("reshape").at(1), 0) << "it shares its input's memory";
  EXPECT_EQ(rows.at("reshape").at(4), 0);
}

TEST(Profile, CountsWhatIsInsideAnOpOnce) {
  Rng rng(1);
  Layer model("model", Device{}, rng);
  BatchNormalization norm(&model, "norm", 64);
  Tensor x = random_normal({2000, 64}, rng);
  Profile profile;
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    GradientTape tape;
    tape.gradient(mean_squared_error(norm(x, Mode::training), 1), model.variables());
  }
  std::string table = profile.table();
  double whole = milliseconds(std::chrono::steady_clock::now() - begin), sum = 0;
  auto rows = cells(table);
  for (const auto& [name, row] : rows) sum += row.at(name == "outside ops" ? 0 : 1);
  EXPECT_NEAR(sum, whole, 0.05 * whole);
  EXPECT_GT(rows.at("batch_normalization").at(1), rows.at("rsqrt").at(1));
}

TEST(Profile, ShowsTheWaitForData) {
  auto slow = Dataset<Tensor>::generate(3, [](std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return tensor(1.);
  });
  auto ahead = slow.prefetch();
  Profile profile;
  for (const Tensor& x : ahead) EXPECT_EQ(x.item(), 1);
  auto rows = cells(profile.table());
  EXPECT_EQ(rows.at("data_wait").at(0), 3);
  EXPECT_GE(rows.at("data_wait").at(1), 50);
}

TEST(Profile, LaysOutTheTable) {
  Tensor x = ones({100, 100});
  Profile profile;
  Tensor y = matmul(x, x) + 1.0;
  std::string masked = std::regex_replace(profile.table(), std::regex("[0-9.]+"), "0");
  masked = std::regex_replace(masked, std::regex(" +([0-])"), " $1");
  masked = std::regex_replace(masked, std::regex("outside ops\n.*\n\n"), "outside ops\nREMEDY\n\n");
  EXPECT_EQ(masked.substr(masked.find(" takes")),
            std::string(" takes 0 % of 0 s, the first 0 lines 0 %; 0 % is outside ops\nREMEDY\n\n"
                        "op                 calls         ms    share    us/call  GFLOP/s       GB    GB/s\n") +
                (masked.starts_with("matmul") ? "matmul 0 0 0 % 0 0 0 0\nadd 0 0 0 % 0 - 0 0\n"
                                              : "add 0 0 0 % 0 - 0 0\nmatmul 0 0 0 % 0 0 0 0\n") +
                "outside ops 0 0 %\n");
}

// The second line of a table.
std::string remedy(const Profile& profile) {
  std::istringstream table(profile.table());
  std::string line;
  std::getline(table, line), std::getline(table, line);
  return line;
}

TEST(Profile, SaysWhatWouldHelp) {
  Rng rng(1);
  Tensor image = random_normal({8, 32, 32, 32}, rng), filters = random_normal({3, 3, 32, 32}, rng),
         number = tensor(1.0);
  auto begins = [](const std::string& text, const std::string& with) { EXPECT_TRUE(text.starts_with(with)) << text; };
  {
    Profile profile;
    for (int i = 0; i < 10; ++i) conv2d(image, filters);
    begins(remedy(profile), "convolutions and matrix products take ");
  }
  {
    Profile profile;
    for (int i = 0; i < 100; ++i) tanh(image);
    begins(remedy(profile), "ops that move memory take ");
  }
  {
    Profile profile;
    for (int i = 0; i < 1000; ++i) { tanh(number); }
    std::string text = remedy(profile);
    EXPECT_TRUE(text.starts_with("short calls take ") || text.find("% is outside ops: look there") != text.npos)
        << text;
  }
  {
    Profile profile;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    tanh(number);
    begins(remedy(profile), "100 % is outside ops: look there first");
  }
}

TEST(Profile, CountsTheArithmeticOfConvolutions) {
  Variable x("x", ones({2, 8, 8, 3})), w("w", ones({3, 3, 3, 4}));
  Profile profile;
  GradientTape tape;
  Tensor y = conv2d(x, w, {.strides = 2});
  tape.gradient(y, Variables{&x, &w});
  const double flops = 2.0 * (2 * 4 * 4 * 4) * (3 * 3 * 3);
  auto rows = cells(profile.table());
  for (const char* name : {"conv2d", "conv2d_input_gradient, backward", "conv2d_filter_gradient, backward"}) {
    const std::vector<double>& row = rows.at(name);
    double microseconds = row.at(3);  // rounded to 0.1, as GFLOP/s are
    EXPECT_NEAR(row.at(4), flops / microseconds / 1e3, 0.06 + flops / (microseconds * microseconds) * 0.06 / 1e3)
        << name;
  }
}

TEST(Profile, SaysThatThereWasNothing) {
  Profile profile;
  EXPECT_TRUE(profile.table().starts_with("no op in 0.00 s\n")) << profile.table();
}

TEST(Profile, LeavesATraceInOrder) {
  test::TempFolder folder;
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 4, .units = 3});
  BatchNormalization norm(&model, "norm \"1\"", 3);
  Tensor x = ones({2, 4});
  Profile profile;
  GradientTape tape;
  int line = __LINE__ + 1;
  Tensor loss = reduce_sum(norm(dense(x), Mode::training));
  tape.gradient(loss, model.variables());
  profile.save_trace(folder / "trace.json");

  auto trace = nlohmann::json::parse(test::read_bytes(folder / "trace.json"));
  const auto& events = trace.at("traceEvents");
  ASSERT_GT(events.size(), 5u);
  double start = 0;
  for (const auto& event : events) {
    EXPECT_EQ(event.at("ph"), "X");
    EXPECT_GE(event.at("ts").get<double>(), start);
    EXPECT_GE(event.at("dur").get<double>(), 0);
    start = event.at("ts");
  }
  std::string where = std::string(__FILE__) + ":" + std::to_string(line);
  EXPECT_EQ(events[0].at("name"), "matmul");
  EXPECT_EQ(events[0].at("cat"), "forward");
  EXPECT_EQ(events[0].at("args"), (nlohmann::json{{"inputs", {"(2, 4)", "(4, 3)"}},
                                                  {"outputs", {"(2, 3)"}},
                                                  {"attributes", {{"transpose_a", false}, {"transpose_b", false}}},
                                                  {"layer", "model.dense"},
                                                  {"line", where}}));
  EXPECT_EQ(events.back().at("name"), "matmul");
  EXPECT_EQ(events.back().at("cat"), "backward");
  EXPECT_EQ(events.back().at("args").at("gradient of"), "matmul");
  EXPECT_EQ(events.back().at("args").at("layer"), "model.dense");

  // What is inside an op lies inside it in time.
  const auto& around = *std::find_if(events.begin(), events.end(),
                                     [](const auto& event) { return event.at("name") == "batch_normalization"; });
  const auto& inside =
      *std::find_if(events.begin(), events.end(), [](const auto& event) { return event.at("name") == "rsqrt"; });
  auto end = [](const auto& event) {
    return event.at("ts").template get<double>() + event.at("dur").template get<double>();
  };
  EXPECT_EQ(around.at("args").at("layer"), "model.norm \"1\"");
  EXPECT_LE(around.at("ts").get<double>(), inside.at("ts").get<double>());
  EXPECT_GE(end(around) + 0.002, end(inside));
}

TEST(Profile, ShowsConstantsOfEachKindInTheTrace) {
  test::TempFolder folder;
  Tensor x = tensor({1.5, 0.});
  Profile profile;
  cast(clip(x, -std::numeric_limits<double>::infinity(), 0.5), DType::int32);
  reduce_sum(x, 0, true);
  top_k(x, 1);
  sin(x);
  profile.save_trace(folder / "trace.json");
  auto trace = nlohmann::json::parse(test::read_bytes(folder / "trace.json"));
  std::map<std::string, nlohmann::json> args;
  for (const auto& event : trace.at("traceEvents")) args[event.at("name")] = event.at("args");
  EXPECT_EQ(args["clip"]["attributes"], (nlohmann::json{{"low", "-inf"}, {"high", 0.5}}));
  EXPECT_EQ(args["cast"]["attributes"], (nlohmann::json{{"dtype", "int32"}}));
  EXPECT_EQ(args["reduce_sum"]["attributes"], (nlohmann::json{{"axes", {0}}, {"keepdims", true}}));
  EXPECT_EQ(args["top_k"]["attributes"], (nlohmann::json{{"k", 1}}));
  EXPECT_FALSE(args["sin"].contains("attributes"));
}

TEST(Profile, NamesTheFileThatCannotBeWritten) {
  test::TempFolder folder;
  Profile profile;
  EXPECT_THROW(profile.save_trace(folder / "none" / "trace.json"), FileError);
}

TEST(Profile, ChangesNoResult) {
  auto step = [] {
    Rng rng(3);
    Layer model("model", Device{}, rng);
    Dense dense(&model, "dense", {.in = 20, .units = 20});
    BatchNormalization norm(&model, "norm", 20);
    Tensor x = random_normal({50, 20}, rng);
    Adam adam;
    for (int i = 0; i < 3; ++i) {
      GradientTape tape;
      Tensor h = norm(dense(x), Mode::training);
      adam.apply(tape.gradient(mean_squared_error(h * h + h, 0), model.variables()));
    }
    return model.variables()[0]->value();
  };
  Tensor plain = step();
  Profile profile;
  EXPECT_TRUE(test::same_bits(step(), plain));
}

TEST(ProfileSlow, BoundsItsMemory) {
  test::TempFolder folder;
  Tensor x = tensor(1.);
  Profile profile;
  for (int i = 0; i < 100100; ++i) sin(x);
  profile.save_trace(folder / "trace.json");
  EXPECT_EQ(nlohmann::json::parse(test::read_bytes(folder / "trace.json")).at("traceEvents").size(), 100000u);
  EXPECT_EQ(cells(profile.table()).at("sin").at(0), 100100);
}

}  // namespace
}  // namespace floe
