// CsvLog: a table of numbers that grows by a row an epoch and is whole on the disk at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

namespace floe {

class InputFile;

// Whole numbers are written as they are; others with the fewest digits that give the same float32. Equal runs leave
// equal files.
class CsvLog {
 public:
  // Starts empty; nothing is written before the first row, which replaces any file that is there. ValueError without
  // columns, and for a name that is empty or holds a comma, a quote or a line break.
  CsvLog(std::filesystem::path path, std::vector<std::string> columns);

  // Continues where the file ends: with its columns, and its rows as restore() takes them, and the errors of restore().
  static CsvLog restored(std::filesystem::path path, std::int64_t last);

  // FileError unless these are the log's: a table does not change its columns halfway.
  void require_columns(const std::vector<std::string>& columns) const;

  // One number per column, such as append(epoch, loss.result()). The file is replaced atomically; if that fails
  // (FileError), the log lacks the row, and so does the file unless only the last sync to the disk failed. ValueError
  // for too few or too many.
  template <class... Numbers>
    requires(std::is_arithmetic_v<Numbers> && ...)
  void append(Numbers... numbers) {
    append_row({cell(numbers)...});
  }
  void append(std::int64_t first, const std::vector<double>& rest) {
    std::vector<std::string> cells{cell(first)};
    for (double number : rest) cells.push_back(cell(number));
    append_row(cells);
  }

  // Takes the rows of the file whose first column is `last` or less, byte for byte: a resumed run leaves the same file
  // as one without interruption. FileError if there is no file, and with the line if it is not one that this log
  // wrote.
  void restore(std::int64_t last);

 private:
  template <class Number>
  static std::string cell(Number number) {
    if constexpr (std::is_integral_v<Number>) return std::to_string(number);
    else return short_text(static_cast<float>(number));
  }
  static std::string short_text(float number);
  void append_row(const std::vector<std::string>& cells);
  void take_rows(const InputFile& file, const std::string& text, std::int64_t last);  // of what the file holds

  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::string header_;  // the first line
  std::string rows_;    // the others
};

}  // namespace floe
