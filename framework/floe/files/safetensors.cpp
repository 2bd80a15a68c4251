// The safetensors header, read without a document tree so that no key is lost and little memory is taken, and the data.
#include <floe/files/safetensors.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <floe/files/checksum.h>
#include <floe/tensor/bits.h>

namespace floe {
namespace {

constexpr std::uint64_t longest_header = 100'000'000;  // bytes; a limit of the format
constexpr std::uint64_t length_bytes = 8;
constexpr std::string_view metadata_name = "__metadata__";
constexpr std::string_view format_key = "floe.format";
constexpr std::string_view checksum_key = "floe.checksum";
constexpr std::string_view format = "1";
constexpr std::size_t digits = 8;

// A dtype of the format, and the one that its tensors are loaded as. For each of the latter, the first is written.
struct FileDType {
  std::string_view text;
  DType loaded;
  std::size_t item_bytes;  // in the file
};

constexpr std::array<FileDType, 8> dtypes{{{"F32", DType::float32, 4},
                                           {"F64", DType::float64, 8},
                                           {"F16", DType::float32, 2},
                                           {"BF16", DType::float32, 2},
                                           {"I32", DType::int32, 4},
                                           {"I64", DType::int64, 8},
                                           {"U8", DType::uint8, 1},
                                           {"BOOL", DType::boolean, 1}}};

const FileDType* dtype_named(std::string_view text) {
  auto found = std::find_if(dtypes.begin(), dtypes.end(), [&](const FileDType& dtype) { return dtype.text == text; });
  return found == dtypes.end() ? nullptr : &*found;
}

std::string_view dtype_text(DType dtype) {
  auto found = std::find_if(dtypes.begin(), dtypes.end(), [&](const FileDType& one) { return one.loaded == dtype; });
  if (found == dtypes.end()) refuse_dtype("save_safetensors", "a dtype of Floe", dtype);
  return found->text;
}

// IEEE 754's binary16: a sign, 5 bits of exponent, 10 of the fraction.
float from_f16(std::uint16_t half) {
  std::uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu, fraction = half & 0x3ffu;
  if (exponent == 0) {  // a multiple of the smallest number above 0
    return bits_as<float>(sign | bits_as<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
  }
  exponent = exponent == 0x1f ? 0xff : exponent - 15 + 127;
  return bits_as<float>(sign | exponent << 23 | fraction << 13);
}

// The upper half of a float32.
float from_bf16(std::uint16_t half) { return bits_as<float>(std::uint32_t{half} << 16); }

// Spreads the halves, which fill the later half of the bytes, over all. Each is read before a float is written there.
template <float widened(std::uint16_t)>
void widen(std::span<std::byte> bytes) {
  std::size_t count = bytes.size() / sizeof(float);
  const std::byte* halves = bytes.data() + count * sizeof(std::uint16_t);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t half;
    std::memcpy(&half, halves + i * sizeof half, sizeof half);
    float value = widened(half);
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
}

std::string checksum_text(std::span<const std::byte> bytes) { return fmt::format("{:08x}", crc32c(bytes)); }

std::string of_tensor(std::string_view name) { return "tensor " + in_quotes(name); }

// --- The header ------------------------------------------------------------------------------------------------------

// Follows the parser through the header. Depth is bounded by the five places there are, so nothing deeper is taken.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const InputFile& file, std::string_view text) : file_(file), text_(text) {
    if (std::size_t zero = text.find('\0'); zero != text.npos) refuse_json(zero);  // the parser's end of text
    nlohmann::json::sax_parse(text, this);
  }

  struct Entry {
    std::string name;
    const FileDType* dtype = nullptr;
    Shape shape;
    std::array<std::uint64_t, 2> offsets{};
    int offset_count = 0;
    bool has_dtype = false, has_shape = false, has_offsets = false;
  };

  std::vector<Entry> entries;
  Metadata metadata;

  bool start_object(std::size_t) override {
    if (place_ == Place::file) place_ = Place::names;
    else if (place_ == Place::names) place_ = entry_.name == metadata_name ? Place::metadata : Place::entry;
    else unexpected("an object");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) finish_entry();
    place_ = place_ == Place::names ? Place::file : Place::names;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || key_ == "dtype") unexpected("a list");
    place_ = key_ == "shape" ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && entry_.offset_count != 2) refuse("data_offsets are not two numbers");
    place_ = Place::entry;
    return true;
  }

  bool key(std::string& key) override {
    if (place_ == Place::names) {
      if (!names_.insert(key).second) file_.refuse("header", fmt::format("{} appears twice", in_quotes(key)));
      entry_ = {};
      entry_.name = key;
    } else if (place_ == Place::metadata) {
      if (metadata.contains(key)) file_.refuse("header", fmt::format("metadata {} appears twice", in_quotes(key)));
    } else {
      bool* seen = key == "dtype"          ? &entry_.has_dtype
                   : key == "shape"        ? &entry_.has_shape
                   : key == "data_offsets" ? &entry_.has_offsets
                                           : nullptr;
      if (!seen) refuse(fmt::format("the key {} is unknown; expected dtype, shape and data_offsets", in_quotes(key)));
      if (std::exchange(*seen, true)) refuse(fmt::format("{} appears twice", key));
    }
    key_ = key;
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      metadata[key_] = text;
      return true;
    }
    if (place_ != Place::entry || key_ != "dtype") unexpected(in_quotes(text));
    entry_.dtype = dtype_named(text);
    if (!entry_.dtype) {
      refuse(fmt::format("dtype {} is not read; convert it to one of F32, F64, F16, BF16, I32, I64, U8, BOOL",
                         in_quotes(text)));
    }
    return true;
  }

  bool number_unsigned(std::uint64_t number) override {
    if (place_ == Place::offsets) {
      if (entry_.offset_count == 2) refuse("data_offsets are not two numbers");
      entry_.offsets[entry_.offset_count++] = number;
    } else if (place_ == Place::shape) {
      if (number >> 63) refuse(fmt::format("shape holds {}, which is beyond 63 bits", number));
      if (entry_.shape.rank() == Shape::max_rank) {
        refuse(fmt::format("shape has more than {} axes, which is all a tensor can have", Shape::max_rank));
      }
      entry_.shape.append(static_cast<std::int64_t>(number));
    } else {
      unexpected(fmt::to_string(number));
    }
    return true;
  }

  bool number_integer(std::int64_t number) override { unexpected(fmt::to_string(number)); }
  bool number_float(double, const std::string& text) override { unexpected(in_quotes(text)); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool null() override { unexpected("null"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error) override {
    constexpr int too_large_number = 406;
    if (error.id == too_large_number) unexpected(in_quotes(token));
    refuse_json(position - (position > 0));
  }

  [[noreturn]] void refuse_json(std::size_t at) const {
    file_.refuse(at_offset(length_bytes + at), fmt::format("expected JSON, found {}", at < text_.size()
                                                               ? in_quotes(text_.substr(at, 1))
                                                               : "the end of the header"));
  }

 private:
  enum class Place { file, names, metadata, entry, shape, offsets };

  [[noreturn]] void refuse(std::string_view what) const { file_.refuse(of_tensor(entry_.name), what); }

  [[noreturn]] void unexpected(const std::string& found) const {
    if (place_ == Place::file) file_.refuse("header", fmt::format("expected an object, found {}", found));
    if (place_ == Place::metadata) {
      file_.refuse("header", fmt::format("metadata {} is {}; expected a string", in_quotes(key_), found));
    }
    if (place_ == Place::names) refuse(fmt::format("expected an object, found {}", found));
    if (place_ != Place::entry) refuse(fmt::format("{} holds {}; expected whole numbers from 0 on", key_, found));
    refuse(fmt::format("{} is {}; expected a {}", key_, found, key_ == "dtype" ? "string" : "list"));
  }

  void finish_entry() {
    if (!entry_.has_dtype) refuse("dtype is missing");
    if (!entry_.has_shape) refuse("shape is missing");
    if (!entry_.has_offsets) refuse("data_offsets are missing");
    entries.push_back(entry_);
  }

  const InputFile& file_;
  std::string_view text_;
  Place place_ = Place::file;
  Entry entry_;
  std::string key_;
  std::unordered_set<std::string> names_;
};

// Reads the length and the header: everything before the data.
std::string read_start(const InputFile& file) {
  std::uint64_t length = 0;
  file.read(0, std::as_writable_bytes(std::span(&length, 1)), "the length of the header");
  if (length > longest_header) {
    file.refuse("offset 0", fmt::format("expected the length of a header, at most {}, found {}: {}", longest_header,
                                        length, file.impostor()));
  }
  std::string start = file.read_text(0, length_bytes, "the length of the header");
  start += file.read_text(length_bytes, length, "the header");
  if (length == 0 || start[length_bytes] != '{') {
    file.refuse(at_offset(length_bytes), fmt::format("expected a header that begins with '{{', found {}",
                                                     length ? in_quotes({&start[length_bytes], 1}) : "none"));
  }
  return start;
}

// Checks the offsets against the shapes and against each other, from 0 to the end of the file.
void check_offsets(const InputFile& file, std::uint64_t data_offset, const std::vector<HeaderReader::Entry>& entries) {
  std::uint64_t end = 0;
  for (const HeaderReader::Entry& entry : entries) {
    auto refuse = [&](std::string_view what) { file.refuse(of_tensor(entry.name), what); };
    auto [from, to] = entry.offsets;
    if (from > to) refuse(fmt::format("data_offsets [{}, {}] are reversed", from, to));
    if (from != end) {
      refuse(fmt::format("data_offsets [{}, {}] {}; expected a start at {}", from, to,
                         from < end ? "overlap other tensors" : "leave a hole", end));
    }
    std::uint64_t bytes = file.tensor_bytes(of_tensor(entry.name), entry.shape, entry.dtype->item_bytes);
    if (bytes != to - from) {
      refuse(fmt::format("shape {} of {} takes {} bytes, data_offsets [{}, {}] hold {}", to_string(entry.shape),
                         entry.dtype->text, bytes, from, to, to - from));
    }
    if (to > file.size() - data_offset) {
      refuse(fmt::format("data_offsets [{}, {}] go beyond the data, which has {} bytes", from, to,
                         file.size() - data_offset));
    }
    end = to;
  }
  file.expect_end(data_offset + end);
}

}  // namespace

// --- Reading ---------------------------------------------------------------------------------------------------------

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  std::string start = read_start(file_);
  HeaderReader header(file_, std::string_view(start).substr(length_bytes));

  // Other programs may list the entries in another order than the data.
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const auto& a, const auto& b) { return a.offsets < b.offsets; });
  check_offsets(file_, start.size(), header.entries);
  for (HeaderReader::Entry& entry : header.entries) {
    indices_[entry.name] = entries_.size();
    entries_.push_back(
        {std::move(entry.name), entry.dtype->loaded, entry.dtype->text, entry.shape, start.size() + entry.offsets[0]});
  }

  metadata_ = std::move(header.metadata);
  take_own_metadata(start);
}

void SafetensorsFile::take_own_metadata(const std::string& start) {
  auto own_format = metadata_.extract(std::string(format_key));
  auto own_checksum = metadata_.extract(std::string(checksum_key));
  if (!own_format && !own_checksum) return;

  // A flipped bit in a key must not make the file look like one of another program.
  if (!own_format || own_format.mapped() != format) {
    file_.refuse("header", own_format
                               ? fmt::format("floe.format is {}, and this version of Floe reads '{}'; it may be newer",
                                             in_quotes(own_format.mapped()), format)
                               : "there is a floe.checksum but no floe.format");
  }
  if (!own_checksum) file_.refuse("header", "there is a floe.format but no floe.checksum");

  // The header's own digits count as zeros.
  std::string text = own_checksum.mapped(), cleared = start;
  std::string before_digits = fmt::format("\"{}\":\"", checksum_key);
  std::size_t at = cleared.find(before_digits);
  bool complete = at != cleared.npos && text.size() == digits + (digits + 1) * entries_.size();
  if (complete) {
    std::fill_n(cleared.begin() + static_cast<std::ptrdiff_t>(at + before_digits.size()), digits, '0');
    complete = text.starts_with(checksum_text(std::as_bytes(std::span(cleared))));
  }
  if (!complete) {
    file_.refuse("header",
                 "it does not match its checksum; it is damaged, or another program changed it and kept floe.checksum");
  }
  checksums_ = text.substr(digits);
}

Tensor SafetensorsFile::load(std::size_t index) const {
  const SafetensorsEntry& entry = entries_[index];
  if (dtype_named(entry.file_dtype)->item_bytes < item_size(entry.dtype)) return load_halves(index);
  Tensor result = file_.read_tensor(entry.offset, entry.shape, entry.dtype, of_tensor(entry.name));
  expect_checksum(index, bytes_of(result));
  return result;
}

Tensor SafetensorsFile::load_halves(std::size_t index) const {
  const SafetensorsEntry& entry = entries_[index];
  Tensor result(entry.shape, entry.dtype);
  std::span<std::byte> bytes(static_cast<std::byte*>(result.raw_mutable()), bytes_of(result).size());
  std::span<std::byte> halves = bytes.last(bytes.size() / 2);
  file_.read(entry.offset, halves, of_tensor(entry.name));
  expect_checksum(index, halves);
  entry.file_dtype == "F16" ? widen<from_f16>(bytes) : widen<from_bf16>(bytes);
  return result;
}

void SafetensorsFile::expect_checksum(std::size_t index, std::span<const std::byte> bytes) const {
  if (checksums_.empty()) return;
  std::string found = checksum_text(bytes);
  std::string expected = checksums_.substr(index * (digits + 1) + 1, digits);
  if (found != expected) {
    file_.refuse(of_tensor(entries_[index].name),
                 fmt::format("its checksum is {}, expected {}; the file is damaged", found, in_quotes(expected)));
  }
}

Tensor SafetensorsFile::load(const std::string& name) const {
  auto index = indices_.find(name);
  if (index == indices_.end()) file_.refuse(of_tensor(name), "there is no tensor of that name");
  return load(index->second);
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  SafetensorsFile file(path);
  Safetensors result{{}, file.metadata()};
  for (const SafetensorsEntry& entry : file.entries()) {
    result.tensors.emplace_back(entry.name, file.load(result.tensors.size()));
  }
  return result;
}

// --- Writing ---------------------------------------------------------------------------------------------------------

namespace {

std::string json_text(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(fmt::format("save_safetensors: {} is not UTF-8", in_quotes(text)));
  }
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata) {
  // Check the names, and gather the checksums and the entries.
  std::unordered_set<std::string_view> names{metadata_name};
  std::string checksums(digits, '0'), entries;
  std::uint64_t end = 0;
  Tensors written;
  for (const auto& [name, tensor] : tensors) {
    if (!names.insert(name).second) {
      throw ValueError(fmt::format("save_safetensors: the name {} is {}", in_quotes(name),
                                   name == metadata_name ? "reserved" : "used twice"));
    }
    std::span<const std::byte> data = bytes_of(written.emplace_back(to_write("save_safetensors", tensor)));
    checksums += " " + checksum_text(data);
    entries += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", json_text(name),
                           dtype_text(tensor.dtype()), fmt::join(tensor.shape(), ","), end, end + data.size());
    end += data.size();
  }

  // The metadata come first, Floe's own before the rest; spaces bring the data to a multiple of 8 bytes.
  std::string header = fmt::format("{{\"{}\":{{\"{}\":\"", metadata_name, checksum_key);
  std::size_t digits_at = length_bytes + header.size();
  header += fmt::format("{}\",\"{}\":\"{}\"", checksums, format_key, format);
  for (const auto& [key, text] : metadata) {
    if (key == format_key || key == checksum_key) {
      throw ValueError(fmt::format("save_safetensors: the metadata {} is Floe's own", in_quotes(key)));
    }
    header += fmt::format(",{}:{}", json_text(key), json_text(text));
  }
  header += "}" + entries + "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > longest_header) {
    throw ValueError(fmt::format("save_safetensors: the header takes {} bytes, more than the limit of {}",
                                 header.size(), longest_header));
  }

  // The checksum of all this goes where zeros stood in for it.
  auto length = bits_as<std::array<char, length_bytes>>(static_cast<std::uint64_t>(header.size()));
  std::string start = std::string(length.data(), length.size()) + header;
  start.replace(digits_at, digits, checksum_text(std::as_bytes(std::span(start))));

  write_atomically(path, [&](Writer& file) {
    file.write(start);
    for (const Tensor& tensor : written) file.write(bytes_of(tensor));
  });
}

}  // namespace floe
