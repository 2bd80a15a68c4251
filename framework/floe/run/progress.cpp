// Progress: when to draw, and what.
#include <floe/run/progress.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include <floe/files/system.h>

namespace floe {
namespace {

constexpr double redraw_seconds = 0.1;
constexpr double long_seconds = 10;  // below it, a log has no use for lines of progress
constexpr int longest_bar = 30;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string clock_text(double seconds) {
  auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// "[=====>    ]" of this many characters.
std::string bar(double share, int width) {
  int filled = static_cast<int>(share * (width - 2));
  std::string inside(static_cast<std::size_t>(filled), '=');
  if (filled < width - 2) inside += '>';
  return fmt::format("[{:<{}}]", inside, width - 2);
}

}  // namespace

Progress::Progress(std::string label, std::int64_t total, ProgressOptions options)
    : label_(std::move(label)), total_(total), options_(std::move(options)) {
  if (!options_.terminal) options_.terminal = os::is_terminal(options_.out);
  if (!options_.clock) options_.clock = steady_seconds;
  start_ = drawn_ = options_.clock();
}

void Progress::step(std::int64_t steps) {
  if (finished_) return;
  std::int64_t before = done_;
  done_ += steps;

  if (*options_.terminal) {
    double now = options_.clock();
    if (now - drawn_ < redraw_seconds) return;
    drawn_ = now;
    draw(text(now - start_));
  } else if (total_ > 0 && 4 * done_ / total_ > 4 * before / total_) {
    double elapsed = options_.clock() - start_;
    if (elapsed > long_seconds) write(fmt::format("{}  {}\n", label_, text(elapsed)));
  }
}

void Progress::finish() {
  if (drawing_ && !finished_) write("\r\x1b[K");
  finished_ = true;
}

// "87/235  12.3 steps/s  0:12 left"
std::string Progress::text(double elapsed) const {
  double speed = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  if (total_ <= 0) return fmt::format("{}  {:.1f} steps/s  {}", done_, speed, clock_text(elapsed));
  std::string text = fmt::format("{}/{}  {:.1f} steps/s", done_, total_, speed);
  if (done_ >= total_) return text + fmt::format("  in {}", clock_text(elapsed));
  return speed > 0 ? text + fmt::format("  {} left", clock_text(static_cast<double>(total_ - done_) / speed)) : text;
}

void Progress::draw(const std::string& text) {
  // A line as wide as the terminal would wrap, and \r goes back to the last row only.
  int room = os::terminal_columns(options_.out) - 1;
  std::string line = label_ + "  ";
  int width = std::min(longest_bar + 2, room - static_cast<int>(line.size() + text.size()) - 2);
  if (total_ > 0 && width >= 10) {
    line += bar(std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)), width) + "  ";
  }
  line += text;
  write(fmt::format("\r{}\x1b[K", line.substr(0, static_cast<std::size_t>(room))));
  drawing_ = true;
}

void Progress::write(const std::string& text) {
  std::fputs(text.c_str(), options_.out);
  std::fflush(options_.out);
}

}  // namespace floe
