// CsvLog: numbers in few digits, files that are whole at any moment, and a resume that leaves the same bytes.
#include <floe/files/csv.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using test::file_error_of;
using test::read_bytes;
using test::TempFolder;

CsvLog losses(const TempFolder& folder) {
  return CsvLog(folder / "losses.csv", {"epoch", "generator", "discriminator"});
}

TEST(CsvLog, WritesAHeaderAndARowAnEpoch) {
  TempFolder folder;
  CsvLog log = losses(folder);
  EXPECT_EQ(folder.file_count(), 0);
  log.append(1, 0.6931472f, 1.25);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), "epoch,generator,discriminator\n1,0.6931472,1.25\n");
  log.append(2, 3, 1e-10);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), "epoch,generator,discriminator\n1,0.6931472,1.25\n2,3,1e-10\n");
  EXPECT_EQ(folder.file_count(), 1);
}

TEST(CsvLog, WritesTheFewestDigitsThatGiveTheSameFloat) {
  TempFolder folder;
  CsvLog log = losses(folder);
  log.append(std::int64_t{1} << 60, 0.1f, 0.1);
  log.append(-1, std::numeric_limits<float>::infinity(), std::nan(""));
  EXPECT_EQ(read_bytes(folder / "losses.csv"),
            "epoch,generator,discriminator\n1152921504606846976,0.1,0.1\n-1,inf,nan\n");
}

TEST(CsvLog, GoesOnWhereAFileEndsWithTheColumnsThatItHas) {
  TempFolder folder;
  CsvLog before = losses(folder);
  for (int epoch = 1; epoch <= 3; ++epoch) before.append(epoch, 0.5, 0.25);
  CsvLog log = CsvLog::restored(folder / "losses.csv", 2);
  log.require_columns({"epoch", "generator", "discriminator"});
  log.append(3, 1.5, 2.5);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), "epoch,generator,discriminator\n1,0.5,0.25\n2,0.5,0.25\n3,1.5,2.5\n");
  EXPECT_EQ(error_of<FileError>([&] {
              log.require_columns({"epoch", "mse"});
            }),
            (folder / "losses.csv").string() +
                ": line 1: its columns are epoch,generator,discriminator, and those of "
                "this run epoch,mse: another --out keeps both");
  for (const char* bytes : {"", "epoch", "epoch,generator,disc"}) {
    folder.write("cut.csv", bytes);
    EXPECT_EQ(error_of<FileError>([&] { CsvLog::restored(folder / "cut.csv", 9); }),
              (folder / "cut.csv").string() + ": line 1: the line has no end");
  }
  for (const char* bytes : {"\n", "a,,b\n1,2,3\n", "a,\"b\"\n1,2\n"}) {
    folder.write("bad.csv", bytes);
    EXPECT_TRUE(error_of<FileError>([&] {
                  CsvLog::restored(folder / "bad.csv", 9);
                }).starts_with((folder / "bad.csv").string() + ": line 1: expected the name of a column, found "))
        << bytes;
  }
}

TEST(CsvLog, ReplacesAFileThatIsThere) {
  TempFolder folder;
  folder.write("losses.csv", "old");
  losses(folder).append(1, 2, 3);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), "epoch,generator,discriminator\n1,2,3\n");
}

TEST(CsvLog, LeavesTheSameFileAfterAKillAndAResume) {
  TempFolder folder;
  auto loss = [](int epoch) { return std::sin(epoch) / 3; };
  CsvLog whole = losses(folder);
  for (int epoch = 1; epoch <= 5; ++epoch) whole.append(epoch, loss(epoch), loss(-epoch));
  std::string expected = read_bytes(folder / "losses.csv");

  CsvLog resumed = losses(folder);
  resumed.restore(3);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), expected);
  resumed.append(4, loss(4), loss(-4));
  EXPECT_NE(read_bytes(folder / "losses.csv"), expected);
  resumed.append(5, loss(5), loss(-5));
  EXPECT_EQ(read_bytes(folder / "losses.csv"), expected);
}

TEST(CsvLog, RestoresInfinitiesAndNaN) {
  TempFolder folder;
  losses(folder).append(1, std::numeric_limits<double>::infinity(), std::nan(""));
  CsvLog log = losses(folder);
  log.restore(1);
  log.append(2, 0, 0);
  EXPECT_EQ(read_bytes(folder / "losses.csv"), "epoch,generator,discriminator\n1,inf,nan\n2,0,0\n");
}

TEST(CsvLog, RefusesAFileThatItDidNotWrite) {
  TempFolder folder;
  auto refusal = [&](std::string_view text) {
    std::filesystem::path path = folder.write("losses.csv", text);
    return file_error_of(path, [&] { losses(folder).restore(9); });
  };
  std::string header = "epoch,generator,discriminator\n";
  EXPECT_EQ(refusal(header), "no error");
  EXPECT_EQ(refusal(""), "line 1: expected the columns 'epoch,generator,discriminator', found ''");
  EXPECT_EQ(refusal("epoch,loss\n1,2\n"),
            "line 1: expected the columns 'epoch,generator,discriminator', found 'epoch,loss'");
  EXPECT_EQ(refusal(header + "1,2,3\n2,3\n"), "line 3: expected 3 numbers, found 2");
  EXPECT_EQ(refusal(header + "1,2,3,4\n"), "line 2: expected 3 numbers, found 4");
  EXPECT_EQ(refusal(header + "1,2,x\n"), "line 2: expected a number, found 'x'");
  EXPECT_EQ(refusal(header + "1,,3\n"), "line 2: expected a number, found ''");
  EXPECT_EQ(refusal(header + "1,2,3\r\n"), "line 2: expected a number, found '3\\x0d'");
  EXPECT_EQ(refusal(header + "1,2,3\n2,3,4"), "line 3: the line has no end");
  EXPECT_EQ(refusal(header + "\n"), "line 2: expected 3 numbers, found 1");
}

TEST(CsvLog, RefusesToRestoreWhatIsNotThere) {
  TempFolder folder;
  EXPECT_EQ(file_error_of(folder / "losses.csv", [&] { losses(folder).restore(1); }),
            "cannot be read: there is no such file");
}

TEST(CsvLog, DropsARowThatCannotBeWritten) {
  TempFolder folder;
  CsvLog log(folder / "later" / "losses.csv", {"epoch", "loss"});
  EXPECT_EQ(file_error_of(folder / "later" / "losses.csv", [&] { log.append(1, 2); }),
            "cannot be written: there is no folder " + (folder / "later").string());
  std::filesystem::create_directory(folder / "later");
  log.append(1, 3);
  EXPECT_EQ(read_bytes(folder / "later" / "losses.csv"), "epoch,loss\n1,3\n");
}

TEST(CsvLog, RefusesRowsAndColumnsThatDoNotFit) {
  TempFolder folder;
  CsvLog log = losses(folder);
  EXPECT_EQ(error_of<ValueError>([&] { log.append(1, 2); }), "csv: 2 numbers for 3 columns");
  EXPECT_EQ(error_of<ValueError>([&] { CsvLog(folder / "a.csv", {}); }), "csv: there are no columns");
  EXPECT_EQ(error_of<ValueError>([&] { CsvLog(folder / "a.csv", {"a,b"}); }),
            "csv: 'a,b' cannot be the name of a column");
  EXPECT_EQ(folder.file_count(), 0);
}

}  // namespace
}  // namespace floe
