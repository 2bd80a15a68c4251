#!/usr/bin/env bash
# What gdb shows of a program's values, living and in a core dump, and what can be called in it. Takes the program.
set -u

home=$(cd -- "$(dirname -- "$0")/../.." && pwd)
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

debug() { (cd "$home" && gdb -nx -batch -iex "set debuginfod enabled off" -x framework/gdb/floe.py "$@" 2>&1 </dev/null); }
skip() { echo "skipped: $1"; exit 77; }

command -v gdb >/dev/null || skip "gdb is not installed"
[ "$(gdb -nx -batch -ex 'python print(6 * 7)' 2>&1)" = 42 ] || skip "this gdb has no Python"
debug -ex "starti" "$program" >"$folder/start"
grep -q "Program stopped" "$folder/start" || skip "gdb may not run programs here: $(tail -n 1 "$folder/start")"

# compare NAME EXPECTED FOUND: two files that must be equal.
compare() {
  diff -u --label expected --label found "$2" "$3" && return
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# A living program.
debug -x tests/gdb/commands.gdb "$program" | sed -n '/^--- values/,$p' | sed 's/debug\.cpp:[0-9]*/debug.cpp:LINE/' >"$folder/living"
compare "values and calls" "$home/tests/gdb/expected.txt" "$folder/living"

# A core dump, where nothing can be called: the same values.
debug -ex "break stop" -ex run -ex "generate-core-file $folder/core" "$program" >/dev/null
debug -ex up -ex "echo --- values\n" -ex "print x" -ex "print odd" -ex "print whole" "$program" "$folder/core" |
  sed -n '/^--- values/,$p' >"$folder/dead"
head -n 4 "$home/tests/gdb/expected.txt" >"$folder/first"
compare "values in a core dump" "$folder/first" "$folder/dead"

# What is not a tensor is refused.
debug -ex "break stop" -ex run -ex up -ex "floe-print shape" "$program" | tail -n 1 >"$folder/refused"
echo "floe-print: shape is a floe::Shape, neither a Tensor nor a Variable" >"$folder/refusal"
compare "what is no tensor" "$folder/refusal" "$folder/refused"
exit $((failures > 0))
