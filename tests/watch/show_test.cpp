// show: the characters of small pictures, and where a picture goes without a terminal.
#include <floe/watch/show.h>

#include <cstdlib>

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/pictures/png.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using test::read_bytes;
using test::TempFolder;

Tensor bytes(const std::vector<std::uint8_t>& values, const Shape& shape) { return tensor(values, shape); }

// What show() writes to a terminal of this many columns, in a process of its own.
std::string on_terminal(const Tensor& image, const ShowOptions& options, unsigned short columns,
                        const std::vector<std::pair<const char*, const char*>>& environment = {}) {
  int terminal, program;
  winsize size{24, columns, 0, 0};
  if (openpty(&terminal, &program, nullptr, nullptr, &size) != 0) return "no terminal can be made";
  pid_t child = test::start_child([&] {
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    for (auto [name, value] : environment) setenv(name, value, 1);
    dup2(program, STDOUT_FILENO);
    show(image, options);
    std::fflush(stdout);
  });
  close(program);
  std::string text;
  char part[4096];
  for (ssize_t count; (count = read(terminal, part, sizeof part)) > 0;) {
    for (ssize_t i = 0; i < count; ++i) {
      if (part[i] != '\r') text += part[i];  // a terminal's lines end with both
    }
  }
  close(terminal);
  waitpid(child, nullptr, 0);
  return text;
}

// --- Characters ------------------------------------------------------------------------------------------------------

TEST(HalfBlocks, HoldTwoPixelsEach) {
  Tensor image = bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {2, 2, 3});
  EXPECT_EQ(half_blocks(image),
            "\x1b[38;2;1;2;3m\x1b[48;2;7;8;9m▀"
            "\x1b[38;2;4;5;6m\x1b[48;2;10;11;12m▀\x1b[0m\n");
}

TEST(HalfBlocks, LeaveTheLastHalfOfAnOddHeightEmpty) {
  Tensor image = bytes({0, 0, 9, 5, 5, 5, 1, 2, 2}, {3, 3});
  EXPECT_EQ(half_blocks(image),
            "\x1b[38;2;0;0;0m\x1b[48;2;5;5;5m▀▀\x1b[38;2;9;9;9m\x1b[48;2;5;5;5m▀\x1b[0m\n"
            "\x1b[38;2;1;1;1m▀\x1b[38;2;2;2;2m▀▀\x1b[0m\n");
}

TEST(HalfBlocks, TakeFloatsFromMinusOneToOne) {
  EXPECT_EQ(half_blocks(tensor({{-1., 0.}, {1., 2.}})),
            "\x1b[38;2;0;0;0m\x1b[48;2;255;255;255m▀\x1b[38;2;128;128;128m\x1b[48;2;255;255;255m▀\x1b[0m\n");
}

TEST(HalfBlocks, StandBeforeBlack) {
  EXPECT_EQ(half_blocks(bytes({200, 100, 50, 0, 200, 100, 50, 255, 200, 100, 50, 51}, {1, 3, 4})),
            "\x1b[38;2;0;0;0m▀\x1b[38;2;200;100;50m▀\x1b[38;2;40;20;10m▀\x1b[0m\n");
}

TEST(HalfBlocks, RefuseWhatIsNoImage) {
  EXPECT_EQ(error_of<ShapeError>([] { half_blocks(zeros({2, 3, 2})); }),
            "half_blocks: takes an image of 1, 3 or 4 channels\n  image  (2, 3, 2)   height, width, channels");
  EXPECT_EQ(error_of<DTypeError>([] { half_blocks(zeros({2, 3}, DType::int32)); }),
            "half_blocks: takes images of uint8, float32 or float64, not int32");
}

// --- Terminals -------------------------------------------------------------------------------------------------------

TEST(Show, PrintsHalfBlocksOnATerminal) {
  Tensor image = bytes({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(on_terminal(image, {}, 80), half_blocks(image));
}

TEST(Show, ShrinksToTheWidthOfTheTerminal) {
  Tensor image = bytes({10, 20, 30, 0, 40, 50,  //
                        30, 60, 10, 4, 60, 70,  //
                        1, 3, 5, 7, 9, 12},
                       {3, 6});
  EXPECT_EQ(on_terminal(image, {}, 6), half_blocks(image));
  std::string half = half_blocks(bytes({30, 11, 55, 2, 6, 11}, {2, 3}));  // 10.5 becomes 11
  EXPECT_EQ(on_terminal(image, {}, 5), half);
  EXPECT_EQ(on_terminal(image, {}, 3), half);
  EXPECT_EQ(on_terminal(image, {.columns = 3}, 80), half);
  EXPECT_EQ(on_terminal(image, {}, 1), half_blocks(bytes({23}, {1, 1})));  // 418 / 18
}

TEST(Show, LaysABatchOutAsAGrid) {
  Tensor images = bytes({1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2, 1});
  EXPECT_EQ(on_terminal(images, {}, 80), half_blocks(make_grid(images)));
}

TEST(Show, WritesAFileWhereColoursAreNotWanted) {
  TempFolder folder;
  std::filesystem::path path = folder / "drawn.png";
  Tensor image = bytes({1, 2, 3, 4}, {2, 2});
  std::vector<std::pair<const char*, const char*>> environments[] = {{{"NO_COLOR", "1"}}, {{"TERM", "dumb"}}};
  for (const auto& environment : environments) {
    EXPECT_EQ(on_terminal(image, {.path = path}, 80, environment), path.string() + "\n");
    EXPECT_EQ(read_bytes(path), encode_png(image));
    std::filesystem::remove(path);
  }
  EXPECT_EQ(on_terminal(image, {.path = path}, 80, {{"NO_COLOR", ""}}), half_blocks(image)) << "empty is not set";
}

TEST(Show, WritesAFileWithoutATerminal) {
  TempFolder folder;
  std::filesystem::path path = folder / "drawn.png";
  Tensor images = tensor({-1., 0., 1., 0.}).view({2, 1, 2, 1});
  testing::internal::CaptureStdout();
  show(images, {.path = path});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), path.string() + "\n");
  EXPECT_EQ(read_bytes(path), encode_png(make_grid(images)));
}

TEST(Show, RefusesWhatItCannotShow) {
  EXPECT_EQ(error_of<ShapeError>([] { show(zeros({2, 3, 2})); }),
            "show: takes an image of 1, 3 or 4 channels\n  image  (2, 3, 2)   height, width, channels");
  EXPECT_EQ(error_of<ValueError>([] { show(zeros({2, 3}), {.columns = -1}); }),
            "show: columns must be 0 or more, but is -1");
  testing::internal::CaptureStdout();  // so that it is not a terminal
  std::string message = error_of<FileError>([] { show(zeros({2, 3}), {.path = "/dev/null/x.png"}); });
  EXPECT_EQ(message.substr(0, 35), "/dev/null/x.png: cannot be written:");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace floe
