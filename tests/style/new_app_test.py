# An app is made of its six places alone: whoever lists, builds, shows or checks apps finds a new one by itself.
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent

# What stands for the rest of Floe, so that apps can be configured without it.
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(scratch LANGUAGES CXX)
add_library(floe INTERFACE)
add_library(floe::floe ALIAS floe)
foreach(name floe_flags floe_penguins_data floe_snowflakes_data floe_movielens_data floe_pebbles_data)
  add_library(${name} INTERFACE)
endforeach()
add_subdirectory(apps)
"""

PAGE = """<!-- App 35: what it does. -->
# Pebbles on a beach

@verbinclude docs/captured/pebbles.txt

<!-- capture: pebbles --print 1 [lines 3] -->
@verbinclude docs/captured/pebbles-print.txt

@snippet docs/code/mistakes_pebbles.cpp too_flat
@verbinclude docs/captured/mistake-pebbles-too_flat.txt
"""

MISTAKES = """// Pebbles, broken.
const pages::Example entered("pebbles.too_flat", too_flat);
"""

PLACES = {
    "apps/pebbles/pebbles.cpp": "// A network that skips pebbles over the sea.\nint main() {}\n",
    "apps/pebbles/CMakeLists.txt": "floe_app(LINKS floe_pebbles_data)\n",
    "apps/pebbles/expected.txt": "a short run\nepoch 1\n\nthe whole run\nepoch 1\nepoch 2\n",
    "tests/apps/pebbles_test.cpp": "// Pebbles as its user meets it.\n",
    "docs/pebbles.md": PAGE,
    "docs/code/mistakes_pebbles.cpp": MISTAKES,
    "datasets/pebbles/pebbles.cpp": "// Pebbles, drawn.\n",
}


class NewApp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        for name in ("apps", "docs", "site"):
            shutil.copytree(HOME / name, self.home / name, ignore=shutil.ignore_patterns("build", "__pycache__"))
        for name in ("floe", "README.md"):
            shutil.copy(HOME / name, self.home / name)
        for name, text in PLACES.items():
            self.write(name, text)

    def write(self, name, text):
        (self.home / name).parent.mkdir(parents=True, exist_ok=True)
        (self.home / name).write_text(text, encoding="utf-8")

    def said(self, *command, status=0):
        done = subprocess.run(
            command, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def python(self, *words, status=0):
        return self.said(sys.executable, *words, status=status)

    def configure(self, status=0):
        self.write("CMakeLists.txt", PROJECT)
        return self.said("cmake", "-S", ".", "-B", "build", "-G", "Ninja", status=status)


class Listed(NewApp):
    def test_by_the_floe_command(self):
        self.assertIn("pebbles      A network that skips pebbles over the sea.\n", self.said("./floe"))

    def test_by_cmake_also_for_what_runs_all(self):
        self.configure()
        self.assertIn("pebbles: phony", self.said("ninja", "-C", "build", "-t", "targets", "all"))
        self.assertIn("bin/pebbles", self.said("ninja", "-C", "build", "-t", "query", "bin/talk"))

    def test_in_the_order_of_the_site(self):
        script = "import sys; sys.path.insert(0, 'site'); from contents import contents; print(contents()[0])"
        said = self.python("-Bc", script)
        before, after = said.split("('pebbles', 'Pebbles on a beach')")
        self.assertIn("'penguins'", before)
        self.assertIn("'snowflakes'", after)
        self.assertNotIn("'snowflakes'", before)

    def test_on_the_first_page(self):
        line = '<a href="pebbles.html"><b>Pebbles on a beach</b><br>A network that skips pebbles over the sea.</a>'
        self.assertIn(line, self.python("site/pages_filter.py", "docs/home.md"))

    def test_in_the_readme(self):
        self.assertIn("site/apps.py brings it up to date", self.python("site/apps.py", "--check", status=1))
        self.python("site/apps.py")
        self.assertEqual(self.python("site/apps.py", "--check"), "")
        readme = (self.home / "README.md").read_text(encoding="utf-8").split("\n")
        row = readme.index("| [pebbles](docs/pebbles.md) | A network that skips pebbles over the sea |")
        self.assertIn("penguins", readme[row - 1])
        self.assertIn("snowflakes", readme[row + 1])


class Captured(NewApp):
    def problems(self):
        return self.python("site/capture.py", "--check", status=1)

    def keep(self):
        for name in ("pebbles.txt", "pebbles-print.txt", "mistake-pebbles-too_flat.txt"):
            self.write(f"docs/captured/{name}", "epoch 1\nepoch 2\n")

    def test_by_name_or_by_the_line_above(self):
        for name in ("pebbles.txt", "pebbles-print.txt", "mistake-pebbles-too_flat.txt"):
            self.assertIn(f"docs/captured/{name} is missing; site/capture.py {name} makes it\n", self.problems())
            self.assertIn(f"{name}\n", self.python("site/capture.py", "--list", "--fast"))
        self.keep()
        self.assertEqual(self.python("site/capture.py", "--check"), "")

    def test_from_what_is_expected(self):
        self.python("site/capture.py", "pebbles.txt")
        kept = (self.home / "docs/captured/pebbles.txt").read_text(encoding="utf-8")
        self.assertEqual(kept, "epoch 1\nepoch 2\n")
        self.python("site/capture.py", "--check", "pebbles.txt")

    def test_and_on_no_page_of_the_site_do_the_lines_show(self):
        self.assertNotIn("capture: ", self.python("site/pages_filter.py", "docs/pebbles.md"))

    def test_or_it_is_said_in_a_sentence(self):
        self.keep()
        for change, line in (
            (("too_flat.txt", "too_deep.txt"), "nothing says how captured/mistake-pebbles-too_deep.txt is made"),
            (("3] -->\n", "3] -->\n\n"), "docs/pebbles.md:7: the capture above makes nothing that this line shows"),
            (("[lines 3]", "[rows 3]"), "a capture has no [rows]; choose from: status, from"),
            (("-print.txt", ".txt"), "docs/captured/pebbles-print.txt: no page shows it"),
        ):
            self.write("docs/pebbles.md", PAGE.replace(*change))
            self.assertIn(line, self.problems())
        self.write("docs/pebbles.md", PAGE)
        self.write("docs/beach.md", "<!-- capture: pebbles -->\n@verbinclude docs/captured/pebbles-print.txt\n")
        self.assertIn("says as well how captured/pebbles-print.txt is made", self.problems())


class Missing(NewApp):
    def test_is_the_call_in_its_folder(self):
        said = "apps/pebbles/CMakeLists.txt does not call floe_app()"
        self.write("apps/pebbles/CMakeLists.txt", "")
        self.assertIn(said, self.configure(status=1))
        (self.home / "apps/pebbles/CMakeLists.txt").unlink()
        self.assertIn(said, self.configure(status=1))

    def test_is_its_page_or_the_place_of_that(self):
        self.write("docs/pebbles.md", PAGE.replace("App 35", "Pebbles"))
        self.assertIn("its first line gives no place among the apps", self.python("site/apps.py", "--check", status=1))
        (self.home / "docs/pebbles.md").unlink()
        self.assertIn("docs/pebbles.md is missing", self.python("site/apps.py", "--check", status=1))


if __name__ == "__main__":
    unittest.main()
