// Progress: how far a loop has come, for the person who waits. A tool for apps; the library itself prints nothing.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

namespace floe {

// Where a bar is drawn, by name.
struct ProgressOptions {
  std::FILE* out = stderr;         // so that what the app prints to stdout can go to a file
  std::optional<bool> terminal{};  // is `out` one? Found out if not given
  std::function<double()> clock{};  // seconds since any moment; a steady clock if not given
};

// On a terminal one line, drawn at most ten times a second and wiped at the end:
//
//   epoch 3  [==========>                   ]  87/235  12.3 steps/s  0:12 left
//
// Elsewhere a line without the bar at 25, 50, 75 and 100 % of a loop that takes longer than ten seconds. What cannot be
// written is lost.
class Progress {
 public:
  Progress(std::string label, std::int64_t total, ProgressOptions options = {});  // a total of 0 or less is unknown
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(std::int64_t steps = 1);  // this many more are done
  void finish();  // wipes the line, so that the app's own comes in its place; nothing is drawn after it

 private:
  std::string text(double elapsed) const;
  void draw(const std::string& text);
  void write(const std::string& text);

  std::string label_;
  std::int64_t total_, done_ = 0;
  ProgressOptions options_;
  double start_, drawn_;
  bool drawing_ = false, finished_ = false;
};

}  // namespace floe
