// TensorBoard's files as a test reads them: records with a slow checksum, messages field by field.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <support/temp_folder.h>

namespace floe::test {

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T number;
  EXPECT_LE(at + sizeof number, bytes.size());
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// CRC-32C bit by bit, as RFC 3720 defines it, then masked as record_writer.h does.
inline std::uint32_t slow_masked_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

// The data of every whole record, whose checksums must be right; `rest` is what remains of a record that was cut.
inline std::vector<std::string> records_of(std::string_view bytes, std::size_t* rest = nullptr) {
  std::vector<std::string> records;
  std::size_t at = 0;
  while (bytes.size() - at >= 12) {
    auto length = number_at<std::uint64_t>(bytes, at);
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 8), slow_masked_crc(bytes.substr(at, 8)));
    if (bytes.size() - at < length + 16) break;
    records.emplace_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 12 + length), slow_masked_crc(records.back()));
    at += length + 16;
  }
  if (rest) *rest = bytes.size() - at;
  else EXPECT_EQ(at, bytes.size());
  return records;
}

// The fields of a protocol buffer's message by number, each as the bytes of its value; a varint is eight bytes here.
using Fields = std::multimap<int, std::string>;

inline Fields fields_of(std::string_view bytes) {
  Fields fields;
  std::size_t at = 0;
  auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; at < bytes.size(); shift += 7) {
      auto byte = static_cast<unsigned char>(bytes[at++]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    ADD_FAILURE() << "a varint has no end";
    return value;
  };
  while (at < bytes.size()) {
    std::uint64_t key = varint();
    std::string value;
    if (key % 8 == 0) {
      std::uint64_t number = varint();
      value.assign(reinterpret_cast<const char*>(&number), sizeof number);
    } else {
      std::size_t length = key % 8 == 1 ? 8 : key % 8 == 5 ? 4 : varint();
      EXPECT_LE(at + length, bytes.size());
      value = bytes.substr(at, length);
      at += length;
    }
    fields.emplace(static_cast<int>(key / 8), value);
  }
  return fields;
}

inline std::string field(const Fields& fields, int number) {
  auto at = fields.find(number);
  return at == fields.end() ? std::string() : at->second;
}

// A point of a curve.
struct Point {
  std::string tag;
  std::int64_t step;
  float value;

  bool operator==(const Point&) const = default;
};

inline void PrintTo(const Point& point, std::ostream* out) {
  *out << point.tag << " at " << point.step << ": " << point.value;
}

// The files of events in a folder, in the order in which TensorBoard reads them.
inline std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The points of all curves in a folder, without those that a later START takes back; `others` gets the tags of the
// remaining summaries.
inline std::vector<Point> points_in(const std::filesystem::path& folder, std::vector<std::string>* others = nullptr) {
  std::vector<Point> points;
  for (const std::filesystem::path& path : event_files(folder)) {
    for (const std::string& record : records_of(read_bytes(path))) {
      Fields event = fields_of(record);
      std::int64_t step = event.contains(2) ? number_at<std::int64_t>(field(event, 2), 0) : 0;
      if (event.contains(7)) std::erase_if(points, [&](const Point& point) { return point.step >= step; });
      if (!event.contains(5)) continue;
      Fields value = fields_of(field(fields_of(field(event, 5)), 1));
      if (value.contains(2)) points.push_back({field(value, 1), step, number_at<float>(field(value, 2), 0)});
      else if (others) others->push_back(field(value, 1));
    }
  }
  return points;
}

}  // namespace floe::test
