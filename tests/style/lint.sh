#!/usr/bin/env bash
# The layout of changed lines, by clang-format 14, and mistakes in changed sources, by clang-tidy with .clang-tidy's list.
#
#   tests/style/lint.sh          what the last day of work changed, by the dates of its commits
#   tests/style/lint.sh COMMIT   what changed since then
#   tests/style/lint.sh --all    mistakes in every source; tables laid out by hand keep their layout
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."

since=${1-}
if [ -z "$since" ]; then
  since=$(git rev-list -1 --before=$(($(git log -1 --format=%ct) - 12 * 3600)) HEAD)
  [ -n "$since" ] || { echo "lint: this checkout holds no earlier commit to compare with"; exit 0; }
fi

if [ "$since" = --all ]; then
  mapfile -t sources < <(git ls-files 'framework/*.cpp' 'apps/*.cpp' 'datasets/*.cpp')
else
  format=$(git clang-format-14 --binary clang-format-14 --extensions h,cpp,cu --diff --quiet "$since" -- framework datasets tests benchmarks docs)
  case $format in "" | "no modified files to format" | "clang-format did not modify any files") ;; *)
    printf '%s\n' "$format"
    echo "lint: clang-format would lay this out differently: git clang-format-14 --binary clang-format-14 $since"
    exit 1 ;;
  esac
  mapfile -t sources < <(git diff --name-only --diff-filter=d "$since" -- 'framework/*.cpp' 'apps/*.cpp' 'datasets/*.cpp')
fi
[ ${#sources[@]} -gt 0 ] || { echo "lint: no source changed"; exit 0; }

cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DFLOE_TESTS=OFF >/dev/null
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/lint --quiet --warnings-as-errors='*' 2>/dev/null
echo "lint: ${#sources[@]} sources"
