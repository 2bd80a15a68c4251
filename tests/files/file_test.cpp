// Files: what cannot be read or written is refused in one sentence, and a write is all or nothing.
#include <floe/files/file.h>

#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>

#include <floe/files/checksum.h>
#include <floe/tensor/memory.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using test::file_error_of;
using test::read_bytes;
using test::TempFolder;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string opening(const std::filesystem::path& path) {
  return file_error_of(path, [&] { InputFile file(path); });
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  write_atomically(path, [&](Writer& file) { file.write(text); });
}

std::string writing(const std::filesystem::path& path) {
  return file_error_of(path, [&] { write_text(path, "new"); });
}

// --- Checksums -------------------------------------------------------------------------------------------------------

TEST(Checksum, HasThePublishedValues) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Checksum, ContinuesWhereAnotherEnded) {
  std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    EXPECT_EQ(crc32c(bytes_of(text.substr(i)), crc32c(bytes_of(text.substr(0, i)))), crc32c(bytes_of(text)));
  }
}

// --- Reading ---------------------------------------------------------------------------------------------------------

TEST(InputFile, RefusesWhatIsNotThere) {
  TempFolder folder;
  EXPECT_EQ(opening(folder / "none"), "cannot be read: there is no such file");
}

TEST(InputFile, RefusesAFolder) {
  TempFolder folder;
  EXPECT_EQ(opening(folder.path()), "cannot be read: it is a folder, not a file");
}

TEST(InputFile, RefusesAPipeWithoutWaitingForAWriter) {
  TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0666), 0);
  EXPECT_EQ(opening(folder / "pipe"), "cannot be read: it is a pipe, not a file");
}

TEST(InputFile, RefusesADevice) { EXPECT_EQ(opening("/dev/zero"), "cannot be read: it is a device, not a file"); }

TEST(InputFile, RefusesADanglingLink) {
  TempFolder folder;
  std::filesystem::create_symlink("gone.npy", folder / "link");
  EXPECT_EQ(opening(folder / "link"), "cannot be read: it is a link to gone.npy, which does not exist");
}

TEST(InputFile, RefusesAFileWithoutPermission) {
  TempFolder folder;
  std::filesystem::path path = folder.write("secret", "text");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  std::string answer = test::in_child([&] { return test::become_nobody() ? opening(path) : "cannot"; });
  if (answer == "cannot") GTEST_SKIP() << "this process may not become another user";
  EXPECT_EQ(answer, "cannot be read: permission is denied");
}

TEST(InputFile, ReadsExactlyWhatIsAsked) {
  TempFolder folder;
  InputFile file(folder.write("digits", "0123456789"));
  EXPECT_EQ(file.size(), 10u);
  EXPECT_EQ(file.read_text(3, 4, "digits"), "3456");
  EXPECT_EQ(file.read_text(10, 0, "nothing"), "");
  EXPECT_EQ(error_of([&] { file.read_text(8, 3, "three digits"); }),
            file.path().string() + ": offset 8: expected three digits (3 bytes), the file ends after 10 bytes");
  EXPECT_EQ(error_of([&] { file.read_text(11, 1, "a digit"); }),
            file.path().string() + ": offset 11: expected a digit (1 byte), the file ends after 10 bytes");
}

TEST(InputFile, TakesNoMemoryForWhatTheFileCannotHold) {
  TempFolder folder;
  InputFile file(folder.write("digits", "0123456789"));
  EXPECT_EQ(
      error_of([&] { file.read_text(1, ~std::uint64_t{0}, "all"); }),
      file.path().string() + ": offset 1: expected all (18446744073709551615 bytes), the file ends after 10 bytes");
  std::size_t before = memory_in_use();
  reset_peak_memory();
  EXPECT_EQ(error_of([&] { file.read_tensor(0, {1 << 30, 1 << 10}, DType::float64, "the data"); }),
            file.path().string() + ": offset 0: expected the data (8796093022208 bytes), the file ends after 10 bytes");
  EXPECT_EQ(peak_memory(), before);
}

TEST(InputFile, RefusesAFileThatBecomesShorter) {
  TempFolder folder;
  InputFile file(folder.write("digits", "0123456789"));
  std::filesystem::resize_file(file.path(), 4);
  EXPECT_EQ(error_of([&] { file.read_text(0, 10, "digits"); }),
            file.path().string() + ": offset 4: expected digits, the file became shorter meanwhile");
}

TEST(InputFile, NamesWhatAFileIsInstead) {
  TempFolder folder;
  auto impostor = [&](std::string_view text) { return InputFile(folder.write("file", text)).impostor(); };
  EXPECT_EQ(impostor("\n<!DOCTYPE html><html>"), "an HTML page (a failed download?)");
  EXPECT_EQ(impostor("<HTML>"), "an HTML page (a failed download?)");
  EXPECT_EQ(impostor("version https://git-lfs.github.com/spec/v1\n"),
            "a Git LFS pointer ('git lfs pull' fetches the data)");
  EXPECT_EQ(impostor("PK\x03\x04..."), "a zip archive");
  EXPECT_EQ(impostor("\x1f\x8b\x08"), "a gzip archive");
  EXPECT_EQ(impostor(std::string_view("ab\0\xff...........", 15)), "'ab\\x00\\xff....'");
  EXPECT_EQ(impostor(""), "''");
}

TEST(ByteCount, IsNothingWhereAProductCannotBeCounted) {
  constexpr std::int64_t big = std::int64_t{1} << 32;
  EXPECT_EQ(byte_count({2, 3}, DType::float64), 48u);
  EXPECT_EQ(byte_count({}, DType::uint8), 1u);
  EXPECT_EQ(byte_count({5, 0}, DType::float32), 0u);
  EXPECT_EQ(byte_count({big, big}, DType::uint8), std::nullopt);                // 2^64, which wraps to 0
  EXPECT_EQ(byte_count({big, big / 4 + 1}, DType::float32), std::nullopt);      // wraps to a small number
  EXPECT_EQ(byte_count({0, big, big}, DType::uint8), std::nullopt);
  EXPECT_EQ(byte_count({big, big, 0}, DType::uint8), std::nullopt);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

TEST(WriteAtomically, WritesAndReplaces) {
  TempFolder folder;
  write_text(folder / "file", "old");
  EXPECT_EQ(read_bytes(folder / "file"), "old");
  write_atomically(folder / "file", [](Writer& file) {
    file.write("a new ");
    file.write("text");
  });
  EXPECT_EQ(read_bytes(folder / "file"), "a new text");
  EXPECT_EQ(folder.file_count(), 1);
}

TEST(WriteAtomically, KeepsTheOldFileIfFillingFails) {
  TempFolder folder;
  folder.write("file", "old");
  EXPECT_THROW(write_atomically(folder / "file",
                                [](Writer& file) {
                                  file.write("half of the n");
                                  throw std::logic_error("stop");
                                }),
               std::logic_error);
  EXPECT_EQ(read_bytes(folder / "file"), "old");
  EXPECT_EQ(folder.file_count(), 1);
}

TEST(WriteAtomically, ShowsNothingBeforeTheEnd) {
  TempFolder folder;
  folder.write("file", "old");
  write_atomically(folder / "file", [&](Writer& file) {
    file.write("new");
    EXPECT_EQ(read_bytes(folder / "file"), "old");
    EXPECT_EQ(folder.file_count(), 2);
  });
}

TEST(WriteAtomically, TakesAPathWithoutAFolder) {
  TempFolder folder;
  std::string answer = test::in_child([&] {
    std::filesystem::current_path(folder.path());
    return writing("file");
  });
  EXPECT_EQ(answer, "no error");
  EXPECT_EQ(read_bytes(folder / "file"), "new");
}

TEST(WriteAtomically, RefusesAFolderThatIsNotThere) {
  TempFolder folder;
  EXPECT_EQ(writing(folder / "none" / "file"), "cannot be written: there is no folder " + (folder / "none").string());
}

TEST(WriteAtomically, RefusesToReplaceFoldersAndDevices) {
  TempFolder folder;
  EXPECT_EQ(writing(folder.path()), "cannot be written: it is a folder, not a file");
  EXPECT_EQ(writing("/dev/full"), "cannot be written: it is a device, not a file");
}

TEST(WriteAtomically, RefusesWithoutPermission) {
  TempFolder folder;
  std::filesystem::path path = folder.write("file", "old");
  std::filesystem::permissions(path, std::filesystem::perms(0444));
  std::string answer = test::in_child([&] {
    if (!test::become_nobody()) return std::string("cannot");
    return writing(path) + "; " + writing(folder / "other");
  });
  if (answer == "cannot" || getuid() != 0) GTEST_SKIP() << "only the superuser can give a file to another user";
  EXPECT_EQ(answer, "cannot be written: permission is denied; cannot be written: permission is denied");
  EXPECT_EQ(read_bytes(path), "old");
}

TEST(WriteAtomically, FollowsALink) {
  TempFolder folder;
  folder.write("file", "old");
  std::filesystem::create_symlink("file", folder / "link");
  write_text(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_bytes(folder / "file"), "new");
}

TEST(WriteAtomically, KeepsPermissions) {
  TempFolder folder;
  std::filesystem::permissions(folder.write("file", "old"), std::filesystem::perms(0640));
  write_text(folder / "file", "new");
  EXPECT_EQ(std::filesystem::status(folder / "file").permissions(), std::filesystem::perms(0640));
}

TEST(WriteAtomically, SweepsOrphansOfTheSameTargetOnly) {
  TempFolder folder;
  for (const char* name : {"file.17.0.tmp", "file.99999999.3.tmp"}) folder.write(name, "an orphan");
  for (const char* name :
       {"other.17.0.tmp", "file.tmp", "file.17.tmp", "file.a.b.tmp", "file..tmp", "file.17.0.tmp.txt"}) {
    folder.write(name, "of someone else");
  }
  write_text(folder / "file", "new");
  EXPECT_EQ(folder.file_count(), 7);
  EXPECT_FALSE(std::filesystem::exists(folder / "file.17.0.tmp"));
}

TEST(WriteAtomically, LeavesTheTemporaryOfALivingWriter) {
  TempFolder folder;
  write_atomically(folder / "file", [&](Writer& file) {
    file.write("outer");
    write_text(folder / "file", "inner");
    EXPECT_EQ(read_bytes(folder / "file"), "inner");
    EXPECT_EQ(folder.file_count(), 2);
  });
  EXPECT_EQ(read_bytes(folder / "file"), "outer");
}

TEST(WriteAtomically, KeepsTheOldFileWhenTheDiskIsFull) {
  TempFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "this process may not mount a small disk to fill";
  }
  folder.write("file", "old");
  std::string answer = file_error_of(folder / "file", [&] { write_text(folder / "file", std::string(1 << 20, 'x')); });
  std::string kept = read_bytes(folder / "file");
  int files = folder.file_count();
  umount(folder.path().c_str());
  EXPECT_EQ(answer, "cannot be written: no space is left on the device");
  EXPECT_EQ(kept, "old");
  EXPECT_EQ(files, 1);
}

// --- Files that grow -------------------------------------------------------------------------------------------------

TEST(GrowingFile, HoldsWhatWasAppendedAtOnce) {
  TempFolder folder;
  GrowingFile file(folder / "events");
  EXPECT_EQ(read_bytes(folder / "events"), "");
  file.append("one ");
  file.append("");
  EXPECT_EQ(read_bytes(folder / "events"), "one ");
  file.append("two");
  EXPECT_EQ(read_bytes(folder / "events"), "one two");
}

TEST(GrowingFile, IsNewAndInAFolderThatIsThere) {
  TempFolder folder;
  folder.write("events", "old");
  EXPECT_EQ(file_error_of(folder / "events", [&] { GrowingFile file(folder / "events"); }),
            "cannot be written: File exists");
  EXPECT_EQ(read_bytes(folder / "events"), "old");
  EXPECT_EQ(file_error_of(folder / "later" / "events", [&] { GrowingFile file(folder / "later" / "events"); }),
            "cannot be written: there is no folder " + (folder / "later").string());
}

TEST(Folders, AreMadeWithThoseAboveThem) {
  TempFolder folder;
  make_folder(folder / "a/b/c");
  make_folder(folder / "a/b/c");
  make_folder(folder / "d/");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder / "d"));
  std::filesystem::path file = folder.write("file", "");
  EXPECT_EQ(file_error_of(file, [&] { make_folder(file); }), "is a file, not a folder");
}

}  // namespace
}  // namespace floe
