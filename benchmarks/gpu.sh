#!/usr/bin/env bash
# All that a machine with a GPU is for: builds, tests, sanitizes, measures, compares and trains there, and prints a
# short table last.
#
#   ./floe gpu            everything, in about 25 minutes of 16 cores; writes benchmarks/RESULTS-gpu.md
#   ./floe gpu --quick    without PyTorch and with few repetitions, in about 8
#   ./floe gpu --check    only reports what is missing
#
# FLOE_GPU_PRESET=simulated tries the same on a simulated GPU, in small sizes: no figure then means anything.
set -uo pipefail

home=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
preset=${FLOE_GPU_PRESET-cuda}
programs="cuda_test ops_test optimizers_test tape_test layers_test"

say()  { printf 'gpu: %s\n' "$*"; }
fail() { say "$1" >&2; exit "${2:-1}"; }

quick=''
check=''
for flag; do
  case $flag in
    --quick) quick=yes ;;
    --check) check=yes ;;
    *) fail "there is no flag '$flag'; choose from: --quick, --check" 2 ;;
  esac
done
case $preset in cuda | simulated) ;; *) fail "FLOE_GPU_PRESET is cuda or simulated, not '$preset'" 2 ;; esac

# --- What is needed --------------------------------------------------------------------------------------------------

# The first of these files that exists.
first_of() { local file; for file; do [ -e "$file" ] && { printf '%s\n' "$file"; return; }; done; return 1; }

lacks() { say "$1" >&2; missing=1; }

check_machine() {
  local missing=0
  if ! { command -v nvidia-smi && nvidia-smi --list-gpus | grep -q GPU; } >/dev/null 2>&1; then
    lacks "nvidia-smi names no GPU: on a machine with one, install NVIDIA's driver (Debian: nvidia-driver) and restart it"
  fi
  local venv=${VIRTUAL_ENV-/nowhere}/lib folders
  folders=("${CUDA_HOME-/nowhere}/bin" "${CUDA_PATH-/nowhere}/bin" /usr/local/cuda*/bin
           "$venv"/python3*/site-packages/nvidia/{cu*,cuda_nvcc}/bin)
  nvcc=$(command -v nvcc || first_of "${folders[@]/%//nvcc}") ||
    lacks "nvcc is missing: install the CUDA Toolkit (developer.nvidia.com/cuda-downloads), or put its bin folder on PATH"
  folders=("${CUDNN_ROOT-/nowhere}" /usr /usr/local /usr/local/cuda* "${nvcc%/bin/nvcc}"{,/targets/*}
           {"$venv","${HOME-}"/.local/lib,/usr/lib,/usr/local/lib,/opt/*/lib}/python3*/{site,dist}-packages/nvidia/cudnn)
  first_of "${folders[@]/%//include/cudnn.h}" /usr/include/*-linux-gnu/cudnn.h >/dev/null ||
    lacks "cuDNN 9 is missing: install it (developer.nvidia.com/cudnn), or pip install nvidia-cudnn-cu13 where CMake looks"
  return "$missing"
}

nvcc=''
if [ "$preset" = cuda ]; then check_machine || exit 1; fi
if [ -n "$check" ]; then exit 0; fi

# The build folder, or one elsewhere for a checkout that may not be written.
folder=$home/build/$preset
results=$home/benchmarks/RESULTS-gpu.md
if ! { mkdir -p "$folder" && [ -w "$folder" ]; } 2>/dev/null; then
  folder=${TMPDIR:-/tmp}/floe-$(id -u)/$preset
  mkdir -p "$folder" || exit 1
fi
if [ -n "$quick" ] || [ "$preset" != cuda ] || [ ! -w "$home/benchmarks" ]; then results=$folder/RESULTS-gpu.md; fi

export OMP_WAIT_POLICY=passive
if [ "$preset" = simulated ]; then export FLOE_BENCH_SMALL=1; fi

# Everything from here on goes to a file as well.
log=$folder/gpu.log
exec 3>&1 4>&2 > >(tee "$log") 2>&1
tee=$!

# --- Stages ----------------------------------------------------------------------------------------------------------

rows=()
failures=0
note=''      # what a stage has to say in the table
skipped=77   # the status of a stage that had nothing to do

# stage NAME FUNCTION...: runs it and keeps how it ended. Later stages run whatever comes of it.
stage() {
  local name=$1 begin=$SECONDS status word=passed
  shift
  note=''
  printf '\n=== %s\n' "$name"
  "$@"
  status=$?
  case $status in
    0) ;;
    "$skipped") word=skipped ;;
    124 | 137) word=FAILED; note="stopped after $((SECONDS - begin)) s; ${note:-see $log}" ;;
    *) word=FAILED; note=${note:-"status $status; see $log"} ;;
  esac
  if [ "$word" = FAILED ]; then failures=$((failures + 1)); fi
  rows+=("$(printf '%-18s %-8s %5s s  %s' "$name" "$word" "$((SECONDS - begin))" "$note")")
}

within() { timeout --kill-after=10 "$@" </dev/null; }

skip() { note=$1; return "$skipped"; }

has_header() { echo "#include <$1>" | "${CXX:-c++}" -E -x c++ - >/dev/null 2>&1; }

# The program, or why there is none.
built() { [ -x "$folder/$1" ] || { note="${1##*/} was not built"; return 1; }; }

build() {
  local tests=OFF benchmarks=OFF targets=(penguins snowflakes tour)
  if has_header gtest/gtest.h; then
    tests=ON
    # shellcheck disable=SC2206
    targets+=($programs)
  else
    note="no tests: GoogleTest is missing"
  fi
  if has_header benchmark/benchmark.h; then
    benchmarks=ON
    targets+=(gpu_benchmark floe_contestant)
  else
    note="${note:+$note; }no benchmarks: Google Benchmark is missing"
  fi
  local options=("-DFLOE_TESTS=$tests" "-DFLOE_BENCHMARKS=$benchmarks")
  (cd "$home" && within 300 cmake --preset "$preset" -B "$folder" "${options[@]}") || {
    note="CMake did not find all it needs"
    return 1
  }
  within 1500 cmake --build "$folder" --target "${targets[@]}" -- -k 0
}

# Each test in a process of its own: after some errors a GPU no longer answers a process.
run_tests() {
  local program suites='' lack='' slow=() status
  for program in $programs; do
    if [ -x "$folder/tests/$program" ]; then
      suites+=$("$folder/tests/$program" --gtest_list_tests | sed -n 's/^\([A-Z][^ .]*\)\..*/|\1/p' | tr -d '\n')
    else
      lack+="${lack:+, }$program was not built"
    fi
  done
  note=$lack
  [ -n "$suites" ] || return 1
  if [ -n "$quick" ] || [ "$preset" = simulated ]; then slow=(-LE slow); fi
  within 600 env OMP_NUM_THREADS=2 ctest --test-dir "$folder" --output-on-failure --timeout 240 \
    -j "$(((jobs + 1) / 2))" "${slow[@]}" -R "^(${suites#|})\." >"$folder/tests.log" 2>&1
  status=$?
  grep -v ' Passed \|^ *Start ' "$folder/tests.log"
  note=$(grep -o '[0-9]* tests failed out of [0-9]*' "$folder/tests.log")${lack:+; $lack}
  [ -z "$lack" ] && return "$status"
  return $((status ? status : 1))
}

sanitize() {  # TOOL FLAGS...
  local tool=$1 sanitizer filter
  shift
  [ "$preset" = cuda ] || { skip "there is no device to look at"; return; }
  sanitizer=$(command -v compute-sanitizer || first_of "${nvcc%/*}/compute-sanitizer") ||
    { skip "compute-sanitizer is missing; it is part of the CUDA Toolkit"; return; }
  built tests/cuda_test || return
  # The tests that want more memory than there is are left out: a refusal is not our error.
  filter='CudaAgreement.*:CudaDevice.*:CudaPrecision.*-*DoesNotFit*'
  sanitizer=(within 150 "$sanitizer" --tool "$tool" --error-exitcode 9 "$@")
  "${sanitizer[@]}" "$folder/tests/cuda_test" "--gtest_filter=$filter" || return
  if [ -n "$quick" ] || [ "$tool" != memcheck ]; then return 0; fi
  built tests/ops_test || return
  filter='Conv2d.*:Matmul.*:Softmax.*:BatchNormalization.*:Reduce.*:MaxPool.*'
  "${sanitizer[@]}" "$folder/tests/ops_test" "--gtest_filter=$filter"
}

measure() {
  built bin/gpu_benchmark || return
  rm -f "$folder/gpu_benchmark.json"
  local seconds=0.2
  if [ -n "$quick$FLOE_BENCH_SMALL" ]; then seconds=0.02; fi
  within 400 "$folder/bin/gpu_benchmark" "--benchmark_min_time=$seconds" "--benchmark_out=$folder/gpu_benchmark.json" ||
    return
  note=$(python3 "$home/benchmarks/compare/figures.py" "$folder/gpu_benchmark.json")
}

compare() {
  command -v python3 >/dev/null || { skip "python3 is missing"; return; }
  built bin/floe_contestant || return
  [ -s "$folder/gpu_benchmark.json" ] || { note="gpu_benchmark left no figures"; return 1; }
  local flags=(--rounds 5 --minutes 10)
  if [ -n "$quick" ] || [ "$preset" = simulated ]; then flags=(--rounds 2 --minutes 2 --alone); fi
  within 1200 python3 "$home/benchmarks/compare/compare.py" --device cuda --folder "$folder" --out "$results" \
    --figures "$folder/gpu_benchmark.json" "${flags[@]}" >"$folder/compare.log" 2>&1
  local status=$?
  cat "$folder/compare.log"
  note=$(tail -n 1 "$folder/compare.log")
  return "$status"
}

train() {  # APP FLAGS...
  local app=$1
  shift
  built "bin/$app" || return
  within 300 "$folder/bin/$app" --device cuda --overwrite --out "$folder/out/$app" "$@" >"$folder/$app.log" 2>&1
  local status=$?
  cat "$folder/$app.log"
  note=$(grep '^epoch' "$folder/$app.log" | tail -n 1)
  return "$status"
}

# --- All of them -----------------------------------------------------------------------------------------------------

jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export CMAKE_BUILD_PARALLEL_LEVEL=$jobs
FLOE_BENCH_SMALL=${FLOE_BENCH_SMALL-}

if [ "$preset" = cuda ]; then nvidia-smi; fi
stage build build
stage tests run_tests
stage memcheck sanitize memcheck --report-api-errors no
if [ -z "$quick" ]; then
  stage racecheck sanitize racecheck
  stage initcheck sanitize initcheck
fi
stage gpu_benchmark measure
stage comparison compare
if [ "$preset" = simulated ]; then
  stage penguins train penguins --epochs 1 --drawings 8 --batch 4 --steps 2
  stage snowflakes train snowflakes --epochs 1 --flakes 18 --batch 9
else
  stage penguins train penguins --epochs 1
  stage snowflakes train snowflakes --epochs 5
fi

printf '\n=== %s, %s\n' "$preset${quick:+ --quick}" "$(date +%F)"
printf '%s\n' "${rows[@]}"
printf 'the results are in %s, all output in %s\n' "$results" "$log"
exec >&3 2>&4
wait "$tee"
exit $((failures > 0))
