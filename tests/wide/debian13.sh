#!/usr/bin/env bash
# Builds everything and runs the fast tests on Debian 13 (GCC 14, oneDNN 3): in a root file system of its own, which
# debootstrap makes in build/debian13 and a second run finds there. Needs root and a mirror; the checkout is copied in.
set -euo pipefail

home=$(cd -- "$(dirname -- "$0")/../.." && pwd)
root=$home/build/debian13
packages="g++ cmake ninja-build libeigen3-dev libfmt-dev nlohmann-json3-dev libcli11-dev libstb-dev libdnnl-dev libgtest-dev python3 git"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
inside() { as_root env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }

command -v debootstrap >/dev/null || as_root apt-get -qq install --yes --no-install-recommends debootstrap >/dev/null
if [ ! -e "$root/made" ]; then
  mkdir -p "$root"
  as_root debootstrap --variant=minbase trixie "$root" "${FLOE_MIRROR-http://deb.debian.org/debian}" >/dev/null
  # shellcheck disable=SC2086
  inside apt-get -qq install --yes --no-install-recommends $packages >/dev/null
  as_root touch "$root/made"
fi

# The tests look at processes and at the terminal.
as_root mount -t proc proc "$root/proc"
trap 'as_root umount "$root/proc"' EXIT

inside rm -rf /floe/sources
inside mkdir -p /floe/sources
git -C "$home" ls-files -z | tar -C "$home" --null --files-from=- -cf - | inside tar -xf - -C /floe/sources
inside sh -c 'cd /floe/sources && cmake --preset release -B ../release -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >/dev/null && ninja -C ../release >log 2>&1 || { tail -n 40 log; exit 1; }
              g++ --version | head -n 1; dpkg-query -W libdnnl-dev libeigen3-dev cmake
              OMP_WAIT_POLICY=passive ctest --test-dir ../release --label-exclude slow --output-on-failure -j 2 >log 2>&1 || { tail -n 80 log; exit 1; }
              tail -n 3 log'
