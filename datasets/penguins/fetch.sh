#!/bin/sh
# Downloads the 253,791 real penguins of Quick, Draw! as one NumPy file of 28x28 bitmaps.
#
#   fetch.sh [FILE]       to FILE, or to floe/full_numpy_bitmap_penguin.npy in the user's cache directory
#
# FLOE_PENGUINS_URL names another source (https:// or file://) with any number of drawings.
# Exits with status 0, or with 2 after a sentence on standard error. A broken download is continued by the next run.

set -u

default_url=https://storage.googleapis.com/quickdraw_dataset/full/numpy_bitmap/penguin.npy
url=${FLOE_PENGUINS_URL:-$default_url}
expected_drawings=253791
drawing_size=784

fail() {
  printf 'fetch.sh: %s\n' "$1" >&2
  exit 2
}

# Prints how many drawings the NumPy file $1 holds, or a sentence on what is wrong with it, and fails.
count_drawings() {
  # The magic bytes, the version, and the length of the header: two bytes in version 1, four later, low byte first.
  size=$(($(wc -c <"$1")))
  # shellcheck disable=SC2046  # one argument for each byte
  set -- $(od -An -v -tu1 -N12 "$1")
  if [ $# -ne 12 ] || [ "$1 $2 $3 $4 $5 $6" != "147 78 85 77 80 89" ]; then
    echo "expected a NumPy file, found something else"
    return 1
  fi
  if [ "$7" -eq 1 ]; then
    header=$((10 + $9 + 256 * ${10}))
  else
    header=$((12 + $9 + 256 * ${10} + 65536 * ${11} + 16777216 * ${12}))
  fi

  # Whole drawings after it, and all of them.
  payload=$((size - header))
  if [ "$payload" -le 0 ] || [ $((payload % drawing_size)) -ne 0 ]; then
    echo "expected drawings of $drawing_size bytes each after a header of $header, found $payload bytes"
    return 1
  fi
  drawings=$((payload / drawing_size))
  if [ "$url" = "$default_url" ] && [ "$drawings" -ne "$expected_drawings" ]; then
    echo "expected $expected_drawings drawings, found $drawings"
    return 1
  fi
  echo "$drawings"
}

# Downloads $url to $1, from where an earlier attempt stopped if it was the same source.
download() {
  [ "$url" = "$default_url" ] || rm -f -- "$1"
  case $url in
    file://*)
      [ -r "${url#file://}" ] || fail "expected a readable file at ${url#file://}, found none"
      cp -- "${url#file://}" "$1"
      ;;
    *)
      if command -v curl >/dev/null 2>&1; then
        curl --fail --location --progress-bar --connect-timeout 20 --continue-at - --output "$1" "$url"
      elif command -v wget >/dev/null 2>&1; then
        wget -q -T 20 -c -O "$1" "$url"
      else
        fail "expected curl or wget to download with, found neither"
      fi
      ;;
  esac
}

# Find where the file goes.
[ $# -le 1 ] || fail "expected at most one argument, the file to write, found $#"
if [ $# -eq 1 ]; then
  file=$1
else
  [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || fail "expected HOME or XDG_CACHE_HOME to be set, found neither"
  file=${XDG_CACHE_HOME:-$HOME/.cache}/floe/full_numpy_bitmap_penguin.npy
fi
[ ! -d "$file" ] || fail "expected the name of a file, found the directory $file"
part=$file.part

# Download next to it, check, and rename.
if [ -e "$file" ]; then
  drawings=$(count_drawings "$file") || fail "$file already exists and is not the penguins: $drawings; move it away"
else
  mkdir -p -- "$(dirname -- "$file")" || fail "cannot make the directory of $file"
  if [ ! -f "$part" ] || ! count_drawings "$part" >/dev/null; then
    download "$part" || fail "could not download $url; is there a network and room for 200 MB? Run again to continue."
  fi
  if ! drawings=$(count_drawings "$part"); then
    rm -f -- "$part"
    fail "$url: $drawings"
  fi
  mv -f -- "$part" "$file" || fail "cannot write $file"
fi

echo "$drawings penguins in $file"
echo "./floe run penguins --data $file"
