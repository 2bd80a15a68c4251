// Numbers from text: all of it, exact, in every locale, and alike where a stream has to do it.
#include <floe/tensor/parse.h>

#include <clocale>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/tensor/bits.h>
#include <floe/tensor/rng.h>

namespace floe {
namespace {

// "3", "none" or "beyond"; NaN has no equal, so numbers are compared as their shortest text.
template <class T>
std::string said(std::optional<T> number, bool beyond) {
  if (number) return fmt::format("{}", *number);
  return beyond ? "beyond" : "none";
}

template <class T>
std::string parsed(std::string_view text) {
  bool beyond = true;
  auto number = parse_number<T>(text, &beyond);
  return said(number, beyond);
}

template <class T>
std::string by_stream(std::string_view text) {
  bool beyond = true;
  auto number = detail::parse_by_stream<T>(text, &beyond);
  return said(number, beyond);
}

TEST(ParseNumber, TakesAllOfAWholeNumber) {
  EXPECT_EQ(parsed<int>("0"), "0");
  EXPECT_EQ(parsed<int>("-12"), "-12");
  EXPECT_EQ(parsed<std::int64_t>("9223372036854775807"), "9223372036854775807");
  for (const char* text : {"", "-", "+1", " 1", "1 ", "1.0", "1e2", "0x10", "1,2", "one"})
    EXPECT_EQ(parsed<int>(text), "none") << text;
  EXPECT_EQ(parsed<std::uint64_t>("-1"), "none");
}

TEST(ParseNumber, TellsWhatIsBeyondTheRange) {
  EXPECT_EQ(parsed<int>("2147483648"), "beyond");
  EXPECT_EQ(parsed<std::int64_t>("9223372036854775808"), "beyond");
  EXPECT_EQ(parsed<std::uint64_t>("18446744073709551616"), "beyond");
  EXPECT_EQ(parsed<int>("2147483648x"), "none");
}

struct Floating {
  const char *text, *float64, *float32;
};

TEST(ParseNumber, ReadsFloatingNumbersAlikeInBothWays) {
  const Floating table[] = {{"0", "0", "0"},
                            {"-0", "-0", "-0"},
                            {"-0.000", "-0", "-0"},
                            {"12", "12", "12"},
                            {".5", "0.5", "0.5"},
                            {"5.", "5", "5"},
                            {"1.5e-3", "0.0015", "0.0015"},
                            {"1E+2", "100", "100"},
                            {"0.1", "0.1", "0.1"},
                            {"0.30000000000000004", "0.30000000000000004", "0.3"},
                            {"inf", "inf", "inf"},
                            {"-INFINITY", "-inf", "-inf"},
                            {"nan", "nan", "nan"},
                            {"1.7976931348623157e308", "1.7976931348623157e+308", "beyond"},
                            {"1e309", "beyond", "beyond"},
                            {"-1e39", "-1e+39", "beyond"},
                            {"4.9e-324", "5e-324", "0"},
                            {"-1e-400", "-0", "-0"},
                            {"", "none", "none"},
                            {"-", "none", "none"},
                            {".", "none", "none"},
                            {"+1", "none", "none"},
                            {"--1", "none", "none"},
                            {" 1", "none", "none"},
                            {"1 ", "none", "none"},
                            {"1e", "none", "none"},
                            {"1e+", "none", "none"},
                            {"1.2.3", "none", "none"},
                            {"1,5", "none", "none"},
                            {"0x1p3", "none", "none"},
                            {"-+1", "none", "none"},
                            {"infinite", "none", "none"}};
  for (const auto& [text, float64, float32] : table) {
    EXPECT_EQ(parsed<double>(text), float64) << text;
    EXPECT_EQ(by_stream<double>(text), float64) << text;
    EXPECT_EQ(parsed<float>(text), float32) << text;
    EXPECT_EQ(by_stream<float>(text), float32) << text;
  }
}

TEST(ParseNumber, RoundsHalfwayToEven) {
  EXPECT_EQ(parse_number<double>("9007199254740993"), 9007199254740992);
  EXPECT_EQ(detail::parse_by_stream<double>("9007199254740993", nullptr), 9007199254740992);
  EXPECT_EQ(parse_number<float>("16777217"), 16777216);
  EXPECT_EQ(detail::parse_by_stream<float>("16777217", nullptr), 16777216);
}

TEST(ParseNumber, GivesBackWhatWasPrinted) {
  Rng rng(1);
  for (int i = 0; i < 2000; ++i) {
    double value = bits_as<double>(std::uint64_t{rng.next()} << 32 | rng.next());
    if (!std::isfinite(value)) continue;
    std::string text = fmt::format("{}", value);
    ASSERT_EQ(bits_as<std::uint64_t>(*parse_number<double>(text)), bits_as<std::uint64_t>(value)) << text;
    ASSERT_EQ(bits_as<std::uint64_t>(*detail::parse_by_stream<double>(text, nullptr)), bits_as<std::uint64_t>(value))
        << text;
  }
}

TEST(ParseNumber, KeepsToThePointInEveryLocale) {
  std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* german : {"de_DE.UTF-8", "de_DE.utf8", "de_DE"}) {
    if (std::setlocale(LC_ALL, german)) break;
  }
  EXPECT_EQ(parsed<double>("0.5"), "0.5");
  EXPECT_EQ(by_stream<double>("0.5"), "0.5");
  std::setlocale(LC_ALL, before.c_str());
}

}  // namespace
}  // namespace floe
