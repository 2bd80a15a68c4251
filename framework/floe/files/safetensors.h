// safetensors files: named tensors and a few texts in one file, with checksums of Floe's own.
// Format: github.com/huggingface/safetensors, README.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <floe/files/file.h>
#include <floe/tensor/tensor.h>

namespace floe {

using Metadata = std::map<std::string, std::string>;  // texts by name

// Writes the tensors in their order, atomically; equal arguments give equal bytes. Names and metadata are UTF-8, names
// are distinct and not "__metadata__", and each tensor has a value; ValueError otherwise. FileError if the file cannot
// be written. Two texts are added to the metadata:
//   floe.format    "1"
//   floe.checksum  CRC-32C in eight lower-case hex digits each, with a space between: one of all before the data (the
//                  length and the header, padding included, with its own eight digits as zeros), then one of each
//                  tensor's bytes in the order of the data. Between them they cover every byte of the file.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata = {});

// What a file records about one tensor.
struct SafetensorsEntry {
  std::string name;             // "generator.conv1.filters"
  DType dtype;                  // of the tensor that is loaded
  std::string_view file_dtype;  // in the file's words: "F32"; F16 and BF16 are loaded as float32
  Shape shape;                  // () for a scalar
  std::uint64_t offset;         // of its bytes in the file
};

// A file whose header has been read and checked, and whose tensors are read when they are needed.
//
// Every rule of the format is checked: the data has neither holes, overlaps nor bytes after it, and no key appears
// twice. Beyond the format, dtypes are F32, F64, F16, BF16, I32, I64, U8 and BOOL, with up to six axes; F16 and BF16
// become float32, which holds every value of theirs, and a NaN with its bits. Files without Floe's checksums are read
// too; where there are some, all that is read is checked against them. Anything else is a FileError.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);  // reads and checks the header

  std::span<const SafetensorsEntry> entries() const { return entries_; }  // in the order of the data
  const Metadata& metadata() const { return metadata_; }                  // without Floe's own two
  bool contains(const std::string& name) const { return indices_.contains(name); }  // is there a tensor of that name?
  Tensor load(const std::string& name) const;  // FileError if there is none

 private:
  friend struct Safetensors load_safetensors(const std::filesystem::path& path);
  void take_own_metadata(const std::string& start);
  Tensor load(std::size_t index) const;
  Tensor load_halves(std::size_t index) const;
  void expect_checksum(std::size_t index, std::span<const std::byte> bytes) const;

  InputFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::unordered_map<std::string, std::size_t> indices_;
  Metadata metadata_;
  std::string checksums_;  // of the tensors, as in the file; empty if it has none
};

// A whole file.
struct Safetensors {
  NamedTensors tensors;  // in the order of the data
  Metadata metadata;     // without Floe's own two
};

Safetensors load_safetensors(const std::filesystem::path& path);  // all of it; FileError as SafetensorsFile

}  // namespace floe
