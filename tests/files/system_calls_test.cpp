// The order of the system's calls in a write that is all or nothing, what each failure of one leaves, and that nothing
// stays open.
#include <support/system_calls.h>

#include <gtest/gtest.h>

#include <floe/files/file.h>
#include <floe/files/safetensors.h>
#include <floe/ops/create.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::file_error_of;
using test::read_bytes;
using test::SystemCalls;
using test::TempFolder;

using Calls = std::vector<std::string>;

void write_new(const std::filesystem::path& path) {
  write_atomically(path, [](Writer& file) { file.write("new"); });
}

// A crash between any two of these leaves the old file or the whole new one.
TEST(WriteAtomically, BringsTheBytesToTheDiskBeforeTheName) {
  TempFolder folder;
  for (bool old : {false, true}) {
    if (old) folder.write("file", "old");
    SystemCalls calls(folder.path());
    write_new(folder / "file");
    EXPECT_EQ(calls.made, (Calls{"create file.tmp", "write 3 to file.tmp", "flush file.tmp", "rename file.tmp to file",
                                 "close file.tmp", "open .", "flush .", "close ."}));
  }
  SystemCalls calls(folder.path());
  save_safetensors(folder / "tensors", {{"w", ones({2})}, {"b", ones({3})}});
  std::string header = std::to_string(std::filesystem::file_size(folder / "tensors") - 8 - 12);
  EXPECT_EQ(calls.made, (Calls{"create tensors.tmp", "write " + header + " to tensors.tmp", "write 8 to tensors.tmp",
                               "write 12 to tensors.tmp", "flush tensors.tmp", "rename tensors.tmp to tensors",
                               "close tensors.tmp", "open .", "flush .", "close ."}));
}

TEST(WriteAtomically, EndsAtTheFirstCallThatFails) {
  struct Failure {
    std::string call;
    int error;
    std::string message, kept;
    Calls made;
  };
  const Calls cleaning{"remove file.tmp", "close file.tmp"};
  auto after = [&](Calls calls) {
    calls.insert(calls.end(), cleaning.begin(), cleaning.end());
    return calls;
  };
  const Calls whole{"create file.tmp", "write 3 to file.tmp",
                    "flush file.tmp",  "rename file.tmp to file",
                    "close file.tmp",  "open .",
                    "flush .",         "close ."};
  auto first = [&](std::ptrdiff_t count) { return Calls(whole.begin(), whole.begin() + count); };
  Calls without_flush = first(6);
  for (const Failure& one : std::vector<Failure>{
           {"create file.tmp", EACCES, "cannot be written: permission is denied", "old", first(1)},
           {"write 3 to file.tmp", ENOSPC, "cannot be written: no space is left on the device", "old", after(first(2))},
           {"flush file.tmp", EIO, "cannot be written: Input/output error", "old", after(first(3))},
           {"flush file.tmp", EINVAL, "cannot be written: Invalid argument", "old", after(first(3))},
           {"rename file.tmp to file", EACCES, "cannot be written: permission is denied", "old", after(first(4))},
           {"open .", EACCES, "no error", "new", without_flush},
           {"flush .", EIO, "cannot be written: Input/output error", "new", whole},
           {"flush .", EINVAL, "no error", "new", whole},
       }) {
    SCOPED_TRACE(one.call + " fails with " + std::to_string(one.error));
    TempFolder folder;
    folder.write("file", "old");
    SystemCalls calls(folder.path(), [&](const std::string& call) { return call == one.call ? one.error : 0; });
    EXPECT_EQ(file_error_of(folder / "file", [&] { write_new(folder / "file"); }), one.message);
    EXPECT_EQ(calls.made, one.made);
    EXPECT_EQ(read_bytes(folder / "file"), one.kept);
    EXPECT_EQ(folder.file_count(), 1);
  }
}

TEST(WriteAtomically, GoesOnAfterShortAndInterruptedWrites) {
  TempFolder folder;
  int interruptions = 2;
  SystemCalls calls(folder.path(), [&](const std::string& call) {
    return call == "write 3 to file.tmp" && interruptions-- > 0 ? EINTR : 0;
  });
  calls.longest_write = 2;
  write_atomically(folder / "file", [](Writer& file) { file.write("12345"); });
  EXPECT_EQ(read_bytes(folder / "file"), "12345");
  EXPECT_EQ((Calls(calls.made.begin() + 1, calls.made.begin() + 6)),
            (Calls{"write 5 to file.tmp", "write 3 to file.tmp", "write 3 to file.tmp", "write 3 to file.tmp",
                   "write 1 to file.tmp"}));
}

TEST(WriteAtomically, LeavesNothingOpenWhereFillingFails) {
  TempFolder folder;
  SystemCalls calls(folder.path());
  EXPECT_THROW(write_atomically(folder / "file", [](Writer&) { throw std::logic_error("stop"); }), std::logic_error);
  EXPECT_EQ(calls.made, (Calls{"create file.tmp", "remove file.tmp", "close file.tmp"}));
}

TEST(WriteAtomically, OpensAndClosesEachOrphanThatItRemoves) {
  TempFolder folder;
  folder.write("file.17.0.tmp", "an orphan");
  SystemCalls calls(folder.path());
  write_new(folder / "file");
  EXPECT_EQ((Calls(calls.made.begin(), calls.made.begin() + 4)),
            (Calls{"open file.tmp", "remove file.tmp", "close file.tmp", "create file.tmp"}));
}

TEST(InputFile, IsClosed) {
  TempFolder folder;
  folder.write("file", "text");
  SystemCalls calls(folder.path());
  EXPECT_EQ(InputFile(folder / "file").read_text(0, 4, "all"), "text");
  EXPECT_THROW(InputFile(folder.path()), FileError);
  EXPECT_EQ(calls.made, (Calls{"open file", "close file", "open .", "close ."}));
}

TEST(GrowingFile, TakesBackTheHalfThatWasWritten) {
  TempFolder folder;
  SystemCalls calls(folder.path(), [](const std::string& call) { return call == "write 2 to events" ? ENOSPC : 0; });
  {
    GrowingFile file(folder / "events");
    file.append("whole ");
    calls.longest_write = 4;
    EXPECT_EQ(file_error_of(folder / "events", [&] { file.append("halved"); }),
              "cannot be written: no space is left on the device");
    file.append("again");
  }
  EXPECT_EQ(read_bytes(folder / "events"), "whole again");
  EXPECT_EQ(calls.made, (Calls{"create events", "write 6 to events", "write 6 to events", "write 2 to events",
                               "cut to 6 events", "write 5 to events", "write 1 to events", "close events"}));
}

}  // namespace
}  // namespace floe
