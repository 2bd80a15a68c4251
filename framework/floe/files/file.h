// Files: read with checks, and written so that a crash leaves either the whole old file or the whole new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <floe/files/system.h>
#include <floe/tensor/tensor.h>

namespace floe {

std::string in_words(std::error_code error);  // for messages: "permission is denied"

// --- Reading ---------------------------------------------------------------------------------------------------------

// A regular file, open for reading; offsets count bytes from its start. Its functions may run in several threads.
// Reading copies straight into the caller's memory. A mapping would save that copy, but a file that is cut short while
// it is mapped kills the process; here it is a FileError.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);  // FileError: nothing there, a folder, a device, no permission, ...
  InputFile(InputFile&&) = default;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // in bytes, when it was opened

  // Each reads exactly what is wanted, or throws before it allocates anything. `what` is for the message:
  //   images.npy: offset 128: expected the data (48 bytes), the file ends after 150 bytes
  void read(std::uint64_t offset, std::span<std::byte> into, std::string_view what) const;
  std::string read_text(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const;
  void read_values(std::uint64_t offset, std::span<std::byte> into, DType dtype, std::string_view what) const;
  Tensor read_tensor(std::uint64_t offset, const Shape& shape, DType dtype, std::string_view what) const;

  // The bytes of a tensor that the file claims to hold; refuses a shape whose bytes cannot be counted.
  std::uint64_t tensor_bytes(std::string_view where, const Shape& shape, std::size_t item_bytes) const;

  void expect_end(std::uint64_t offset) const;  // refuses bytes after `offset`

  // What the first bytes are instead: "an HTML page", "a Git LFS pointer (...)", ...; else those bytes.
  std::string impostor() const;

  [[noreturn]] void refuse(std::string_view where, std::string_view message) const {
    throw FileError(path_, where, message);
  }

 private:
  void expect_bytes(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const;

  std::filesystem::path path_;
  os::File file_;
  std::uint64_t size_ = 0;
};

std::string at_offset(std::uint64_t offset);  // "offset 80"
std::string in_quotes(std::string_view text);  // 'text', cut after 60 bytes, with all that is not plain ASCII as \x00

// Bytes of a tensor of these sizes, with this many per element; none if they are beyond 63 bits. A size of 0 does not
// excuse the others: the product of any of them must be countable.
std::optional<std::uint64_t> byte_count(const Shape& shape, std::size_t item_bytes);
inline std::optional<std::uint64_t> byte_count(const Shape& shape, DType dtype) {
  return byte_count(shape, item_size(dtype));
}

// --- Writing ---------------------------------------------------------------------------------------------------------

// Where write_atomically's caller puts the bytes. Each call goes to the system: gather small pieces first.
class Writer {
 public:
  void write(std::span<const std::byte> bytes);  // FileError, such as for a full disk
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

 private:
  friend void write_atomically(const std::filesystem::path&, const std::function<void(Writer&)>&);
  Writer(const std::filesystem::path& path, os::File& file) : path_(path), file_(file) {}

  const std::filesystem::path& path_;
  os::File& file_;
};

// Calls `fill` to write a temporary file next to `path`, forces it to disk, and renames it to `path`: at any moment,
// and after a crash or a power cut, `path` is the old file or the new one, whole. If anything fails, `fill` included,
// the temporary is removed and the error passed on. Temporaries (NAME.PID.NUMBER.tmp) that killed processes left for
// the same target are removed first. Links are followed; permissions are kept; only regular files are replaced.
void write_atomically(const std::filesystem::path& path, const std::function<void(Writer&)>& fill);

// Only removes those temporaries, for a target that will not be written again. What cannot be removed stays.
void sweep_orphans(const std::filesystem::path& target);

// A new file that grows: what was appended survives if the process is killed, and a reader sees it meanwhile.
class GrowingFile {
 public:
  explicit GrowingFile(std::filesystem::path path);  // FileError: it exists, there is no folder, no permission, ...

  void append(std::string_view bytes);  // all of them; or FileError, such as for a full disk, and none

 private:
  std::filesystem::path path_;
  os::File file_;
  std::uint64_t size_ = 0;
};

// Makes the folder and those above it if needed. FileError: a file is in the way, no permission, ...
void make_folder(const std::filesystem::path& folder);

// ValueError "OP: the tensor has no value yet" unless it has one.
void require_value(std::string_view op, const Tensor& tensor);
// A tensor that is to be written, on the CPU; the same error.
Tensor to_write(std::string_view op, const Tensor& tensor);
std::span<const std::byte> bytes_of(const Tensor& tensor);  // one that is on the CPU

}  // namespace floe
