#!/usr/bin/env bash
# What takes too long for every change, and is run before an issue is resolved: ./floe test --wide [PART...]
set -uo pipefail
cd -- "$(dirname -- "$0")/../.."

parts="sweeps clang debian13 one_core loaded lint talk"
declare -A what=(
  [sweeps]="every float through every function, for AVX-512, AVX2 and neither"
  [clang]="everything compiled by clang without a warning, and its fast tests"
  [debian13]="everything compiled on Debian 13 without a warning, and its fast tests"
  [one_core]="the fast tests on one core"
  [loaded]="the fast tests beside eight busy processes"
  [lint]="clang-tidy over every source"
  [talk]="every figure of the talks at full length"
)

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
need() { command -v "$1" >/dev/null || as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$2" >/dev/null; }
fast() { ctest --preset "$1" --label-exclude slow "${@:2}"; }

sweeps() { ninja -C build/release wide_accuracy; }
clang() {
  need clang++ clang
  cmake --preset clang -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >/dev/null && ninja -C build/clang && fast clang
}
debian13() { tests/wide/debian13.sh; }
one_core() { taskset -c 0 ctest --preset release --label-exclude slow -j 1; }
loaded() {
  need stress-ng stress-ng
  stress-ng --cpu 8 --quiet &
  local busy=$! status=0
  fast release || status=$?
  kill "$busy"
  return $status
}
lint() { need clang-tidy clang-tidy && tests/style/lint.sh --all; }
talk() { ./floe run talk --out build/wide-talk; }

for part; do
  [ -n "${what[$part]-}" ] || { echo "wide: there is no part '$part'; choose from: $parts" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- $parts

mkdir -p build
./floe test --show-only >/dev/null || exit 1  # builds
report='' failed=0
for part; do
  from=$SECONDS status=passed
  printf 'wide: %s: %s\n' "$part" "${what[$part]}"
  "$part" >"build/wide-$part.log" 2>&1 || { status=FAILED failed=1; tail -n 30 "build/wide-$part.log"; }
  report+=$(printf '%-10s %-7s %4d min  %s' "$part" "$status" $(((SECONDS - from + 30) / 60)) "$(tail -n 1 "build/wide-$part.log")")$'\n'
done
printf '%s' "$report"
exit $failed
