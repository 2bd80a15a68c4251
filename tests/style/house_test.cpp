// The rules of the house, read from the files themselves.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path home = FLOE_SOURCE_DIR;
const std::vector<std::string> rooms = {"tensor", "backend", "tape",     "ops",   "layers",  "optimizers",
                                        "files",  "data",    "pictures", "watch", "metrics", "run"};
constexpr std::size_t longest_app = 300, longest_function = 60;  // lines
constexpr double longest_compilation = 6;  // seconds of processor time; about one on an idle machine

struct File {
  std::string path;  // from the top folder
  std::vector<std::string> lines;

  bool is(const char* extension) const { return fs::path(path).extension() == extension; }
};

std::vector<File> files_in(const std::vector<std::string>& folders, const std::vector<std::string>& extensions) {
  std::vector<File> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(home / folder)) continue;  // git keeps no empty folders
    for (const auto& entry : fs::recursive_directory_iterator(home / folder)) {
      if (std::find(extensions.begin(), extensions.end(), entry.path().extension()) == extensions.end()) continue;
      File& file = files.emplace_back(File{fs::relative(entry.path(), home).string(), {}});
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
    }
  }
  EXPECT_FALSE(files.empty());
  return files;
}

const std::vector<File>& sources() {
  static const std::vector<File> all =
      files_in({"framework", "datasets", "apps", "docs", "tests", "benchmarks"}, {".h", ".cpp", ".cu"});
  return all;
}

// The room a header or source of the framework lives in; -1 outside them.
std::ptrdiff_t room_of(const std::string& path) {
  std::smatch match;
  if (!std::regex_search(path, match, std::regex("(?:^|/)floe/([a-z]+)/"))) return -1;
  auto room = std::find(rooms.begin(), rooms.end(), match[1].str());
  return room == rooms.end() ? -1 : room - rooms.begin();
}

std::string output_of(const std::string& command, int& status) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  for (char part[4096]; std::size_t count = std::fread(part, 1, sizeof part, pipe);) text.append(part, count);
  status = pclose(pipe);
  return text;
}

// --- Files -----------------------------------------------------------------------------------------------------------

TEST(House, EachSourceOpensWithASentence) {
  for (const File& file : sources()) {
    bool opens = !file.lines.empty() && file.lines.front().starts_with("// ") && file.lines.front().size() > 5;
    EXPECT_TRUE(opens) << file.path << ":1";
  }
}

TEST(House, EachHeaderIsReadOnce) {
  for (const File& file : sources()) {
    auto guards = std::count(file.lines.begin(), file.lines.end(), "#pragma once");
    EXPECT_EQ(guards, file.is(".h") ? 1 : 0) << file.path;
  }
}

TEST(House, NothingIsLeftToDoAndNoOnesFolderIsNamed) {
  std::regex unwanted(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X)\\b|/ho"
      "me/|/ro"
      "ot/");
  std::vector<File> files = files_in({"framework", "datasets", "apps", "tests", "benchmarks", "docs", "site"},
                                     {".h", ".cpp", ".cu", ".md", ".sh", ".txt", ".cmake", ".in"});
  for (const File& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], unwanted)) << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

TEST(House, AppsAreShort) {
  std::map<std::string, std::size_t> most{{"penguins", 230}, {"snowflakes", 420}, {"tour", 800}}, lines;
  for (const File& file : files_in({"apps"}, {".cpp", ".h", ".txt"})) {
    std::string app = std::next(fs::path(file.path).begin())->string();
    if (!file.is(".txt")) lines[app] += file.lines.size();
    bool has_the_loop = (app == "penguins" || app == "snowflakes") && file.path.ends_with("/" + app + ".cpp");
    EXPECT_LE(file.lines.size(), has_the_loop ? 170u : longest_app) << file.path;
  }
  EXPECT_GE(lines.size(), 5u);
  for (const auto& [app, count] : lines) EXPECT_LE(count, most.contains(app) ? most[app] : 600u) << app;
}

// A Run surrounds the loop of an app and knows models and optimizers as state to keep: so it can never train.
TEST(House, TheRoomOfRunsCannotTrain) {
  std::regex training("GradientTape|gradient\\(|apply\\(|floe/optimizers/|floe/layers/(?!state\\.h)");
  for (const File& file : files_in({"framework/floe/run"}, {".h", ".cpp"})) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], training)) << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

// One module draws lines and letters; the others give it what to draw.
TEST(House, OnlyTheDrawingModuleKnowsTheLetters) {
  std::regex letters("stroke_font\\.h|coverage\\.h");
  for (const File& file : files_in({"framework", "datasets", "apps", "benchmarks"}, {".h", ".cpp", ".cu"})) {
    fs::path path(file.path);
    bool within = path.parent_path().filename() == "pictures" &&
                  (path.stem() == "draw" || path.stem() == "stroke_font" || path.stem() == "coverage");
    for (const std::string& line : file.lines) {
      EXPECT_TRUE(within || !line.starts_with("#include") || !std::regex_search(line, letters))
          << file.path << ": " << line;
    }
  }
}

// --- Platforms -------------------------------------------------------------------------------------------------------

// What another system or an older library does not have, and the one file that may know of it.
struct Platform {
  const char* pattern;
  const char* example;  // which the pattern finds
  const char* allowed;  // in framework/floe; nothing: nowhere
  const char* instead;
};

const Platform platforms[] = {
    // A loop marked by `omp simd` starts no thread, and is a loop where there is no OpenMP.
    {"\\bomp_[a-z]|<omp\\.h>|#pragma omp (?!simd)", "#pragma omp parallel for", "backend/parallel.cpp",
     "floe/backend/parallel.h"},
    {"<(sys/.*|unistd|fcntl|dirent|signal|poll|pthread|dlfcn|termios)\\.h>|<csignal>", "#include <sys/wait.h>",
     "files/system_posix.cpp", "floe/files/system.h"},
    {"\\b(isatty|getpid|gethostname|popen|fork|fsync|flock)\\b|program_invocation|\\bstd::system\\(|/proc/",
     "int id = getpid();", "files/system_posix.cpp", "floe/files/system.h"},
    {"\\bposix_", "posix_memalign(&memory, 64, bytes)", "tensor/device_memory.cpp", "Storage"},
    {"\\bbit_cast\\b", "std::bit_cast<int>(x)", "", "bits_as of floe/tensor/bits.h"},
    {"\\b(from|to)_chars\\b|<charconv>", "#include <charconv>", "tensor/parse.cpp",
     "parse_number of floe/tensor/parse.h, and fmt"},
    {"std::(format|source_location|jthread|atomic_ref|pmr|ranges|views)\\b|<(format|ranges|coroutine|source_location)>",
     "std::ranges::sort(x)", "", "what emscripten's library has"},
};

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

TEST(House, PlatformsAreKnownToOneFileEach) {
  std::vector<File> files = files_in({"framework/floe", "datasets", "apps"}, {".h", ".cpp", ".cu"});
  for (const Platform& platform : platforms) {
    std::regex pattern(platform.pattern);
    EXPECT_TRUE(std::regex_search(platform.example, pattern)) << platform.example;
    std::string allowed = std::string("framework/floe/") + platform.allowed;
    bool used = false;
    for (const File& file : files) {
      for (std::size_t i = 0; i < file.lines.size(); ++i) {
        if (!std::regex_search(without_comment(file.lines[i]), pattern)) continue;
        if (file.path == allowed)
          used = true;
        else
          ADD_FAILURE() << file.path << ":" << i + 1 << ": " << file.lines[i] << "; use " << platform.instead;
      }
    }
    EXPECT_EQ(used, *platform.allowed != 0) << allowed;
  }
}

// --- Functions -------------------------------------------------------------------------------------------------------

// The text without comments, preprocessor lines and what is in quotes; every line keeps its number.
std::string code_of(const std::vector<std::string>& lines) {
  std::string text, code;
  bool directive = false;
  for (const std::string& line : lines) {
    std::size_t first = line.find_first_not_of(' ');
    directive = directive || (first != std::string::npos && line[first] == '#');
    text += (directive ? "" : line) + "\n";
    directive = directive && line.ends_with('\\');
  }
  auto skip_to = [&](std::size_t from, const std::string& end) {  // after `end`; of what is skipped only lines remain
    std::size_t to = std::min(text.find(end, from), text.size() - end.size()) + end.size();
    code.append(static_cast<std::size_t>(std::count(&text[from], &text[to], '\n')), '\n');
    return to;
  };
  for (std::size_t i = 0; i < text.size();) {
    char c = text[i];
    bool in_number = i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1]));
    if (text.compare(i, 2, "//") == 0) {
      i = text.find('\n', i);
    } else if (text.compare(i, 2, "/*") == 0) {
      i = skip_to(i + 2, "*/");
    } else if (text.compare(i, 2, "R\"") == 0) {
      std::size_t open = text.find('(', i);
      i = skip_to(open, ")" + text.substr(i + 2, open - i - 2) + "\"");
    } else if (c == '"' || (c == '\'' && !in_number)) {
      for (++i; i < text.size() && text[i] != c; ++i) i += text[i] == '\\';
      ++i;
    } else {
      code += c, ++i;
    }
  }
  return code;
}

// The place of the bracket that closes the one at `open`.
std::size_t closing(const std::string& code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (std::strchr("([{", code[i])) ++depth;
    if (std::strchr(")]}", code[i]) && --depth == 0) return i;
  }
  return std::string::npos;
}

// What begins at a brace, by the code before it, in which brackets are empty.
enum class Opens { function, scope, other };
Opens what_opens(std::string head) {
  static const std::regex angles("<[^<>]*>"),
      scope("^\\s*(inline |friend |template )*\\s*(namespace|extern|class|struct|union)\\b");
  static const std::regex alignment("alignas\\(\\)"), listed("^\\s*enum\\b"), operators("operator\\s*[^\\s\\w(]+");
  for (std::string before; std::exchange(before, head) != head;) head = std::regex_replace(head, angles, "");
  head = std::regex_replace(std::regex_replace(head, alignment, ""), operators, "operator");
  bool called = head.find("()") != std::string::npos;
  if (std::regex_search(head, listed) || head.find('=') != std::string::npos) return Opens::other;
  if (std::regex_search(head, scope) && !called) return Opens::scope;
  return called ? Opens::function : Opens::other;
}

struct Lines {
  std::size_t first, last;  // from 1
};

// Where the functions of a file are, each with its head; what is inside one counts as a part of it.
std::vector<Lines> functions_in(const std::vector<std::string>& lines) {
  std::string code = code_of(lines), head;
  std::vector<Lines> found;
  std::size_t begin = 0;  // of the head
  auto line_of = [&](std::size_t place) {
    return static_cast<std::size_t>(std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(place), '\n')) +
           1;
  };
  auto start_anew = [&](std::size_t at) { begin = at, head.clear(); };
  for (std::size_t i = 0; i < code.size(); ++i) {
    char c = code[i];
    if (head.empty() && std::isspace(static_cast<unsigned char>(c))) {
      begin = i + 1;
    } else if (c == ';' || c == '}' || (c == ':' && (head == "public" || head == "protected" || head == "private"))) {
      start_anew(i + 1);
    } else if (c == '{' && what_opens(head) == Opens::scope) {
      start_anew(i + 1);
    } else if (std::strchr("([{", c)) {
      std::size_t close = closing(code, i);
      EXPECT_NE(close, std::string::npos) << "line " << line_of(i);
      if (close == std::string::npos) break;
      std::size_t next = code.find_first_not_of(" \n", close + 1);
      bool goes_on = next != std::string::npos && (code[next] == ',' || code[next] == '{');  // it was a member's value
      if (c == '{' && !goes_on && what_opens(head) == Opens::function) {
        while (next != std::string::npos && code.compare(next, 5, "catch") == 0) {
          close = closing(code, code.find('{', next));
          next = code.find_first_not_of(" \n", close + 1);
        }
        found.push_back({line_of(begin), line_of(close)});
        start_anew(close + 1);
      } else {
        head += std::string{c, code[close]};
        static const std::regex macro("[A-Z][A-Z0-9_]*\\(\\)");
        if (!goes_on && std::regex_match(head, macro)) start_anew(close + 1);
      }
      i = close;
    } else {
      head += c;
    }
  }
  return found;
}

TEST(House, FindsTheFunctionsOfAFile) {
  std::vector<std::string> sample;
  std::istringstream text(R"(// A sample: void no() {
#define MACRO(x) \
  { x
namespace floe { namespace {

const char brace = '{', *text = "void no() {", table[] = {1'000, f({2})};

template <class T = int, bool yes = (1 < 2)>
struct alignas(64) Held : Base<void()> {
  Held(int a, std::vector<int> b = {}) : a_{a}, b_(b) { /* } */
  }
  Held& operator=(const Held&) & = default;
  bool operator<(const Held& other) const { return a_ < other.a_; }
 private:
  enum class Kind { one, two };
  int a_{g()}, b_ = {h()};
  std::function<void()> done_{[] { return; }};
};

DECLARE(a, "b")
[[nodiscard]] std::vector<int> long_one(
    int a) requires(sizeof(int) == 4) {
  auto inner = [&](int b) {
    if (a) { return b; }
    return 0;
  };
  struct Local { void method() {} };
  return {inner(a)};
}

void tried() try {
} catch (const Error&) {
} catch (...) {
}

TEST(A, B) {}

} }  // namespace
)");
  for (std::string line; std::getline(text, line);) sample.push_back(line);
  std::string found;
  for (auto [first, last] : functions_in(sample)) found += std::to_string(first) + "-" + std::to_string(last) + " ";
  EXPECT_EQ(found, "10-11 13-13 21-29 31-34 36-36 ");
}

TEST(House, FunctionsFitOnAScreen) {
  std::size_t functions = 0;
  for (const File& file : files_in({"framework", "datasets", "apps"}, {".h", ".cpp", ".cu"})) {
    SCOPED_TRACE(file.path);
    for (auto [first, last] : functions_in(file.lines)) {
      ++functions;
      EXPECT_LE(last - first + 1, longest_function) << file.path << ":" << first << ": " << file.lines[first - 1];
    }
  }
  EXPECT_GT(functions, 1000u);
}

// --- Includes --------------------------------------------------------------------------------------------------------

TEST(House, RoomsIncludeOnlyWhatStandsToTheirLeft) {
  std::regex include("^#include <(floe/[^>]+|datasets/[^>]+|apps/[^>]+)>");
  for (const File& file : files_in({"framework/floe"}, {".h", ".cpp", ".cu"})) {
    std::ptrdiff_t room = room_of(file.path);
    if (room < 0) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include)) continue;
      std::ptrdiff_t other = room_of(match[1].str());
      EXPECT_TRUE(other >= 0 && other <= room) << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

TEST(House, TheUmbrellaIsInTheOrderOfTheRooms) {
  std::vector<std::ptrdiff_t> order;
  for (const File& file : sources()) {
    if (file.path != "framework/floe/floe.h") continue;
    for (const std::string& line : file.lines) {
      if (line.starts_with("#include")) order.push_back(room_of(line.substr(line.find('<') + 1)));
    }
  }
  EXPECT_GT(order.size(), rooms.size());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(House, TheUmbrellaShowsWhatUsersCall) {
  for (const File& file : sources()) {
    if (file.path != "framework/floe/floe.h") continue;
    for (const char* inner : {"tensor/storage.h", "backend/kernels.h", "backend/run.h", "backend/settings.h",
                              "tape/record.h", "ops/by_name.h", "ops/checks.h", "ops/pointwise_op.h"}) {
      for (const std::string& line : file.lines) EXPECT_EQ(line.find(inner), line.npos) << line;
    }
  }
}

// What the compiler reports about floe.h under `flags`.
std::string compile_umbrella(const std::string& flags) {
  int status = 0;
  std::string folder = (home / "framework").string();
  std::string text = output_of(
      std::string(FLOE_CXX_COMPILER) + " -std=c++20 -x c++ " + flags + " -I" + folder + " " + folder + "/floe/floe.h",
      status);
  EXPECT_EQ(status, 0) << text;
  return text;
}

TEST(House, AnAppSeesNoHeaderOfEigenOneDnnCli11OrJson) {
  std::string list = compile_umbrella("-M");
  for (const char* unwanted :
       {"eigen3/", "Eigen/", "dnnl", "CLI/", "nlohmann/", "stb/", "opencv", "backend/cpu/", "iostream", "regex"}) {
    EXPECT_EQ(list.find(unwanted), std::string::npos) << unwanted;
  }
}

TEST(House, TheUmbrellaCompilesInAboutASecond) {
  auto processor_seconds = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
  };
  double before = processor_seconds();
  compile_umbrella("-O2 -fsyntax-only -w");
  EXPECT_LT(processor_seconds() - before, longest_compilation);
}

}  // namespace
