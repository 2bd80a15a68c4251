// A line at a time through a JSON parser without a tree: events go straight into the strokes, and each is checked.
#include "ndjson.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <floe/tensor/error.h>
#include <nlohmann/json.hpp>

namespace floe::penguins {
namespace {

constexpr std::size_t longest_line = std::size_t{1} << 20;

// Quotes at most 20 printable characters of what a file holds.
std::string excerpt(std::string_view text) {
  constexpr std::size_t most = 20;
  std::string out = "\"";
  for (const char c : text.substr(0, most)) out += std::isprint(static_cast<unsigned char>(c)) ? c : '?';
  return out + (text.size() > most ? "...\"" : "\"");
}

// Receives the parser's events for one line. The first thing that is not as it should be stops the parser, and
// problem() then says in one sentence what it was.
class DrawingReader {
 public:
  explicit DrawingReader(std::string_view line) : line_(line) {}

  const std::string& problem() const { return problem_; }
  const Drawing& drawing() const { return drawing_; }

  bool null() { return scalar("null"); }
  bool boolean(bool) { return scalar("true or false"); }
  bool number_integer(std::int64_t value) { return number(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) { return number(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) { return number(value); }
  bool string(const std::string&) { return scalar("text"); }
  bool binary(std::vector<std::uint8_t>&) { return scalar("binary data"); }

  bool start_object(std::size_t) {
    if (depth_ != Depth::line) return unexpected("an object");
    depth_ = Depth::object;
    return true;
  }

  bool key(const std::string& name) {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
    if (found == keys.end()) {
      return refuse("expected one of the keys word, countrycode, timestamp, recognized, key_id and drawing, found " +
                    excerpt(name));
    }
    key_ = static_cast<std::size_t>(found - keys.begin());
    if (seen_[key_]) return refuse("expected every key once, found a second " + excerpt(name));
    seen_[key_] = true;
    return true;
  }

  bool end_object() {
    if (!seen_[drawing_key]) return refuse("expected the key \"drawing\", found an object without it");
    depth_ = Depth::line;
    return true;
  }

  bool start_array(std::size_t) {
    switch (depth_) {
      case Depth::object:
        if (key_ != drawing_key) return unexpected("a list");
        depth_ = Depth::drawing;
        return true;
      case Depth::drawing:
        depth_ = Depth::stroke;
        drawing_.emplace_back();
        lists_ = 0;
        return true;
      case Depth::stroke:
        if (lists_ == 2) {
          return refuse(stroke() + ": expected two lists, x and y, found a third one, the times of the raw format; " +
                        "take the simplified file");
        }
        depth_ = Depth::list;
        ++lists_;
        return true;
      default: return unexpected("a list");
    }
  }

  bool end_array() {
    switch (depth_) {
      case Depth::list: depth_ = Depth::stroke; return true;
      case Depth::stroke: depth_ = Depth::drawing; return check_stroke();
      default:
        depth_ = Depth::object;
        return drawing_.empty() ? refuse("expected at least one stroke, found an empty drawing") : true;
    }
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) {
    constexpr int number_too_large = 406;
    const std::string column = "column " + std::to_string(position) + ": ";
    if (position > line_.size()) return refuse(column + "expected the rest of the drawing, found the end of the line");
    if (error.id == number_too_large) return refuse(column + "expected a number 0 to 255, found " + excerpt(token));
    return refuse(column + "expected JSON, found " + excerpt(line_.substr(position - 1)));
  }

 private:
  struct Key {
    std::string_view name, value;
  };
  static constexpr std::array<Key, 6> keys = {{{"word", "text"},
                                               {"countrycode", "text"},
                                               {"timestamp", "text"},
                                               {"recognized", "true or false"},
                                               {"key_id", "text"},
                                               {"drawing", "a list of strokes"}}};
  static constexpr std::size_t drawing_key = 5;

  // What the parser is inside.
  enum class Depth { line, object, drawing, stroke, list };

  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  std::string stroke() const { return "stroke " + std::to_string(drawing_.size()); }

  bool unexpected(std::string_view found) {
    const std::string tail = ", found " + std::string(found);
    switch (depth_) {
      case Depth::line: return refuse("expected an object in braces" + tail);
      case Depth::object:
        return refuse(excerpt(keys[key_].name) + ": expected " + std::string(keys[key_].value) + tail);
      case Depth::drawing: return refuse("expected a stroke [[x...], [y...]]" + tail);
      case Depth::stroke: return refuse(stroke() + ": expected a list of numbers" + tail);
      default: return refuse(stroke() + ": expected a number" + tail);
    }
  }

  bool scalar(std::string_view kind) {
    if (depth_ == Depth::object && keys[key_].value == kind) return true;
    return unexpected(kind);
  }

  bool number(double value) {
    if (depth_ != Depth::list) return unexpected("a number");
    Stroke& last = drawing_.back();
    std::vector<float>& list = lists_ == 1 ? last.x : last.y;
    if (value < 0 || value > 255) {
      const std::string name = lists_ == 1 ? "x" : "y";
      return refuse(stroke() + ", point " + std::to_string(list.size() + 1) + ": expected " + name +
                    " from 0 to 255, found " + fmt::format("{}", value));
    }
    list.push_back(static_cast<float>(value));
    return true;
  }

  bool check_stroke() {
    const Stroke& last = drawing_.back();
    if (lists_ != 2) return refuse(stroke() + ": expected two lists, x and y, found " + std::to_string(lists_));
    if (last.x.size() != last.y.size()) {
      return refuse(stroke() + ": expected as many x as y, found " + std::to_string(last.x.size()) + " and " +
                    std::to_string(last.y.size()));
    }
    return last.x.empty() ? refuse(stroke() + ": expected at least one point, found none") : true;
  }

  std::string_view line_;
  Depth depth_ = Depth::line;
  std::size_t key_ = 0;
  std::array<bool, keys.size()> seen_{};
  int lists_ = 0;  // of the stroke so far
  Drawing drawing_;
  std::string problem_;
};

std::ifstream open(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw FileError(path, "open", "expected an .ndjson file, found a directory");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FileError(path, "open", std::string("expected a readable file, found: ") + std::strerror(errno));
  return file;
}

// Reads up to the next line feed, leaves it and a carriage return before it out, and stops after longest_line + 1
// characters. False at the end of the file.
bool next_line(std::ifstream& file, std::string& line) {
  constexpr int end = std::char_traits<char>::eof();
  std::streambuf& buffer = *file.rdbuf();
  line.clear();
  int c = buffer.sbumpc();
  if (c == end) return false;
  for (; c != '\n' && c != end && line.size() <= longest_line; c = buffer.sbumpc()) line += static_cast<char>(c);
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

// What a file is, from its beginning, if it is not NDJSON; empty if it may be.
std::string_view other_kind(std::string_view first_line) {
  const std::size_t start = first_line.find_first_not_of(" \t");
  if (first_line.starts_with("\xEF\xBB\xBF")) return "a byte order mark; save the file as plain UTF-8";
  if (first_line.starts_with("version https://git-lfs.github.com/")) return "a Git LFS pointer; run git lfs pull";
  if (first_line.starts_with("\x93NUMPY")) return "a NumPy file";
  if (start != std::string_view::npos && first_line[start] == '<') return "a web page; the download went wrong";
  return {};
}

}  // namespace

void read_ndjson(const std::filesystem::path& path, const std::function<void(const Drawing&)>& each) {
  std::ifstream file = open(path);
  std::string line;
  std::size_t number = 0, empty_line = 0, drawings = 0;
  const auto fail = [&](std::size_t at, std::string_view message) {
    throw FileError(path, "line " + std::to_string(at), message);
  };

  while (next_line(file, line)) {
    // Refuse what is not a line of such a file at all.
    ++number;
    if (line.size() > longest_line) fail(number, "expected at most 1 MiB in a line, found more");
    if (number == 1 && !other_kind(line).empty()) {
      fail(number, "expected a drawing in JSON, found " + std::string(other_kind(line)));
    }
    if (line.find_first_not_of(" \t") == std::string::npos) {
      if (empty_line == 0) empty_line = number;
      continue;
    }
    if (empty_line != 0) fail(empty_line, "expected a drawing, found an empty line");

    // Hand its drawing on.
    DrawingReader reader(line);
    if (!nlohmann::json::sax_parse(line, &reader)) fail(number, reader.problem());
    each(reader.drawing());
    ++drawings;
  }

  if (drawings == 0) fail(1, "expected a drawing, found the end of the file");
}

}  // namespace floe::penguins
