#!/usr/bin/env bash
# The floe command without building anything: what it lists, what it refuses, and what it says is missing.
set -u

home=$(cd -- "$(dirname -- "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# expect NAME STATUS TEXT COMMAND...: the command ends with that status and says that text.
expect() {
  local name=$1 status=$2 text=$3 output got
  shift 3
  output=$("$@" 2>&1 </dev/null)
  got=$?
  if [ "$got" != "$status" ] || [[ "$output" != *"$text"* ]]; then
    printf 'FAILED: %s: status %s, not %s, or without "%s":\n%s\n' "$name" "$got" "$status" "$text" "$output"
    failures=$((failures + 1))
  fi
}

# A checkout of its own, so that nothing is configured, and a system where only CMake is installed.
mkdir -p "$folder/floe/apps" "$folder/floe/benchmarks" "$folder/floe/tests/wide" "$folder/bin" "$folder/elsewhere"
cp "$home/floe" "$folder/floe/"
cp "$home/tests/wide/run.sh" "$folder/floe/tests/wide/"
cp -r "$home/apps/penguins" "$folder/floe/apps/"
cp "$home/benchmarks/overhead.cpp" "$home/benchmarks/gpu.sh" "$folder/floe/benchmarks/"
printf '#!/bin/sh\necho cmake installed\necho g++ deinstalled\nexit 1\n' >"$folder/bin/dpkg-query"
chmod +x "$folder/bin/dpkg-query"
printf 'ID=debian\nVERSION_ID="12"\n' >"$folder/debian"
printf 'ID=debian\nVERSION_ID="11"\n' >"$folder/old"
printf 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' >"$folder/derived"
printf 'ID=fedora\nVERSION_ID=42\n' >"$folder/fedora"
floe=$folder/floe/floe
export FLOE_NO_INSTALL=1 FLOE_OS_RELEASE=$folder/debian PATH="$folder/bin:$PATH"
cd "$folder/elsewhere" || exit 1

expect "lists the verbs" 0 "./floe test" "$floe"
expect "lists the apps with their first line" 0 "penguins     A generative adversarial network" "$floe"
expect "knows its verbs" 2 "there is no 'walk'; choose from: run, test, bench, gpu, site" "$floe" walk
expect "tells apps from verbs" 2 "there is no verb 'penguins'; did you mean ./floe run penguins?" "$floe" penguins
expect "knows its apps" 2 "there is no app 'geese'; choose from: penguins" "$floe" run geese
expect "takes no pattern for an app" 2 "there is no app '.*'" "$floe" run '.*'
expect "asks for an app" 2 "run which app? Choose from: penguins" "$floe" run
expect "names what is missing" 1 "these packages are missing: g++ ninja-build" "$floe" run penguins
expect "needs GoogleTest for tests alone" 1 "libgtest-dev" "$floe" test
expect "knows the parts of a wide run" 2 "there is no part 'walk'; choose from: sweeps clang" "$floe" test --wide walk
expect "knows its benchmarks" 2 "there is no benchmark 'walk'; choose from: overhead compare" "$floe" bench walk
expect "needs Google Benchmark for benchmarks alone" 1 "libbenchmark-dev" "$floe" bench overhead
expect "takes no flags for the site" 2 "site takes no flags" "$floe" site --fast
expect "knows what derives from Debian" 1 "these packages are missing: g++ ninja-build" env FLOE_OS_RELEASE="$folder/derived" "$floe" run penguins
expect "leaves other systems alone" 1 "Install what these contain" env FLOE_OS_RELEASE="$folder/fedora" "$floe" run penguins
expect "refuses systems that are too old" 1 "Debian 12 or Ubuntu 24.04, or later" env FLOE_OS_RELEASE="$folder/old" "$floe" run penguins

# A GPU: what is missing is reported first, in a sentence each, and nothing is built or installed.
mkdir -p "$folder/gpu"
printf '#!/bin/sh\necho "GPU 0: a fake"\n' >"$folder/gpu/nvidia-smi"
printf '#!/bin/sh\nexit 9\n' >"$folder/bin/nvidia-smi"
chmod +x "$folder/gpu/nvidia-smi" "$folder/bin/nvidia-smi"
mkdir -p "$folder/toolkit/bin" "$folder/cudnn/include"
touch "$folder/toolkit/bin/nvcc" "$folder/cudnn/include/cudnn.h"
kit=(env CUDA_HOME="$folder/toolkit" CUDNN_ROOT="$folder/cudnn")
expect "needs a GPU" 1 "nvidia-smi names no GPU" "${kit[@]}" "$floe" gpu
expect "needs a GPU for its benchmark" 1 "nvidia-smi names no GPU" "${kit[@]}" "$floe" bench compare --device cuda
expect "finds what a GPU needs" 0 "" "${kit[@]}" PATH="$folder/gpu:$PATH" "$floe" gpu --check
expect "knows the flags of gpu" 2 "there is no flag '--fast'; choose from: --quick, --check" "$floe" gpu --fast
expect "knows the presets of gpu" 2 "FLOE_GPU_PRESET is cuda or simulated, not 'fast'" env FLOE_GPU_PRESET=fast "$floe" gpu
expect "leaves the checkout as it was" 1 "" test -e "$folder/floe/build"

# A build of apps alone, on a system that has every package: benchmarks do not ask for the tests as well.
mkdir -p "$folder/floe/build/release" "$folder/all"
touch "$folder/floe/build/release/build.ninja"
echo FLOE_TESTS:BOOL=OFF >"$folder/floe/build/release/CMakeCache.txt"
printf '#!/bin/sh\nfor package; do echo "$package installed"; done\n' >"$folder/all/dpkg-query"
printf '#!/bin/sh\necho "cmake $*"\nexit 1\n' >"$folder/all/cmake"
chmod +x "$folder/all/dpkg-query" "$folder/all/cmake"
expect "leaves the tests as they are for benchmarks" 1 "-DFLOE_BENCHMARKS=ON -DFLOE_TESTS=OFF" env PATH="$folder/all:$PATH" "$floe" bench overhead

# An app on a GPU gets a build of its own where nvcc is; the mock of CMake prints its arguments.
printf '#!/bin/sh\nexit 0\n' >"$folder/all/nvcc"
chmod +x "$folder/all/nvcc"
for flags in "--device cuda" "--device cuda:1" "--device=cuda" "--epochs 1 --device cuda"; do
  # shellcheck disable=SC2086
  expect "builds for a GPU with $flags" 1 "cmake --preset cuda" "${kit[@]}" PATH="$folder/gpu:$folder/all:$PATH" "$floe" run penguins $flags
  # shellcheck disable=SC2086
  expect "looks for a GPU before it builds with $flags" 2 "nvidia-smi names no GPU" "${kit[@]}" PATH="$folder/all:$PATH" "$floe" run penguins $flags
done

# Where CMake fails, every stage still has its line, and where the checkout may not be written the build is elsewhere.
touch "$folder/floe/build/simulated"
expect "continues after a stage that failed" 1 "snowflakes         FAILED" \
  env FLOE_GPU_PRESET=simulated TMPDIR="$folder" PATH="$folder/all:$PATH" "$floe" gpu --quick
expect "keeps what was said there" 0 "comparison         FAILED       0 s  floe_contestant was not built" \
  cat "$folder/floe-$(id -u)/simulated/gpu.log"

expect "leaves no trace in the caller's folder" 0 "" rmdir "$folder/elsewhere"
exit $((failures > 0))
