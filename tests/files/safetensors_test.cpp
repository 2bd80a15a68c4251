// safetensors files: whole files are read, damaged and malformed ones refused in one sentence, and a kill loses
// nothing.
#include <floe/files/safetensors.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/files/checksum.h>
#include <floe/ops/create.h>
#include <floe/tensor/rng.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using namespace std::string_literals;
using test::error_of;
using test::file_error_of;
using test::read_bytes;
using test::TempFolder;

std::string length_of(std::uint64_t length) { return {reinterpret_cast<const char*>(&length), 8}; }

// A file of another program: the header as it is given, and `data_bytes` bytes of data.
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return length_of(header.size()) + header + std::string(data_bytes, '\1');
}

std::string entry(const std::string& shape, const std::string& offsets, const std::string& dtype = "\"U8\"") {
  return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

std::string w(const std::string& shape, const std::string& offsets, const std::string& dtype = "\"U8\"") {
  return "{\"w\":" + entry(shape, offsets, dtype) + "}";
}

std::string loading(const TempFolder& folder, const std::string& bytes) {
  std::filesystem::path path = folder.write("a.safetensors", bytes);
  return file_error_of(path, [&] { load_safetensors(path); });
}

NamedTensors small_tensors() {
  return {{"generator.weights", tensor({{1.0, -2.0}, {3.5, 4.0}})},
          {"step", tensor<std::int64_t>(7)},
          {"none", zeros({0, 3})}};
}

std::string small_file(const TempFolder& folder) {
  save_safetensors(folder / "small", small_tensors(), {{"epoch", "3"}});
  return read_bytes(folder / "small");
}

// --- What is read ----------------------------------------------------------------------------------------------------

TEST(Safetensors, KeepsEveryDTypeShapeNameAndBit) {
  TempFolder folder;
  NamedTensors saved;
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    for (Shape shape : {Shape{}, Shape{0}, Shape{1}, Shape{3}, Shape{2, 0, 4}, Shape{2, 3, 1, 2, 1, 2}}) {
      Tensor x(shape, dtype);
      dispatch(dtype, [&]<class T>() {
        for (std::int64_t i = 0; i < x.elements(); ++i) x.mutable_data<T>()[i] = static_cast<T>(i * 37 + 1);
      });
      saved.emplace_back("x" + std::to_string(saved.size()), x);
    }
  }
  saved.emplace_back("nan", tensor(std::numeric_limits<float>::quiet_NaN()));
  saved.emplace_back("", tensor(1));
  saved.emplace_back("q\"uo\\te\n\0ü"s, tensor(2));
  saved.emplace_back(std::string(65536, 'n'), tensor(3));
  Metadata metadata{{"", "empty"}, {"model", "ü \"\\\n"}, {"z", ""}};
  save_safetensors(folder / "a", saved, metadata);

  Safetensors loaded = load_safetensors(folder / "a");
  EXPECT_EQ(loaded.metadata, metadata);
  ASSERT_EQ(loaded.tensors.size(), saved.size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    const auto& [name, tensor] = loaded.tensors[i];
    EXPECT_EQ(name, saved[i].first);
    EXPECT_EQ(tensor.shape(), saved[i].second.shape());
    EXPECT_EQ(tensor.dtype(), saved[i].second.dtype());
    EXPECT_TRUE(std::ranges::equal(bytes_of(tensor), bytes_of(saved[i].second)));
  }
}

// What a float of a sign, this many bits of exponent and this many of the fraction is, from the standard's formula.
double slow_value(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  int bias = (1 << (exponent_bits - 1)) - 1, most = (1 << exponent_bits) - 1;
  int exponent = static_cast<int>(bits >> fraction_bits) & most;
  double fraction = std::ldexp(bits & ((1u << fraction_bits) - 1), -fraction_bits);
  double sign = bits >> (exponent_bits + fraction_bits) ? -1 : 1;
  if (exponent == most) return fraction == 0 ? sign * HUGE_VAL : std::copysign(std::nan(""), sign);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

TEST(Safetensors, WidensEveryHalfExactly) {
  std::string halves;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) halves += {static_cast<char>(bits), static_cast<char>(bits >> 8)};
  for (auto [dtype, exponent_bits, fraction_bits] : {std::tuple{"F16", 5, 10}, {"BF16", 8, 7}}) {
    TempFolder folder;
    std::string header = w("[256,256]", "[0,131072]", fmt::format("\"{}\"", dtype));
    SafetensorsFile file(folder.write("a", length_of(header.size()) + header + halves));
    EXPECT_EQ(file.entries()[0].file_dtype, dtype);
    EXPECT_EQ(file.entries()[0].dtype, DType::float32);
    Tensor loaded = file.load("w");
    EXPECT_EQ(loaded.shape(), (Shape{256, 256}));
    ASSERT_EQ(loaded.dtype(), DType::float32);
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
      auto found = std::bit_cast<std::uint32_t>(loaded.data<float>()[bits]);
      auto expected = std::bit_cast<std::uint32_t>(static_cast<float>(slow_value(bits, exponent_bits, fraction_bits)));
      bool nan = (expected & 0x7fffffff) > 0x7f800000;
      if (nan)
        expected = (bits >> 15 << 31) | 0x7f800000 | (bits & ((1u << fraction_bits) - 1)) << (23 - fraction_bits);
      ASSERT_EQ(found, expected) << dtype << " " << bits;
    }
  }
}

TEST(Safetensors, WidensTheseHalves) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  TempFolder folder;
  std::string header = "{\"bytes\":" + entry("[3]", "[0,3]") + ",\"none\":" + entry("[0,2]", "[3,3]", "\"F16\"") +
                       ",\"scalar\":" + entry("[]", "[3,5]", "\"BF16\"") +
                       ",\"w\":" + entry("[7]", "[5,19]", "\"F16\"") + "}";
  std::string data = "\1\2\3"s + "\x80\x3f"s +  // 1
                     "\x00\x3c"s + "\x00\xc0"s + "\x55\x35"s + "\xff\x7b"s + "\x01\x00"s + "\x00\x80"s + "\x00\xfc"s;
  Safetensors loaded = load_safetensors(folder.write("a", length_of(header.size()) + header + data));
  EXPECT_EQ(loaded.tensors[0].second.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(loaded.tensors[1].second.shape(), (Shape{0, 2}));
  EXPECT_EQ(loaded.tensors[2].second.item(), 1);
  EXPECT_EQ(loaded.tensors[3].second.to_vector<float>(),
            (std::vector<float>{1, -2, 0.333251953125f, 65504, 0x1p-24f, 0, -infinity}));
  EXPECT_TRUE(std::signbit(loaded.tensors[3].second.data<float>()[5]));

  save_safetensors(folder / "wide", loaded.tensors);
  EXPECT_EQ(SafetensorsFile(folder / "wide").entries()[3].file_dtype, "F32") << "what was widened stays wide";
}

TEST(Safetensors, HoldsHalvesAgainstTheirChecksum) {
  TempFolder folder;
  save_safetensors(folder / "a", {{"w", tensor<std::uint8_t>({0, 60, 0, 64})}});
  std::string bytes = read_bytes(folder / "a");

  // The same bytes as two halves, and the checksum of the header that says so.
  auto put = [&](const std::string& from, const std::string& to) { bytes.replace(bytes.find(from), from.size(), to); };
  put("\"U8\",\"shape\":[4]", "\"F16\",\"shape\":[2]");
  std::size_t start = bytes.size() - 4;
  bytes.erase(start - 1, 1), --start;  // one space less after a name that is longer by one
  std::size_t digits_at = bytes.find("floe.checksum\":\"") + 16;
  std::string zeroed = bytes.substr(0, start);
  zeroed.replace(digits_at, 8, "00000000");
  bytes.replace(digits_at, 8, fmt::format("{:08x}", crc32c(std::as_bytes(std::span(zeroed)))));
  EXPECT_EQ(SafetensorsFile(folder.write("b", bytes)).load("w").to_vector<float>(), (std::vector<float>{1, 2}));

  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_NE(loading(folder, bytes).find("tensor 'w': its checksum is "), std::string::npos) << loading(folder, bytes);
}

TEST(Safetensors, WritesTheseBytes) {
  TempFolder folder;
  save_safetensors(folder / "a", {{"w", tensor<std::uint8_t>({1, 2, 3})}, {"b", tensor(5)}}, {{"epoch", "3"}});
  std::string header =
      "{\"__metadata__\":{\"floe.checksum\":\"CHECKSUM f130f21e ee00d08c\",\"floe.format\":\"1\",\"epoch\":\"3\"},"
      "\"w\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"I32\",\"shape\":[],\"data_"
      "offsets\":[3,7]}}";
  std::string bytes = read_bytes(folder / "a");
  header.replace(header.find("CHECKSUM"), 8, bytes.substr(8 + header.find("CHECKSUM"), 8));
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes, length_of(header.size()) + header + "\1\2\3\5\0\0\0"s);
}

TEST(Safetensors, WritesEqualFilesForEqualTensors) {
  TempFolder folder;
  EXPECT_EQ(small_file(folder), small_file(folder));
}

TEST(Safetensors, HoldsNothing) {
  TempFolder folder;
  save_safetensors(folder / "a", {});
  EXPECT_TRUE(load_safetensors(folder / "a").tensors.empty());
  EXPECT_EQ(loading(folder, file_of("{}")), "no error");
}

TEST(Safetensors, ReadsTheFilesOfOtherPrograms) {
  TempFolder folder;
  std::string header = " \"late\":" + entry("[2]", "[3, 5]") +
                       ",\n\"__metadata__\":{\"format\":\"pt\"}, \"empty\":" + entry("[0]", "[3,3]") +
                       ",\"early\":" + entry("[3]", "[0,3]");
  std::filesystem::path path = folder.write("a", file_of("{" + header + "}  ", 5));
  SafetensorsFile file(path);
  EXPECT_EQ(file.metadata(), (Metadata{{"format", "pt"}}));
  ASSERT_EQ(file.entries().size(), 3u);
  EXPECT_EQ(file.entries()[0].name, "early");
  EXPECT_EQ(file.entries()[1].name, "empty");
  EXPECT_EQ(file.entries()[2].name, "late");
  EXPECT_EQ(file.load("late").shape(), Shape{2});
}

TEST(SafetensorsFile, LoadsOneTensorWithoutTheRest) {
  TempFolder folder;
  std::string bytes = small_file(folder);
  bytes[bytes.size() - 9] ^= 1;  // in the weights, before the step
  std::filesystem::path path = folder.write("a", bytes);
  SafetensorsFile file(path);
  EXPECT_TRUE(file.contains("step"));
  EXPECT_FALSE(file.contains("steps"));
  EXPECT_EQ(file.load("step").item<std::int64_t>(), 7);
  EXPECT_EQ(file_error_of(path, [&] { file.load("generator.weights"); }),
            "tensor 'generator.weights': its checksum is 4f4df96f, expected 'bd267a6c'; the file is damaged");
  EXPECT_EQ(file_error_of(path, [&] { file.load("steps"); }), "tensor 'steps': there is no tensor of that name");
}

TEST(SafetensorsFile, ReadsTheEndOfATebibyte) {
  TempFolder folder;
  std::string header = "{\"big\":" + entry("[1099511627776]", "[0,1099511627776]") +
                       ",\"w\":" + entry("[2]", "[1099511627776,1099511627778]") + "}";
  std::filesystem::path path = folder.write("a", file_of(header));
  std::filesystem::resize_file(path, 8 + header.size() + (std::uint64_t{1} << 40) + 2);
  EXPECT_EQ(SafetensorsFile(path).load("w").to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{0, 0}));
}

TEST(SafetensorsFile, RefusesAFileThatBecomesShorter) {
  TempFolder folder;
  std::filesystem::path path = folder.write("a", file_of(w("[4]", "[0,4]"), 4));
  SafetensorsFile file(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(file_error_of(path, [&] { file.load("w"); }),
            "offset 64: expected tensor 'w', the file became shorter meanwhile");
}

// --- Damage ----------------------------------------------------------------------------------------------------------

TEST(Safetensors, RefusesTruncationAtEveryByte) {
  TempFolder folder;
  std::string whole = small_file(folder);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(loading(folder, whole.substr(0, size)), "no error") << size;
  }
}

TEST(Safetensors, RefusesEveryFlippedBit) {
  TempFolder folder;
  std::string whole = small_file(folder);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(loading(folder, flipped), "no error") << "bit " << bit;
  }
}

TEST(Safetensors, SurvivesEveryFlippedBitOfAFileWithoutChecksums) {
  TempFolder folder;
  std::string whole =
      file_of("{\"a\":" + entry("[2]", "[0,8]", "\"F32\"") + ",\"b\":" + entry("[]", "[8,9]", "\"BOOL\"") + "}", 9);
  ASSERT_EQ(loading(folder, whole), "no error");
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    loading(folder, flipped);
  }
}

TEST(Safetensors, NamesTheDamage) {
  TempFolder folder;
  std::string whole = small_file(folder);
  std::string data = whole, header = whole, format = whole;
  data.back() ^= 1;
  EXPECT_EQ(loading(folder, data), "tensor 'step': its checksum is 841a348d, expected '7671b78e'; the file is damaged");
  header[whole.find("epoch")] = 'E';
  EXPECT_EQ(loading(folder, header),
            "header: it does not match its checksum; it is damaged, or another program changed it "
            "and kept floe.checksum");
  format[whole.find("floe.format\":\"1") + 14] = '2';
  EXPECT_EQ(loading(folder, format), "header: floe.format is '2', and this version of Floe reads '1'; it may be newer");
  EXPECT_EQ(loading(folder, file_of("{\"__metadata__\":{\"floe.format\":\"1\"}}")),
            "header: there is a floe.format but no floe.checksum");
  EXPECT_EQ(loading(folder, file_of("{\"__metadata__\":{\"floe.checksum\":\"00000000\"}}")),
            "header: there is a floe.checksum but no floe.format");
}

// --- Malformed files -------------------------------------------------------------------------------------------------

struct Bad {
  std::string bytes, message;
};

TEST(Safetensors, RefusesWrongLengths) {
  TempFolder folder;
  std::string limit = "offset 0: expected the length of a header, at most 100000000, found ";
  for (const auto& [bytes, message] : std::vector<Bad>{
           {"", "offset 0: expected the length of the header (8 bytes), the file ends after 0 bytes"},
           {"x", "offset 0: expected the length of the header (8 bytes), the file ends after 1 byte"},
           {length_of(0), "offset 8: expected a header that begins with '{', found none"},
           {length_of(2), "offset 8: expected the header (2 bytes), the file ends after 8 bytes"},
           {length_of(1) + "{}", "offset 9: expected JSON, found the end of the header"},
           {length_of(3) + "{}", "offset 8: expected the header (3 bytes), the file ends after 10 bytes"},
           {length_of(100'000'000) + "{}",
            "offset 8: expected the header (100000000 bytes), the file ends after 10 bytes"},
           {length_of(100'000'001) + "{}", limit + "100000001: '\\x01\\xe1\\xf5\\x05\\x00\\x00\\x00\\x00'"},
           {length_of(0xffffffff0000003c), limit + "18446744069414584380: '<\\x00\\x00\\x00\\xff\\xff\\xff\\xff'"},
           {"<!DOCTYPE html>", limit + "5789751444030890300: an HTML page (a failed download?)"},
           {"version https://git-lfs.github.com",
            limit + "2336927755350992246: a Git LFS pointer ('git lfs pull' fetches the data)"}}) {
    EXPECT_EQ(loading(folder, bytes), message);
  }
  for (std::uint64_t length :
       {(1ull << 31) - 1, 1ull << 31, (1ull << 32) - 1, (1ull << 63) - 1, 1ull << 63, ~0ull - 7, ~0ull}) {
    EXPECT_EQ(loading(folder, length_of(length) + "{}").substr(0, limit.size()), limit);
  }
}

TEST(Safetensors, RefusesHeadersThatAreNotJson) {
  TempFolder folder;
  for (const auto& [header, message] : std::vector<Bad>{
           {" {}", "offset 8: expected a header that begins with '{', found ' '"},
           {"[]", "offset 8: expected a header that begins with '{', found '['"},
           {"\xef\xbb\xbf{}", "offset 8: expected a header that begins with '{', found '\\xef'"},
           {"{", "offset 9: expected JSON, found the end of the header"},
           {"{}x", "offset 10: expected JSON, found 'x'"},
           {"{}{}", "offset 10: expected JSON, found '{'"},
           {"{} \0"s, "offset 11: expected JSON, found '\\x00'"},
           {"{\0}"s, "offset 9: expected JSON, found '\\x00'"},
           {"{/* */}", "offset 9: expected JSON, found '/'"},
           {"{\"w\":" + entry("[]", "[0,1]") + ",}", "offset 60: expected JSON, found '}'"},
           {w("[NaN]", "[0,1]"), "offset 36: expected JSON, found 'N'"},
           {w("[01]", "[0,1]"), "offset 37: expected JSON, found '1'"},
           {"{\"\xff\":1}", "offset 10: expected JSON, found '\\xff'"},
           {"{\"\\ud800\":1}", "offset 16: expected JSON, found '\"'"},
           {"{\"w\n\":1}", "offset 11: expected JSON, found '\\x0a'"}}) {
    EXPECT_EQ(loading(folder, file_of(header, 1)), message) << header;
  }
}

TEST(Safetensors, RefusesWrongEntries) {
  TempFolder folder;
  std::string whole = "; expected whole numbers from 0 on";
  for (const auto& [header, message] : std::vector<Bad>{
           {"{\"w\":1}", "tensor 'w': expected an object, found 1"},
           {"{\"w\":[]}", "tensor 'w': expected an object, found a list"},
           {"{\"w\":{}}", "tensor 'w': dtype is missing"},
           {"{\"w\":{\"dtype\":\"U8\"}}", "tensor 'w': shape is missing"},
           {"{\"w\":{\"dtype\":\"U8\",\"shape\":[]}}", "tensor 'w': data_offsets are missing"},
           {"{\"w\":{\"type\":\"U8\"}}",
            "tensor 'w': the key 'type' is unknown; expected dtype, shape and data_offsets"},
           {"{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", "tensor 'w': dtype appears twice"},
           {"{\"w\":{\"dtype\":{}}}", "tensor 'w': dtype is an object; expected a string"},
           {"{\"w\":" + entry("[]", "[0,1]") + ",\"w\":" + entry("[]", "[1,2]") + "}", "header: 'w' appears twice"},
           {"{\"w\":" + entry("[]", "[0,1]") + ",\"\\u0077\":" + entry("[]", "[1,2]") + "}",
            "header: 'w' appears twice"},
           {"{\"__metadata__\":" + entry("[]", "[0,1]") + "}", "header: metadata 'shape' is a list; expected a string"},
           {"{\"__metadata__\":{\"a\":1}}", "header: metadata 'a' is 1; expected a string"},
           {"{\"__metadata__\":{\"a\":null}}", "header: metadata 'a' is null; expected a string"},
           {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "header: metadata 'a' appears twice"},
           {"{\"__metadata__\":{},\"__metadata__\":{}}", "header: '__metadata__' appears twice"},
           {"{\"__metadata__\":1}", "tensor '__metadata__': expected an object, found 1"},
           {w("[]", "[0,1]", "\"F8_E4M3\""),
            "tensor 'w': dtype 'F8_E4M3' is not read; convert it to one of F32, F64, F16, BF16, I32, I64, U8, BOOL"},
           {w("[]", "[0,1]", "\"f16\""),
            "tensor 'w': dtype 'f16' is not read; convert it to one of F32, F64, F16, BF16, I32, I64, U8, BOOL"},
           {w("[]", "[0,1]", "\"u8\""),
            "tensor 'w': dtype 'u8' is not read; convert it to one of F32, F64, F16, BF16, I32, I64, U8, BOOL"},
           {w("[]", "[0,1]", "\"\""),
            "tensor 'w': dtype '' is not read; convert it to one of F32, F64, F16, BF16, I32, I64, U8, BOOL"},
           {w("[]", "[0,1]", "8"), "tensor 'w': dtype is 8; expected a string"},
           {w("[]", "[0,1]", "[]"), "tensor 'w': dtype is a list; expected a string"},
           {w("3", "[0,1]"), "tensor 'w': shape is 3; expected a list"},
           {w("\"3\"", "[0,1]"), "tensor 'w': shape is '3'; expected a list"},
           {w("[-1]", "[0,1]"), "tensor 'w': shape holds -1" + whole},
           {w("[1.5]", "[0,1]"), "tensor 'w': shape holds '1.5'" + whole},
           {w("[1e3]", "[0,1]"), "tensor 'w': shape holds '1e3'" + whole},
           {w("[true]", "[0,1]"), "tensor 'w': shape holds true" + whole},
           {w("[\"1\"]", "[0,1]"), "tensor 'w': shape holds '1'" + whole},
           {w("[null]", "[0,1]"), "tensor 'w': shape holds null" + whole},
           {w("[[1]]", "[0,1]"), "tensor 'w': shape holds a list" + whole},
           {w("[{}]", "[0,1]"), "tensor 'w': shape holds an object" + whole},
           {w("[18446744073709551616]", "[0,1]"), "tensor 'w': shape holds '18446744073709551616'" + whole},
           {w("[18446744073709551615]", "[0,1]"),
            "tensor 'w': shape holds 18446744073709551615, which is beyond 63 bits"},
           {w("[1,1,1,1,1,1,1]", "[0,1]"), "tensor 'w': shape has more than 6 axes, which is all a tensor can have"},
           {w("[]", "[0]"), "tensor 'w': data_offsets are not two numbers"},
           {w("[]", "[0,1,2]"), "tensor 'w': data_offsets are not two numbers"},
           {w("[]", "[-1,0]"), "tensor 'w': data_offsets holds -1" + whole}}) {
    EXPECT_EQ(loading(folder, file_of(header, 1)), message) << header;
  }
}

TEST(Safetensors, RefusesOffsetsThatDoNotFit) {
  TempFolder folder;
  auto two = [](const std::string& a, const std::string& b) { return "{\"a\":" + a + ",\"b\":" + b + "}"; };
  for (const auto& [header, message] :
       std::vector<Bad>{{w("[4]", "[4,0]"), "tensor 'w': data_offsets [4, 0] are reversed"},
                        {w("[2]", "[2,4]"), "tensor 'w': data_offsets [2, 4] leave a hole; expected a start at 0"},
                        {w("[5]", "[0,4]"), "tensor 'w': shape (5,) of U8 takes 5 bytes, data_offsets [0, 4] hold 4"},
                        {w("[5]", "[0,5]"), "tensor 'w': data_offsets [0, 5] go beyond the data, which has 4 bytes"},
                        {w("[4]", "[0,4]", "\"F16\""),
                         "tensor 'w': shape (4,) of F16 takes 8 bytes, data_offsets [0, 4] hold 4"},
                        {w("[1]", "[0,4]", "\"F16\""),
                         "tensor 'w': shape (1,) of F16 takes 2 bytes, data_offsets [0, 4] hold 4"},
                        {w("[1]", "[0,3]", "\"BF16\""),
                         "tensor 'w': shape (1,) of BF16 takes 2 bytes, data_offsets [0, 3] hold 3"},
                        {w("[]", "[0,4]", "\"BF16\""),
                         "tensor 'w': shape () of BF16 takes 2 bytes, data_offsets [0, 4] hold 4"},
                        {w("[3]", "[0,6]", "\"BF16\""),
                         "tensor 'w': data_offsets [0, 6] go beyond the data, which has 4 bytes"},
                        {w("[1]", "[0,2]", "\"F16\""),
                         "offset 64: expected the end of the file, found 2 bytes more"},
                        {w("[4611686018427387904]", "[0,4]", "\"F16\""),
                         "tensor 'w': shape (4611686018427387904,) has more elements than can be counted"},
                        {w("[3]", "[0,3]"), "offset 64: expected the end of the file, found 1 byte more"},
                        {"{}", "offset 10: expected the end of the file, found 4 bytes more"},
                        {w("[4611686018427387904]", "[0,4611686018427387904]"),
                         "tensor 'w': data_offsets [0, 4611686018427387904] go beyond the data, which has 4 bytes"},
                        {w("[4294967296,4294967296]", "[0,0]"),
                         "tensor 'w': shape (4294967296, 4294967296) has more elements than can be counted"},
                        {w("[4294967297,4294967296]", "[0,4]"),
                         "tensor 'w': shape (4294967297, 4294967296) has more elements than can be counted"},
                        {w("[2,9223372036854775807]", "[0,4]"),
                         "tensor 'w': shape (2, 9223372036854775807) has more elements than can be counted"},
                        {w("[9223372036854775807,2,0]", "[0,0]"),
                         "tensor 'w': shape (9223372036854775807, 2, 0) has more elements than can be counted"},
                        {w("[2]", "[18446744073709551614,18446744073709551615]"),
                         "tensor 'w': data_offsets [18446744073709551614, 18446744073709551615] leave a hole; expected "
                         "a start at 0"},
                        {two(entry("[2]", "[0,2]"), entry("[3]", "[1,4]")),
                         "tensor 'b': data_offsets [1, 4] overlap other tensors; expected a start at 2"},
                        {two(entry("[4]", "[0,4]"), entry("[4]", "[0,4]")),
                         "tensor 'b': data_offsets [0, 4] overlap other tensors; expected a start at 4"},
                        {two(entry("[1]", "[0,1]"), entry("[2]", "[2,4]")),
                         "tensor 'b': data_offsets [2, 4] leave a hole; expected a start at 1"},
                        {two(entry("[4]", "[0,4]"), entry("[0]", "[2,2]")),
                         "tensor 'b': data_offsets [2, 2] overlap other tensors; expected a start at 4"},
                        {two(entry("[4]", "[0,4]"), entry("[0]", "[8,8]")),
                         "tensor 'b': data_offsets [8, 8] leave a hole; expected a start at 4"}}) {
    EXPECT_EQ(loading(folder, file_of(header, 4)), message) << header;
  }
}

TEST(Safetensors, RefusesABoolThatIsNeitherTrueNorFalse) {
  TempFolder folder;
  std::string bytes = file_of(w("[2]", "[0,2]", "\"BOOL\""), 2);
  bytes.back() = '\2';
  EXPECT_EQ(loading(folder, bytes), "offset 64: a bool is 0 or 1, found 2");
}

TEST(Safetensors, ShowsStrangeNamesInOneShortLine) {
  TempFolder folder;
  EXPECT_EQ(loading(folder, file_of("{\"a\\u0000b\\n\\u00fc\":1}")),
            "tensor 'a\\x00b\\x0a\\xc3\\xbc': expected an object, found 1");
  EXPECT_EQ(loading(folder, file_of("{\"" + std::string(65536, 'n') + "\":1}")),
            "tensor '" + std::string(60, 'n') + "...': expected an object, found 1");
}

TEST(Safetensors, RefusesAbuseOfJson) {
  TempFolder folder;
  std::string deep(100'000, '[');
  EXPECT_EQ(loading(folder, file_of(w(deep, "[0,1]"))),
            "tensor 'w': shape holds a list; expected whole numbers from 0 on");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(loading(folder, file_of(objects)),
            "tensor 'a': the key 'a' is unknown; expected dtype, shape and data_offsets");
  EXPECT_EQ(loading(folder, file_of(w("[" + std::string(100'000, '9') + "]", "[0,1]"))),
            "tensor 'w': shape holds '" + std::string(60, '9') + "...'; expected whole numbers from 0 on");
  EXPECT_EQ(loading(folder, file_of(w("[1e" + std::string(100'000, '9') + "]", "[0,1]"))),
            "tensor 'w': shape holds '1e" + std::string(58, '9') + "...'; expected whole numbers from 0 on");
  std::string axes;
  for (int i = 0; i < 1'000'000; ++i) axes += "1,";
  EXPECT_EQ(loading(folder, file_of(w("[" + axes + "1]", "[0,1]"))),
            "tensor 'w': shape has more than 6 axes, which is all a tensor can have");
}

TEST(Safetensors, ReadsAMillionKeys) {
  TempFolder folder;
  std::string header = "{\"__metadata__\":{";
  for (int i = 0; i < 1'000'000; ++i) header += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  EXPECT_EQ(load_safetensors(folder.write("a", file_of(header + "}}"))).metadata.size(), 1'000'000u);
}

TEST(Safetensors, RefusesASparseFileOfATebibyte) {
  TempFolder folder;
  for (std::string header : {""s, "{}"s}) {
    std::filesystem::path path = folder.write("a", header.empty() ? "" : file_of(header));
    std::filesystem::resize_file(path, std::uint64_t{1} << 40);
    EXPECT_EQ(file_error_of(path, [&] { load_safetensors(path); }),
              header.empty() ? "offset 8: expected a header that begins with '{', found none"
                             : "offset 10: expected the end of the file, found 1099511627766 bytes more");
  }
}

TEST(Safetensors, TakesNoMemoryForWhatAHeaderOnlyClaims) {
  if (!test::can_limit_memory) GTEST_SKIP() << "a sanitizer takes the addresses that this test would limit";
  TempFolder folder;
  std::string answer = test::in_child([&] {
    test::limit_memory(16 << 20);
    return loading(folder, length_of(99'000'000) + "{}") + "; " +
           loading(folder, file_of(w("[1000000000]", "[0,1000000000]")));
  });
  EXPECT_EQ(answer,
            "offset 8: expected the header (99000000 bytes), the file ends after 10 bytes; "
            "tensor 'w': data_offsets [0, 1000000000] go beyond the data, which has 0 bytes");
}

// --- Writing ---------------------------------------------------------------------------------------------------------

TEST(Safetensors, RefusesToSaveWhatNoFileCanHold) {
  TempFolder folder;
  auto saving = [&](const NamedTensors& tensors, const Metadata& metadata = {}) {
    return error_of<ValueError>([&] { save_safetensors(folder / "a", tensors, metadata); });
  };
  Tensor x = tensor(1);
  EXPECT_EQ(saving({{"w", x}, {"w", x}}), "save_safetensors: the name 'w' is used twice");
  EXPECT_EQ(saving({{"__metadata__", x}}), "save_safetensors: the name '__metadata__' is reserved");
  EXPECT_EQ(saving({{"\xff", x}}), "save_safetensors: '\\xff' is not UTF-8");
  EXPECT_EQ(saving({{"w", Tensor()}}), "save_safetensors: the tensor has no value yet");
  EXPECT_EQ(saving({}, {{"floe.format", "1"}}), "save_safetensors: the metadata 'floe.format' is Floe's own");
  EXPECT_EQ(saving({}, {{"a", "\xff"}}), "save_safetensors: '\\xff' is not UTF-8");
  EXPECT_EQ(saving({}, {{"long", std::string(100'000'000, 'x')}}),
            "save_safetensors: the header takes 100000080 bytes, more than the limit of 100000000");
  EXPECT_EQ(folder.file_count(), 0);
}

// A child saves one checkpoint after the other, all tensors of each filled with its number, and is killed at a random
// moment, a hundred times. The file is then whole and of one save.
TEST(Safetensors, SurvivesKills) {
  TempFolder folder;
  std::filesystem::path path = folder / "checkpoint.safetensors";
  auto save = [&](int number) {
    save_safetensors(path, {{"weights", full({500, 100}, number)}, {"slots", full({500, 100}, number)}},
                     {{"step", std::to_string(number)}});
  };
  save(0);
  Rng rng(7);
  int newest = 0, orphans = 0;
  for (int i = 0; i < 100 || newest == 0; ++i) {  // a busy machine takes longer for the first
    pid_t child = test::start_child([&] {
      for (int number = newest + 1;; ++number) save(number);
    });
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(i < 100 ? 20'000 : 2'000'000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);

    Safetensors loaded = load_safetensors(path);
    int number = std::stoi(loaded.metadata.at("step"));
    EXPECT_GE(number, newest);
    for (const auto& [name, tensor] : loaded.tensors) {
      EXPECT_TRUE(std::ranges::all_of(tensor.span<float>(), [&](float x) { return x == static_cast<float>(number); }));
    }
    newest = number;
    orphans += folder.file_count() - 1;
    save(newest);
    EXPECT_EQ(folder.file_count(), 1);
  }
  EXPECT_GT(newest, 0);
  RecordProperty("saves", newest);
  RecordProperty("orphans", orphans);
}

// --- The reference implementation ------------------------------------------------------------------------------------

TEST(Safetensors, AgreesWithTheReferenceImplementation) {
  if (std::system("python3 -c 'import numpy, safetensors' 2> /dev/null") != 0) {
    GTEST_SKIP() << "python3 with numpy and safetensors is not there";
  }
  TempFolder folder;
  save_safetensors(folder / "a", small_tensors(), {{"epoch", "3"}});
  std::ofstream(folder / "check.py")
      << "import numpy as np\n"
         "from safetensors import safe_open\n"
         "from safetensors.numpy import save_file\n"
         "with safe_open('a', 'np') as f:\n"
         "  assert f.get_tensor('generator.weights').tolist() == [[1, -2], [3.5, 4]]\n"
         "  assert f.get_tensor('step') == 7 and f.get_tensor('none').shape == (0, 3)\n"
         "  assert f.metadata()['epoch'] == '3' and f.metadata()['floe.format'] == '1'\n"
         "  kept = f.metadata()\n"
         "save_file({'b': np.arange(6, dtype=np.int64).reshape(2, 3), 'a': "
         "np.array([True]), 'e': np.zeros((0,))}, 'b', {'x': 'y'})\n"
         "h = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float16)\n"
         "save_file({'h': h, 'w': h.astype(np.float32)}, 'half')\n"
         "save_file({'h': np.zeros(3)}, 'kept', kept)\n";
  ASSERT_EQ(std::system(("cd " + folder.path().string() + " && python3 check.py").c_str()), 0);
  SafetensorsFile file(folder / "b");
  EXPECT_EQ(file.metadata(), (Metadata{{"x", "y"}}));
  EXPECT_EQ(file.load("b").to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(file.load("a").data<bool>()[0]);
  EXPECT_EQ(file.load("e").shape(), Shape{0});
  SafetensorsFile half(folder / "half");
  EXPECT_EQ(half.load("h").to_vector<float>(), half.load("w").to_vector<float>());
  EXPECT_EQ(
      file_error_of(folder / "kept", [&] { load_safetensors(folder / "kept"); }),
      "header: it does not match its checksum; it is damaged, or another program changed it and kept floe.checksum");
}

}  // namespace
}  // namespace floe
