// Apps as their users meet them: run as programs, what they print, what they leave behind.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <support/child.h>

namespace floe::test {

struct Result {
  int status;
  std::string text;  // stdout and stderr
};

inline std::string program(const std::string& app) { return std::string(FLOE_BINARY_DIR) + "/bin/" + app; }

inline Result run(const std::string& app, const std::string& flags, const std::string& environment = "") {
  std::string command = environment + " " + program(app) + " " + flags + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (char buffer[4096]; std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe);) text.append(buffer, count);
  return {WEXITSTATUS(pclose(pipe)), text};
}

// Starts a run and kills it after this many milliseconds.
inline void run_and_kill(const std::string& app, const std::string& flags, int milliseconds) {
  pid_t child = start_child([&] {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1), dup2(null, 2);
    execl("/bin/sh", "sh", "-c", ("exec " + program(app) + " " + flags).c_str(), nullptr);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

// Every file below a folder, by its relative path.
inline std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[std::filesystem::relative(entry.path(), folder).string()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

// Which files differ, for a message that can be read.
inline std::string difference(const std::filesystem::path& a, const std::filesystem::path& b) {
  auto one = contents(a), other = contents(b);
  std::string names;
  for (const auto& [name, bytes] : one) {
    if (!other.contains(name) || other[name] != bytes) names += name + " ";
  }
  for (const auto& [name, bytes] : other) {
    if (!one.contains(name)) names += name + " ";
  }
  return names;
}

inline double number_after(const std::string& text, const std::string& label) {
  std::size_t at = text.find(label);
  return at == std::string::npos ? NAN : std::stod(text.substr(at + label.size()));
}

// The first steps that a run printed are those of its expected.txt, which holds lines "NAME VALUE" for each of the names.
inline void expect_first_steps(const std::string& app, const std::string& printed, const std::set<std::string>& names) {
  std::ifstream expected(std::filesystem::path(FLOE_SOURCE_DIR) / "apps" / app / "expected.txt");
  std::size_t at = 0, compared = 0;
  for (std::string line, name; std::getline(expected, line);) {
    std::istringstream words(line);
    double value;
    if (!(words >> name >> value) || !names.contains(name)) continue;
    at = printed.find("  " + name + " ", at);
    ASSERT_NE(at, std::string::npos) << printed;
    EXPECT_NEAR(number_after(printed.substr(at), "mean "), value, 1e-4 * value) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 3 * names.size());
}

inline bool starts_number(const std::string& text, std::size_t at) {
  bool digit = std::isdigit(static_cast<unsigned char>(text[at]));
  bool sign = text[at] == '-' && at + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[at + 1]));
  bool within = at > 0 && (std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_');
  return (digit || sign) && !within;
}

// Nothing, or the first line of `found` that differs from `expected` in its words, or in a number by more than one in a
// thousand. Lines with "~" hold times and are compared up to there.
inline std::string disagreement(const std::string& found, const std::string& expected) {
  std::istringstream found_lines(found), expected_lines(expected);
  std::string a, b;
  while (true) {
    bool more_a = static_cast<bool>(std::getline(found_lines, a)), more_b = static_cast<bool>(std::getline(expected_lines, b));
    if (!more_a && !more_b) return "";
    if (more_a != more_b) return "one has more lines: " + (more_a ? a : b);
    if (std::size_t mark = b.find('~'); mark != std::string::npos) a.resize(std::min(a.size(), mark)), b.resize(mark);
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
      if (starts_number(a, i) && starts_number(b, j)) {
        std::size_t a_end = 0, b_end = 0;
        double x = std::stod(a.substr(i), &a_end), y = std::stod(b.substr(j), &b_end);
        if (std::abs(x - y) > 1e-3 * std::abs(y) + 1e-6) return a + "\n" + b;
        i += a_end, j += b_end;
      } else if (a[i] == b[j]) {
        ++i, ++j;
      } else if (a[i] == ' ') {  // numbers of other widths shift what comes after them
        ++i;
      } else if (b[j] == ' ') {
        ++j;
      } else {
        return a + "\n" + b;
      }
    }
  }
}

}  // namespace floe::test
