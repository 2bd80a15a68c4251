// CsvLog: a text in memory, and the file that holds it.
#include <floe/files/csv.h>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <floe/files/file.h>
#include <floe/tensor/error.h>
#include <floe/tensor/parse.h>

namespace floe {
namespace {

// The text before `end`, which is removed together with it; all of it if there is no `end`.
std::string_view take_until(std::string_view& text, char end) {
  std::size_t at = std::min(text.find(end), text.size());
  std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

bool can_name_a_column(std::string_view name) { return !name.empty() && name.find_first_of(",\"\r\n") == name.npos; }

}  // namespace

CsvLog::CsvLog(std::filesystem::path path, std::vector<std::string> columns)
    : path_(std::move(path)), columns_(std::move(columns)), header_(fmt::format("{}\n", fmt::join(columns_, ","))) {
  if (columns_.empty()) throw ValueError("csv: there are no columns");
  for (const std::string& name : columns_) {
    if (!can_name_a_column(name))
      throw ValueError(fmt::format("csv: {} cannot be the name of a column", in_quotes(name)));
  }
}

CsvLog CsvLog::restored(std::filesystem::path path, std::int64_t last) {
  InputFile file(path);
  std::string text = file.read_text(0, file.size(), "the table");
  if (text.find('\n') == text.npos) file.refuse("line 1", "the line has no end");
  std::string_view rest = text, header = take_until(rest, '\n');
  std::vector<std::string> columns;
  do {
    std::string& name = columns.emplace_back(take_until(header, ','));
    if (!can_name_a_column(name)) {
      file.refuse("line 1", fmt::format("expected the name of a column, found {}", in_quotes(name)));
    }
  } while (!header.empty());
  CsvLog log(std::move(path), std::move(columns));
  log.take_rows(file, text, last);
  return log;
}

void CsvLog::require_columns(const std::vector<std::string>& columns) const {
  if (columns == columns_) return;
  throw FileError(path_, "line 1",
                  fmt::format("its columns are {}, and those of this run {}: another --out keeps both",
                              fmt::join(columns_, ","), fmt::join(columns, ",")));
}

std::string CsvLog::short_text(float number) { return fmt::format("{}", number); }

void CsvLog::append_row(const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    throw ValueError(fmt::format("csv: {} for {}", count(static_cast<long long>(cells.size()), "number"),
                                 count(static_cast<long long>(columns_.size()), "column")));
  }
  std::string rows = fmt::format("{}{}\n", rows_, fmt::join(cells, ","));
  write_atomically(path_, [&](Writer& file) { file.write(header_ + rows); });
  rows_ = std::move(rows);
}

void CsvLog::restore(std::int64_t last) {
  InputFile file(path_);
  take_rows(file, file.read_text(0, file.size(), "the table"), last);
}

void CsvLog::take_rows(const InputFile& file, const std::string& text, std::int64_t last) {
  int number = 1;
  auto refuse = [&](const std::string& what) { file.refuse(fmt::format("line {}", number), what); };

  if (!text.starts_with(header_)) {
    std::string_view rest = text;
    refuse(fmt::format("expected the columns {}, found {}", in_quotes(header_.substr(0, header_.size() - 1)),
                       in_quotes(take_until(rest, '\n'))));
  }

  std::string rows;
  for (std::string_view rest = std::string_view(text).substr(header_.size()); !rest.empty();) {
    // Check that the line is whole and that each of its cells is a number.
    ++number;
    if (rest.find('\n') == rest.npos) refuse("the line has no end");
    std::string_view line = take_until(rest, '\n'), cells = line;
    std::size_t commas = static_cast<std::size_t>(std::count(line.begin(), line.end(), ','));
    if (commas + 1 != columns_.size()) {
      refuse(
          fmt::format("expected {}, found {}", count(static_cast<long long>(columns_.size()), "number"), commas + 1));
    }
    double first = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::string_view cell = take_until(cells, ',');
      auto value = parse_number<double>(cell);
      if (!value) refuse(fmt::format("expected a number, found {}", in_quotes(cell)));
      if (i == 0) first = *value;
    }

    if (first <= static_cast<double>(last)) rows += fmt::format("{}\n", line);
  }
  rows_ = std::move(rows);
}

}  // namespace floe
