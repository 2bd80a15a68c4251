// `pages NAME [OUT]` runs one of the examples behind the site's pages, and reports what went wrong as an app does.
#include <cerrno>

#include "pages.h"

int main(int argc, char** argv) {
  auto& all = pages::examples();
  if (argc < 2 || !all.contains(argv[1])) {
    for (const auto& [name, run] : all) fmt::print("{}\n", name);
    return 2;
  }
  if (argc > 2) pages::out() = argv[2];
  std::string name = argv[1], program = name.substr(0, name.find('.'));
  program_invocation_short_name = program.data();
  return floe::run_app([&] { return all[name](), 0; });
}
