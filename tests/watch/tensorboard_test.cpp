// SummaryWriter: bytes as TensorFlow writes them, files of killed and resumed runs, and what TensorBoard reads.
#include <floe/watch/tensorboard.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include <signal.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/ops/random.h>
#include <floe/pictures/png.h>
#include <floe/layers/dense.h>
#include <floe/tensor/rng.h>
#include <support/child.h>
#include <support/events.h>

namespace floe {
namespace {

using test::error_of;
using test::event_files;
using test::field;
using test::Fields;
using test::fields_of;
using test::file_error_of;
using test::number_at;
using test::Point;
using test::points_in;
using test::read_bytes;
using test::records_of;
using test::TempFolder;

constexpr double infinity = std::numeric_limits<double>::infinity();

double fixed_clock() { return 1700000000.5; }

std::string hex(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
    text += two;
  }
  return text;
}

// The Summary.Value of the only summary that `write` leaves.
Fields value_of(const std::function<void(SummaryWriter&)>& write) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  write(writer);
  std::vector<std::string> records = records_of(read_bytes(event_files(folder.path()).at(0)));
  EXPECT_EQ(records.size(), 3u);
  return fields_of(field(fields_of(field(fields_of(records.at(2)), 5)), 1));
}

// min, max, num, sum, sum of squares.
std::vector<double> histogram_head(const Fields& value) {
  Fields histogram = fields_of(field(value, 5));
  std::vector<double> head;
  for (int i = 1; i <= 5; ++i) head.push_back(number_at<double>(field(histogram, i), 0));
  return head;
}

std::vector<double> doubles(const std::string& bytes) {
  std::vector<double> numbers;
  for (std::size_t at = 0; at < bytes.size(); at += 8) numbers.push_back(number_at<double>(bytes, at));
  return numbers;
}

// --- Bytes -----------------------------------------------------------------------------------------------------------

// The bytes are those that RecordWriter and the protocol buffers of tensorboard 2.21 make of the same three events.
TEST(SummaryWriter, WritesTheBytesThatTensorFlowWrites) {
  TempFolder folder;
  SummaryWriter writer(folder.path(), {.first_step = 200, .clock = fixed_clock});
  writer.scalar("loss", 0.25, 300);
  EXPECT_EQ(hex(read_bytes(event_files(folder.path()).at(0))),
            "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110"
            "100000000000000095fbfe180900002040fc54d94110c8013a02080164a3c837"
            "1b000000000000001a0d9e130900002040fc54d94110ac022a0d0a0b0a046c6f7373150000803ec5f6859b");
}

TEST(SummaryWriter, CutsAnEventIntoRecordsWithRightChecksums) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  for (int i = 0; i < 50; ++i) writer.text("letters", std::string(static_cast<std::size_t>(i), 'x'), i);
  EXPECT_EQ(records_of(read_bytes(event_files(folder.path()).at(0))).size(), 52u);  // which checks them
}

TEST(SummaryWriter, NamesItsFileByTimeHostAndProcess) {
  TempFolder folder;
  char host[256];
  ASSERT_EQ(gethostname(host, sizeof host), 0);
  auto name = [&](const char* time) {
    return std::string("events.out.tfevents.") + time + "." + host + "." + std::to_string(getpid());
  };
  SummaryWriter first(folder.path() / "a" / "b", {.clock = fixed_clock});
  SummaryWriter second(folder.path() / "a" / "b", {.clock = fixed_clock});
  auto files = event_files(folder.path() / "a" / "b");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].filename(), name("1700000000"));
  EXPECT_EQ(files[1].filename(), name("1700000001")) << "a later run is read later, also within one second";
}

TEST(SummaryWriter, WritesNumbersThatAreNotFiniteAsTheyAre) {
  auto written = [](double value) {
    return number_at<float>(field(value_of([&](SummaryWriter& writer) { writer.scalar("x", value, 1); }), 2), 0);
  };
  EXPECT_TRUE(std::isnan(written(std::nan(""))));
  EXPECT_EQ(written(infinity), infinity);
  EXPECT_EQ(written(-infinity), -infinity);
  EXPECT_EQ(written(0), 0);
}

TEST(SummaryWriter, TakesTensorsAndVariablesOfOneElement) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  Variable scale("scale", full({1, 1}, 3, DType::float64));
  writer.scalar("tensor", tensor(2.5), 0);
  writer.scalar("variable", scale, 1);
  writer.scalar("integer", tensor(7), std::int64_t{1} << 40);
  EXPECT_EQ(points_in(folder.path()),
            (std::vector<Point>{{"tensor", 0, 2.5f}, {"variable", 1, 3}, {"integer", std::int64_t{1} << 40, 7}}));
}

// --- Histograms ------------------------------------------------------------------------------------------------------

TEST(SummaryWriter, CountsElementsInThirtyBuckets) {
  Fields value = value_of([](SummaryWriter& writer) { writer.histogram("x", range(0, 61), 1); });
  EXPECT_EQ(histogram_head(value), (std::vector<double>{0, 60, 61, 1830, 73810}));
  Fields histogram = fields_of(field(value, 5));
  std::vector<double> limits = doubles(field(histogram, 6)), counts(29, 2);
  counts.push_back(3);  // the largest belongs to the last
  ASSERT_EQ(limits.size(), 30u);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_NEAR(limits[i], 2.0 * static_cast<double>(i + 1), 1e-12);
  EXPECT_EQ(limits.back(), 60);
  EXPECT_EQ(doubles(field(histogram, 7)), counts);
}

TEST(SummaryWriter, LeavesOutOfAHistogramWhatIsNotFinite) {
  Tensor x = tensor(std::vector<double>{std::nan(""), 1, infinity, 3, -infinity}, Shape{5});
  Fields value = value_of([&](SummaryWriter& writer) { writer.histogram("x", x, 1); });
  EXPECT_EQ(histogram_head(value), (std::vector<double>{1, 3, 2, 4, 10}));
}

TEST(SummaryWriter, NeedsOneBucketForEqualElementsAndForNone) {
  auto written = [](const Tensor& x) {
    Fields value = value_of([&](SummaryWriter& writer) { writer.histogram("x", x, 1); });
    Fields histogram = fields_of(field(value, 5));
    return std::pair(doubles(field(histogram, 6)), doubles(field(histogram, 7)));
  };
  using Buckets = std::pair<std::vector<double>, std::vector<double>>;
  EXPECT_EQ(written(full({4}, 2)), (Buckets{{2}, {4}}));
  EXPECT_EQ(written(full({4}, std::nan(""))), (Buckets{{0}, {0}}));
  EXPECT_EQ(written(zeros({0, 3})), (Buckets{{0}, {0}}));
  EXPECT_EQ(written(tensor({true, true}).view({2})), (Buckets{{1}, {2}}));
}

TEST(SummaryWriter, SpansTheWholeRangeOfFloat64) {
  double most = std::numeric_limits<double>::max();
  Tensor x = tensor(std::vector<double>{-most, 0, most}, Shape{3});
  Fields value = value_of([&](SummaryWriter& writer) { writer.histogram("x", x, 1); });
  std::vector<double> counts = doubles(field(fields_of(field(value, 5)), 7));
  EXPECT_EQ(counts.front() + counts[15] + counts.back(), 3);
  for (double limit : doubles(field(fields_of(field(value, 5)), 6))) EXPECT_TRUE(std::isfinite(limit));
}

TEST(SummaryWriter, TakesAllVariablesByTheirPaths) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  Layer model("model", Device{}, Rng(1));
  Dense dense(&model, "dense", {.in = 2, .units = 3});
  writer.histograms(model.variables(), 4);
  std::vector<std::string> tags;
  EXPECT_EQ(points_in(folder.path(), &tags), std::vector<Point>{});
  EXPECT_EQ(tags, (std::vector<std::string>{"model/dense/weights", "model/dense/bias"}));
}

// --- Runs that end and begin -----------------------------------------------------------------------------------------

TEST(SummaryWriter, LeavesWhatWasWrittenWhenItsProcessIsKilled) {
  TempFolder folder;
  pid_t child = test::start_child([&] {
    SummaryWriter writer(folder.path());
    writer.scalar("loss", 0.5, 1);
    writer.scalar("loss", 0.25, 2);
    kill(getpid(), SIGKILL);
  });
  waitpid(child, nullptr, 0);
  EXPECT_EQ(points_in(folder.path()), (std::vector<Point>{{"loss", 1, 0.5f}, {"loss", 2, 0.25f}}));
}

TEST(SummaryWriter, LeavesAFileThatCanBeReadUpToWhereItIsCut) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  for (int i = 0; i < 3; ++i) writer.scalar("loss", i, i);
  std::string bytes = read_bytes(event_files(folder.path()).at(0));
  std::size_t whole = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    std::size_t rest = 0;
    std::vector<std::string> records = records_of(std::string_view(bytes).substr(0, size), &rest);
    ASSERT_GE(records.size(), whole);
    if (records.size() > whole) {
      ASSERT_EQ(rest, 0u);
    }
    whole = records.size();
  }
  EXPECT_EQ(whole, 5u);
}

TEST(SummaryWriter, TakesBackTheStepsAfterTheCheckpoint) {
  TempFolder folder;
  SummaryWriter killed(folder.path());
  for (int step = 1; step <= 5; ++step) killed.scalar("loss", 10, step);
  SummaryWriter resumed(folder.path(), {.first_step = 4});
  for (int step = 4; step <= 6; ++step) resumed.scalar("loss", 20, step);
  EXPECT_EQ(points_in(folder.path()), (std::vector<Point>{{"loss", 1, 10}, {"loss", 2, 10}, {"loss", 3, 10},
                                                          {"loss", 4, 20}, {"loss", 5, 20}, {"loss", 6, 20}}));
}

TEST(SummaryWriter, WithoutAFolderWritesNothing) {
  SummaryWriter writer("");
  writer.scalar("loss", 1, 1);
  writer.image("drawn", zeros({2, 2}), 1);
  writer.histogram("weights", ones({3}), 1);
  writer.text("settings", "none", 1);
  EXPECT_EQ(error_of<ValueError>([&] { writer.scalar("", 1, 1); }), "summary: the tag is empty") << "but it checks";
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(SummaryWriter, RefusesWhatItCannotWrite) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  std::size_t before = read_bytes(event_files(folder.path()).at(0)).size();
  EXPECT_EQ(error_of<ValueError>([&] { writer.scalar("", 1, 1); }), "summary: the tag is empty");
  EXPECT_EQ(error_of<ValueError>([&] { writer.scalar("loss", 1, -1); }),
            "summary 'loss': the step must be 0 or more, but is -1");
  EXPECT_EQ(error_of<ShapeError>([&] { writer.scalar("loss", ones({2}), 1); }),
            "summary 'loss': takes a tensor of one element\n  value  (2,)");
  EXPECT_EQ(error_of<ValueError>([&] { writer.scalar("loss", Tensor(), 1); }),
            "summary 'loss': the tensor has no value yet");
  EXPECT_EQ(error_of<ValueError>([&] { writer.histogram("w", Tensor(), 1); }),
            "summary 'w': the tensor has no value yet");
  EXPECT_EQ(error_of<ShapeError>([&] { writer.image("drawn", ones({4, 28, 28}), 1); }),
            "summary 'drawn': takes an image or a batch of them, of 1, 3 or 4 channels\n"
            "  images  (4, 28, 28)   count, height, width, channels");
  EXPECT_THROW(writer.image("drawn", ones({4}), 1), ShapeError);
  EXPECT_THROW(writer.image("drawn", ones({0, 2, 2, 1}), 1), ShapeError);
  EXPECT_EQ(error_of<DTypeError>([&] { writer.image("drawn", ones({2, 2}, DType::int32), 1); }),
            "summary 'drawn': takes images of uint8, float32 or float64, not int32");
  EXPECT_EQ(error_of<ValueError>([&] { writer.image("drawn", ones({2, 2}), 1, 0); }),
            "summary 'drawn': max_outputs must be 1 or more, but is 0");
  EXPECT_EQ(error_of<ValueError>([&] { writer.scalar("a\xff", 1, 1); }), "summary 'a\\xff': the tag is not UTF-8");
  EXPECT_EQ(error_of<ValueError>([&] { writer.text("a", "\xc3", 1); }), "summary 'a': the text is not UTF-8");
  EXPECT_EQ(error_of<ValueError>([&] { SummaryWriter(folder.path(), {.first_step = -1}); }),
            "summary: option .first_step must be 0 or more, but is -1");
  EXPECT_EQ(read_bytes(event_files(folder.path()).at(0)).size(), before) << "and writes nothing";
}

TEST(SummaryWriter, KnowsUtf8) {
  TempFolder folder;
  SummaryWriter writer(folder.path());
  for (const char* text :
       {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xa7", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_NO_THROW(writer.text("text", text, 1)) << hex(text);
  }
  for (const char* text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xe2\x82", "\xe2\x82 ", "\xff"}) {
    EXPECT_THROW(writer.text("text", text, 1), ValueError) << hex(text);
  }
}

TEST(SummaryWriter, RefusesAFolderThatItCannotUse) {
  TempFolder folder;
  std::filesystem::path file = folder.write("file", "");
  EXPECT_EQ(file_error_of(file, [&] { SummaryWriter writer(file); }), "is a file, not a folder");
  EXPECT_EQ(file_error_of(file / "below", [&] { SummaryWriter writer(file / "below"); }),
            "cannot be made: Not a directory");
  std::filesystem::path locked = folder / "locked";
  std::filesystem::create_directory(locked);
  std::filesystem::permissions(locked, std::filesystem::perms(0555));
  EXPECT_EQ(test::in_child([&] {
              if (!test::become_nobody()) return std::string("no nobody");
              return file_error_of(locked / "events", [&] { SummaryWriter writer(locked / "events"); });
            }),
            "cannot be made: permission is denied");
  EXPECT_TRUE(test::in_child([&] {
                if (!test::become_nobody()) return std::string("no nobody");
                return error_of<FileError>([&] { SummaryWriter writer(locked); });
              }).ends_with(": cannot be written: permission is denied"));
}

TEST(SummaryWriter, KeepsItsFileWholeOnAFullDisk) {
  TempFolder folder;
  std::string message = test::in_child([&] {
    SummaryWriter writer(folder.path());
    writer.scalar("loss", 1, 1);
    rlimit limit{300, 300};  // a file of at most 300 bytes
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string error = error_of<FileError>([&] { writer.text("long", std::string(1000, 'x'), 2); });
    writer.scalar("loss", 2, 2);
    return error;
  });
  EXPECT_TRUE(message.ends_with(": cannot be written: File too large")) << message;
  EXPECT_EQ(points_in(folder.path()), (std::vector<Point>{{"loss", 1, 1}, {"loss", 2, 2}}));
}

// --- TensorBoard itself ----------------------------------------------------------------------------------------------

TEST(SummaryWriter, IsReadByTensorBoard) {
  const char* chosen = std::getenv("FLOE_TENSORBOARD_PYTHON");
  std::string python = chosen ? chosen : "python3";
  auto output_of = [](const std::string& command, int& status) {
    std::FILE* pipe = popen(command.c_str(), "r");
    std::string text;
    for (char part[4096]; std::size_t count = std::fread(part, 1, sizeof part, pipe);) text.append(part, count);
    status = pclose(pipe);
    return text;
  };
  int status = 0;
  output_of(python + " -c 'import tensorboard' 2>&1", status);
  if (status != 0) {  // it is not a Debian package
    GTEST_SKIP() << python << " has no tensorboard; FLOE_TENSORBOARD_PYTHON names a Python that has";
  }

  TempFolder folder;
  Rng rng(1);
  Tensor images = random_uniform({5, 4, 6, 3}, rng, -1, 1), grey = random_uniform({3, 2}, rng, -1, 1);
  {
    SummaryWriter killed(folder.path(), {.clock = fixed_clock});
    killed.scalar("generator/loss", 0.5, 1);
    killed.scalar("generator/loss", 9, 2);
    killed.image("drawn", images, 2);
  }
  SummaryWriter writer(folder.path(), {.first_step = 2, .clock = fixed_clock});
  writer.scalar("generator/loss", std::nan(""), 2);
  writer.scalar("generator/loss", 1e30, std::int64_t{1} << 33);
  writer.image("drawn", images, 3, 2);
  writer.image("grey", grey, 3);
  writer.histogram("weights", tensor({0., 1., 30., 2.}), 5);
  writer.text("settings", "**batch** 64", 0);

  auto png = [](const Tensor& image) { return hex(encode_png(image)); };
  std::string script = std::string(FLOE_SOURCE_DIR) + "/tests/support/read_events.py ";
  EXPECT_EQ(output_of(python + " " + script + folder.path().string() + " 2>&1", status),
            "images drawn 3 1700000000.5 6 4 " + png(images[0]) + " " + png(images[1]) + "\n"
            "scalars generator/loss 1 1700000000.5 0.5\n"
            "scalars generator/loss 2 1700000000.5 nan\n"
            "scalars generator/loss 8589934592 1700000000.5 1.0000000150474662e+30\n"
            "images grey 3 1700000000.5 2 3 " + png(grey) + "\n"
            "text settings 0 1700000000.5 **batch** 64\n"
            "histograms weights 5 1700000000.5 "
            "[[0.0, 1.0, 1.0], [1.0, 2.0, 1.0], [2.0, 3.0, 1.0], [29.0, 30.0, 1.0]]\n"
            "sum of weights 5: 33.0\n");
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace floe
