// The .npy header, read strictly, and the data after it.
#include <floe/files/npy.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <floe/tensor/parse.h>
#include <floe/tensor/size.h>

namespace floe {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t longest_text = 100'000'000;  // bytes, as for safetensors; a usual header takes 118

constexpr std::array<std::pair<std::string_view, DType>, 6> descriptions{{{"<f4", DType::float32},
                                                                          {"<f8", DType::float64},
                                                                          {"<i4", DType::int32},
                                                                          {"<i8", DType::int64},
                                                                          {"|u1", DType::uint8},
                                                                          {"|b1", DType::boolean}}};

// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: the part of Python's grammar that arrays need.
class HeaderParser {
 public:
  HeaderParser(const InputFile& file, std::uint64_t offset, std::string_view text)
      : file_(file), offset_(offset), text_(text) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (at_ < text_.size()) unexpected("the end of the header");

    if (!has_descr_) refuse("the key 'descr' is missing");
    if (!has_order_) refuse("the key 'fortran_order' is missing");
    if (!has_shape_) refuse("the key 'shape' is missing");
  }

  DType dtype = DType::float32;
  Shape shape;

 private:
  void parse_entry() {
    std::string_view key = string("a key in quotes");
    bool* seen = key == "descr"           ? &has_descr_
                 : key == "fortran_order" ? &has_order_
                 : key == "shape"         ? &has_shape_
                                          : nullptr;
    if (!seen) refuse(fmt::format("the key {} is unknown; expected descr, fortran_order and shape", in_quotes(key)));
    if (std::exchange(*seen, true)) refuse(fmt::format("the key {} appears twice", in_quotes(key)));
    expect(':');
    if (seen == &has_descr_) parse_dtype();
    else if (seen == &has_order_) parse_order();
    else parse_shape();
  }

  void parse_dtype() {
    skip_space();
    if (peek() == '[') refuse("descr is a list of fields; expected one type such as '<f4'");
    std::string_view descr = string("a type such as '<f4'");
    for (auto [text, type] : descriptions) {
      if (descr == text) {
        dtype = type;
        return;
      }
    }
    if (descr.find('O') != descr.npos) {
      refuse(fmt::format("descr is {}: Python objects, which run code when they are loaded, are not read",
                         in_quotes(descr)));
    }
    if (descr.starts_with('>')) {
      refuse(fmt::format("descr is {}: big-endian numbers are not read; save array.astype({})", in_quotes(descr),
                         in_quotes("<" + std::string(descr.substr(1)))));
    }
    refuse(fmt::format("descr is {}; expected one of <f4, <f8, <i4, <i8, |u1, |b1", in_quotes(descr)));
  }

  void parse_order() {
    std::string_view word = token();
    if (word == "True") refuse("the array is in Fortran order; save numpy.ascontiguousarray(array)");
    if (word != "False") refuse(fmt::format("fortran_order is {}; expected False", in_quotes(word)));
  }

  void parse_shape() {
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) unexpected("',' or ')'");
      parse_size();
      comma = accept(',');
    }
    if (shape.rank() == 1 && !comma) {
      refuse(fmt::format("shape is ({0}), which is a number; expected ({0},)", shape[0]));
    }
  }

  void parse_size() {
    std::string_view word = token();
    bool beyond = false;
    auto size = parse_number<std::int64_t>(word, &beyond);
    if (!(size || beyond) || (word.size() > 1 && word[0] == '0')) {
      refuse(fmt::format("shape holds {}; expected whole numbers", in_quotes(word)));
    }
    if (beyond) refuse(fmt::format("shape holds {}, which is beyond 63 bits", in_quotes(word)));
    if (*size < 0) refuse(fmt::format("shape holds {}; sizes cannot be negative", *size));
    if (shape.rank() == Shape::max_rank) {
      refuse(fmt::format("shape has more than {} axes, which is all a tensor can have", Shape::max_rank));
    }
    shape.append(*size);
  }

  // A text in quotes without escapes, which none of the expected texts needs.
  std::string_view string(std::string_view wanted) {
    skip_space();
    char quote = peek();
    std::size_t end = quote == '\'' || quote == '"' ? text_.find(quote, at_ + 1) : text_.npos;
    if (end == text_.npos) unexpected(wanted);
    std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content;
  }

  // A word or number: all up to the next space, comma or bracket.
  std::string_view token() {
    skip_space();
    std::string_view word = text_.substr(at_, text_.find_first_of(" \t\r\n,:()[]{}", at_) - at_);
    at_ += word.size();
    return word;
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) unexpected(in_quotes({&wanted, 1}));
  }

  [[noreturn]] void refuse(std::string_view what) const { file_.refuse("header", what); }

  [[noreturn]] void unexpected(std::string_view wanted) const {
    std::string found = at_ < text_.size() ? in_quotes(text_.substr(at_, 1)) : "the end of the header";
    file_.refuse(at_offset(offset_ + at_), fmt::format("expected {}, found {}", wanted, found));
  }

  const InputFile& file_;
  std::uint64_t offset_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path) {
  // The magic and the version.
  std::string start = file_.read_text(0, std::min<std::uint64_t>(file_.size(), magic.size()), "the magic");
  if (start != magic) file_.refuse("offset 0", fmt::format("expected a .npy file, found {}", file_.impostor()));
  std::string version = file_.read_text(6, 2, "the version");
  int major = static_cast<unsigned char>(version[0]), minor = static_cast<unsigned char>(version[1]);
  if (major < 1 || major > 3 || minor != 0) {
    file_.refuse("offset 6", fmt::format("version {}.{} is unknown; expected 1.0, 2.0 or 3.0", major, minor));
  }

  // The header, whose length takes two bytes in version 1.0 and four since.
  std::uint64_t length = 0, length_bytes = major == 1 ? 2 : 4;
  file_.read(8, std::as_writable_bytes(std::span(&length, 1)).first(to_size(length_bytes)), "the length of the header");
  if (length > longest_text) {
    file_.refuse("offset 8",
                 fmt::format("the header would take {} bytes, more than the limit of {}", length, longest_text));
  }
  std::uint64_t header_offset = 8 + length_bytes;
  std::string header = file_.read_text(header_offset, length, "the header");
  HeaderParser parser(file_, header_offset, header);
  parser.parse();
  shape_ = parser.shape;
  dtype_ = parser.dtype;

  // The size of the data.
  data_offset_ = header_offset + length;
  std::uint64_t bytes = file_.tensor_bytes("header", shape_, item_size(dtype_));
  if (bytes > file_.size() - data_offset_) {
    file_.refuse(at_offset(data_offset_), fmt::format("expected {} bytes of data for shape {}, {}, found {}", bytes,
                                                      to_string(shape_), name(dtype_), file_.size() - data_offset_));
  }
  file_.expect_end(data_offset_ + bytes);
}

Tensor NpyFile::all() const { return file_.read_tensor(data_offset_, shape_, dtype_, "the data"); }

Tensor NpyFile::rows(std::int64_t begin, std::int64_t end) const {
  std::uint64_t row_bytes = *byte_count(rows_shape("rows", 1), dtype_);
  if (begin < 0 || end < begin || end > shape_[0]) {
    throw ValueError(fmt::format("rows: {} to {} of {}, which has {}", begin, end, file_.path().string(),
                                 count(shape_[0], "row")));
  }
  return file_.read_tensor(data_offset_ + static_cast<std::uint64_t>(begin) * row_bytes,
                           rows_shape("rows", end - begin), dtype_, "the rows");
}

Tensor NpyFile::gather(std::span<const std::int64_t> rows) const {
  Tensor result(rows_shape("gather", static_cast<std::int64_t>(rows.size())), dtype_);
  std::uint64_t row_bytes = *byte_count(rows_shape("gather", 1), dtype_);
  std::byte* into = static_cast<std::byte*>(result.raw_mutable());
  for (std::int64_t row : rows) {
    if (row < 0 || row >= shape_[0]) {
      throw ValueError(
          fmt::format("gather: row {} of {}, which has {}", row, file_.path().string(), count(shape_[0], "row")));
    }
    file_.read_values(data_offset_ + static_cast<std::uint64_t>(row) * row_bytes, {into, to_size(row_bytes)}, dtype_,
                      "a row");
    into += row_bytes;
  }
  return result;
}

Shape NpyFile::rows_shape(std::string_view op, std::int64_t rows) const {
  if (shape_.rank() == 0) {
    throw ShapeError(fmt::format("{}: {} holds one number, which has no rows", op, file_.path().string()));
  }
  Shape result = shape_;
  result[0] = rows;
  return result;
}

Tensor load_npy(const std::filesystem::path& path) { return NpyFile(path).all(); }

void save_npy(const std::filesystem::path& path, const Tensor& value) {
  const Tensor tensor = to_write("save_npy", value);
  auto type =
      std::find_if(descriptions.begin(), descriptions.end(), [&](const auto& entry) { return entry.second == tensor.dtype(); });
  if (type == descriptions.end()) refuse_dtype("save_npy", "a dtype of Floe", tensor.dtype());
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type->first,
                                   to_string(tensor.shape()));

  // Spaces and a line end bring the data to a multiple of 64 bytes.
  std::size_t start_bytes = magic.size() + 4;
  header.append(63 - (start_bytes + header.size()) % 64, ' ');
  header += '\n';
  auto length = static_cast<std::uint16_t>(header.size());

  std::string start =
      fmt::format("{}{}{}{}{}", magic, '\1', '\0', static_cast<char>(length & 0xff), static_cast<char>(length >> 8));
  write_atomically(path, [&](Writer& file) {
    file.write(start + header);
    file.write(bytes_of(tensor));
  });
}

}  // namespace floe
