// Checksums of bytes: CRC-32C for Floe's own files and TensorBoard's, CRC-32 for PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace floe {

// Both find every burst of errors of up to 32 bits. `before` is the checksum of the bytes that came before these.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);  // Castagnoli; "123456789": e3069283
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0);   // IEEE 802.3; "123456789": cbf43926

}  // namespace floe
