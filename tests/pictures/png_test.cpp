// PNG files: pixels come back as they were, grids and animations have the structure they should.
#include <floe/pictures/png.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <floe/files/checksum.h>
#include <floe/ops/create.h>
#include <floe/tensor/rng.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using test::read_bytes;
using test::TempFolder;

using Bytes = std::vector<std::uint8_t>;
using Chunk = std::pair<std::string, std::string>;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

// The type and data of every chunk, whose lengths and checksums must be right.
std::vector<Chunk> chunks_of(std::string_view png) {
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::vector<Chunk> chunks;
  for (std::size_t at = 8; at < png.size();) {
    std::size_t length = number_at(png, at);
    std::string_view typed = png.substr(at + 4, 4 + length);
    EXPECT_EQ(number_at(png, at + 8 + length), crc32(std::as_bytes(std::span(typed))));
    chunks.emplace_back(typed.substr(0, 4), typed.substr(4));
    at += 12 + length;
  }
  return chunks;
}

// zlib as stb writes it: blocks with the fixed Huffman codes, and a checksum that this reader leaves alone.
std::string inflated(std::string_view data) {
  std::size_t bit = 16;
  auto take = [&](int bits) {
    int value = 0;
    for (int i = 0; i < bits; ++i, ++bit) value |= (data[bit / 8] >> (bit % 8) & 1) << i;
    return value;
  };
  auto code = [&](int bits) {
    int value = 0;
    for (int i = 0; i < bits; ++i) value = value << 1 | take(1);
    return value;
  };
  auto symbol = [&] {
    int value = code(7);
    if (value <= 0b0010111) return 256 + value;
    value = value << 1 | code(1);
    if (value <= 0b10111111) return value - 0b00110000;
    if (value <= 0b11000111) return 280 + value - 0b11000000;
    return 144 + (value << 1 | code(1)) - 0b110010000;
  };
  constexpr int lengths[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                             31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
  constexpr int length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};

  std::string out;
  bool last = false;
  while (!last) {
    last = take(1);
    int type = take(2);
    if (type == 0) {  // stored
      bit = (bit + 7) / 8 * 8;
      int length = take(16);
      take(16);
      for (int i = 0; i < length; ++i) out += static_cast<char>(take(8));
      continue;
    }
    EXPECT_EQ(type, 1);
    if (type != 1) return out;
    for (int s = symbol(); s != 256; s = symbol()) {
      if (s < 256) {
        out += static_cast<char>(s);
        continue;
      }
      int length = lengths[s - 257] + take(length_bits[s - 257]);
      int distance_code = code(5), extra = distance_code < 2 ? 0 : distance_code / 2 - 1;
      int distance = (distance_code < 2 ? distance_code : (2 + distance_code % 2) << extra) + take(extra) + 1;
      for (int i = 0; i < length; ++i) out += out[out.size() - static_cast<std::size_t>(distance)];
    }
  }
  return out;
}

// The pixels of compressed rows, the filters of PNG undone.
Bytes unfiltered(std::string_view data, std::size_t height, std::size_t width, std::size_t channels) {
  std::string rows = inflated(data);
  std::size_t stride = width * channels;
  EXPECT_EQ(rows.size(), height * (stride + 1));
  Bytes pixels(height * stride);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t i = 0; i < stride; ++i) {
      int left = i >= channels ? pixels[y * stride + i - channels] : 0;
      int up = y ? pixels[(y - 1) * stride + i] : 0;
      int corner = y && i >= channels ? pixels[(y - 1) * stride + i - channels] : 0;
      int guess = left + up - corner;
      int by_left = std::abs(guess - left), by_up = std::abs(guess - up), by_corner = std::abs(guess - corner);
      int paeth = by_left <= by_up && by_left <= by_corner ? left : by_up <= by_corner ? up : corner;
      int predictions[] = {0, left, up, (left + up) / 2, paeth};
      pixels[y * stride + i] = static_cast<std::uint8_t>(rows[y * (stride + 1) + 1 + i] +
                                                         predictions[static_cast<int>(rows[y * (stride + 1)])]);
    }
  }
  return pixels;
}

Bytes pixels_of(const std::string& png) {
  std::vector<Chunk> chunks = chunks_of(png);
  EXPECT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0].first + chunks[1].first + chunks[2].first, "IHDRIDATIEND");
  constexpr std::size_t channels[] = {1, 0, 3, 0, 0, 0, 4};  // by colour type
  const std::string& header = chunks[0].second;
  return unfiltered(chunks[1].second, number_at(header, 4), number_at(header, 0),
                    channels[static_cast<int>(header[9])]);
}

Tensor random_bytes(const Shape& shape) {
  Rng rng(3);
  Tensor result(shape, DType::uint8);
  std::uint8_t* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < result.elements(); ++i) out[i] = static_cast<std::uint8_t>(rng.next());
  return result;
}

// --- Pictures --------------------------------------------------------------------------------------------------------

TEST(Png, KeepsEveryByte) {
  TempFolder folder;
  for (Shape shape : {Shape{1, 1}, Shape{28, 28}, Shape{5, 3, 1}, Shape{7, 64, 3}, Shape{64, 7, 4}, Shape{1, 300, 3},
                      Shape{300, 1}}) {
    Tensor image = random_bytes(shape);
    save_png(folder / "a.png", image);
    EXPECT_EQ(pixels_of(read_bytes(folder / "a.png")), image.to_vector<std::uint8_t>()) << to_string(shape);
  }
}

TEST(Png, CompressesAndKeepsAPlainPicture) {
  Tensor image = full({200, 200, 3}, 77, DType::uint8);
  std::string png = encode_png(image);
  EXPECT_LT(png.size(), 2000u);
  EXPECT_EQ(pixels_of(png), image.to_vector<std::uint8_t>());
}

TEST(Png, MapsMinusOneToOneOntoAllBytes) {
  float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{-1, -0.999f, -0.5f, 0, 0.5f, 1, -7, 7, -infinity, infinity, nan};
  Bytes expected{0, 0, 64, 128, 191, 255, 0, 255, 0, 255, 0};
  EXPECT_EQ(pixels_of(encode_png(tensor(values, {1, 11}))), expected);
  EXPECT_EQ(pixels_of(encode_png(tensor(std::vector<double>(values.begin(), values.end()), {11, 1}))),
            pixels_of(encode_png(tensor(values, {11, 1}))));
  Tensor levels({256, 1});
  Bytes all(256);
  for (int i = 0; i < 256; ++i) {
    levels.mutable_data<float>()[i] = static_cast<float>(i) / 127.5f - 1;
    all[i] = static_cast<std::uint8_t>(i);
  }
  EXPECT_EQ(pixels_of(encode_png(levels)), all);
}

TEST(Png, RefusesWhatIsNoImage) {
  TempFolder folder;
  auto saving = [&](const Tensor& image) { return error_of([&] { save_png(folder / "a.png", image); }); };
  EXPECT_EQ(saving(Tensor()), "save_png: the tensor has no value yet");
  EXPECT_EQ(saving(zeros({2, 2}, DType::int32)), "save_png: takes images of uint8, float32 or float64, not int32");
  EXPECT_EQ(saving(zeros({4})),
            "save_png: takes an image of 1, 3 or 4 channels\n  image  (4,)   height, width, channels");
  EXPECT_EQ(saving(zeros({4, 4, 2})),
            "save_png: takes an image of 1, 3 or 4 channels\n  image  (4, 4, 2)   height, width, channels");
  EXPECT_EQ(saving(zeros({1, 4, 4, 3})),
            "save_png: takes an image of 1, 3 or 4 channels\n  image  (1, 4, 4, 3)   height, width, channels");
  EXPECT_EQ(saving(zeros({0, 4})),
            "save_png: takes an image of 1 to 268435456 values\n  image  (0, 4)   height, width, channels");
  EXPECT_EQ(folder.file_count(), 0);
  EXPECT_EQ(
      error_of([&] {
        save_png(folder / "none" / "a.png", zeros({1, 1}));
      }),
      (folder / "none" / "a.png").string() + ": cannot be written: there is no folder " + (folder / "none").string());
}

// --- Grids -----------------------------------------------------------------------------------------------------------

TEST(Enlarge, MakesSquaresOfPixels) {
  Tensor image = tensor(Bytes{1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2});
  EXPECT_EQ(enlarge(image, 2).shape(), (Shape{4, 4, 2}));
  EXPECT_EQ(enlarge(image, 2).to_vector<std::uint8_t>(), (Bytes{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4,  //
                                                               5, 6, 5, 6, 7, 8, 7, 8, 5, 6, 5, 6, 7, 8, 7, 8}));
  EXPECT_EQ(enlarge(image, 1).to_vector<std::uint8_t>(), image.to_vector<std::uint8_t>());
  EXPECT_EQ(enlarge(zeros({0, 3, 1}), 4).shape(), (Shape{0, 12, 1}));
  EXPECT_EQ(error_of([&] { enlarge(image, 0); }), "enlarge: scale is 0; expected 1 or more");
  EXPECT_EQ(error_of([&] {
              enlarge(zeros({2, 2}), 2);
            }),
            "enlarge: takes an image\n  image  (2, 2)   height, width, channels");
}

TEST(Grid, PutsImagesRowByRow) {
  Tensor images = tensor(Bytes{1, 2, 3, 4, 5, 6}, {3, 1, 2});
  Tensor grid = make_grid(images, {.background = 0});
  EXPECT_EQ(grid.shape(), (Shape{5, 7, 1}));
  EXPECT_EQ(grid.to_vector<std::uint8_t>(), (Bytes{0, 0, 0, 0, 0, 0, 0,  //
                                                   0, 1, 2, 0, 3, 4, 0,  //
                                                   0, 0, 0, 0, 0, 0, 0,  //
                                                   0, 5, 6, 0, 0, 0, 0,  //
                                                   0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(make_grid(images, {.columns = 3, .padding = 0}).to_vector<std::uint8_t>(), (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(make_grid(images, {.columns = 1, .padding = 0, .scale = 2}).to_vector<std::uint8_t>(),
            (Bytes{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4, 5, 5, 6, 6, 5, 5, 6, 6}));
}

TEST(Grid, KeepsDTypeAndChannels) {
  Tensor images = full({5, 2, 2, 3}, 0.25, DType::float64);
  Tensor grid = make_grid(images, {.columns = 4, .padding = 2, .background = 1});
  EXPECT_EQ(grid.shape(), (Shape{10, 18, 3}));
  EXPECT_EQ(grid.dtype(), DType::float64);
  EXPECT_EQ(grid.data<double>()[0], 1);
  EXPECT_EQ(grid.data<double>()[(2 * 18 + 2) * 3], 0.25);
  EXPECT_EQ(make_grid(full({16, 28, 28, 1}, 0)).shape(), (Shape{117, 117, 1}));
}

TEST(Grid, RefusesNoImagesAndOddOptions) {
  EXPECT_EQ(error_of([] { make_grid(zeros({0, 2, 2, 1})); }),
            "make_grid: takes one image or more\n  images  (0, 2, 2, 1)   count, height, width, channels");
  EXPECT_EQ(error_of([] { make_grid(zeros({2, 2})); }),
            "make_grid: takes one image or more\n  images  (2, 2)   count, height, width, channels");
  EXPECT_EQ(error_of([] {
              make_grid(zeros({2, 2, 2}, DType::boolean));
            }),
            "make_grid: takes images of uint8, float32 or float64, not bool");
  EXPECT_EQ(
      error_of([] {
        make_grid(zeros({2, 2, 2}), {.columns = -1, .background = 2});
      }),
      "make_grid: columns -1, padding 1, scale 1, background 2; expected columns and padding from 0, scale from 1, "
      "background from 0 to 1");
}

TEST(Grid, IsSavedAsAPicture) {
  TempFolder folder;
  save_grid(folder / "a.png", random_bytes({4, 3, 3, 1}), {.padding = 0});
  EXPECT_EQ(pixels_of(read_bytes(folder / "a.png")).size(), 36u);
}

// --- Animations ------------------------------------------------------------------------------------------------------

TEST(Animation, HasTheChunksOfApng) {
  TempFolder folder;
  Tensor all = random_bytes({3, 5, 4, 3});
  std::vector<Tensor> frames;
  for (int i = 0; i < 3; ++i) frames.push_back(all.view({5, 4, 3}, i * 60));
  save_animation(folder / "a.png", frames, 250);
  std::vector<Chunk> chunks = chunks_of(read_bytes(folder / "a.png"));

  std::string order;
  for (const auto& [type, data] : chunks) order += type + " ";
  ASSERT_EQ(order, "IHDR acTL fcTL IDAT fcTL fdAT fcTL fdAT IEND ");
  EXPECT_EQ(chunks[1].second, std::string("\0\0\0\3\0\0\0\0", 8));
  std::uint32_t sequence = 0;
  std::size_t frame = 0;
  for (const auto& [type, data] : chunks) {
    if (type == "fcTL") {
      EXPECT_EQ(number_at(data, 0), sequence++);
      EXPECT_EQ(data.substr(4), std::string("\0\0\0\4\0\0\0\5\0\0\0\0\0\0\0\0\0\xfa\x03\xe8\0\0", 22));
    }
    if (type == "fdAT") {
      EXPECT_EQ(number_at(data, 0), sequence++);
    }
    if (type == "IDAT" || type == "fdAT") {
      EXPECT_EQ(unfiltered(std::string_view(data).substr(type == "fdAT" ? 4 : 0), 5, 4, 3),
                frames[frame++].to_vector<std::uint8_t>());
    }
  }
  EXPECT_EQ(frame, 3u);
}

TEST(Animation, IsEqualForEqualFrames) {
  TempFolder folder;
  for (const char* name : {"a.png", "b.png"}) save_animation(folder / name, {zeros({4, 4}), ones({4, 4})}, 100);
  EXPECT_EQ(read_bytes(folder / "a.png"), read_bytes(folder / "b.png"));
}

TEST(Animation, RefusesFramesThatDiffer) {
  TempFolder folder;
  auto saving = [&](const std::vector<Tensor>& frames, int milliseconds) {
    return error_of([&] { save_animation(folder / "a.png", frames, milliseconds); });
  };
  EXPECT_EQ(saving({}, 100), "save_animation: there are no frames");
  EXPECT_EQ(saving({zeros({4, 4})}, 0), "save_animation: 0 milliseconds for a frame; expected 1 to 65535");
  EXPECT_EQ(saving({zeros({4, 4})}, 65536), "save_animation: 65536 milliseconds for a frame; expected 1 to 65535");
  EXPECT_EQ(saving({zeros({4, 4}), zeros({4, 5})}, 100),
            "save_animation: the frames differ in shape\n  first  (4, 4)   height, width, channels\n  other  (4, 5)");
  EXPECT_EQ(folder.file_count(), 0);
}

}  // namespace
}  // namespace floe
