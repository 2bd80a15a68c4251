// The two CRCs, eight bytes at a time from tables: about 1.5 GB/s, as fast as most disks.
// Kounavis and Berry, "A systematic approach to building high performance software-based CRC generators", ISCC 2005.
#include <floe/files/checksum.h>

#include <array>
#include <cstring>

namespace floe {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b] is what byte b does to the checksum once k more bytes have followed it.
constexpr Tables make_tables(std::uint32_t polynomial) {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

template <std::uint32_t polynomial>
std::uint32_t checksum(std::span<const std::byte> bytes, std::uint32_t before) {
  static constexpr Tables tables = make_tables(polynomial);
  std::uint32_t crc = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    word ^= crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][word >> (8 * k) & 0xff];
  }
  for (std::byte byte : bytes) crc = (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return ~crc;
}

}  // namespace

// The polynomials with the lowest power in the highest bit.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) {
  return checksum<0x82f63b78>(bytes, before);
}
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before) {
  return checksum<0xedb88320>(bytes, before);
}

}  // namespace floe
