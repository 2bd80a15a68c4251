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

# Without line numbers of the program and addresses in it, nor what gdb tells of threads.
without_places() {
  sed -E 's/(program\.cpp):[0-9]+/\1/; s/(program\.cpp), line [0-9]+/\1/; s/0x[0-9a-f]+ in //; s/0x[0-9a-f]+/ADDRESS/
    s/^[0-9]+\t//; s/^Thread .* hit //; s/\(anonymous namespace\):://; s/tests.gdb.program/program/; s/ at ADDRESS: file/ in/' |
    grep -vE '^(\[|Using host|$)'
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

# Every public type, twice: printing must leave gdb as it was.
debug -ex "set width 0" -ex "break stop_among_types" -ex run \
  -ex "echo --- operands\n" -ex "print operand" -ex "print number" -ex "print ref" -ex up -ex "echo --- first\n" \
  -x tests/gdb/types.gdb -ex "echo --- second\n" -x tests/gdb/types.gdb -ex "echo --- end\n" "$program" |
  sed 's/^\$[0-9]* = //' | without_places >"$folder/types"
sed -n '/^--- operands/,/^--- second/p' "$folder/types" | grep -v "^--- second" >"$folder/first"
compare "every type" "$home/tests/gdb/expected_types.txt" "$folder/first"
sed -n '/^--- first/,/^--- second/p' "$folder/types" | grep -v "^---" >"$folder/once"
sed -n '/^--- second/,/^--- end/p' "$folder/types" | grep -v "^---" >"$folder/again"
compare "every type again" "$folder/once" "$folder/again"

# What lies where a value is to be prints as such, and is no error of the printers.
debug -ex "set print elements 4" -ex "break stop_before_values" -ex run \
  -ex up -x tests/gdb/garbage.py -ex continue -ex up -x tests/gdb/garbage.py -ex continue \
  -ex up -x tests/gdb/garbage.py -ex continue -ex up -x tests/gdb/garbage.py -ex continue \
  -ex up -x tests/gdb/garbage.py -ex "print 6 * 7" "$program" >"$folder/garbage"
grep -nE "Python Exception|Traceback|internal-error|Error occurred|No symbol" "$folder/garbage" >"$folder/errors"
compare "garbage" /dev/null "$folder/errors"
tail -n 1 "$folder/garbage" | sed 's/^.* = //' >"$folder/last"
echo 42 >"$folder/answer"
compare "gdb after garbage" "$folder/answer" "$folder/last"

# What the page walks through: break, print, change, next.
debug -x tests/gdb/walk.gdb "$program" | sed -n '/^--- walk/,$p' | without_places |
  sed 's/^+/(gdb) /' >"$folder/walk"
compare "a walk" "$home/tests/gdb/expected_walk.txt" "$folder/walk"

# What is not a tensor is refused.
debug -ex "break stop" -ex run -ex up -ex "floe-print shape" "$program" | tail -n 1 >"$folder/refused"
echo "floe-print: shape is a floe::Shape, neither a Tensor nor a Variable" >"$folder/refusal"
compare "what is no tensor" "$folder/refusal" "$folder/refused"
exit $((failures > 0))
