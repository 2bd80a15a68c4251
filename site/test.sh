#!/usr/bin/env bash
# The site as ctest sees it: `test.sh build` builds it, `test.sh browse` follows it in a browser. 77 where a tool is missing.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."

skip() { echo "skipped: $1"; exit 77; }

case ${1-} in
  build)
    command -v doxygen >/dev/null || skip "there is no doxygen; ./floe site installs it"
    [ -d /usr/share/doxygen-awesome-css ] && [ -d /usr/share/javascript/katex ] || skip "the theme or KaTeX is missing; ./floe site installs them"
    python3 site/build.py ;;
  browse)
    [ -f site/build/index.html ] || skip "the site is not built"
    command -v chromedriver >/dev/null || skip "there is no chromedriver: apt-get install chromium chromium-driver python3-selenium"
    /usr/bin/python3 -c "import selenium" 2>/dev/null || skip "Debian's Python has no selenium: apt-get install python3-selenium"
    /usr/bin/python3 site/browser_test.py ;;
  *) echo "build or browse?" >&2; exit 2 ;;
esac
