// The operating system's answers: this process, its program, and how another one ended.
#include <floe/files/system.h>

#include <cstdlib>

#include <gtest/gtest.h>

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
