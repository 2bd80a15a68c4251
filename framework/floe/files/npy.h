// NumPy's .npy files: one array each, read whole or a few rows at a time, and written.
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include <floe/files/file.h>
#include <floe/tensor/tensor.h>

namespace floe {

// Versions 1.0 to 3.0; C order; '<f4', '<f8', '<i4', '<i8', '|u1' and '|b1'; up to six axes. Anything else (Fortran
// order, big-endian numbers, Python objects, a header that is not exactly one, data too short or too long) is a
// FileError, before memory is taken for more than the file holds.
Tensor load_npy(const std::filesystem::path& path);

// Version 1.0, written atomically. numpy.load reads it. FileError if it cannot be written, ValueError without a value.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

// An array that stays on the disk: opening checks all but the data, and reading takes only the rows you want.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path);  // FileError as above

  const Shape& shape() const { return shape_; }  // of the whole array
  DType dtype() const { return dtype_; }  // of its elements

  // FileError if the file can no longer be read; ValueError for rows that it does not have, ShapeError for rows of a
  // single number.
  Tensor all() const;
  Tensor rows(std::int64_t begin, std::int64_t end) const;  // (end - begin, ...): [begin, end)
  Tensor gather(std::span<const std::int64_t> rows) const;  // (rows.size(), ...), in that order, repeats allowed

 private:
  Shape rows_shape(std::string_view op, std::int64_t rows) const;

  InputFile file_;
  Shape shape_;
  DType dtype_;
  std::uint64_t data_offset_;
};

}  // namespace floe
