// A user's own snowflakes: folders of PNG files and NumPy arrays, right and wrong in every way.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <floe/files/checksum.h>
#include <floe/files/npy.h>
#include <floe/pictures/png.h>
#include <floe/tensor/error.h>
#include <support/temp_folder.h>
#include <support/tensors.h>

#include "datasets/snowflakes/snowflakes.h"

namespace floe::snowflakes {
namespace {

namespace fs = std::filesystem;
using test::file_error_of;
using test::same_bits;
using test::TempFolder;

Tensor picture(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  Tensor image(shape, DType::uint8);
  for (std::int64_t i = 0; i < image.elements(); ++i) {
    image.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.below(256));
  }
  return image;
}

int value(const Tensor& images, std::int64_t place) { return images.data<std::uint8_t>()[place]; }

// --- What is right ---------------------------------------------------------------------------------------------------

TEST(LoadFlakes, ReadsAFolderInTheOrderOfNames) {
  TempFolder folder;
  Tensor first = picture({12, 12, 1}, 1), second = picture({12, 12, 1}, 2);
  save_png(folder / "b.png", second);
  save_png(folder / "a.PNG", first);
  folder.write("notes.txt", "not a picture");
  folder.write("noname", "");
  fs::create_directory(folder / "more.png");  // a folder, whatever it is called
  Tensor images = load(folder.path(), 12);
  EXPECT_EQ(images.shape(), (Shape{2, 12, 12, 1}));
  EXPECT_EQ(images.dtype(), DType::uint8);
  EXPECT_EQ(std::memcmp(images.raw(), first.raw(), 144), 0);
  EXPECT_EQ(std::memcmp(static_cast<const char*>(images.raw()) + 144, second.raw(), 144), 0);
}

TEST(LoadFlakes, AveragesOverAreas) {
  TempFolder folder;
  save_png(folder / "a.png", tensor(std::vector<std::uint8_t>{10, 20, 30, 40, 50, 60, 70, 80, 90}, {3, 3, 1}));
  // At a side of 2 the first pixel covers 1, 1/2, 1/2 and 1/4 of four.
  Tensor two = load(folder.path(), 2);
  EXPECT_EQ(value(two, 0), std::lround((10 + 20 * 0.5 + 40 * 0.5 + 50 * 0.25) / 2.25));
  EXPECT_EQ(value(two, 3), std::lround((90 + 80 * 0.5 + 60 * 0.5 + 50 * 0.25) / 2.25));
  EXPECT_EQ(value(load(folder.path(), 1), 0), 50);
  Tensor six = load(folder.path(), 6);
  EXPECT_EQ(value(six, 0), 10);
  EXPECT_EQ(value(six, 1), 10);
  EXPECT_EQ(value(six, 2), 20);
  EXPECT_EQ(value(six, 35), 90);
}

TEST(LoadFlakes, TakesTheMiddleSquare) {
  TempFolder folder;
  save_png(folder / "a.png", tensor(std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8}, {2, 4, 1}));
  Tensor image = load(folder.path(), 2);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(value(image, i), (std::array{2, 3, 6, 7})[static_cast<std::size_t>(i)]);
}

TEST(LoadFlakes, MakesColoursGreyAndClearPixelsBlack) {
  TempFolder folder;
  save_png(folder / "a.png", tensor(std::vector<std::uint8_t>{255, 0, 0}, {1, 1, 3}));
  save_png(folder / "b.png", tensor(std::vector<std::uint8_t>{0, 255, 0, 51}, {1, 1, 4}));
  save_png(folder / "c.png", tensor(std::vector<std::uint8_t>{0, 0, 255, 255}, {1, 1, 4}));
  Tensor images = load(folder.path(), 1);
  EXPECT_EQ(value(images, 0), 76);  // 0.299 of 255
  EXPECT_EQ(value(images, 1), 30);  // 0.587 of 255, a fifth of it to be seen
  EXPECT_EQ(value(images, 2), 29);  // 0.114 of 255
}

TEST(LoadFlakes, ReadsArraysOfBytesAndOfNumbersFrom0To1) {
  TempFolder folder;
  Tensor bytes = picture({3, 5, 5});
  save_npy(folder / "bytes.npy", bytes);
  save_npy(folder / "channel.npy", bytes.view({3, 5, 5, 1}));
  Tensor numbers = test::made({3, 5, 5}, [&](const test::Index& i) { return test::at(bytes, i) / 255; });
  save_npy(folder / "numbers.npy", numbers);
  save_npy(folder / "floats.npy",
           test::made(
               {3, 5, 5}, [&](const test::Index& i) { return test::at(numbers, i); }, DType::float32));
  for (const char* name : {"bytes.npy", "channel.npy", "numbers.npy", "floats.npy"}) {
    EXPECT_TRUE(same_bits(load(folder / name, 5), bytes.view({3, 5, 5, 1}))) << name;
  }
  EXPECT_EQ(load(folder / "bytes.npy", 2).shape(), (Shape{3, 2, 2, 1}));
}

// --- What is wrong ---------------------------------------------------------------------------------------------------

std::string refusal(const fs::path& path, int side = 28) {
  return file_error_of(path, [&] { load(path, side); });
}

TEST(LoadFlakes, RefusesASideOutOfItsRange) {
  for (int side : {0, -3, 1025}) {
    EXPECT_EQ(test::error_of<ValueError>([&] { load("nowhere", side); }),
              "load: side is " + std::to_string(side) + " pixels; expected 1 to 1024");
  }
}

TEST(LoadFlakes, RefusesWhatIsNeitherFolderNorArray) {
  TempFolder folder;
  std::string expected = "expected a folder of .png files or a file that ends in .npy";
  EXPECT_EQ(refusal(folder / "absent"), expected);
  EXPECT_EQ(refusal(folder.write("a.jpg", "x")), expected);
  EXPECT_NE(refusal(folder / "absent.npy"), "no error");
}

TEST(LoadFlakes, RefusesAFolderWithoutPictures) {
  TempFolder folder;
  std::string expected = "expected pictures whose names end in .png, found none";
  EXPECT_EQ(refusal(folder.path()), expected);
  folder.write("a.txt", "text");
  EXPECT_EQ(refusal(folder.path()), expected);
}

TEST(LoadFlakes, RefusesATextNamedPng) {
  TempFolder folder;
  save_png(folder / "a.png", picture({4, 4, 1}));
  fs::path bad = folder.write("b.png", "This is a text.\n");
  EXPECT_EQ(file_error_of(bad, [&] { load(folder.path(), 4); }), "offset 0: expected a PNG file, found 'This is '");
  folder.write("b.png", "");
  EXPECT_NE(file_error_of(bad, [&] { load(folder.path(), 4); }), "no error");
}

TEST(LoadFlakes, RefusesAPictureCutAnywhereOrWithMoreBehindIt) {
  TempFolder folder;
  std::string png = encode_png(picture({9, 9, 3}));
  fs::path path = folder / "a.png";
  for (std::size_t length = 0; length < png.size(); ++length) {
    folder.write("a.png", png.substr(0, length));
    std::string message = file_error_of(path, [&] { load(folder.path(), 9); });
    EXPECT_TRUE(message.starts_with("offset ")) << length << ": " << message;
  }
  folder.write("a.png", png + "x");
  EXPECT_EQ(
      file_error_of(path, [&] { load(folder.path(), 9); }),
      "offset " + std::to_string(png.size()) + ": expected the end of the file, found bytes after the last chunk");
  folder.write("a.png", png);
  EXPECT_NO_THROW(load(folder.path(), 9));
}

TEST(LoadFlakes, RefusesAPictureWithAnyByteChanged) {
  TempFolder folder;
  std::string png = encode_png(picture({5, 5, 1}));
  fs::path path = folder / "a.png";
  for (std::size_t i = 0; i < png.size(); ++i) {
    std::string damaged = png;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    folder.write("a.png", damaged);
    EXPECT_NE(file_error_of(path, [&] { load(folder.path(), 5); }), "no error") << i;
  }
}

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 255);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  std::string typed = type + data;
  return big_endian(static_cast<std::uint32_t>(data.size())) + typed +
         big_endian(crc32(std::as_bytes(std::span(typed))));
}

const std::string signature = "\x89PNG\r\n\x1a\n";

TEST(LoadFlakes, RefusesPicturesThatAreTooLargeBeforeItTakesMemory) {
  TempFolder folder;
  auto header = [](std::uint32_t width, std::uint32_t height) {
    return chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\0\0\0\0", 5));
  };
  fs::path path = folder / "a.png";
  for (auto [width, height, text] : {std::tuple{100000u, 100000u, "100000 x 100000"},
                                     {4294967295u, 4294967295u, "4294967295 x 4294967295"},
                                     {0u, 5u, "0 x 5"}}) {
    folder.write("a.png", signature + header(width, height) + chunk("IDAT", "") + chunk("IEND", ""));
    EXPECT_EQ(file_error_of(path, [&] { load(folder.path(), 4); }),
              std::string("offset 16: expected 1 to 16777216 pixels, found ") + text);
  }
}

TEST(LoadFlakes, RefusesWholeChunksThatMakeNoPicture) {
  TempFolder folder;
  fs::path path = folder / "a.png";
  std::string header = chunk("IHDR", big_endian(2) + big_endian(2) + std::string("\x08\0\0\0\0", 5));
  std::string odd_depth = chunk("IHDR", big_endian(2) + big_endian(2) + std::string("\x07\0\0\0\0", 5));
  for (const std::string& chunks : {header, header + chunk("IDAT", "not zlib"), header + chunk("IDAT", ""),
                                    odd_depth + chunk("IDAT", "x"), header + header, std::string()}) {
    folder.write("a.png", signature + chunks + chunk("IEND", ""));
    EXPECT_NE(file_error_of(path, [&] { load(folder.path(), 4); }), "no error");
  }
}

TEST(LoadFlakes, RefusesArraysOfOtherShapesTypesAndRanges) {
  TempFolder folder;
  auto saved = [&](const Tensor& array) {
    save_npy(folder / "a.npy", array);
    return refusal(folder / "a.npy");
  };
  std::string expected =
      "header: expected uint8 or floating pictures of shape (count, height, width) or (count, "
      "height, width, 1), found ";
  EXPECT_EQ(saved(picture({5, 784})), expected + "uint8 of shape (5, 784)");
  EXPECT_EQ(saved(picture({5, 8, 8, 3})), expected + "uint8 of shape (5, 8, 8, 3)");
  EXPECT_EQ(saved(zeros({0, 8, 8})), expected + "float32 of shape (0, 8, 8)");
  EXPECT_EQ(saved(zeros({2, 8, 8}, DType::int32)), expected + "int32 of shape (2, 8, 8)");
  EXPECT_EQ(saved(full({1, 2, 2}, 255)), "picture 0: expected values from 0 to 1, found 255");
  EXPECT_EQ(saved(full({1, 2, 2}, -0.5)), "picture 0: expected values from 0 to 1, found -0.5");
  EXPECT_EQ(saved(full({1, 2, 2}, std::numeric_limits<double>::quiet_NaN())),
            "picture 0: expected values from 0 to 1, found nan");
  save_npy(folder / "a.npy", picture({2, 8, 8}));
  std::string bytes = test::read_bytes(folder / "a.npy");
  for (std::size_t length : {std::size_t{0}, std::size_t{5}, bytes.size() - 1}) {
    EXPECT_NE(refusal(folder.write("a.npy", bytes.substr(0, length))), "no error") << length;
  }
}

}  // namespace
}  // namespace floe::snowflakes
