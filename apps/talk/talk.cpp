// Every figure from the two talks that Floe grew out of, made in one go.
//
// It runs the other apps as a reader would, and keeps what they leave. The talks are from 2018 (eager execution in
// TensorFlow) and 2019 (eager execution in R). Each figure is a command, so there is nothing here that you could not type.
#include <vector>

#include <fmt/core.h>

#include <floe/files/system.h>
#include <floe/floe.h>

using namespace floe;

namespace {

struct Figure {
  std::string name;                    // of what is kept: NAME.txt, what the command prints
  std::string command;                 // an app and its flags
  std::string quick;                   // flags that make it a matter of seconds, to see that all is well
  std::vector<std::string> pictures;   // and what it leaves
};

const std::vector<Figure>& figures() {
  static const std::vector<Figure> all = {
      {"2018-run-at-once", "tour matmul", "", {}},
      {"2018-slicing", "tour slicing", "", {}},
      {"2018-control-flow", "tour fizzbuzz", "", {}},
      {"2018-tape", "tour tape", "", {}},
      {"2018-training-loop", "tour linear_regression", "", {}},
      {"2018-line-search", "tour line_search", "", {}},
      {"2018-higher-order", "tour higher_order", "", {}},
      {"2018-custom-gradient", "tour custom_gradient", "", {}},
      {"2018-variables", "tour variables", "", {}},
      {"2018-metrics", "tour metrics", "", {}},
      {"2018-checkpoints", "tour checkpoints", "", {}},
      {"2018-summaries", "tour tensorboard", "", {}},
      {"2018-profile", "tour profile", "", {"trace.json"}},
      {"2018-recursion", "tour recursion", "", {}},
      {"2019-smallest-model", "start", "", {}},
      {"2019-shapes", "tour simple_dot", "", {}},
      {"2019-print", "penguins --epochs 1 --steps 1 --print 1", "", {}},
      {"2019-penguins", "penguins", " --epochs 1 --steps 5 --drawings 400", {"panel.png", "animation.png", "losses.csv"}},
      {"2019-snowflakes", "snowflakes", " --epochs 1 --flakes 90",
       {"manifold.png", "samples.png", "reconstructions.png", "codes.png", "interpolation.png", "losses.csv"}},
  };
  return all;
}

// The words of a shell that name a path.
std::string quoted(const std::filesystem::path& path) {
  std::string text = "'";
  for (char c : path.string()) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

void make(const Figure& figure, bool quick, const std::filesystem::path& programs, const std::filesystem::path& out) {
  std::string app = figure.command.substr(0, figure.command.find(' '));
  if (!std::filesystem::exists(programs / app)) throw ValueError((programs / app).string() + ": is not built");
  std::string flags = figure.command.substr(app.size()) + (quick ? figure.quick : "");
  fmt::print("{:<22} ./floe run {}{}\n", figure.name, app, flags);

  std::filesystem::path work = out / "figure-in-the-making", text = out / (figure.name + ".txt");
  std::string folder = app == "start" ? "" : " --out " + quoted(work);
  std::filesystem::remove_all(work);  // of a talk that was stopped
  int status = os::run_command(quoted(programs / app) + flags + folder + " > " + quoted(text));
  if (status > 128) throw ValueError(figure.command + ": was stopped");
  if (status != 0) throw ValueError(figure.command + ": failed; the reason is above");
  for (const std::string& picture : figure.pictures) {
    std::filesystem::copy_file(work / picture, out / (figure.name + "-" + picture),
                               std::filesystem::copy_options::overwrite_existing);
  }
  std::filesystem::remove_all(work);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path out = "out/talk";
  std::string only;
  bool quick = false;
  Arguments arguments("talk", "Every figure from the two talks, made in one go by the other apps.");
  arguments.add("--out", out, "Folder for the figures");
  arguments.add("--only", only, "Make only the figures whose names begin with this, such as 2018");
  arguments.add("--quick", quick, "Train for a few steps only, to see that all is well");
  if (auto exit = arguments.parse(argc, argv)) return *exit;
  return run_app([&] {
    require_writable("--out", out);
    std::filesystem::create_directories(out);
    std::filesystem::path programs = os::program_folder();
    int made = 0;
    for (const Figure& figure : figures()) {
      if (!figure.name.starts_with(only)) continue;
      make(figure, quick, programs, std::filesystem::absolute(out));
      ++made;
    }
    if (made == 0) throw ValueError(fmt::format("--only: no figure begins with '{}'", only));
    fmt::print("{} figures are in {}\n", made, out.string());
    return 0;
  });
}
