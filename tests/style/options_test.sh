#!/usr/bin/env bash
# A misspelt option is named, whichever compiler it is: options_test.sh COMPILER.
set -u

home=$(cd -- "$(dirname -- "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Each line with a comment has the fault that it names.
cat >"$folder/typos.cpp" <<'END'
#include <floe/floe.h>
using namespace floe;
struct Net : Layer {
  using Layer::Layer;
  Dense a{this, "a", {.in = 3, .unit = 32}};  // DenseOptions .unit
  Conv2D b{this, "b", {.in = 3, .filters = 2, .kernel = 3}};  // Conv2DOptions .kernel
  Dense right{this, "c", {.in = 3, .units = 32}};
};
void wrong(Layer& root, const Tensor& x) {
  Dense d(&root, "d", {.in = 3,
                       .output = 32});  // DenseOptions .output
  Sequential s(&root, "s");
  s.add<Dense>("x", {.in = 3, .use_bais = false});  // DenseOptions .use_bais
  LayerList<Dense> list(&root, "l");
  list.add({.in = 2, .unit = 3});  // DenseOptions .unit
  conv2d(x, x, {.stride = 2});  // ConvOptions .stride
  max_pool(x, {.size = 2});  // PoolOptions .size
  Adam adam({.rate = 1e-3});  // AdamOptions .rate
  schedules::cosine_decay({.learning_rate = 1, .decay_step = 10});  // CosineDecayOptions .decay_step
  GradientTape tape;
  tape.gradient(x, x, {.differentable = true});  // GradientOptions .differentable
  MatmulOptions named{.transposed = true};  // MatmulOptions .transposed
  matmul(x, x, {.transpose = true});  // MatmulOptions .transpose
  Dense e(&root, "e", {.in = "three", .units = 2});
}
END
"$1" -std=c++20 -fsyntax-only -I "$home/framework" "$folder/typos.cpp" 2>"$folder/errors"
awk -v headers="$(grep -rl 'Options {' "$home/framework/floe")" -f "$home/framework/cmake/options.awk" <"$folder/errors" |
  sed -n 's|.*/typos.cpp:[0-9]*: \([A-Za-z0-9]*\) has no \([^;]*\); it has \..*|\1 \2|p' >"$folder/found"
sed -n 's|.*// \([A-Za-z0-9]*Options \.\)|\1|p' "$folder/typos.cpp" >"$folder/expected"

diff "$folder/expected" "$folder/found" && [ "$(wc -l <"$folder/found")" = 12 ] && exit 0
cat "$folder/errors"
exit 1
