// Progress: what is drawn, when, and what is left of it.
#include <floe/run/progress.h>

#include <algorithm>

#include <gtest/gtest.h>

namespace floe {
namespace {

// A file and a clock that the test reads and sets.
class Screen {
 public:
  explicit Screen(bool terminal) : terminal_(terminal) {}
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() { std::fclose(file_); }

  double now = 100;

  ProgressOptions options() {
    return {.out = file_, .terminal = terminal_, .clock = [this] { return now; }};
  }

  std::string text() {
    std::fflush(file_);
    std::rewind(file_);
    std::string text;
    for (int c; (c = std::fgetc(file_)) != EOF;) text += static_cast<char>(c);
    return text;
  }

 private:
  bool terminal_;
  std::FILE* file_ = std::tmpfile();
};

TEST(Progress, RedrawsOneLineOnATerminalAndWipesIt) {
  Screen screen(true);
  {
    Progress progress("epoch 3", 40, screen.options());
    screen.now += 5;
    progress.step(10);
    screen.now += 15;
    progress.step(30);
  }
  EXPECT_EQ(screen.text(),
            "\repoch 3  [=======>                      ]  10/40  2.0 steps/s  0:15 left\x1b[K"
            "\repoch 3  [==============================]  40/40  2.0 steps/s  in 0:20\x1b[K"
            "\r\x1b[K");
}

TEST(Progress, DrawsAtMostTenTimesASecond) {
  Screen screen(true);
  Progress progress("epoch 1", 10000, screen.options());
  for (int i = 0; i < 1000; ++i) {
    screen.now += 0.001;
    progress.step();
  }
  std::string text = screen.text();
  auto drawn = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(drawn, 9);
  EXPECT_LE(drawn, 10);
}

TEST(Progress, IsSilentInALogBelowTenSeconds) {
  Screen screen(false);
  Progress progress("epoch 1", 4, screen.options());
  for (int i = 0; i < 4; ++i) {
    screen.now += 2;
    progress.step();
  }
  progress.finish();
  EXPECT_EQ(screen.text(), "");
}

TEST(Progress, WritesALineEachQuarterInALog) {
  Screen screen(false);
  Progress progress("epoch 1", 1000, screen.options());
  for (int i = 0; i < 1000; ++i) {
    screen.now += 8;
    progress.step();
  }
  progress.finish();
  EXPECT_EQ(screen.text(),
            "epoch 1  250/1000  0.1 steps/s  1:40:00 left\n"
            "epoch 1  500/1000  0.1 steps/s  1:06:40 left\n"
            "epoch 1  750/1000  0.1 steps/s  33:20 left\n"
            "epoch 1  1000/1000  0.1 steps/s  in 2:13:20\n");
}

TEST(Progress, CountsWhereTheTotalIsUnknown) {
  Screen screen(true);
  Progress progress("reading", -1, screen.options());
  screen.now += 2;
  progress.step(50);
  EXPECT_EQ(screen.text(), "\rreading  50  25.0 steps/s  0:02\x1b[K");
}

TEST(Progress, SurvivesMoreStepsThanAnnounced) {
  Screen screen(true);
  Progress progress("epoch 1", 4, screen.options());
  screen.now += 2;
  progress.step(6);
  EXPECT_EQ(screen.text(), "\repoch 1  [==============================]  6/4  3.0 steps/s  in 0:02\x1b[K");
}

TEST(Progress, DrawsNothingAfterItsEnd) {
  Screen screen(true);
  Progress progress("epoch 1", 4, screen.options());
  progress.finish();
  screen.now += 2;
  progress.step();
  progress.finish();
  EXPECT_EQ(screen.text(), "");
}

TEST(Progress, LosesWhatCannotBeWritten) {
  for (bool terminal : {false, true}) {
    std::FILE* full = std::fopen("/dev/full", "w");
    double now = 0;
    {
      Progress progress("epoch 1", 4, {.out = full, .terminal = terminal, .clock = [&] { return now; }});
      for (int i = 0; i < 4; ++i) now += 20, progress.step();
    }
    std::fclose(full);
  }
}

TEST(Progress, FindsOutThatAFileIsNoTerminal) {
  Screen screen(true);
  ProgressOptions options = screen.options();
  options.terminal.reset();
  Progress progress("epoch 1", 4, options);
  screen.now += 2;
  progress.step();
  EXPECT_EQ(screen.text(), "");
}

}  // namespace
}  // namespace floe
