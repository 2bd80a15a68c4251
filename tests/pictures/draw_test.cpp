// Drawing: letters, lines and areas in pixels and in SVG.
#include <floe/pictures/draw.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <floe/files/checksum.h>
#include <floe/ops/create.h>
#include <floe/pictures/png.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

std::string utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

// Every printable character of ASCII and Latin-1 that has ink.
std::vector<std::string> characters() {
  std::vector<std::string> all;
  for (unsigned code = 33; code < 127; ++code) all.push_back(utf8(code));
  for (unsigned code = 161; code < 256; ++code) all.push_back(utf8(code));
  return all;
}

// How many pixels' worth of black are on white.
double ink(const Tensor& image) {
  double sum = 0;
  for (std::uint8_t level : image.span<std::uint8_t>()) sum += 255 - level;
  return sum / 255 / 3;
}
double ink(const Drawing& drawing) { return ink(drawing.image()); }

std::uint8_t level(const Tensor& image, std::int64_t x, std::int64_t y, std::int64_t channel = 0) {
  return image.data<std::uint8_t>()[(y * image.dim(1) + x) * 3 + channel];
}

Tensor picture_of(std::string_view text, double size) {
  Drawing drawing(static_cast<int>(2 * size), static_cast<int>(2 * size));
  drawing.text({size / 2, 1.4 * size}, text, {.size = size});
  return drawing.image();
}

// The first and the one after the last column (axis 1) or row (axis 0) with ink.
std::pair<std::int64_t, std::int64_t> extent(const Tensor& image, int axis) {
  std::int64_t first = image.dim(axis), last = 0;
  for (std::int64_t y = 0; y < image.dim(0); ++y) {
    for (std::int64_t x = 0; x < image.dim(1); ++x) {
      if (level(image, x, y) > 250) continue;
      std::int64_t at = axis == 1 ? x : y;
      first = std::min(first, at), last = std::max(last, at + 1);
    }
  }
  return {first, last};
}

bool same(const Tensor& a, const Tensor& b) { return a.to_vector<std::uint8_t>() == b.to_vector<std::uint8_t>(); }

// One of everything.
Drawing sheet() {
  Drawing drawing(320, 240, {250, 248, 240});
  drawing.polygon({{20, 20}, {80.5, 30.25}, {40, 90}, {90, 60}, {15, 70}}, {.colour = {200, 60, 40}, .opacity = 0.5});
  drawing.rectangle({100.3, 10.7}, 50.5, 30.2, {.colour = {30, 120, 60}});
  drawing.disc({200.2, 40.9}, 17.3, {.colour = {20, 60, 200}, .opacity = 0.8});
  drawing.polyline({{10, 100}, {60, 80}, {61, 130}, {310, 95.5}}, {.width = 2.5, .colour = {90, 0, 90}});
  drawing.line({-50, 300}, {400, -20}, {.width = 0.7});
  Tensor image = tensor({{-1., 0., 1.}, {1., 0.5, -0.5}});
  drawing.place(image, 260, 20, {.scale = 9});
  drawing.text({10, 160}, "Größe & façade <0.125> ¿señor? Ærø €5");
  drawing.text({160, 200}, "Epoch 12: 98.7 %", {.size = 25, .colour = {0, 80, 120}, .align = Align::centre});
  drawing.text({310, 120}, "loss µ±2σ", {.size = 11, .anchor = Anchor::middle, .upwards = true});
  drawing.text({310, 225}, "\xff\n", {.size = 17.5, .align = Align::right});
  return drawing;
}

// --- Letters ---------------------------------------------------------------------------------------------------------

TEST(Draw, EveryLetterHasInkAndLooksLikeNoOther) {
  for (double size : {10., 14., 40.}) {
    std::map<std::vector<std::uint8_t>, std::string> seen;
    for (const std::string& character : characters()) {
      if (character == "\u00ad") continue;  // the soft hyphen is a hyphen
      Tensor picture = picture_of(character, size);
      EXPECT_GT(ink(picture), size * size / 120) << character;
      auto [other, is_new] = seen.emplace(picture.to_vector<std::uint8_t>(), character);
      EXPECT_TRUE(is_new) << character << " looks like " << other->second << " at size " << size;
    }
  }
  EXPECT_TRUE(same(picture_of("\u00ad", 20), picture_of("-", 20)));
}

TEST(Draw, NoLetterIsTheBoxOfAMissingOne) {
  Tensor box = picture_of("漢", 20);
  EXPECT_GT(ink(box), 10);
  for (const std::string& character : characters()) EXPECT_FALSE(same(picture_of(character, 20), box)) << character;
  for (const char* sign : {"€", "–", "—", "−", "„", "“", "”", "‘", "’", "‚", "…", "•", "→", "≤", "≥",
                           "≈", "Œ", "œ", "Δ", "Σ", "α", "β", "γ", "ε", "θ", "λ", "μ", "π", "σ"}) {
    EXPECT_FALSE(same(picture_of(sign, 20), box)) << sign;
  }
}

TEST(Draw, SpacesHaveNoInk) {
  EXPECT_EQ(ink(picture_of(" \u00a0", 20)), 0);
  EXPECT_GT(text_width(" ", 20), 4);
  EXPECT_EQ(text_width(" ", 20), text_width("\u00a0", 20));
}

TEST(Draw, AnAccentAddsInk) {
  const std::pair<const char*, const char*> letters[] = {{"A", "ÀÁÂÃÄÅ"}, {"C", "Ç"},      {"E", "ÈÉÊË"}, {"I", "ÌÍÎÏ"},
                                                         {"N", "Ñ"},      {"O", "ÒÓÔÕÖØ"}, {"U", "ÙÚÛÜ"}, {"Y", "Ý"},
                                                         {"a", "àáâãäå"}, {"c", "ç¢"},     {"e", "èéêë"}, {"i", "ìíîï"},
                                                         {"n", "ñ"},      {"o", "òóôõöø"}, {"u", "ùúûü"}, {"y", "ýÿ"}};
  for (auto [base, accented] : letters) {
    for (std::string_view rest = accented; !rest.empty(); rest.remove_prefix(2)) {
      std::string_view letter = rest.substr(0, 2);
      EXPECT_GT(ink(picture_of(letter, 30)), ink(picture_of(base, 30)) + 2) << letter;
      EXPECT_EQ(text_width(letter, 30), text_width(base, 30)) << letter;
    }
  }
}

TEST(Draw, DigitsAreEquallyWide) {
  for (unsigned digit = '0'; digit <= '9'; ++digit) EXPECT_EQ(text_width(utf8(digit), 100), 56) << digit;
}

TEST(Draw, CapitalsAreSevenTenthsOfTheSizeHigh) {
  for (double size : {10., 14., 20., 60.}) {
    auto [top, bottom] = extent(picture_of("H", size), 0);
    EXPECT_EQ(static_cast<double>(bottom - top), std::round(size * 0.7));
    auto [x_top, x_bottom] = extent(picture_of("x", size), 0);
    EXPECT_EQ(static_cast<double>(x_bottom - x_top), std::round(size * 0.5));
    EXPECT_EQ(bottom, x_bottom);
  }
}

TEST(Draw, SmallLettersStandSharplyOnTheirLine) {
  for (double y : {14.2, 14., 13.7}) {
    Drawing drawing(20, 20);
    drawing.text({2, y}, "L", {.size = 14});
    Tensor picture = drawing.image();
    EXPECT_EQ(level(picture, 6, 13), 0);    // the foot fills the row above the line
    EXPECT_EQ(level(picture, 6, 14), 255);  // and nothing of the row below
  }
}

TEST(Draw, WidthsAddUp) {
  std::string all;
  double sum = 0;
  for (const std::string& character : characters()) all += character, sum += text_width(character, 100);
  EXPECT_DOUBLE_EQ(text_width(all, 100), sum);
  EXPECT_DOUBLE_EQ(text_width(all, 50), sum / 2);
  EXPECT_EQ(text_width("", 14), 0);
  EXPECT_EQ(text_width("anything", 0), 0);
}

TEST(Draw, WhatIsNoUtf8IsABoxForEachByte) {
  // Continuations alone, cut short, too long, half a surrogate pair, beyond Unicode.
  for (std::string_view text : {"\x80", "\xbf\xbf", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xe0\x80\xaf",
                                "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff\xfe"}) {
    std::string boxes;
    for (std::size_t i = 0; i < text.size(); ++i) boxes += "漢";
    EXPECT_TRUE(same(picture_of(text, 12), picture_of(boxes, 12)));
  }
  EXPECT_TRUE(same(picture_of("\xc3n", 12), picture_of("漢n", 12)));
  EXPECT_TRUE(same(picture_of("\n", 12), picture_of("漢", 12)));
  EXPECT_TRUE(same(picture_of(std::string_view("\0", 1), 12), picture_of("漢", 12)));
}

TEST(Draw, TextIsAlignedByItsWidth) {
  auto columns = [](Align align, double x) {
    Drawing drawing(200, 30);
    drawing.text({x, 20}, "HIIIH", {.size = 20, .align = align});
    return extent(drawing.image(), 1);
  };
  double width = std::round(text_width("HIIIH", 20));
  auto [left, right] = columns(Align::left, 60);
  EXPECT_GE(left, 60);
  EXPECT_LE(static_cast<double>(right), 60 + width);
  EXPECT_NEAR(static_cast<double>(left - 60), 60 + width - static_cast<double>(right), 1);  // gaps at both ends
  EXPECT_EQ(columns(Align::right, 60 + text_width("HIIIH", 20)), (std::pair{left, right}));
  EXPECT_EQ(columns(Align::centre, 60 + text_width("HIIIH", 20) / 2), (std::pair{left, right}));
}

TEST(Draw, TheMiddleIsThatOfCapitals) {
  Drawing drawing(40, 40);
  drawing.text({10, 20}, "H", {.size = 20, .anchor = Anchor::middle});
  EXPECT_EQ(extent(drawing.image(), 0), (std::pair<std::int64_t, std::int64_t>(13, 27)));
}

TEST(Draw, UpwardsIsAQuarterTurn) {
  for (Align align : {Align::left, Align::centre, Align::right}) {
    for (Anchor stand : {Anchor::baseline, Anchor::middle}) {
      Drawing level_text(100, 100), upright(100, 100);
      level_text.text({50, 50}, "Qgj1", {.align = align, .anchor = stand});
      upright.text({50, 50}, "Qgj1", {.align = align, .anchor = stand, .upwards = true});
      Tensor before = level_text.image(), after = upright.image();
      for (std::int64_t y = 0; y < 100; ++y) {
        for (std::int64_t x = 0; x < 100; ++x) ASSERT_NEAR(level(before, x, y), level(after, y, 99 - x), 1) << x << y;
      }
    }
  }
}

// --- Lines and areas -------------------------------------------------------------------------------------------------

TEST(Draw, TheInkOfALineIsItsLengthTimesItsWidth) {
  for (double width : {0.4, 1., 1.5, 3., 8.}) {
    for (int degrees = 0; degrees < 180; degrees += 5) {
      double angle = degrees * std::numbers::pi / 180, x = 70 * std::cos(angle), y = 70 * std::sin(angle);
      Drawing drawing(200, 200);
      drawing.line({100.3 - x, 99.8 - y}, {100.3 + x, 99.8 + y}, {.width = width});
      double round_ends = std::numbers::pi * width * width / 4;
      EXPECT_NEAR(ink(drawing), 140 * width + round_ends, 1 + 0.002 * 140 * width) << width << " at " << degrees;
    }
  }
}

TEST(Draw, ALevelLineFillsItsRows) {
  Drawing drawing(20, 10);
  drawing.line({-5, 4}, {25, 4}, {.width = 2});
  Tensor picture = drawing.image();
  for (std::int64_t y = 0; y < 10; ++y) EXPECT_EQ(level(picture, 7, y), y == 3 || y == 4 ? 0 : 255) << y;
}

TEST(Draw, AreasAreExact) {
  Drawing disc(60, 60), rectangle(60, 60), triangle(60, 60), star(60, 60);
  disc.disc({30.2, 29.7}, 20);
  EXPECT_NEAR(ink(disc), std::numbers::pi * 400, 1.5);
  rectangle.rectangle({10.25, 10.5}, 30.5, 20.75);
  EXPECT_NEAR(ink(rectangle), 30.5 * 20.75, 1);
  EXPECT_EQ(level(rectangle.image(), 20, 20), 0);
  EXPECT_NEAR(level(rectangle.image(), 10, 20), 255 * 0.25, 1);
  triangle.polygon({{5, 5}, {50, 12}, {20, 55}});
  EXPECT_NEAR(ink(triangle), 0.5 * (45 * 50 - 7 * 15), 1);
  // The middle of a star is filled although its border runs round it twice.
  star.polygon({{30, 5}, {45, 50}, {7, 22}, {53, 22}, {15, 50}});
  EXPECT_EQ(level(star.image(), 30, 30), 0);
}

TEST(Draw, ALineThatCrossesItselfIsNoDarker) {
  Drawing drawing(40, 40);
  drawing.polyline({{5, 20}, {35, 20}, {20, 20}, {20, 5}, {20, 35}}, {.width = 4, .opacity = 0.5});
  Tensor picture = drawing.image();
  EXPECT_EQ(level(picture, 20, 20), level(picture, 10, 20));
  EXPECT_NEAR(level(picture, 20, 20), 128, 1);
}

TEST(Draw, LaterLiesOnEarlierAndColoursAreBlended) {
  Drawing drawing(4, 4, {10, 20, 30});
  EXPECT_EQ(level(drawing.image(), 3, 3, 2), 30);
  drawing.rectangle({0, 0}, 4, 4, {.colour = {200, 100, 0}});
  drawing.rectangle({0, 0}, 2, 4, {.colour = {0, 0, 255}, .opacity = 0.6});
  Tensor picture = drawing.image();
  EXPECT_EQ(level(picture, 3, 0, 0), 200);
  EXPECT_EQ(level(picture, 0, 0, 0), 80);
  EXPECT_EQ(level(picture, 0, 0, 2), 153);
}

TEST(Draw, EmptyThingsDrawNothing) {
  Drawing drawing(10, 10);
  drawing.polyline({});
  drawing.polygon({});
  drawing.polygon({{1, 1}, {9, 9}});
  drawing.text({5, 5}, "");
  drawing.text({5, 5}, "x", {.size = 0, .colour = {255, 255, 255}});
  drawing.line({1, 1}, {9, 9}, {.width = 0});
  drawing.rectangle({1, 1}, 0, 5);
  EXPECT_EQ(ink(drawing), 0);
}

TEST(Draw, WhatLiesOutsideIsCutOff) {
  // The same strokes in a small drawing and in a part of a large one.
  Drawing small(30, 30), large(90, 90);
  auto draw = [](Drawing& drawing, double by) {
    for (double x : {-28., -10., -1.5, 14., 29.7, 45.}) {
      for (double y : {-28., -0.5, 17., 31., 52.}) {
        drawing.text({by + x, by + y}, "Wg", {.size = 22});
        drawing.disc({by + x, by + y}, 3.3, {.opacity = 0.3});
        drawing.line({by + x, by + y}, {by + y, by - x}, {.width = 1.7});
        drawing.polygon({{by + x, by}, {by, by + y}, {by - x, by - y}}, {.opacity = 0.1});
        drawing.place(full({3, 5}, 0.2), static_cast<int>(by + x + 50) - 50, static_cast<int>(by + y + 50) - 50);
      }
    }
  };
  draw(small, 0);
  draw(large, 30);
  Tensor one = small.image(), other = large.image();
  for (std::int64_t y = 0; y < 30; ++y) {
    for (std::int64_t x = 0; x < 30; ++x) ASSERT_EQ(level(one, x, y), level(other, x + 30, y + 30)) << x << " " << y;
  }
}

TEST(Draw, TheFarthestPointsAreDrawnAsFarAsTheyAreSeen) {
  Drawing drawing(50, 50);
  drawing.line({-1e6, -1e6}, {1e6, 1e6}, {.width = 2});
  EXPECT_NEAR(ink(drawing), 2 * 50 * std::numbers::sqrt2 - 2, 0.5);
  drawing.polygon({{-1e6, -1e6}, {1e6, -1e6}, {1e6, 1e6}, {-1e6, 1e6}});
  EXPECT_EQ(ink(drawing), 2500);
  drawing.text({-1e6, 1e6}, "far");
  drawing.place(zeros({2, 2}), 1000000, -1000000, {.scale = 4096});
  EXPECT_EQ(ink(drawing), 2500);
}

TEST(Draw, ImagesLieAtTheirCorner) {
  Drawing drawing(8, 6);
  drawing.place(tensor(std::vector<std::uint8_t>{10, 20, 30, 40, 50, 60}, {1, 2, 3}), 1, 2, {.scale = 2});
  drawing.place(tensor({{-1., 1.}}), 6, 0);
  drawing.place(tensor(std::vector<std::uint8_t>{0, 0, 0, 51}, {1, 1, 4}), 0, 5);
  Tensor picture = drawing.image();
  EXPECT_EQ(level(picture, 2, 3, 0), 10);
  EXPECT_EQ(level(picture, 3, 2, 2), 60);
  EXPECT_EQ(level(picture, 5, 2), 255);
  EXPECT_EQ(level(picture, 6, 0), 0);
  EXPECT_EQ(level(picture, 7, 0), 255);
  EXPECT_EQ(level(picture, 0, 5), 204);  // a fifth of black
}

TEST(Draw, EqualDrawingsHaveEqualBitsEverywhere) {
  auto checksum = [](const Tensor& image) { return crc32c(std::as_bytes(image.span<std::uint8_t>())); };
  Tensor picture = sheet().image();
  EXPECT_EQ(checksum(picture), 0x6206fe97u);
  EXPECT_EQ(picture.shape(), Shape({240, 320, 3}));
  Drawing letters(1200, 900);
  double y = 0;
  std::string line;
  for (const std::string& character : characters()) {
    line += character;
    if (text_width(line, 37) < 1000 && character != "ÿ") continue;
    letters.text({10, y += 60}, line, {.size = 37});
    line.clear();
  }
  EXPECT_EQ(checksum(letters.image()), 0x37e18b47u);
}

// --- SVG -------------------------------------------------------------------------------------------------------------

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;
};

std::string unescaped(std::string text) {
  for (auto [from, to] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}) {
    for (std::size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, std::string(from).size(), to);
  }
  return text;
}

// The elements of a document in order; a failure, unless each is closed, and quotes and entities are right.
std::vector<Element> parsed(const std::string& xml) {
  std::vector<Element> elements;
  std::vector<std::string> open;
  for (std::size_t at = 0; at < xml.size();) {
    std::size_t begin = xml.find('<', at), end = xml.find('>', at);
    if (begin == std::string::npos) break;
    std::string between = xml.substr(at, begin - at), tag = xml.substr(begin + 1, end - begin - 1);
    if (!open.empty() && open.back() == "title")
      elements.back().text = unescaped(between);
    else
      EXPECT_EQ(between.find_first_not_of('\n'), std::string::npos) << between;
    at = end + 1;
    if (tag[0] == '/') {
      EXPECT_EQ(open.empty() ? "nothing" : open.back(), tag.substr(1));
      if (!open.empty()) open.pop_back();
      continue;
    }
    bool closed = tag.back() == '/';
    if (closed) tag.pop_back();
    Element& element = elements.emplace_back();
    element.name = tag.substr(0, tag.find(' '));
    for (std::size_t from = element.name.size(); from < tag.size();) {
      std::size_t equals = tag.find("=\"", from), quote = tag.find('"', equals + 2);
      EXPECT_TRUE(tag[from] == ' ' && equals != std::string::npos && quote != std::string::npos) << tag;
      if (quote == std::string::npos) return elements;
      std::string name = tag.substr(from + 1, equals - from - 1), value = tag.substr(equals + 2, quote - equals - 2);
      EXPECT_TRUE(element.attributes.emplace(name, unescaped(value)).second) << name;
      from = quote + 1;
    }
    if (!closed) open.push_back(element.name);
  }
  EXPECT_TRUE(open.empty());
  return elements;
}

// A path of the commands M, L, C and h, as points; curves in 32 pieces.
std::vector<std::vector<Point>> strokes_of(const std::string& path) {
  std::vector<std::vector<Point>> strokes;
  const char* at = path.c_str();
  auto number = [&] {
    char* end = nullptr;
    double value = std::strtod(at, &end);
    at = end;
    return value;
  };
  auto point = [&] {
    double x = number(), y = number();
    return Point{x, y};
  };
  while (*at) {
    char command = *at++;
    if (command == 'M')
      strokes.push_back({point()});
    else if (command == 'L')
      strokes.back().push_back(point());
    else if (command == 'h')
      number();
    else if (command == 'C') {
      Point a = strokes.back().back(), b = point(), c = point(), d = point();
      for (int i = 1; i <= 32; ++i) {
        double t = i / 32., s = 1 - t;
        auto mix = [&](double p, double q, double r, double u) {
          return s * s * s * p + 3 * s * s * t * q + 3 * s * t * t * r + t * t * t * u;
        };
        strokes.back().push_back({mix(a.x, b.x, c.x, d.x), mix(a.y, b.y, c.y, d.y)});
      }
    } else {
      ADD_FAILURE() << command << " in " << path;
      break;
    }
  }
  return strokes;
}

TEST(Draw, SvgIsWellFormedAndHasAllThatWasDrawn) {
  std::map<std::string, int> counts;
  for (const Element& element : parsed(sheet().svg())) ++counts[element.name];
  EXPECT_EQ(counts, (std::map<std::string, int>{
                        {"svg", 1}, {"rect", 1}, {"path", 8}, {"circle", 1}, {"image", 1}, {"g", 4}, {"title", 4}}));
}

TEST(Draw, SvgSaysWhatTheTextIs) {
  Drawing drawing(100, 30);
  drawing.text({0, 20}, "a<b> & \"c\" \xff\x01 ß");
  std::vector<Element> elements = parsed(drawing.svg());
  ASSERT_EQ(elements.size(), 5u);
  EXPECT_EQ(elements[2].attributes["aria-label"], "a<b> & \"c\" \ufffd\ufffd ß");
  EXPECT_EQ(elements[3].text, "a<b> & \"c\" \ufffd\ufffd ß");
  EXPECT_NE(drawing.svg().find("<title>a&lt;b&gt; &amp; &quot;c&quot; \ufffd\ufffd ß</title>"), std::string::npos);
}

TEST(Draw, SvgAndThePictureHaveTheSameStrokes) {
  Drawing drawing(400, 80);
  drawing.text({10, 50}, "Größe 0.125", {.size = 41.3});
  drawing.polyline({{5, 60}, {300, 70.5}, {390, 55}}, {.width = 2.25});
  Drawing again(400, 80);
  std::size_t strokes = 0;
  for (Element& element : parsed(drawing.svg())) {
    if (element.name != "path") continue;
    double width = std::stod(element.attributes["stroke-width"]);
    for (const std::vector<Point>& points : strokes_of(element.attributes["d"])) {
      again.polyline(points, {.width = width});
      ++strokes;
    }
  }
  EXPECT_GT(strokes, 12u);
  Tensor one = drawing.image(), other = again.image();
  EXPECT_NEAR(ink(one), ink(other), 0.01 * ink(one));
  for (std::int64_t y = 0; y < 80; ++y) {
    for (std::int64_t x = 0; x < 400; ++x) ASSERT_NEAR(level(one, x, y), level(other, x, y), 70) << x << " " << y;
  }
}

TEST(Draw, SvgNumbersAreShort) {
  Drawing drawing(20, 10);
  drawing.line({-0.5, 1.25}, {3, 1e6}, {.width = 0.05, .colour = {1, 2, 255}, .opacity = 0.5});
  drawing.polyline({{2, 3.004}});
  drawing.disc({1, 2}, 3.5);
  drawing.rectangle({1, 2}, 3, 4);
  EXPECT_EQ(drawing.svg(),
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"10\" viewBox=\"0 0 20 10\" fill=\"none\" "
            "stroke-linecap=\"round\" stroke-linejoin=\"round\">\n"
            "<rect width=\"20\" height=\"10\" fill=\"#ffffff\"/>\n"
            "<path d=\"M-0.5 1.25L3 1000000\" stroke-width=\"0.05\" stroke=\"#0102ff\" stroke-opacity=\"0.5\"/>\n"
            "<path d=\"M2 3h0\" stroke-width=\"1\" stroke=\"#000000\"/>\n"
            "<circle cx=\"1\" cy=\"2\" r=\"3.5\" fill=\"#000000\"/>\n"
            "<path d=\"M1 2L4 2L4 6L1 6Z\" fill=\"#000000\"/>\n"
            "</svg>\n");
}

TEST(Draw, SvgHoldsImagesAsPng) {
  for (std::int64_t width : {1, 2, 3, 4, 5}) {
    Drawing drawing(9, 9);
    Tensor image = full({2, width}, 7, DType::uint8);
    drawing.place(image, -1, 2, {.scale = 3});
    Element element = parsed(drawing.svg())[2];
    EXPECT_EQ(element.attributes["x"] + " " + element.attributes["y"], "-1 2");
    EXPECT_EQ(element.attributes["width"], std::to_string(3 * width));
    EXPECT_EQ(element.attributes["height"], "6");
    std::string data = element.attributes["href"], start = "data:image/png;base64,", bytes;
    ASSERT_TRUE(data.starts_with(start));
    std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned held = 0;
    int bits = 0;
    for (char c : data.substr(start.size())) {
      if (c == '=') break;
      held = held << 6 | static_cast<unsigned>(digits.find(c)), bits += 6;
      if (bits >= 8) bytes += static_cast<char>(held >> (bits -= 8) & 0xff);
    }
    EXPECT_EQ(data.size() % 4, start.size() % 4);
    EXPECT_EQ(bytes, encode_png(image));
  }
}

// --- Errors ----------------------------------------------------------------------------------------------------------

TEST(Draw, NumbersOutOfRangeAreRefused) {
  EXPECT_EQ(error_of<ValueError>([] { Drawing(0, 5); }), "Drawing: width is 0; expected 1 to 8192");
  EXPECT_EQ(error_of<ValueError>([] { Drawing(5, 9000); }), "Drawing: height is 9000; expected 1 to 8192");
  EXPECT_EQ(error_of<ValueError>([] { text_width("a", -1); }), "text_width: size is -1; expected 0 to 1000");
  Drawing drawing(10, 10);
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.text({1, 1}, "a", {.size = nan});
            }),
            "text: size is nan; expected 0 to 1000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.text({1, 1}, "a", {.weight = 0.75});
            }),
            "text: weight is 0.75; expected 0 to 0.5");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.text({infinity, 1}, "a");
            }),
            "text: x is inf; expected -1000000 to 1000000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.line({1, 1}, {1, nan});
            }),
            "polyline: y is nan; expected -1000000 to 1000000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.line({1, 1}, {2, 2}, {.width = -0.5});
            }),
            "polyline: width is -0.5; expected 0 to 10000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.polyline({{1, 1}}, {.opacity = 1.5});
            }),
            "polyline: opacity is 1.5; expected 0 to 1");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.polygon({{1, 1}, {-2e6, 1}});
            }),
            "polygon: x is -2000000; expected -1000000 to 1000000");
  EXPECT_EQ(error_of<ValueError>([&] { drawing.disc({1, 1}, -1); }), "disc: radius is -1; expected 0 to 5000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.rectangle({1, 1}, 5, infinity);
            }),
            "rectangle: height is inf; expected 0 to 1000000");
  EXPECT_EQ(error_of<ValueError>([&] {
              drawing.place(zeros({2, 2}), 0, 0, {.scale = 0});
            }),
            "place: scale is 0; expected 1 to 4096");
  EXPECT_EQ(error_of<ShapeError>([&] {
              drawing.place(zeros({2, 3, 2}), 0, 0);
            }),
            "place: takes an image of 1, 3 or 4 channels\n  image  (2, 3, 2)   height, width, channels");
  EXPECT_EQ(drawing.svg(), Drawing(10, 10).svg());  // what is refused leaves nothing
}

}  // namespace
}  // namespace floe
