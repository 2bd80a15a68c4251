// The penguins: pictures like Google's, drawings without repetition, a reader that trusts no file, and the download.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <floe/tensor/error.h>
#include <floe/tensor/rng.h>
#include <gtest/gtest.h>
#include <support/shared_data.h>

#include "datasets/penguins/drawing.h"
#include "datasets/penguins/ndjson.h"
#include "datasets/penguins/penguin.h"

namespace floe::penguins {
namespace {

namespace fs = std::filesystem;

using Image = std::array<std::uint8_t, image_size>;

Image picture(const Drawing& drawing) {
  Image image;
  rasterise(drawing, image);
  return image;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// An empty directory of its own for every test, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "floe-penguins-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  fs::path write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// ---- Pictures ------------------------------------------------------------------------------------------------------

double correlation(const Image& a, std::span<const char> b) {
  double sum_a = 0, sum_b = 0, squares_a = 0, squares_b = 0, products = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = static_cast<std::uint8_t>(b[i]);
    sum_a += x;
    sum_b += y;
    squares_a += x * x;
    squares_b += y * y;
    products += x * y;
  }
  const double n = image_size;
  return (n * products - sum_a * sum_b) /
         std::sqrt((n * squares_a - sum_a * sum_a) * (n * squares_b - sum_b * sum_b));
}

TEST(Rasterise, MatchesTheRealBitmaps) {
  const fs::path folder = test::shared_data() / "quickdraw";
  if (!fs::exists(folder / "penguin.ndjson") || !fs::exists(folder / "penguin1000.bin")) {
    GTEST_SKIP() << "no real drawings in " << folder << "; name their folder in FLOE_SHARED_DATA";
  }
  const std::string bitmaps = contents(folder / "penguin1000.bin");
  std::size_t row = 0;
  read_ndjson(folder / "penguin.ndjson", [&](const Drawing& drawing) {
    const std::span<const char> real(&bitmaps.at(row * image_size), image_size);
    EXPECT_GE(correlation(picture(drawing), real), 0.997) << "row " << row;
    ++row;
  });
  EXPECT_EQ(row, 25u);
}

TEST(Rasterise, LeavesAnEmptyDrawingBlack) {
  EXPECT_EQ(picture({}), Image{});
}

TEST(Rasterise, PaintsADotOfThePensArea) {
  const Image single = picture({{{0}, {0}}});
  const Image repeated = picture({{{0, 0, 0}, {0, 0, 0}}});
  EXPECT_EQ(single, repeated);

  // A disc of radius 8 in units of a pixel's side, 304 / 28, around the middle of the picture.
  double area = 0;
  for (const std::uint8_t value : single) area += value / 255.0;
  const double radius = 8 * 28.0 / 304;
  EXPECT_NEAR(area, 3.14159265 * radius * radius, 0.03);
  EXPECT_GT(single[14 * image_side + 14], 0);
  EXPECT_EQ(single[14 * image_side + 14], single[13 * image_side + 13]);
}

TEST(Rasterise, GivesALineTheWidthOfThePen) {
  // Down the middle: every inner row holds 16 canvas units, and the line is 255 long with a half disc at each end.
  const Image image = picture({{{0, 0}, {0, 255}}});
  double row_sum = 0;
  for (int x = 0; x < image_side; ++x) row_sum += image[static_cast<std::size_t>(14 * image_side + x)] / 255.0;
  EXPECT_NEAR(row_sum, 16 * 28.0 / 304, 0.02);
}

TEST(Rasterise, CutsOffWhatLiesOutsideTheCanvas) {
  const Image image = picture({{{-1e6f, 1e6f}, {-1e6f, 1e6f}}, {{1e30f}, {-1e30f}}});
  EXPECT_EQ(image, Image{});
}

// ---- Drawings ------------------------------------------------------------------------------------------------------

TEST(DrawPenguin, RepeatsItselfFromTheSameStream) {
  const Rng seed(7);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Drawing first = draw_penguin(seed.stream(i)), second = draw_penguin(seed.stream(i));
    ASSERT_EQ(first.size(), second.size());
    for (std::size_t k = 0; k < first.size(); ++k) {
      EXPECT_EQ(first[k].x, second[k].x);
      EXPECT_EQ(first[k].y, second[k].y);
    }
  }
}

TEST(DrawPenguin, KeepsToTheSimplifiedFormat) {
  const Rng seed(8);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    float low_x = 255, low_y = 255, high_x = 0, high_y = 0;
    for (const Stroke& stroke : draw_penguin(seed.stream(i))) {
      ASSERT_FALSE(stroke.x.empty());
      ASSERT_EQ(stroke.x.size(), stroke.y.size());
      for (std::size_t k = 0; k < stroke.x.size(); ++k) {
        ASSERT_EQ(stroke.x[k], std::round(stroke.x[k]));
        ASSERT_EQ(stroke.y[k], std::round(stroke.y[k]));
        low_x = std::min(low_x, stroke.x[k]);
        low_y = std::min(low_y, stroke.y[k]);
        high_x = std::max(high_x, stroke.x[k]);
        high_y = std::max(high_y, stroke.y[k]);
      }
    }
    ASSERT_EQ(low_x, 0);
    ASSERT_EQ(low_y, 0);
    ASSERT_EQ(std::max(high_x, high_y), 255);
  }
}

TEST(DrawPenguin, DrawsFortyThousandDistinctPicturesWithTheInkOfTheRealOnes) {
  constexpr int count = 40000;
  std::vector<Image> images(count);
  std::vector<std::size_t> strokes(count);
  const Rng seed(1);
#pragma omp parallel for schedule(static)
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const Drawing drawing = draw_penguin(seed.stream(index));
    rasterise(drawing, images[index]);
    strokes[index] = drawing.size();
  }

  std::unordered_set<std::string_view> distinct;
  double ink = 0, touched = 0, stroke_count = 0;
  for (const Image& image : images) {
    distinct.emplace(reinterpret_cast<const char*>(image.data()), image.size());
    for (const std::uint8_t value : image) {
      ink += value / 255.0;
      touched += value != 0;
    }
  }
  for (const std::size_t number : strokes) stroke_count += static_cast<double>(number);

  // Of 1000 real ones: ink 0.186, pixels touched 0.303; of 25 real ones: 7 strokes.
  EXPECT_EQ(distinct.size(), images.size());
  EXPECT_NEAR(ink / (count * double{image_size}), 0.186, 0.012);
  EXPECT_NEAR(touched / (count * double{image_size}), 0.303, 0.015);
  EXPECT_NEAR(stroke_count / count, 7.2, 1.2);
}

// ---- The reader ----------------------------------------------------------------------------------------------------

constexpr std::string_view good_line =
    R"({"word":"penguin","countrycode":"US","timestamp":"2017-03-30 13:42:35.22643 UTC","recognized":false,)"
    R"("key_id":"5330873157156864","drawing":[[[0,255],[1,2.5]],[[7],[8]]]})";

// The line with `drawing` as the value of its last key.
std::string line_with(std::string_view drawing) {
  return R"({"word":"penguin","drawing":)" + std::string(drawing) + "}\n";
}

// What reading a file with this text ends in, without the path; empty if it goes well.
std::string refusal(std::string_view text) {
  const TemporaryDirectory directory;
  const fs::path path = directory.write("penguin.ndjson", text);
  try {
    read_ndjson(path, [](const Drawing&) {});
  } catch (const FileError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with(path.string() + ": ")) << message;
    return message.substr(path.string().size() + 2);
  }
  return {};
}

TEST(ReadNdjson, ReadsStrokesWhetherRecognisedOrNot) {
  const TemporaryDirectory directory;
  std::vector<Drawing> drawings;
  const std::string text = std::string(good_line) + "\r\n" + line_with("[[[3],[4]]]") + "\n  \n\n";
  read_ndjson(directory.write("two.ndjson", text), [&](const Drawing& drawing) { drawings.push_back(drawing); });
  ASSERT_EQ(drawings.size(), 2u);
  ASSERT_EQ(drawings[0].size(), 2u);
  EXPECT_EQ(drawings[0][0].x, (std::vector<float>{0, 255}));
  EXPECT_EQ(drawings[0][0].y, (std::vector<float>{1, 2.5f}));
  EXPECT_EQ(drawings[0][1].x, (std::vector<float>{7}));
  EXPECT_EQ(drawings[1][0].y, (std::vector<float>{4}));
}

TEST(ReadNdjson, TakesALastLineWithoutLineFeed) {
  EXPECT_EQ(refusal(good_line), "");
}

TEST(ReadNdjson, RefusesFilesOfAnotherKind) {
  EXPECT_EQ(refusal(""), "line 1: expected a drawing, found the end of the file");
  EXPECT_EQ(refusal("\n\n"), "line 1: expected a drawing, found the end of the file");
  EXPECT_EQ(refusal("\xEF\xBB\xBF" + std::string(good_line)),
            "line 1: expected a drawing in JSON, found a byte order mark; save the file as plain UTF-8");
  EXPECT_EQ(refusal("<!DOCTYPE html>\n<html>"),
            "line 1: expected a drawing in JSON, found a web page; the download went wrong");
  EXPECT_EQ(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            "line 1: expected a drawing in JSON, found a Git LFS pointer; run git lfs pull");
  EXPECT_EQ(refusal("\x93NUMPY\x01"), "line 1: expected a drawing in JSON, found a NumPy file");
}

TEST(ReadNdjson, SaysWhyAFileCannotBeOpened) {
  const TemporaryDirectory directory;
  const auto message = [](const fs::path& path) -> std::string {
    try {
      read_ndjson(path, [](const Drawing&) {});
    } catch (const FileError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(message(directory.path()),
            directory.path().string() + ": open: expected an .ndjson file, found a directory");
  const fs::path missing = directory.path() / "missing.ndjson";
  EXPECT_EQ(message(missing), missing.string() + ": open: expected a readable file, found: No such file or directory");
  if (::geteuid() == 0) return;  // root may read everything
  const fs::path secret = directory.write("secret.ndjson", good_line);
  fs::permissions(secret, fs::perms::none);
  EXPECT_EQ(message(secret), secret.string() + ": open: expected a readable file, found: Permission denied");
}

TEST(ReadNdjson, NamesTheColumnWhereJsonEnds) {
  EXPECT_EQ(refusal("penguin\n"), R"(line 1: column 1: expected JSON, found "penguin")");
  EXPECT_EQ(refusal("{\"word\":\"penguin\",}\n"), R"(line 1: column 19: expected JSON, found "}")");
  EXPECT_EQ(refusal(line_with("[[[NaN],[1]]]")), R"(line 1: column 32: expected JSON, found "NaN],[1]]]}")");
  EXPECT_EQ(refusal(line_with("[[[1e999],[1]]]")),
            R"(line 1: column 36: expected a number 0 to 255, found "1e999")");
  EXPECT_EQ(refusal(std::string(good_line) + "\n{\"word\":\"pen"),
            "line 2: column 13: expected the rest of the drawing, found the end of the line");
  EXPECT_EQ(refusal(std::string(good_line) + " {}\n").substr(0, 8), "line 1: ");
  EXPECT_EQ(refusal("{\"word\":\"\xFF\"}\n"), "line 1: column 10: expected JSON, found \"?\"}\"");
}

TEST(ReadNdjson, RefusesWhatIsNoDrawing) {
  EXPECT_EQ(refusal("7\n"), "line 1: expected an object in braces, found a number");
  EXPECT_EQ(refusal("[[]]\n"), "line 1: expected an object in braces, found a list");
  EXPECT_EQ(refusal("{}\n"), "line 1: expected the key \"drawing\", found an object without it");
  EXPECT_EQ(refusal(line_with("null")), R"(line 1: "drawing": expected a list of strokes, found null)");
  EXPECT_EQ(refusal(line_with("{}")), R"(line 1: "drawing": expected a list of strokes, found an object)");
  EXPECT_EQ(refusal(line_with("[]")), "line 1: expected at least one stroke, found an empty drawing");
  EXPECT_EQ(refusal(line_with("[5]")), "line 1: expected a stroke [[x...], [y...]], found a number");
  EXPECT_EQ(refusal(line_with("[[5]]")), "line 1: stroke 1: expected a list of numbers, found a number");
  EXPECT_EQ(refusal(line_with("[[[[")), "line 1: stroke 1: expected a number, found a list");
  EXPECT_EQ(refusal(line_with(std::string(100000, '['))), "line 1: stroke 1: expected a number, found a list");
  EXPECT_EQ(refusal(std::string(good_line) + "\n\n" + std::string(good_line)),
            "line 2: expected a drawing, found an empty line");
}

TEST(ReadNdjson, RefusesWrongKeys) {
  EXPECT_EQ(refusal("{\"word\":\"penguin\",\"word\":\"penguin\"}\n"),
            "line 1: expected every key once, found a second \"word\"");
  EXPECT_EQ(refusal("{\"a\\nvery long name of a key\":1}\n"),
            "line 1: expected one of the keys word, countrycode, timestamp, recognized, key_id and drawing, "
            "found \"a?very long name of ...\"");
  EXPECT_EQ(refusal("{\"recognized\":1}\n"), "line 1: \"recognized\": expected true or false, found a number");
  EXPECT_EQ(refusal("{\"word\":[]}\n"), "line 1: \"word\": expected text, found a list");
}

TEST(ReadNdjson, RefusesWrongPoints) {
  EXPECT_EQ(refusal(line_with("[[[0],[1]],[[1,2],[3]]]")),
            "line 1: stroke 2: expected as many x as y, found 2 and 1");
  EXPECT_EQ(refusal(line_with("[[[0]]]")), "line 1: stroke 1: expected two lists, x and y, found 1");
  EXPECT_EQ(refusal(line_with("[[]]")), "line 1: stroke 1: expected two lists, x and y, found 0");
  EXPECT_EQ(refusal(line_with("[[[],[]]]")), "line 1: stroke 1: expected at least one point, found none");
  EXPECT_EQ(refusal(line_with("[[[0,1],[1,256]]]")), "line 1: stroke 1, point 2: expected y from 0 to 255, found 256");
  EXPECT_EQ(refusal(line_with("[[[-1],[1]]]")), "line 1: stroke 1, point 1: expected x from 0 to 255, found -1");
  EXPECT_EQ(refusal(line_with("[[[\"0\"],[1]]]")), "line 1: stroke 1: expected a number, found text");
  EXPECT_EQ(refusal(line_with("[[[0],[1],[0]]]")),
            "line 1: stroke 1: expected two lists, x and y, found a third one, the times of the raw format; "
            "take the simplified file");
}

TEST(ReadNdjson, RefusesALineLongerThanOneMebibyte) {
  EXPECT_EQ(refusal(std::string(good_line) + "\n" + std::string((1 << 20) + 1, ' ')),
            "line 2: expected at most 1 MiB in a line, found more");
}

TEST(ReadNdjson, SurvivesATruncationAtEveryByte) {
  const TemporaryDirectory directory;
  const std::string text = std::string(good_line) + "\n" + std::string(good_line) + "\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    int drawings = 0;
    bool refused = false;
    try {
      read_ndjson(directory.write("cut.ndjson", text.substr(0, size)), [&](const Drawing&) { ++drawings; });
    } catch (const FileError&) {
      refused = true;
    }
    const bool at_line_end = size == good_line.size() || size == good_line.size() + 1 || size + 1 >= text.size();
    EXPECT_EQ(refused, !at_line_end) << "cut to " << size << " bytes";
    EXPECT_EQ(drawings, size < good_line.size() ? 0 : size + 1 < text.size() ? 1 : 2) << "cut to " << size << " bytes";
  }
}

// ---- The download --------------------------------------------------------------------------------------------------

// A NumPy file of `drawings` black pictures, with the 80-byte header of the published ones.
std::string numpy_file(std::size_t drawings) {
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(drawings) + ", 784), }";
  header.resize(69, ' ');
  return std::string("\x93NUMPY\x01\x00\x46\x00", 10) + header + "\n" + std::string(drawings * image_size, '\0');
}

struct Outcome {
  int status;
  std::string output, errors;
};

// Runs fetch.sh with `source` as its address and writes to the file `target` of the directory.
Outcome fetch(const TemporaryDirectory& directory, const fs::path& source, const std::string& target) {
  const auto at = [&](const std::string& name) { return "'" + (directory.path() / name).string() + "'"; };
  const std::string command = "FLOE_PENGUINS_URL='file://" + source.string() + "' sh '" FLOE_SOURCE_DIR
                              "/datasets/penguins/fetch.sh' " + at(target) + " >" + at("out") + " 2>" + at("err");
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), contents(directory.path() / "out"), contents(directory.path() / "err")};
}

TEST(Fetch, CopiesAFileAndPrintsTheCommandThatUsesIt) {
  const TemporaryDirectory directory;
  const fs::path source = directory.write("source.npy", numpy_file(3));
  const std::string target = (directory.path() / "new folder/penguins.npy").string();
  for (int times = 0; times < 2; ++times) {  // the second finds it there
    const Outcome outcome = fetch(directory, source, "new folder/penguins.npy");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.errors, "");
    EXPECT_EQ(outcome.output, "3 penguins in " + target + "\n./floe run penguins --data " + target + "\n");
  }
  EXPECT_EQ(contents(target), numpy_file(3));
  EXPECT_FALSE(fs::exists(target + ".part"));
}

TEST(Fetch, RefusesWhatIsNoFileOfPenguins) {
  const TemporaryDirectory directory;
  const auto errors = [&](const std::string& text) {
    const fs::path source = directory.write("source", text);
    const Outcome outcome = fetch(directory, source, "target.npy");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.output, "");
    EXPECT_FALSE(fs::exists(directory.path() / "target.npy"));
    const std::string start = "fetch.sh: file://" + source.string() + ": ";
    EXPECT_TRUE(outcome.errors.starts_with(start)) << outcome.errors;
    return outcome.errors.substr(std::min(start.size(), outcome.errors.size()));
  };
  EXPECT_EQ(errors(""), "expected a NumPy file, found something else\n");
  EXPECT_EQ(errors("<html></html>\n\n\n\n"), "expected a NumPy file, found something else\n");
  EXPECT_EQ(errors(numpy_file(2).substr(0, 1000)),
            "expected drawings of 784 bytes each after a header of 80, found 920 bytes\n");
  EXPECT_EQ(errors(numpy_file(0)), "expected drawings of 784 bytes each after a header of 80, found 0 bytes\n");
}

TEST(Fetch, TouchesNoFileOfAnotherKind) {
  const TemporaryDirectory directory;
  const fs::path source = directory.write("source.npy", numpy_file(1)), mine = directory.write("mine", "a thesis");
  const Outcome outcome = fetch(directory, source, "mine");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.errors, "fetch.sh: " + mine.string() + " already exists and is not the penguins: " +
                                "expected a NumPy file, found something else; move it away\n");
  EXPECT_EQ(contents(mine), "a thesis");
}

TEST(Fetch, SaysThatItsSourceIsMissing) {
  const TemporaryDirectory directory;
  const fs::path source = directory.path() / "missing.npy";
  const Outcome outcome = fetch(directory, source, "target.npy");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.errors, "fetch.sh: expected a readable file at " + source.string() + ", found none\n");
}

}  // namespace
}  // namespace floe::penguins
