// Sizes at the ends of 64 bits, through every function that takes one: the shape is right, or it is refused.
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/conv2d.h>
#include <floe/ops/create.h>
#include <floe/ops/matmul.h>
#include <floe/ops/normalization.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/pool.h>
#include <floe/ops/random.h>
#include <floe/ops/reduce.h>
#include <floe/ops/resize.h>
#include <floe/ops/shape_ops.h>
#include <floe/ops/softmax.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>
#include <support/messages.h>

namespace floe {
namespace {

using test::error_of;
__extension__ using Wide = __int128;  // in which nothing here can overflow

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       most = std::numeric_limits<std::int64_t>::max(), large = std::int64_t{1} << 32,
                       pixels = (std::int64_t{1} << 31) - 1, huge = std::int64_t{1} << 62;
const std::vector<std::int64_t> ends = {least,     least + 1, -huge,    -large, -2,         -1,        0,
                                        1,         2,         3,        pixels, pixels + 1, large - 1, large,
                                        large + 1, huge / 2,  huge - 1, huge,   huge + 1,   most - 1,  most};

using Sizes = std::vector<Wide>;
using Expected = std::optional<Sizes>;  // nothing: the arguments are refused, whatever the shape

struct SizeCase {
  std::string name;
  Tensor x;
  std::function<Tensor(const Tensor& x, std::int64_t a, std::int64_t b)> call;
  std::function<Expected(Wide a, Wide b)> expected;
  bool may_refuse = false;  // even where there is such a shape
};

enum class Fate { refused, too_large, skipped, given };

// What must become of a shape: beyond 63 bits it is refused, and no machine has 2^46 bytes; what is merely large is not
// tried.
Fate fate_of(const Expected& expected) {
  if (!expected) return Fate::refused;
  Wide product = 1;
  bool empty = false;
  for (Wide size : *expected) {
    if (size > most) return Fate::refused;
    if (size == 0)
      empty = true;
    else if ((product *= size) > most)
      return Fate::refused;
  }
  if (empty || product < 1 << 19) return Fate::given;
  return product > Wide{1} << 47 ? Fate::too_large : Fate::skipped;
}

void expect_gradient(const SizeCase& one, std::int64_t a, std::int64_t b) {
  if (!one.x.defined() || !is_floating(one.x.dtype())) return;
  GradientTape tape;
  Tensor x = one.x;
  tape.watch(x);
  Tensor y = one.call(x, a, b);
  if (!is_floating(y.dtype()) || !is_tracked(y)) return;
  EXPECT_EQ(tape.gradient(y, x).shape(), x.shape());
}

void expect(const SizeCase& one, std::int64_t a, std::int64_t b) {
  SCOPED_TRACE(one.name + " with " + std::to_string(a) + " and " + std::to_string(b));
  const Expected expected = one.expected(a, b);
  const Fate fate = fate_of(expected);
  if (fate == Fate::skipped) return;
  try {
    Tensor y = one.call(one.x, a, b);
    ASSERT_EQ(fate, Fate::given) << "gave " << to_string(y.shape());
    ASSERT_EQ(y.rank(), static_cast<int>(expected->size()));
    for (int axis = 0; axis < y.rank(); ++axis) EXPECT_TRUE(y.dim(axis) == expected->at(axis)) << to_string(y.shape());
    expect_gradient(one, a, b);
  } catch (const Error& error) {
    EXPECT_TRUE(fate != Fate::given || one.may_refuse) << error.what();
    EXPECT_NE(std::string(error.what()), "");
  }
}

void expect_all(const std::vector<SizeCase>& cases) {
  for (const SizeCase& one : cases) {
    for (std::int64_t a : ends) {
      for (std::int64_t b : ends) expect(one, a, b);
    }
  }
}

bool counts(Wide a) { return a >= 0; }
Expected if_counts(Wide a, Sizes sizes) { return counts(a) ? Expected(sizes) : std::nullopt; }
Expected if_count(Wide a, Wide b, Sizes sizes) { return counts(a) && counts(b) ? Expected(sizes) : std::nullopt; }
Wide divided_up(Wide a, Wide by) { return a / by + (a % by != 0); }

// --- Shapes that are given -------------------------------------------------------------------------------------------

Rng rng(1);
Expected pair(Wide a, Wide b) { return if_count(a, b, {a, b}); }
Expected first(Wide a, Wide) { return if_counts(a, {a}); }
const Tensor none;

const std::vector<SizeCase> made = {
    {"Tensor", none,
     [](auto&, auto a, auto b) {
       return Tensor({a, b}, DType::float64);
     },
     pair},
    {"an empty Tensor", none,
     [](auto&, auto a, auto b) {
       return Tensor({a, 0, b});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {a, 0, b});
     }},
    {"full", none,
     [](auto&, auto a, auto b) {
       return full({a, b}, 1, DType::float64);
     },
     pair},
    {"eye", none, [](auto&, auto a, auto) { return eye(a, DType::float64); },
     [](Wide a, Wide) {
       return if_counts(a, {a, a});
     }},
    {"linspace", none, [](auto&, auto a, auto) { return linspace(0, 1, a, DType::float64); }, first},
    {"range", none, [](auto&, auto a, auto) { return range(0, static_cast<double>(a), 1, DType::int64); },
     [](Wide a, Wide) -> Expected { return Sizes{a < 0 ? 0 : a}; }},
    {"random_uniform", none,
     [](auto&, auto a, auto b) {
       return random_uniform({a, b}, rng, 0, 1, DType::float64);
     },
     pair},
    {"random_normal", none,
     [](auto&, auto a, auto b) {
       return random_normal({a, b}, rng, 0, 1, DType::float64);
     },
     pair},
    {"random_bernoulli", none,
     [](auto&, auto a, auto b) {
       return random_bernoulli({a, b}, rng, 0.5, DType::float64);
     },
     pair},
    {"random_permutation", none, [](auto&, auto a, auto) { return random_permutation(a, rng); }, first, true},
    {"random_categorical", zeros({2, 3}), [](const Tensor& x, auto a, auto) { return random_categorical(x, a, rng); },
     [](Wide a, Wide) {
       return if_counts(a, {2, a});
     }},
    {"random_categorical of none", zeros({0, 3}),
     [](const Tensor& x, auto a, auto) { return random_categorical(x, a, rng); },
     [](Wide a, Wide) {
       return if_counts(a, {0, a});
     }},
};

TEST(HugeSizes, OfMadeTensorsAreRightOrRefused) { expect_all(made); }

// --- Elements that are moved -----------------------------------------------------------------------------------------

Expected reshaped(Wide elements, Wide a, Wide b) {
  if (a < -1 || b < -1 || (a == -1 && b == -1)) return std::nullopt;
  Wide known = a == -1 ? b : a;
  if (a == -1 || b == -1) {
    if (known == 0 || elements % known != 0) return std::nullopt;
    return a == -1 ? Sizes{elements / known, b} : Sizes{a, elements / known};
  }
  return a * b == elements ? Expected(Sizes{a, b}) : std::nullopt;
}

Expected sliced(Wide size, Wide begin, Wide end) {
  if (begin < 0) begin += size;
  if (end < 0) end += size;
  return begin >= 0 && begin <= end && end <= size ? Expected(Sizes{end - begin, 2}) : std::nullopt;
}

const Tensor x = ones({5, 2}, DType::float64), empty({0, 2}, DType::float64), wide({0, large}, DType::float64),
             deep({huge / 8, 0}, DType::float64), six = ones({6}, DType::float64);

const std::vector<SizeCase> moved = {
    {"pad of one axis", x,
     [](auto& x, auto a, auto b) {
       return pad(x, {{a, b}, {0, 0}});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {5 + a + b, 2});
     }},
    {"pad of two axes", x,
     [](auto& x, auto a, auto b) {
       return pad(x, {{a, 0}, {1, b}});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {5 + a, 3 + b});
     }},
    {"pad of bytes", ones({1000010}, DType::uint8),
     [](auto& x, auto a, auto b) {
       return pad(x, {{a, b}});
     },
     [](Wide a, Wide b) { return if_count(a, b, {1000010 + a + b}); }},
    {"pad of nothing", wide,
     [](auto& x, auto a, auto b) {
       return pad(x, {{0, 0}, {a, b}});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {0, large + a + b});
     }},
    {"slice", x, [](auto& x, auto a, auto b) { return slice(x, 0, a, b); },
     [](Wide a, Wide b) { return sliced(5, a, b); }},
    {"slice of nothing", deep, [](auto& x, auto a, auto b) { return slice(x, 1, 0, 0, a + 0 * b); },
     [](Wide a, Wide) {
       return a < 1 ? std::nullopt : Expected(Sizes{huge / 8, 0});
     }},
    {"slice by steps", x, [](auto& x, auto a, auto b) { return slice(x, 0, b, {}, a); },
     [](Wide a, Wide b) -> Expected {
       if (a < 1 || b > 5 || b < -5) return std::nullopt;
       return Sizes{divided_up(b < 0 ? -b : 5 - b, a), 2};
     }},
    {"slice of an empty axis by steps", deep, [](auto& x, auto a, auto b) { return slice(x, 0, b, {}, a); },
     [](Wide a, Wide b) -> Expected {
       if (a < 1 || b > huge / 8 || b < -huge / 8) return std::nullopt;
       return Sizes{divided_up(b < 0 ? -b : huge / 8 - b, a), 0};
     }},
    {"tile", x,
     [](auto& x, auto a, auto b) {
       return tile(x, {a, b});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {5 * a, 2 * b});
     },
     true},
    {"tile of nothing", empty,
     [](auto& x, auto a, auto b) {
       return tile(x, {a, b});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {0, 2 * b});
     },
     true},
    {"broadcast_to", ones({1}, DType::float64),
     [](auto& x, auto a, auto b) {
       return broadcast_to(x, {a, b});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {a, b});
     }},
    {"broadcast_to of nothing", Tensor({1, 0}, DType::float64),
     [](auto& x, auto a, auto b) {
       return broadcast_to(x, {a, b, 0});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {a, b, 0});
     }},
    {"reshape", six,
     [](auto& x, auto a, auto b) {
       return reshape(x, {a, b});
     },
     [](Wide a, Wide b) { return reshaped(6, a, b); }},
    {"reshape of nothing", empty,
     [](auto& x, auto a, auto b) {
       return reshape(x, {a, b});
     },
     [](Wide a, Wide b) { return reshaped(0, a, b); }},
    {"reshape of nothing to more", empty,
     [](auto& x, auto a, auto b) {
       return reshape(x, {a, 0, b});
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {a, 0, b});
     }},
    {"concat", x,
     [](auto&, auto a, auto b) {
       return concat({Tensor({a, 0}), Tensor({b, 0})}, 0);
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {a + b, 0});
     }},
    {"split", six, [](auto& x, auto a, auto) { return split(x, 0, a)[0]; },
     [](Wide a, Wide) { return a >= 1 && 6 % a == 0 ? Expected(Sizes{6 / a}) : std::nullopt; }},
    {"split of nothing", empty, [](auto& x, auto a, auto) { return split(x, 0, a)[0]; },
     [](Wide a, Wide) {
       return a >= 1 ? Expected(Sizes{0, 2}) : std::nullopt;
     },
     true},
    {"split by sizes", six,
     [](auto& x, auto a, auto b) {
       return split(x, 0, std::vector<std::int64_t>{a, b, 3})[0];
     },
     [](Wide a, Wide b) { return a >= 0 && b >= 0 && a + b == 3 ? Expected(Sizes{a}) : std::nullopt; }},
    {"unstack", x,
     [](auto&, auto a, auto) {
       Tensors parts = unstack(Tensor({a, 0}));
       return parts.empty() ? throw ValueError("no part") : parts[0];
     },
     [](Wide a, Wide) { return a >= 1 ? Expected(Sizes{0}) : std::nullopt; }, true},
    {"index", x, [](auto& x, auto a, auto) { return x[a]; },
     [](Wide a, Wide) { return a >= -5 && a < 5 ? Expected(Sizes{2}) : std::nullopt; }},
    {"scatter", x,
     [](auto& x, auto a, auto) {
       return scatter(x, tensor({0, 0, 0, 0, 0}), a);
     },
     [](Wide a, Wide) {
       return a >= 1 ? Expected(Sizes{a, 2}) : std::nullopt;
     }},
    {"scatter of nothing", empty, [](auto& x, auto a, auto) { return scatter(x, Tensor({0}, DType::int64), a); },
     [](Wide a, Wide) {
       return if_counts(a, {a, 2});
     }},
    {"gather", deep, [](auto& x, auto a, auto) { return gather(x, tensor(std::vector<std::int64_t>{a}, {1})); },
     [](Wide a, Wide) {
       return a >= 0 && a < huge / 8 ? Expected(Sizes{1, 0}) : std::nullopt;
     }},
    {"gather by none", deep,
     [](auto& x, auto a, auto b) {
       return gather(x, Tensor({0, a, b}, DType::int32));
     },
     [](Wide a, Wide b) {
       return if_count(a, b, {0, a, b, 0});
     }},
    {"one_hot", tensor({0, 1}), [](auto& x, auto a, auto) { return one_hot(x, a, DType::float64); },
     [](Wide a, Wide) {
       return a >= 2 ? Expected(Sizes{2, a}) : std::nullopt;
     }},
    {"one_hot of none", Tensor({0}, DType::int32), [](auto& x, auto a, auto) { return one_hot(x, a); },
     [](Wide a, Wide) {
       return if_counts(a, {0, a});
     }},
    {"top_k", x, [](auto& x, auto a, auto) { return top_k(x, a).values; },
     [](Wide a, Wide) {
       return a >= 0 && a <= 2 ? Expected(Sizes{5, a}) : std::nullopt;
     }},
    {"resize_nearest", ones({1, 2, 2, 1}, DType::float64),
     [](auto& x, auto a, auto b) {
       return resize_nearest(x, {a, b});
     },
     [](Wide a, Wide b) {
       return a >= 1 && b >= 1 ? Expected(Sizes{1, a, b, 1}) : std::nullopt;
     }},
    {"resize_bilinear of none", Tensor({0, 2, 2, 1}, DType::float64),
     [](auto& x, auto a, auto b) {
       return resize_bilinear(x, {a, b});
     },
     [](Wide a, Wide b) {
       return a >= 1 && b >= 1 ? Expected(Sizes{0, a, b, 1}) : std::nullopt;
     }},
};

TEST(HugeSizes, OfMovedElementsAreRightOrRefused) { expect_all(moved); }

// --- Empty tensors of any other sizes through ops that loop ----------------------------------------------------------

Expected same(Wide a, Wide b) { return if_count(a, b, {a, b, 0}); }
// An op of (a, b, 0), which is refused beyond what can be counted.
SizeCase over(const char* name, std::function<Tensor(const Tensor&)> op, std::function<Expected(Wide, Wide)> expected) {
  return {name, ones({1}, DType::float64),
          [op](const Tensor& x, auto a, auto b) {
            return op(broadcast_to(slice(reshape(x, {1, 1, 1}), 2, 0, 0), {a, b, 0}));
          },
          [expected](Wide a, Wide b) { return a > 0 && b > 0 && a * b > most ? std::nullopt : expected(a, b); }};
}

Tensor per_channel(const Tensor& x) { return zeros({x.dim(-1)}, x.dtype()); }

const std::vector<SizeCase> of_nothing = {
    over(
        "relu", [](auto& x) { return relu(x); }, same),
    over(
        "add", [](auto& x) { return x + x; }, same),
    over(
        "compare", [](auto& x) { return cast(x < 1.0, DType::float64); }, same),
    over(
        "where", [](auto& x) { return where(x < 1.0, x, 0.0); }, same),
    over(
        "transpose", [](auto& x) { return transpose(x); },
        [](Wide a, Wide b) {
          return if_count(a, b, {0, b, a});
        }),
    over(
        "flip",
        [](auto& x) {
          return flip(x, {0, 1});
        },
        same),
    over(
        "flatten", [](auto& x) { return flatten(x); },
        [](Wide a, Wide b) {
          return if_count(a, b, {a, 0});
        }),
    over(
        "softmax", [](auto& x) { return softmax(x); }, same),
    over(
        "log_softmax", [](auto& x) { return log_softmax(transpose(x)); },
        [](Wide a, Wide b) {
          return if_count(a, b, {0, b, a});
        }),
    over(
        "reduce_sum", [](auto& x) { return reduce_sum(x); }, [](Wide a, Wide b) { return if_count(a, b, {}); }),
    over(
        "reduce_sum of an axis", [](auto& x) { return reduce_sum(x, 0); },
        [](Wide a, Wide b) {
          return if_count(a, b, {b, 0});
        }),
    over(
        "reduce_mean",
        [](auto& x) {
          return reduce_mean(x, {0, 2});
        },
        [](Wide a, Wide b) { return if_count(a, b, {b}); }),
    over(
        "reduce_prod", [](auto& x) { return reduce_prod(x, 2); },
        [](Wide a, Wide b) {
          return if_count(a, b, {a, b});
        }),
    over(
        "cumsum", [](auto& x) { return cumsum(x, 0); }, same),
    over(
        "cast", [](auto& x) { return cast(cast(x, DType::int64), DType::float64); }, same),
    over(
        "matmul",
        [](auto& x) {
          return matmul(x, zeros({0, 3}, DType::float64));
        },
        [](Wide a, Wide b) {
          return if_count(a, b, {a, b, 3});
        }),
    over(
        "matmul of many",
        [](auto& x) {
          return matmul(transpose(x, {0, 2, 1}), x);
        },
        [](Wide a, Wide b) {
          return if_count(a, b, {a, 0, 0});
        }),
    over(
        "batch_normalization",
        [](auto& x) { return batch_normalization_training(x, per_channel(x), per_channel(x)).y; }, same),
    over(
        "layer_normalization", [](auto& x) { return layer_normalization(x, per_channel(x), per_channel(x)); }, same),
    over(
        "max_pool",
        [](auto& x) {
          return max_pool(reshape(x, {x.dim(0), x.dim(1), 1, 0}), {.window = 1});
        },
        [](Wide a, Wide b) {
          return a >= 0 && b >= 1 ? Expected(Sizes{a, b, 1, 0}) : std::nullopt;
        }),
    over(
        "average_pool",
        [](auto& x) {
          return average_pool(reshape(x, {x.dim(0), x.dim(1), 1, 0}), {.window = 1});
        },
        [](Wide a, Wide b) {
          return a >= 0 && b >= 1 ? Expected(Sizes{a, b, 1, 0}) : std::nullopt;
        }),
    over(
        "resize_bilinear",
        [](auto& x) {
          return resize_bilinear(reshape(x, {x.dim(0), x.dim(1), 1, 0}), {2, 2});
        },
        [](Wide a, Wide b) {
          return a >= 0 && b >= 1 ? Expected(Sizes{a, 2, 2, 0}) : std::nullopt;
        }),
};

TEST(HugeSizes, OfEmptyTensorsTakeNoTimeAndNoMemory) { expect_all(of_nothing); }

// --- Windows ---------------------------------------------------------------------------------------------------------

bool moves(Wide a) { return a >= 1 && a <= pixels; }

Wide windows(Wide in, Wide before, Wide after, Wide reach, Wide stride) {
  Wide room = in + before + after - reach;
  return room < 0 ? 0 : room / stride + 1;
}

Expected image(Wide batch, Wide height, Wide width, Wide channels) {
  return height >= 1 && width >= 1 ? Expected(Sizes{batch, height, width, channels}) : std::nullopt;
}

const Tensor pooled = ones({1, 4, 5, 2}, DType::float64);

const std::vector<SizeCase> pools = {
    {"window", pooled,
     [](auto& x, auto a, auto b) {
       return max_pool(x, {.window = {a, b}, .strides = 1});
     },
     [](Wide a, Wide b) {
       return moves(a) && moves(b) ? image(1, windows(4, 0, 0, a, 1), windows(5, 0, 0, b, 1), 2) : std::nullopt;
     }},
    {"window, same", pooled,
     [](auto& x, auto a, auto b) {
       return average_pool(x, {.window = {a, b}, .strides = 2, .padding = Padding::same});
     },
     [](Wide a, Wide b) { return moves(a) && moves(b) ? image(1, 2, 3, 2) : std::nullopt; }},
    {"strides", pooled,
     [](auto& x, auto a, auto b) {
       return max_pool(x, {.window = 2, .strides = {a, b}});
     },
     [](Wide a, Wide b) {
       if (a == 0) a = 2;
       if (b == 0) b = 2;
       return moves(a) && moves(b) ? image(1, windows(4, 0, 0, 2, a), windows(5, 0, 0, 2, b), 2) : std::nullopt;
     }},
    {"padding", pooled,
     [](auto& x, auto a, auto b) {
       return average_pool(x, {.window = 3, .strides = 1, .padding = Padding::of(a, b, 0, a)});
     },
     [](Wide a, Wide b) {
       bool good = a >= 0 && a < 3 && b >= 0 && b < 3;
       return good ? image(1, windows(4, a, b, 3, 1), windows(5, 0, a, 3, 1), 2) : std::nullopt;
     }},
    {"window and padding", pooled,
     [](auto& x, auto a, auto b) {
       return max_pool(x, {.window = a, .strides = b, .padding = Padding::of(a - (a > least))});
     },
     [](Wide a, Wide b) {
       if (b == 0) b = a;
       if (!moves(a) || !moves(b)) return Expected();
       return image(1, windows(4, a - 1, a - 1, a, b), windows(5, a - 1, a - 1, a, b), 2);
     }},
    {"images of no batch", pooled,
     [](auto&, auto a, auto b) {
       return max_pool(Tensor({0, a, b, 1}, DType::float64), {.window = 2});
     },
     [](Wide a, Wide b) { return a >= 0 && b >= 0 ? image(0, a / 2, b / 2, 1) : std::nullopt; }, true},
};

TEST(HugeSizes, OfPoolsAreRightOrRefused) { expect_all(pools); }

std::vector<SizeCase> convolutions(DType dtype) {
  const Tensor x = ones({1, 4, 5, 2}, dtype);
  auto filters = [dtype](std::int64_t height, std::int64_t width) { return ones({height, width, 2, 2}, dtype); };
  return {
      {"strides", x,
       [=](auto& x, auto a, auto b) {
         return conv2d(x, filters(2, 2), {.strides = {a, b}});
       },
       [](Wide a, Wide b) {
         return moves(a) && moves(b) ? image(1, divided_up(4, a), divided_up(5, b), 2) : std::nullopt;
       }},
      {"dilation", x,
       [=](auto& x, auto a, auto b) {
         return conv2d(x, filters(2, 1), {.padding = Padding::valid, .dilation = {a, b}});
       },
       [](Wide a, Wide b) { return moves(a) && moves(b) ? image(1, windows(4, 0, 0, a + 1, 1), 5, 2) : std::nullopt; }},
      {"padding and strides", x,
       [=](auto& x, auto a, auto b) {
         return conv2d(x, filters(2, 2), {.strides = b, .padding = Padding::of(a, 0, 0, a)});
       },
       [](Wide a, Wide b) {
         if (!counts(a) || a > pixels || !moves(b)) return Expected();
         return image(1, windows(4, a, 0, 2, b), windows(5, 0, a, 2, b), 2);
       },
       true},
      {"groups", x, [=](auto& x, auto a, auto) { return conv2d(x, filters(1, 1), {.groups = a}); },
       [](Wide a, Wide) { return a == 1 ? image(1, 4, 5, 2) : std::nullopt; }},
      {"images of no batch", x,
       [=](auto&, auto a, auto b) {
         return conv2d(Tensor({0, a, b, 2}, dtype), filters(2, 2));
       },
       [](Wide a, Wide b) { return a >= 0 && b >= 0 ? image(0, a, b, 2) : std::nullopt; }, true},
      {"output channels", x,
       [=](auto&, auto a, auto b) {
         return conv2d(Tensor({0, b, 5, 0}, dtype), Tensor({1, 1, 0, a}, dtype));
       },
       [](Wide a, Wide b) { return counts(a) && counts(b) ? image(0, b, 5, a) : std::nullopt; }, true},
  };
}

std::vector<SizeCase> transposed_convolutions(DType dtype) {
  const Tensor x = ones({1, 4, 5, 2}, dtype);
  auto filters = [dtype](std::int64_t height, std::int64_t width) { return ones({height, width, 2, 2}, dtype); };
  return {
      {"transposed, strides", x,
       [=](auto& x, auto a, auto b) {
         return conv2d_transpose(x, filters(2, 2), {.strides = {a, b}});
       },
       [](Wide a, Wide b) { return moves(a) && moves(b) ? image(1, 4 * a, 5 * b, 2) : std::nullopt; }},
      {"transposed, dilation", x,
       [=](auto& x, auto a, auto b) {
         return conv2d_transpose(x, filters(2, 2), {.padding = Padding::valid, .dilation = {a, b}});
       },
       [](Wide a, Wide b) { return moves(a) && moves(b) ? image(1, 4 + a, 5 + b, 2) : std::nullopt; }},
      {"transposed, padding", x,
       [=](auto& x, auto a, auto b) {
         return conv2d_transpose(x, filters(3, 3), {.padding = Padding::of(a, b, 0, 0)});
       },
       [](Wide a, Wide b) { return counts(a) && counts(b) ? image(1, 6 - a - b, 7, 2) : std::nullopt; }},
      {"transposed, output padding", x,
       [=](auto& x, auto a, auto) { return conv2d_transpose(x, filters(1, 1), {.strides = 2, .output_padding = a}); },
       [](Wide a, Wide) {
         if (a < -1 || a > 1) return Expected();
         return a == -1 ? image(1, 8, 10, 2) : image(1, 7 + a, 9 + a, 2);
       }},
      {"transposed, groups", x,
       [=](auto& x, auto a, auto) { return conv2d_transpose(x, filters(1, 1), {.groups = a}); },
       [](Wide a, Wide) { return a == 1 || a == 2 ? image(1, 4, 5, 2 * a) : std::nullopt; }},
  };
}

TEST(HugeSizes, OfConvolutionsAreRightOrRefused) {
  for (DType dtype : {DType::float32, DType::float64}) {
    expect_all(convolutions(dtype));
    expect_all(transposed_convolutions(dtype));
  }
}

// --- Axes ------------------------------------------------------------------------------------------------------------

TEST(HugeSizes, OfAxesAreRightOrRefused) {
  const Tensor x = ones({1, 1, 1});
  const std::pair<const char*, std::function<void(int)>> calls[] = {
      {"squeeze", [&](int axis) { squeeze(x, {axis}); }},
      {"transpose",
       [&](int axis) {
         transpose(x, {axis, 0, 1});
       }},
      {"flip", [&](int axis) { flip(x, {axis}); }},
      {"slice", [&](int axis) { slice(x, axis, 0); }},
      {"concat",
       [&](int axis) {
         concat({x, x}, axis);
       }},
      {"split", [&](int axis) { split(x, axis, 1); }},
      {"unstack", [&](int axis) { unstack(x, axis); }},
      {"gather", [&](int axis) { gather(x, tensor(0), axis); }},
      {"reduce_sum", [&](int axis) { reduce_sum(x, axis); }},
      {"reduce_max", [&](int axis) { reduce_max(x, axis); }},
      {"reduce_prod", [&](int axis) { reduce_prod(x, axis); }},
      {"reduce_logsumexp", [&](int axis) { reduce_logsumexp(x, axis); }},
      {"reduce_variance", [&](int axis) { reduce_variance(x, axis); }},
      {"reduce_any", [&](int axis) { reduce_any(x > 0, axis); }},
      {"argmax", [&](int axis) { argmax(x, axis); }},
      {"cumsum", [&](int axis) { cumsum(x, axis); }},
      {"dim", [&](int axis) { x.dim(axis); }},
  };
  constexpr int bottom = std::numeric_limits<int>::min(), top = std::numeric_limits<int>::max();
  for (const auto& [name, call] : calls) {
    SCOPED_TRACE(name);
    for (int axis : {bottom, bottom + 1, -4, 3, top - 1, top})
      EXPECT_NE(error_of<ShapeError>([&] { call(axis); }), "no error");
    for (int axis : {-1, 2}) EXPECT_NO_THROW(call(axis));
  }
  for (int axis : {bottom, -5, 4, top}) {
    EXPECT_NE(error_of<ShapeError>([&] { expand_dims(x, axis); }), "no error");
    EXPECT_NE(error_of<ShapeError>([&] { stack({x, x}, axis); }), "no error");
  }
}

// --- Messages --------------------------------------------------------------------------------------------------------

TEST(HugeSizes, BeyondWhatCanBeCountedAreRefusedWithTheirNumbers) {
  Tensor x({1000010}), tall({0, most, 1, 1}), deep({most, 0});
  const std::string end = " is more than can be counted\n  x  (1000010,)";
  EXPECT_MESSAGE(ShapeError, pad(x, {{most - 1000000, most}}), "pad: 1000010 + 9223372036853775807" + end);
  EXPECT_MESSAGE(ShapeError, tile(x, {most}), "tile: 1000010 * 9223372036854775807" + end);
  EXPECT_MESSAGE(ShapeError, split(x, 0, std::vector<std::int64_t>{most, 1}), "split: 9223372036854775807 + 1" + end);
  EXPECT_MESSAGE(ShapeError, concat({deep, deep}, 0),
                 "concat: 9223372036854775807 + 9223372036854775807 is more than can be counted\n"
                 "  other  (9223372036854775807, 0)");
  EXPECT_MESSAGE(ShapeError, conv2d(tall, ones({1, 1, 1, 1}), {.padding = Padding::of(1)}),
                 "conv2d: 9223372036854775807 + 1 is more than can be counted\n"
                 "  input    (0, 9223372036854775807, 1, 1)   batch, height, width, channels\n"
                 "  filters  (1, 1, 1, 1)                     height, width, in, out");
  EXPECT_MESSAGE(ShapeError, max_pool(tall, {.window = 2, .padding = Padding::of(1)}),
                 "max_pool: 9223372036854775807 + 1 is more than can be counted\n"
                 "  x  (0, 9223372036854775807, 1, 1)   batch, height, width, channels");
  EXPECT_MESSAGE(ShapeError, unstack(deep),
                 "unstack: cannot handle 9223372036854775807 tensors at once, and 16777216 are the most\n"
                 "  x  (9223372036854775807, 0)");
  EXPECT_EQ(error_of<ShapeError>([] {
              Tensor({0, large, large});
            }),
            "tensor: (0, 4294967296, 4294967296) has more elements than can be counted");
}

}  // namespace
}  // namespace floe
