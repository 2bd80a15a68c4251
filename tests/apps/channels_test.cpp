// Every app where its output cannot go: full disks, closed descriptors, pipes that nobody reads.
#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <floe/files/npy.h>
#include <floe/ops/create.h>
#include <support/app.h>
#include <support/events.h>
#include <support/temp_folder.h>

namespace {

namespace fs = std::filesystem;
using floe::test::Result;
using floe::test::TempFolder;

// What is done to the descriptors of an app before it starts.
struct Channels {
  const char* name;
  std::function<void()> prepare;
  const char* lost;  // why what it prints to stdout is lost; nothing: it is not
  bool told;         // can stderr be read?
};

void make_full(int handle) { dup2(open("/dev/full", O_WRONLY), handle); }

void make_unread(int handle) {
  int ends[2];
  if (pipe(ends) != 0) _exit(99);
  dup2(ends[1], handle);
  close(ends[0]), close(ends[1]);
}

constexpr const char *full = "no space is left on the device", *unread = "nobody reads the pipe any more";

const std::vector<Channels>& all_channels() {
  static const std::vector<Channels> all = {
      {"as they are", [] {}, nullptr, true},
      {"stdout full", [] { make_full(1); }, full, true},
      {"stderr full", [] { make_full(2); }, nullptr, false},
      {"both full", [] { make_full(1), make_full(2); }, full, false},
      {"stdin closed", [] { close(0); }, nullptr, true},
      {"stdout closed", [] { close(1); }, nullptr, true},
      {"stderr closed", [] { close(2); }, nullptr, false},
      {"all closed", [] { close(0), close(1), close(2); }, nullptr, false},
      {"stdin closed, stdout full", [] { close(0), make_full(1); }, full, true},
      {"stdout unread", [] { make_unread(1); }, unread, true},
      {"stderr unread", [] { make_unread(2); }, nullptr, false},
      {"both unread", [] { make_unread(1), make_unread(2); }, unread, false},
  };
  return all;
}

// The status, and what came to stderr.
Result run(const std::string& app, const std::string& flags, const Channels& channels) {
  TempFolder folder;
  std::string out = (folder.path() / "out").string(), error = (folder.path() / "error").string();
  pid_t child = floe::test::start_child([&] {
    dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    dup2(open(error.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    for (int handle = 3; handle < 64; ++handle) close(handle);
    channels.prepare();
    execl("/bin/sh", "sh", "-c", ("exec " + floe::test::program(app) + " " + flags).c_str(), nullptr);
  });
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), floe::test::read_bytes(error)};
}

void expect_end(const std::string& app, const std::string& flags, const Channels& channels, int status,
                const std::string& error) {
  SCOPED_TRACE(app + " " + flags + ", " + channels.name);
  bool lost = status == 0 && channels.lost;
  Result result = run(app, flags, channels);
  EXPECT_EQ(result.status, lost ? 2 : status) << result.text;
  std::string sentence =
      lost ? fmt::format("{}: not all of its output could be written: {}\n", app, channels.lost) : error;
  if (channels.told) { EXPECT_EQ(result.text, sentence); }
}

class AppChannels : public testing::TestWithParam<const char*> {};

TEST_P(AppChannels, CarryHelpAndRefusals) {
  std::string app = GetParam();
  for (const Channels& channels : all_channels()) {
    expect_end(app, "--help", channels, 0, "");
    expect_end(app, "--qqqqqqqqqqqq 3", channels, 2, app + ": there is no flag --qqqqqqqqqqqq; --help lists the flags\n");
  }
}

INSTANTIATE_TEST_SUITE_P(Each, AppChannels, testing::Values("start", "tour", "talk", "penguins", "snowflakes"),
                         [](const auto& info) { return info.param; });

TEST(Channels, StopNoAppThatPrintsDirectly) {
  TempFolder folder;
  std::string out = " --out " + folder.path().string();
  for (const Channels& channels : all_channels()) {
    expect_end("start", "--epochs 1", channels, 0, "");
    expect_end("tour", "metrics" + out, channels, 0, "");
    expect_end("talk", "--only 2018-metrics" + out, channels, 0, "");
  }
}

// Every epoch leaves its checkpoint, whatever becomes of the lines about it.
void expect_training_to_its_end(const Channels& channels) {
  TempFolder folder;
  fs::path data = folder.path() / "flakes.npy", out = folder.path() / "out", events = folder.path() / "events";
  floe::save_npy(data, floe::ones({20, 28, 28}, floe::DType::uint8));
  std::string flags = fmt::format("--epochs 2 --batch 10 --data {} --out {} --tensorboard {}", data.string(),
                                  out.string(), events.string());
  expect_end("snowflakes", flags, channels, 0, "");
  EXPECT_TRUE(fs::exists(out / "checkpoint/checkpoint-00000002.safetensors")) << channels.name;
  EXPECT_TRUE(fs::exists(out / "interpolation.png")) << channels.name;
  EXPECT_EQ(floe::test::points_in(events).size(), 6u) << channels.name;
}

TEST(Channels, CostNoTrainingItsCheckpoint) {
  for (const Channels& channels : all_channels())
    if (std::string(channels.name) == "both full" || std::string(channels.name) == "all closed")
      expect_training_to_its_end(channels);
}

TEST(ChannelsSlow, CostNoTrainingItsCheckpoint) {
  for (const Channels& channels : all_channels()) expect_training_to_its_end(channels);
}

}  // namespace
