// The operating system's answers: this process, its program, and how another one ended.
#include <floe/files/system.h>

#include <fcntl.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include <fmt/core.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

TEST(System, KnowsThisProgram) {
  EXPECT_EQ(os::program_name(), "files_test");
  EXPECT_TRUE(std::filesystem::exists(os::program_folder() / "files_test"));
  EXPECT_EQ(os::process_id(), getpid());
}

TEST(System, SaysHowACommandEnded) {
  EXPECT_EQ(os::run_command("exit 0"), 0);
  EXPECT_EQ(os::run_command("exit 3"), 3);
  EXPECT_EQ(os::run_command("kill -9 $$"), 128 + 9);
}

TEST(System, TakesAFileForNoTerminal) {
  test::TempFolder folder;
  std::FILE* file = std::fopen(folder.write("file", "text").c_str(), "r");
  EXPECT_FALSE(os::is_terminal(file));
  EXPECT_EQ(os::terminal_columns(file), 80);
  std::fclose(file);
}

TEST(System, CallsAFullShareOfADiskFull) {
  EXPECT_TRUE(os::says_full(std::make_error_code(std::errc::no_space_on_device)));
  EXPECT_TRUE(os::says_full({EDQUOT, std::system_category()}));
  EXPECT_FALSE(os::says_full({}));
  EXPECT_FALSE(os::says_full(std::make_error_code(std::errc::permission_denied)));
}

// Else a file of ours would get the number of a closed stdout, and what is printed then.
TEST(System, OpensWhatIsClosedOfTheChannelsOnNothing) {
  for (std::vector<int> closed : {std::vector{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}}) {
    test::TempFolder folder;
    std::string said = test::in_child([&] {
      for (int handle : closed) close(handle);
      os::open_channels();
      int next = open(folder.write("file", "").c_str(), O_WRONLY);
      fmt::print("to stdout\n");
      fmt::print(stderr, "to stderr\n");
      std::fflush(nullptr);
      return fmt::format("{} {}", next > 2, test::read_bytes(folder / "file"));
    });
    EXPECT_EQ(said, "true ");
  }
}

// fmt::print() throws the error it gets, and nobody wants one in the middle of a training.
TEST(System, LosesWhatCannotBePrintedAndGoesOn) {
  std::string said = test::in_child([] {
    int full = open("/dev/full", O_WRONLY);
    dup2(full, 1), dup2(full, 2);
    os::open_channels();
    bool before = static_cast<bool>(os::output_lost());
    fmt::print(stderr, "to stderr\n");
    bool after_stderr = static_cast<bool>(os::output_lost());
    fmt::print("a part of a line");
    fmt::print(", and the rest\n");
    std::puts("more");
    return fmt::format("{} {} {}", before, after_stderr, os::says_full(os::output_lost()));
  });
  EXPECT_EQ(said, "false false true");
}

TEST(System, OutlivesAPipeThatNobodyReads) {
  std::string said = test::in_child([] {
    int ends[2];
    if (pipe(ends) != 0) return std::string("no pipe");
    dup2(ends[1], 1);
    os::open_channels();
    fmt::print("read\n");
    bool before = static_cast<bool>(os::output_lost());
    close(ends[0]);
    fmt::print("lost\n");
    return fmt::format("{} {}", before, os::output_lost() == std::errc::broken_pipe);
  });
  EXPECT_EQ(said, "false true");
}

TEST(System, PrintsLineByLineInOrder) {
  test::TempFolder folder;
  std::string said = test::in_child([&] {
    int file = open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, 1), dup2(file, 2);
    os::open_channels();
    fmt::print("one\ntw");
    fmt::print(stderr, "(beside)");
    std::string so_far = test::read_bytes(folder / "out");
    std::fputs("o\n", stdout);
    os::open_channels();
    std::printf("%s\n", "three");
    return so_far + "|" + test::read_bytes(folder / "out");
  });
  EXPECT_EQ(said, "one\n(beside)|one\n(beside)two\nthree\n");
}

TEST(System, LocksAFolderAndKnowsItWhenItMoved) {
  test::TempFolder folder;
  std::filesystem::create_directories(folder / "a");
  std::error_code error;
  os::File first = os::open_file(folder / "a", error), second = os::open_file(folder / "a", error);
  EXPECT_TRUE(first.lock());
  EXPECT_FALSE(second.lock());
  EXPECT_TRUE(first.is_at(folder / "a"));
  std::filesystem::rename(folder / "a", folder / "b");
  EXPECT_FALSE(first.is_at(folder / "a"));
  std::filesystem::create_directories(folder / "a");
  EXPECT_FALSE(first.is_at(folder / "a"));
  EXPECT_TRUE(first.is_at(folder / "b"));
  first.close();
  EXPECT_TRUE(second.lock());
}

TEST(System, LocksAFileUntilItIsClosed) {
  test::TempFolder folder;
  std::error_code error;
  os::File file = os::create_file(folder / "file", error);
  ASSERT_FALSE(error);
  EXPECT_TRUE(file.lock());
  os::remove_unless_locked(folder / "file");
  EXPECT_TRUE(std::filesystem::exists(folder / "file"));
  file.close();
  os::remove_unless_locked(folder / "file");
  EXPECT_FALSE(std::filesystem::exists(folder / "file"));
}

}  // namespace
}  // namespace floe
