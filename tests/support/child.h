// Parts of tests that run in a process of their own: under another user, under a limit of memory, or to be killed.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace floe::test {

// Forks; the child runs `action` and ends, whatever it throws.
inline pid_t start_child(const std::function<void()>& action) {
  pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process can be started");
  if (child > 0) return child;
  try {
    action();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

// What `action` returns in a child, or "the child ended with N" if it does not come to its end.
inline std::string in_child(const std::function<std::string()>& action) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe can be made");
  pid_t child = start_child([&] {
    std::string text;
    try {
      text = action();
    } catch (const std::exception& error) {
      text = std::string("unexpected: ") + error.what();
    }
    if (write(ends[1], text.data(), text.size()) < 0) _exit(1);
  });
  close(ends[1]);
  std::string result;
  char part[4096];
  for (ssize_t bytes; (bytes = read(ends[0], part, sizeof part)) > 0;) {
    result.append(part, static_cast<std::size_t>(bytes));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? result : "the child ended with " + std::to_string(status);
}

// For a child: becomes a user without rights. False if this user may not.
inline bool become_nobody() {
  constexpr uid_t nobody = 65534;
  return getuid() != 0 || (setgid(nobody) == 0 && setuid(nobody) == 0);
}

// For a child: it may take only `bytes` of memory more.
inline void limit_memory(std::size_t bytes) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlim_t limit = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
  rlimit both{limit, limit};
  setrlimit(RLIMIT_AS, &both);
}

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool can_limit_memory = false;  // the sanitizer's shadow takes terabytes of addresses
#else
inline constexpr bool can_limit_memory = true;
#endif

}  // namespace floe::test
