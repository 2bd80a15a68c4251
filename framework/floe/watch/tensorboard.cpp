// SummaryWriter: the few messages of TensorFlow's that TensorBoard reads, encoded by hand, each in a record.
#include <floe/watch/tensorboard.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <floe/files/checksum.h>
#include <floe/files/file.h>
#include <floe/files/system.h>
#include <floe/pictures/png.h>
#include <floe/tensor/bits.h>
#include <floe/tensor/parse.h>

namespace floe {
namespace {

constexpr int most_buckets = 30;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// --- Protocol buffers ------------------------------------------------------------------------------------------------

template <class T>
std::string little_endian(T value) {
  auto bytes = bits_as<std::array<char, sizeof(T)>>(value);
  return {bytes.data(), bytes.size()};
}

// A message is its fields one after the other, each a key and a value: protobuf.dev/programming-guides/encoding.
class Message {
 public:
  operator std::string_view() const { return bytes_; }

  Message& whole(int field, std::int64_t value) { return key(field, 0).varint(static_cast<std::uint64_t>(value)); }
  Message& real(int field, double value) { return key(field, 1).raw(little_endian(value)); }
  Message& real32(int field, float value) { return key(field, 5).raw(little_endian(value)); }
  Message& bytes(int field, std::string_view value) { return key(field, 2).varint(value.size()).raw(value); }
  Message& reals(int field, const std::vector<double>& values) {
    std::string packed;
    for (double value : values) packed += little_endian(value);
    return bytes(field, packed);
  }

 private:
  Message& key(int field, unsigned kind) { return varint(static_cast<unsigned>(field) << 3 | kind); }
  Message& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Message& varint(std::uint64_t value) {  // seven bits a byte, the lowest first; the eighth shows that more follow
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }

  std::string bytes_;
};

// Protocol buffers refuse a whole message if a string in it is not UTF-8 (RFC 3629).
bool is_utf8(std::string_view text) {
  constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i++]);
    int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
    if (more < 0) return false;
    std::uint32_t letter = more ? lead & (0x3fu >> more) : lead;
    for (int k = 0; k < more; ++k) {
      if (i == text.size() || (text[i] & 0xc0) != 0x80) return false;
      letter = letter << 6 | (text[i++] & 0x3fu);
    }
    if (letter < least[more] || letter > 0x10ffff || letter >> 11 == 27) return false;
  }
  return true;
}

// --- Events ----------------------------------------------------------------------------------------------------------

// TFRecord: length and data, each with a checksum that is disguised in case data hold checksums themselves.
std::string record(std::string_view data) {
  auto masked = [](std::string_view bytes) {
    return std::rotr(crc32c(std::as_bytes(std::span(bytes))), 15) + 0xa282ead8u;
  };
  std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + little_endian(masked(length)) + std::string(data) + little_endian(masked(data));
}

// The fields of a Summary.Value that holds strings for one of TensorBoard's plugins: a vector, or a single one.
enum class DataClass { tensor = 2, blob_sequence = 3 };
Message strings_for(std::string_view plugin, DataClass data_class, const std::vector<std::string>& strings, bool one) {
  Message shape, tensor;
  if (!one) shape.bytes(2, Message().whole(1, static_cast<std::int64_t>(strings.size())));
  tensor.whole(1, 7).bytes(2, shape);  // 7: DT_STRING
  for (const std::string& string : strings) tensor.bytes(8, string);

  Message metadata;
  metadata.bytes(1, Message().bytes(1, plugin)).whole(4, static_cast<int>(data_class));
  return Message().bytes(8, tensor).bytes(9, metadata);
}

// A HistogramProto.
Message histogram_of(const Tensor& tensor) {
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0, squares = 0;
  std::int64_t count = 0;
  auto for_each_finite = [&](auto action) {
    dispatch(tensor.dtype(), [&]<class T>() {
      for (T element : tensor.span<T>()) {
        double value = static_cast<double>(element);
        if (std::isfinite(value)) action(value);
      }
    });
  };
  for_each_finite([&](double value) {
    low = std::min(low, value), high = std::max(high, value), sum += value, squares += value * value, ++count;
  });
  if (count == 0) low = high = 0;

  // Halves, since the whole range of float64 is beyond float64.
  double half = high / 2 - low / 2;
  int buckets = half > 0 ? most_buckets : 1;
  std::vector<double> limits, counts(static_cast<std::size_t>(buckets));
  for (int i = 1; i <= buckets; ++i) {
    double share = static_cast<double>(i) / buckets;
    limits.push_back(low * (1 - share) + high * share);
  }
  for_each_finite([&](double value) {
    int bucket = half > 0 ? static_cast<int>((value / 2 - low / 2) / half * buckets) : 0;
    ++counts[static_cast<std::size_t>(std::min(bucket, buckets - 1))];
  });

  Message histogram;
  histogram.real(1, low).real(2, high).real(3, static_cast<double>(count)).real(4, sum).real(5, squares);
  return histogram.reals(6, limits).reals(7, counts);
}

// --- Files -----------------------------------------------------------------------------------------------------------

constexpr std::string_view file_start = "events.out.tfevents.";

// TensorBoard reads a folder's files in the order of their names, which begin with the time in seconds. A run that is
// resumed within a second, or after the clock was put back, still comes last.
std::filesystem::path next_file(const std::filesystem::path& folder, std::int64_t now) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(file_start)) continue;
    std::string_view rest = std::string_view(name).substr(file_start.size());
    auto time = parse_number<std::int64_t>(rest.substr(0, rest.find_first_not_of("0123456789")));
    now = std::max(now, time.value_or(0) + 1);
  }
  return folder / fmt::format("{}{:010}.{}.{}", file_start, now, os::host_name(), os::process_id());
}

std::string named(std::string_view tag) { return fmt::format("summary {}", in_quotes(tag)); }

}  // namespace

// --- The writer ------------------------------------------------------------------------------------------------------

SummaryWriter::SummaryWriter(const std::filesystem::path& folder, SummaryOptions options)
    : clock_(options.clock ? std::move(options.clock) : seconds_since_1970) {
  if (options.first_step < 0) {
    throw ValueError(fmt::format("summary: option .first_step must be 0 or more, but is {}", options.first_step));
  }
  if (folder.empty()) return;
  make_folder(folder);
  double now = clock_();
  file_ = std::make_unique<GrowingFile>(next_file(folder, static_cast<std::int64_t>(now)));

  // The version, then the start of a session: 1 is START, at which readers forget this step and later ones.
  append(Message().real(1, now).bytes(3, "brain.Event:2"));
  append(Message().real(1, now).whole(2, options.first_step).bytes(7, Message().whole(1, 1)));
}

SummaryWriter::~SummaryWriter() = default;

void SummaryWriter::append(std::string_view event) { file_->append(record(event)); }

void SummaryWriter::write(std::string_view tag, std::int64_t step, std::string_view value) {
  if (tag.empty()) throw ValueError("summary: the tag is empty");
  if (!is_utf8(tag)) throw ValueError(fmt::format("{}: the tag is not UTF-8", named(tag)));
  if (step < 0) throw ValueError(fmt::format("{}: the step must be 0 or more, but is {}", named(tag), step));
  if (!file_) return;
  std::string tagged = fmt::format("{}{}", std::string_view(Message().bytes(1, tag)), value);
  append(Message().real(1, clock_()).whole(2, step).bytes(5, Message().bytes(1, tagged)));
}

void SummaryWriter::scalar(std::string_view tag, double value, std::int64_t step) {
  write(tag, step, Message().real32(2, static_cast<float>(value)));
}

void SummaryWriter::scalar(std::string_view tag, Operand value, std::int64_t step) {
  require_value(named(tag), value);
  if (value->elements() != 1) {
    throw ShapeError(message(named(tag), "takes a tensor of one element", {{"value", value}}));
  }
  if (file_) scalar(tag, value->item(), step);
  else write(tag, step, {});
}

void SummaryWriter::image(std::string_view tag, Operand images, std::int64_t step, int max_outputs) {
  // Check.
  require_value(named(tag), images);
  if (max_outputs < 1) {
    throw ValueError(fmt::format("{}: max_outputs must be 1 or more, but is {}", named(tag), max_outputs));
  }
  int rank = images->rank();
  std::int64_t channels = rank == 2 ? 1 : rank == 3 || rank == 4 ? images->dim(-1) : 0;
  if ((channels != 1 && channels != 3 && channels != 4) || images->elements() == 0) {
    throw ShapeError(message(named(tag), "takes an image or a batch of them, of 1, 3 or 4 channels",
                             {{"images", images, "count, height, width, channels"}}));
  }
  if (images->dtype() != DType::uint8 && !is_floating(images->dtype())) {
    throw DTypeError(
        fmt::format("{}: takes images of uint8, float32 or float64, not {}", named(tag), name(images->dtype())));
  }
  if (!file_) return write(tag, step, {});

  // Width and height in text, then each image.
  std::int64_t count = rank == 4 ? std::min<std::int64_t>(max_outputs, images->dim(0)) : 1;
  Shape shape{images->dim(rank == 4 ? 1 : 0), images->dim(rank == 4 ? 2 : 1), channels};
  std::vector<std::string> strings{std::to_string(shape[1]), std::to_string(shape[0])};
  for (std::int64_t i = 0; i < count; ++i) strings.push_back(encode_png(images->view(shape, i * shape.elements())));
  write(tag, step, strings_for("images", DataClass::blob_sequence, strings, false));
}

void SummaryWriter::histogram(std::string_view tag, Operand tensor, std::int64_t step) {
  require_value(named(tag), tensor);
  write(tag, step, file_ ? Message().bytes(5, histogram_of(tensor->on(Device{}))) : Message());
}

void SummaryWriter::histograms(const Variables& variables, std::int64_t step) {
  for (const Variable* variable : variables) {
    std::string tag = variable->path();
    std::replace(tag.begin(), tag.end(), '.', '/');
    histogram(tag, *variable, step);
  }
}

void SummaryWriter::text(std::string_view tag, std::string_view markdown, std::int64_t step) {
  if (!is_utf8(markdown)) throw ValueError(fmt::format("{}: the text is not UTF-8", named(tag)));
  write(tag, step, strings_for("text", DataClass::tensor, {std::string(markdown)}, true));
}

}  // namespace floe
