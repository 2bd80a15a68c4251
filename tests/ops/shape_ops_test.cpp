// Ops that move or repeat elements: against index arithmetic, for every dtype, and their refusals.
#include <floe/ops/shape_ops.h>

#include <gtest/gtest.h>

#include <floe/tensor/memory.h>
#include <support/messages.h>
#include <support/op_case.h>

namespace floe {
namespace {

using namespace test;

Tensor indices(std::vector<std::int64_t> values, const Shape& shape) { return tensor(values, shape); }

// An op, and where each element of its result comes from: an index of the input, or empty for `fill`.
struct Move {
  std::string name;
  Shape from, to;
  std::function<Tensor(const Tensor&)> op;
  std::function<Index(const Index&)> source;
  double fill = 0;
};

// The same elements in the same order.
Move renamed(const std::string& name, const Shape& from, const Shape& to, std::function<Tensor(const Tensor&)> op) {
  return {name, from, to, std::move(op), [=](const Index& i) {
            std::int64_t place = 0;
            for (int axis = 0; axis < to.rank(); ++axis) place = place * to[axis] + i[axis];
            Index source(static_cast<std::size_t>(from.rank()));
            for (int axis = from.rank() - 1; axis >= 0; --axis) source[axis] = place % from[axis], place /= from[axis];
            return source;
          }};
}

Move transposed(const Shape& from, AxisList order) {
  AxisList full = order;
  if (full.empty()) {
    for (int axis = from.rank() - 1; axis >= 0; --axis) full.push_back(axis);
  }
  Shape to;
  for (int& axis : full) axis = axis < 0 ? axis + from.rank() : axis, to.append(from[axis]);
  return {"transpose", from, to, [=](const Tensor& x) { return transpose(x, order); },
          [=](const Index& i) {
            Index source(full.size());
            for (std::size_t k = 0; k < full.size(); ++k) source[full[k]] = i[k];
            return source;
          }};
}

Move broadcast(const Shape& from, const Shape& to) {
  return {"broadcast_to", from, to, [=](const Tensor& x) { return broadcast_to(x, to); },
          [=](const Index& i) {
            Index source(i.end() - from.rank(), i.end());
            for (int axis = 0; axis < from.rank(); ++axis) source[axis] = from[axis] == 1 ? 0 : source[axis];
            return source;
          }};
}

Move flipped(const Shape& from, AxisList axes) {
  return {"flip", from, from, [=](const Tensor& x) { return flip(x, axes); },
          [=](Index i) {
            for (int axis : axes) {
              int at = axis < 0 ? axis + from.rank() : axis;
              i[at] = from[at] - 1 - i[at];
            }
            return i;
          }};
}

Move tiled(const Shape& from, const std::vector<std::int64_t>& repeats) {
  Shape to = from;
  for (int axis = 0; axis < from.rank(); ++axis) to[axis] *= repeats[axis];
  return {"tile", from, to, [=](const Tensor& x) { return tile(x, repeats); },
          [=](Index i) {
            for (int axis = 0; axis < from.rank(); ++axis) i[axis] %= from[axis];
            return i;
          }};
}

Move sliced(const Shape& from, int axis, std::int64_t begin, std::optional<std::int64_t> end, std::int64_t step,
            std::int64_t first, std::int64_t size) {
  int along = axis < 0 ? axis + from.rank() : axis;
  Shape to = from;
  to[along] = size;
  return {"slice", from, to, [=](const Tensor& x) { return slice(x, axis, begin, end, step); },
          [=](Index i) {
            i[along] = first + i[along] * step;
            return i;
          }};
}

Move padded(const Shape& from, const std::vector<std::pair<std::int64_t, std::int64_t>>& pads, double value) {
  Shape to = from;
  for (int axis = 0; axis < from.rank(); ++axis) to[axis] += pads[axis].first + pads[axis].second;
  return {"pad",
          from,
          to,
          [=](const Tensor& x) { return pad(x, pads, value); },
          [=](Index i) {
            for (int axis = 0; axis < from.rank(); ++axis) {
              i[axis] -= pads[axis].first;
              if (i[axis] < 0 || i[axis] >= from[axis]) return Index{-1};
            }
            return i;
          },
          value};
}

Move gathered(const Shape& from, const Tensor& which, int axis) {
  int along = axis < 0 ? axis + from.rank() : axis;
  Shape to;
  for (int k = 0; k < along; ++k) to.append(from[k]);
  for (std::int64_t size : which.shape()) to.append(size);
  for (int k = along + 1; k < from.rank(); ++k) to.append(from[k]);
  return {"gather", from, to, [=](const Tensor& x) { return gather(x, which, axis); },
          [=](const Index& i) {
            auto middle = i.begin() + along, rest = middle + which.rank();
            Index source(i.begin(), middle);
            source.push_back(static_cast<std::int64_t>(at(which, Index(middle, rest))));
            source.insert(source.end(), rest, i.end());
            return source;
          }};
}

std::vector<Move> moves() {
  return {
      renamed("reshape", {2, 3}, {3, 2},
              [](const Tensor& x) {
                return reshape(x, {3, 2});
              }),
      renamed("reshape", {2, 3, 2}, {2, 6},
              [](const Tensor& x) {
                return reshape(x, {2, -1});
              }),
      renamed("reshape", {1}, {}, [](const Tensor& x) { return reshape(x, {}); }),
      renamed("reshape", {}, {1, 1},
              [](const Tensor& x) {
                return reshape(x, {1, -1});
              }),
      renamed("reshape", {0, 3}, {3, 0},
              [](const Tensor& x) {
                return reshape(x, {3, -1});
              }),
      renamed("reshape", {0, 3}, {0}, [](const Tensor& x) { return reshape(x, {-1}); }),
      renamed("flatten", {2, 3, 2}, {2, 6}, [](const Tensor& x) { return flatten(x); }),
      renamed("flatten", {3}, {3, 1}, [](const Tensor& x) { return flatten(x); }),
      renamed("flatten", {0, 3, 2}, {0, 6}, [](const Tensor& x) { return flatten(x); }),
      renamed("squeeze", {1, 2, 1, 3}, {2, 3}, [](const Tensor& x) { return squeeze(x); }),
      renamed("squeeze", {1, 2, 1, 3}, {1, 2, 3}, [](const Tensor& x) { return squeeze(x, {-2}); }),
      renamed("squeeze", {1, 1}, {}, [](const Tensor& x) { return squeeze(x); }),
      renamed("expand_dims", {2, 3}, {1, 2, 3}, [](const Tensor& x) { return expand_dims(x, 0); }),
      renamed("expand_dims", {2, 3}, {2, 1, 3}, [](const Tensor& x) { return expand_dims(x, -2); }),
      renamed("expand_dims", {2, 3}, {2, 3, 1}, [](const Tensor& x) { return expand_dims(x, -1); }),
      renamed("expand_dims", {}, {1}, [](const Tensor& x) { return expand_dims(x, 0); }),
      transposed({}, {}),
      transposed({4}, {}),
      transposed({2, 3}, {}),
      transposed({2, 3}, {0, 1}),
      transposed({2, 3, 4}, {1, -1, 0}),
      transposed({2, 1, 3, 2}, {3, 1, 0, 2}),
      transposed({1, 2, 1, 2, 3, 2}, {5, 4, 3, 2, 1, 0}),
      transposed({17, 19}, {}),
      transposed({0, 3}, {}),
      broadcast({}, {2, 3}),
      broadcast({3}, {2, 3}),
      broadcast({2, 1}, {2, 3}),
      broadcast({1, 3, 1}, {2, 2, 3, 2}),
      broadcast({2, 3}, {2, 3}),
      broadcast({1}, {0}),
      broadcast({0, 1}, {0, 3}),
      flipped({5}, {0}),
      flipped({2, 3}, {1}),
      flipped({2, 3, 4}, {0, -1}),
      flipped({1, 3}, {0}),
      flipped({0, 3}, {0}),
      flipped({2, 3}, {}),
      tiled({3}, {2}),
      tiled({2, 3}, {2, 1}),
      tiled({2, 1, 2}, {1, 3, 2}),
      tiled({2, 3}, {0, 2}),
      tiled({}, {}),
      sliced({5}, 0, 1, 4, 1, 1, 3),
      sliced({5}, 0, -3, {}, 1, 2, 3),
      sliced({5}, 0, 0, -1, 1, 0, 4),
      sliced({5}, 0, 0, {}, 2, 0, 3),
      sliced({5}, 0, 1, {}, 3, 1, 2),
      sliced({4, 3}, 0, 1, 3, 1, 1, 2),
      sliced({4, 3}, 0, 1, 4, 2, 1, 2),
      sliced({4, 3}, -1, 1, 2, 1, 1, 1),
      sliced({2, 4, 3}, 1, 0, 4, 2, 0, 2),
      sliced({4, 3}, 0, 2, 2, 1, 2, 0),
      sliced({0, 3}, 1, 1, 3, 1, 1, 2),
      padded({3}, {{1, 2}}, 0),
      padded({2, 3}, {{0, 1}, {2, 0}}, 7),
      padded({2, 1, 2}, {{1, 0}, {0, 0}, {0, 3}}, -1),
      padded({0, 2}, {{1, 1}, {0, 1}}, 3),
      padded({}, {}, 0),
      gathered({5}, indices({4, 0, 4, 4}, {4}), 0),
      gathered({5, 3}, indices({4, 0, 4}, {3}), 0),
      gathered({5, 3}, indices({2, 2, 0, 1, 2, 1}, {2, 3}), 0),
      gathered({5, 3}, indices({2, 0, 2, 2}, {2, 2}), 1),
      gathered({2, 3, 4}, indices({1, 1, 0}, {3}), -2),
      gathered({5, 3}, indices({3}, {}), 0),
      gathered({5, 3}, indices({}, {0}), 0),
      gathered({5, 0}, indices({1, 1}, {2}), 0),
      gathered({1, 3}, cast(indices({0, 0}, {2}), DType::int32), 0),
  };
}

Tensor plain(const Move& move, const Tensor& x) {
  return made(
      move.to,
      [&](const Index& i) {
        Index source = move.source(i);
        return !source.empty() && source[0] < 0 ? move.fill : at(x, source);
      },
      x.dtype());
}

OpCases cases() {
  OpCases all;
  for (const Move& move : moves()) {
    all.push_back({move.name + " " + to_string(move.from) + " to " + to_string(move.to),
                   {normal(move.from)},
                   [=](const Tensors& x) { return move.op(x[0]); },
                   [=](const Tensors& x) { return plain(move, x[0]); }});
  }
  return all;
}

// Several tensors to one, and one to several.
OpCases cases_of_several() {
  OpCases all;
  for (const auto& [shapes, axis] : std::vector<std::pair<std::vector<Shape>, int>>{{{{2}}, 0},
                                                                                    {{{2}, {3}}, 0},
                                                                                    {{{2, 3}, {1, 3}, {2, 3}}, 0},
                                                                                    {{{2, 3}, {2, 1}}, -1},
                                                                                    {{{2, 1, 3}, {2, 2, 3}}, 1},
                                                                                    {{{0, 3}, {2, 3}}, 0},
                                                                                    {{{0, 1}, {0, 2}}, 1}}) {
    Tensors parts;
    for (const Shape& shape : shapes) parts.push_back(normal(shape, parts.size() + 1));
    all.push_back({"concat of " + std::to_string(parts.size()) + " along " + std::to_string(axis), parts,
                   [axis = axis](const Tensors& x) { return concat(x, axis); },
                   [axis = axis](const Tensors& x) {
                     int along = axis < 0 ? axis + x[0].rank() : axis;
                     Shape result = x[0].shape();
                     for (std::size_t k = 1; k < x.size(); ++k) result[along] += x[k].dim(along);
                     return made(result, [&](Index i) {
                       std::size_t part = 0;
                       while (i[along] >= x[part].dim(along)) i[along] -= x[part++].dim(along);
                       return at(x[part], i);
                     });
                   }});
  }
  for (int axis : {0, 1, 2, -1, -3}) {
    all.push_back({"stack along " + std::to_string(axis),
                   {normal({2, 3}, 1), normal({2, 3}, 2)},
                   [=](const Tensors& x) { return stack(x, axis); },
                   [=](const Tensors& x) {
                     int along = axis < 0 ? axis + 3 : axis;
                     Shape result;
                     for (int k = 0, from = 0; k < 3; ++k) result.append(k == along ? 2 : x[0].dim(from++));
                     return made(result, [&](Index i) {
                       const Tensor& part = x[static_cast<std::size_t>(i[along])];
                       i.erase(i.begin() + along);
                       return at(part, i);
                     });
                   }});
  }
  auto halves = [](const Tensors& x) { return split(x[0], 1, 2); };
  auto parts = [](const Tensors& x) { return split(x[0], -1, std::vector<std::int64_t>{1, 0, 3}); };
  for (std::size_t k : {0, 1}) {
    all.push_back({"split into halves",
                   {normal({2, 4})},
                   [=](const Tensors& x) { return halves(x)[k]; },
                   [=](const Tensors& x) {
                     return made({2, 2}, [&](const Index& i) {
                       return at(x[0], {i[0], i[1] + 2 * static_cast<std::int64_t>(k)});
                     });
                   }});
  }
  all.push_back({"split into sizes",
                 {normal({2, 4})},
                 [=](const Tensors& x) { return parts(x)[2]; },
                 [=](const Tensors& x) {
                   return made({2, 3}, [&](const Index& i) { return at(x[0], {i[0], i[1] + 1}); });
                 }});
  for (int axis : {0, 1, -1}) {
    for (std::size_t k : {0, 1}) {
      all.push_back({"unstack along " + std::to_string(axis),
                     {normal({2, 3, 4})},
                     [=](const Tensors& x) { return unstack(x[0], axis)[k]; },
                     [=](const Tensors& x) {
                       int along = axis < 0 ? axis + 3 : axis;
                       Shape result;
                       for (int i = 0; i < 3; ++i) i == along ? void() : result.append(x[0].dim(i));
                       return made(result, [&](Index i) {
                         i.insert(i.begin() + along, static_cast<std::int64_t>(k));
                         return at(x[0], i);
                       });
                     }});
    }
  }
  all.push_back({"all parts of an unstack",
                 {normal({4, 3})},
                 [](const Tensors& x) {
                   Tensors parts = unstack(x[0]);
                   return parts[0] * parts[1] + parts[3];
                 },
                 [](const Tensors& x) {
                   return made({3}, [&](const Index& i) {
                     return at(x[0], {0, i[0]}) * at(x[0], {1, i[0]}) + at(x[0], {3, i[0]});
                   });
                 }});
  all.push_back({"slices that overlap",
                 {normal({5, 3})},
                 [](const Tensors& x) {
                   return slice(x[0], 0, 0, 2) * slice(x[0], 0, 1, 3) + slice(x[0], 0, 0, 4, 2) + x[0][4];
                 },
                 [](const Tensors& x) {
                   return made({2, 3}, [&](const Index& i) {
                     return at(x[0], i) * at(x[0], {i[0] + 1, i[1]}) + at(x[0], {2 * i[0], i[1]}) +
                            at(x[0], {4, i[1]});
                   });
                 }});
  all.push_back({"slices of the inner axis beside the whole",
                 {normal({3, 5})},
                 [](const Tensors& x) {
                   return slice(x[0], 1, 0, 2) * slice(x[0], 1, 1, 5, 2) + slice(x[0] * x[0], 1, 3) + x[0][1][2];
                 },
                 [](const Tensors& x) {
                   return made({3, 2}, [&](const Index& i) {
                     double last = at(x[0], {i[0], i[1] + 3});
                     return at(x[0], i) * at(x[0], {i[0], 2 * i[1] + 1}) + last * last + at(x[0], {1, 2});
                   });
                 }});
  all.push_back({"one tensor twice",
                 {normal({2, 3})},
                 [](const Tensors& x) {
                   return concat({x[0], x[0], x[0]}, 0);
                 },
                 [](const Tensors& x) {
                   return made({6, 3}, [&](const Index& i) { return at(x[0], {i[0] % 2, i[1]}); });
                 }});
  all.push_back(
      {"a view of a view",
       {normal({4, 3})},
       [](const Tensors& x) {
         return reshape(slice(slice(x[0], 0, 1), 0, 1), {3, 2}) * x[0][2][1];
       },
       [](const Tensors& x) {
         return made({3, 2}, [&](const Index& i) { return element(x[0], 6 + 2 * i[0] + i[1]) * at(x[0], {2, 1}); });
       }});
  for (const auto& [shape, which, size] :
       std::vector<std::tuple<Shape, Tensor, std::int64_t>>{{{4}, indices({2, 0, 2, 2}, {4}), 3},
                                                            {{3, 2}, indices({1, 1, 4}, {3}), 5},
                                                            {{0, 2}, indices({}, {0}), 2},
                                                            {{2, 1, 2}, indices({0, 0}, {2}), 1}}) {
    all.push_back({"scatter " + to_string(shape),
                   {normal(shape)},
                   [which = which, size = size](const Tensors& x) { return scatter(x[0], which, size); },
                   [which = which, size = size](const Tensors& x) {
                     Shape result = x[0].shape();
                     result[0] = size;
                     return made(result, [&](Index i) {
                       double sum = 0;
                       std::int64_t row = i[0];
                       for (i[0] = 0; i[0] < x[0].dim(0); ++i[0])
                         sum += element(which, i[0]) == static_cast<double>(row) ? at(x[0], i) : 0;
                       return sum;
                     });
                   }});
  }
  return all;
}

TEST(ShapeOps, MatchIndexArithmetic) {
  for_each_case(cases(), expect_reference);
  for_each_case(cases_of_several(), expect_reference);
}
TEST(ShapeOps, GradientsMatchCentralDifferences) {
  for_each_case(cases(), expect_gradients);
  for_each_case(cases_of_several(), expect_gradients);
}
TEST(ShapeOps, SecondOrderMatchesCentralDifferences) {
  for_each_case(cases(), expect_second_order);
  for_each_case(cases_of_several(), expect_second_order);
}
TEST(ShapeOps, RecordedGradientsEqualTheFirst) {
  for_each_case(cases(), expect_recorded_gradients_alike);
  for_each_case(cases_of_several(), expect_recorded_gradients_alike);
}
TEST(ShapeOps, Float32IsWithinSixtyFourUlp) {
  for_each_case(cases(), expect_float32);
  for_each_case(cases_of_several(), expect_float32);
}

TEST(ShapeOps, MoveEveryDtype) {
  for (const Move& move : moves()) {
    for (DType dtype : {DType::float32, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
      if (move.name == "pad" && dtype != DType::float32) continue;
      SCOPED_TRACE(move.name + " " + to_string(move.from) + " to " + to_string(move.to) + " " +
                   std::string(name(dtype)));
      Tensor x = cast(cast(uniform(move.from, 0, 100), DType::int32), dtype);
      EXPECT_TRUE(same_bits(move.op(x), plain(move, x)));
    }
  }
}

TEST(ShapeOps, LargeOnesMatchIndexArithmetic) {
  for (const Move& move :
       {transposed({301, 407}, {}), transposed({5, 70, 9, 40}, {0, 2, 3, 1}), transposed({64, 64, 33}, {2, 0, 1}),
        broadcast({70, 1, 50}, {70, 60, 50}), flipped({300, 401}, {0, 1}), sliced({300, 401}, 1, 3, 400, 2, 3, 199),
        padded({300, 401}, {{1, 2}, {3, 4}}, 5)}) {
    for (DType dtype : {DType::float32, DType::float64, DType::uint8}) {
      Tensor x = cast(cast(uniform(move.from, 0, 200), DType::int32), dtype);
      EXPECT_TRUE(same_bits(move.op(x), plain(move, x)))
          << move.name << " " << to_string(move.from) << " " << name(dtype);
    }
  }
}

// Rows are added up in pieces of 256 places, which a row may fill once, several times, or by one more.
TEST(GatherGradient, AddsUpAnyNumberOfRepeats) {
  for (std::int64_t repeats : {1, 2, 255, 256, 257, 512, 513, 1000}) {
    for (int axis : {0, 1}) {
      // Row r of 7 is named `repeats` times if r is even, and once if it is 3 or 5.
      std::vector<std::int64_t> which;
      for (std::int64_t i = 0; i < repeats; ++i) {
        for (std::int64_t row : {6, 0, 2, 4}) which.push_back(row);
      }
      which.insert(which.begin() + 1, 5), which.push_back(3);
      std::int64_t count = std::ssize(which);
      Tensor x = zeros(axis == 0 ? Shape{7, 3} : Shape{3, 7, 2}, DType::float64), ids = tensor(which, Shape{count});
      GradientTape tape{persistent};
      tape.watch(x);
      Tensor y = gather(x, ids, axis), dy = normal(y.shape(), 3);
      Tensor found = tape.gradient(y, x, {.output_gradient = dy}), expected = zeros(x.shape(), DType::float64);
      for_each_index(y.shape(), [&](const Index& index) {
        Index to = index;
        to[static_cast<std::size_t>(axis)] = which[static_cast<std::size_t>(index[static_cast<std::size_t>(axis)])];
        std::int64_t place = 0;
        for (int k = 0; k < x.rank(); ++k) place = place * x.dim(k) + to[static_cast<std::size_t>(k)];
        expected.mutable_data<double>()[place] += at(dy, index);
      });
      EXPECT_TRUE(close(found, expected, 1e-12 * static_cast<double>(count))) << repeats << " times, axis " << axis;
    }
  }
}

// The work of a tile does not grow with its counts but with its elements.
TEST(Tile, IsOneCopyForEachAxis) {
  struct Ops : OpObserver {
    void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override { ++count; }
    int count = 0;
  };
  Tensor one = full({1, 1}, 7), row = tensor({{1, 2, 3}});
  Ops ops;
  Tensor many = tile(one, {3'000'000, 1}), rows = tile(row, {200'000, 2});
  EXPECT_LE(ops.count, 9);
  EXPECT_EQ(many.shape(), Shape({3'000'000, 1}));
  EXPECT_EQ(reduce_min(many).item(), 7);
  EXPECT_EQ(reduce_max(many).item(), 7);
  EXPECT_EQ(rows[123'456].to_vector<int>(), (std::vector<int>{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(reduce_sum(rows).item(), 200'000 * 12);
}

TEST(ShapeOps, GiveTheSameBitsForAnyNumberOfThreads) {
  Rng rng(5);
  Tensor ids = cast(random_uniform({50000}, rng, 0, 300), DType::int64);
  for (const Function& op : std::vector<Function>{
           [](const Tensors& x) { return transpose(x[0]); },
           [](const Tensors& x) {
             return concat({x[0], x[0]}, 1);
           },
           [](const Tensors& x) { return flip(x[0], {0}); },
           [](const Tensors& x) { return slice(x[0], 1, 1, {}, 2); },
           [](const Tensors& x) {
             return pad(x[0], {{1, 1}, {2, 2}});
           },
           [&](const Tensors& x) { return gather(slice(x[0], 1, 0, 5), ids); },
           [](const Tensors& x) {
             return scatter(reshape(x[0], {-1, 3}), zeros({40100}, DType::int32), 2);
           },
           [&](const Tensors& x) {
             return scatter(slice(reshape(x[0], {-1, 2}), 0, 0, 50000), ids, 300);
           },
           [](const Tensors& x) {
             return broadcast_to(expand_dims(x[0], 1), {300, 3, 401});
           },
       }) {
    expect_same_bits_for_any_threads({"", {normal({300, 401})}, op});
  }
}

// --- Sharing, casts and one-hot --------------------------------------------------------------------------------------

TEST(ShapeOps, ReshapesAndLeadingSlicesShareStorage) {
  Tensor x = normal({4, 3});
  EXPECT_EQ(reshape(x, {3, 4}).raw(), x.raw());
  EXPECT_EQ(flatten(x).raw(), x.raw());
  EXPECT_EQ(slice(x, 0, 0, 2).raw(), x.raw());
  EXPECT_EQ(x[1].data<double>(), x.data<double>() + 3);
  EXPECT_EQ(unstack(x)[2].data<double>(), x.data<double>() + 6);
  EXPECT_EQ(split(x, 0, 2)[1].data<double>(), x.data<double>() + 6);
}

TEST(ShapeOps, IndexingTakesPartsOfTheLeadingAxis) {
  Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  EXPECT_TRUE(same_bits(x[1], tensor({4, 5, 6})));
  EXPECT_TRUE(same_bits(x[-2], tensor({1, 2, 3})));
  EXPECT_EQ(x[1][2].item<int>(), 6);
}

TEST(OneHot, MatchesPlainLoops) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::boolean}) {
    Tensor ids = cast(indices({2, 0, 2, 1, 3, 0}, {2, 3}), DType::int32);
    EXPECT_TRUE(same_bits(one_hot(ids, 4, dtype), made(
                                                      {2, 3, 4},
                                                      [&](const Index& i) {
                                                        return at(ids, {i[0], i[1]}) == static_cast<double>(i[2]);
                                                      },
                                                      dtype)));
    EXPECT_EQ(one_hot(Tensor({0}, DType::int64), 4, dtype).shape(), (Shape{0, 4}));
    EXPECT_TRUE(same_bits(one_hot(tensor(1), 2, dtype), cast(tensor({0, 1}), dtype)));
  }
}

TEST(OneHot, AsksForNoMoreThanItsResult) {
  reset_peak_memory();
  std::size_t before = peak_memory();
  EXPECT_EQ(one_hot(tensor({9999}), 10000, DType::uint8).data<std::uint8_t>()[9999], 1);
  EXPECT_LT(peak_memory() - before, 20000);
}

TEST(Cast, CutsTowardsZeroAndAsksWhetherItIsNotZero) {
  Tensor x = tensor({-2.7, -0.5, 0.0, 0.5, 2.7});
  EXPECT_EQ(cast(x, DType::int32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{-2, 0, 0, 0, 2}));
  EXPECT_TRUE(same_bits(cast(x, DType::boolean), cast(tensor({1, 1, 0, 1, 1}), DType::boolean)));
  EXPECT_TRUE(close(cast(cast(x, DType::boolean), DType::float64), tensor({1, 1, 0, 1, 1}), 0));
  std::int64_t large = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(cast(tensor(std::vector<std::int64_t>{large}, {1}), DType::int64).item<std::int64_t>(), large);
}

TEST(Cast, TakesFloatsBeyondAnIntegerTypeToItsNearest) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (DType from : {DType::float32, DType::float64}) {
    for (DType to : {DType::uint8, DType::int32, DType::int64}) {
      SCOPED_TRACE(std::string(name(from)) + " to " + std::string(name(to)));
      dispatch(to, [&]<class T>() {
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          using Limits = std::numeric_limits<T>;
          double end = std::ldexp(1.0, Limits::digits), low = static_cast<double>(Limits::lowest());
          std::vector<double> values{nan,     infinity,    -infinity, 1e30,    -1e30, end,
                                     2 * end, 2 * low - 2, low,       low / 2, 100.9};
          Tensor x = test::made(
              {40, 11}, [&](const Index& i) { return values[i[1]]; }, from);  // whole registers too
          std::vector<T> expected{0,
                                  Limits::max(),
                                  Limits::lowest(),
                                  Limits::max(),
                                  Limits::lowest(),
                                  Limits::max(),
                                  Limits::max(),
                                  Limits::lowest(),
                                  Limits::lowest(),
                                  static_cast<T>(low / 2),
                                  100};
          EXPECT_TRUE(same_bits(cast(x, to), broadcast_to(tensor(expected, {11}), {40, 11})));
        }
      });
    }
  }
}

TEST(Cast, CarriesGradientsBetweenFloats) {
  Tensor x = normal({3});
  GradientTape tape;
  tape.watch(x);
  Tensor gradient = tape.gradient(square(cast(x, DType::float32)), x);
  EXPECT_EQ(gradient.dtype(), DType::float64);
  EXPECT_TRUE(close(gradient, x * 2, 1e-6));
}

// --- Refusals --------------------------------------------------------------------------------------------------------

TEST(ShapeOps, RefuseWhatDoesNotFit) {
  Tensor x({2, 3}), wide({2, 3}, DType::float64), scalar(Shape{}), none, full_rank({1, 1, 1, 1, 1, 2});
  Tensor ids = tensor({0, 5}), reals({2});
  std::string shown = "\n  x  (2, 3)";
  EXPECT_MESSAGE(ShapeError, reshape(x, {4, 2}), "reshape: 6 elements do not fill (4, 2)" + shown);
  EXPECT_MESSAGE(ShapeError, reshape(x, {4, -1}), "reshape: 6 elements do not fill (4, -1)" + shown);
  EXPECT_MESSAGE(ShapeError, reshape(x, {-1, -1}), "reshape: 6 elements do not fill (-1, -1)" + shown);
  EXPECT_MESSAGE(ValueError, reshape(none, {1}), "reshape: x has no value yet");
  EXPECT_MESSAGE(ShapeError, flatten(scalar), "flatten: needs a batch axis\n  x  ()");
  EXPECT_MESSAGE(ShapeError, squeeze(x, {0}), "squeeze: axis 0 has size 2, not 1" + shown);
  EXPECT_MESSAGE(ShapeError, squeeze(x, {2}), "squeeze: there is no axis 2 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, expand_dims(x, 4), "expand_dims: there is no place 4 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, expand_dims(full_rank, 0),
                 "expand_dims: the result would have rank 7, and 6 is the most\n  x  (1, 1, 1, 1, 1, 2)");
  EXPECT_MESSAGE(ShapeError, transpose(x, {0, 0}), "transpose: the order (0, 0) must name each of 2 axes once" + shown);
  EXPECT_MESSAGE(ShapeError, transpose(x, {0}), "transpose: the order (0) must name each of 2 axes once" + shown);
  EXPECT_MESSAGE(ShapeError, transpose(x, {0, 2}), "transpose: there is no axis 2 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, broadcast_to(x, {3, 3}),
                 "broadcast_to: does not fit (3, 3): only axes of size 1, and new ones in front, are repeated" + shown);
  EXPECT_MESSAGE(ShapeError, flip(x, {2}), "flip: there is no axis 2 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, tile(x, {2}), "tile: needs one count for each axis, and has 1" + shown);
  EXPECT_MESSAGE(ValueError, tile(x, {2, -1}), "tile: cannot repeat axis 1 -1 times" + shown);
  EXPECT_MESSAGE(ShapeError, slice(x, 1, 2, 5), "slice: the range 2 .. 5 is outside axis 1, which has size 3" + shown);
  EXPECT_MESSAGE(ShapeError, slice(x, 0, 2, 1), "slice: the range 2 .. 1 runs backwards; flip() reverses" + shown);
  EXPECT_MESSAGE(ValueError, slice(x, 0, 0, 1, 0), "slice: the step must be 1 or more, but is 0" + shown);
  EXPECT_MESSAGE(ShapeError, slice(x, 3, 0), "slice: there is no axis 3 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, concat({x, Tensor({2, 4})}, 0),
                 "concat: shapes may differ in axis 0 only\n  first  (2, 3)\n  other  (2, 4)");
  EXPECT_MESSAGE(
      DTypeError, concat({x, wide}, 0),
      "concat: first is float32 but other is float64; cast() converts\n  first  (2, 3)\n  other  (2, 3)   float64");
  EXPECT_MESSAGE(ValueError, concat({}, 0), "concat: needs at least one tensor");
  EXPECT_MESSAGE(ValueError, stack({}), "stack: needs at least one tensor");
  EXPECT_MESSAGE(ShapeError, stack({x, Tensor({2, 4})}),
                 "stack: shapes must be equal\n  first  (2, 3)\n  other  (2, 4)");
  EXPECT_MESSAGE(ShapeError, split(x, 1, 2), "split: axis 1 of size 3 cannot be split into 2 equal parts" + shown);
  EXPECT_MESSAGE(ShapeError, split(x, 1, std::vector<std::int64_t>{1, 1}),
                 "split: the sizes add up to 2, and axis 1 has 3" + shown);
  EXPECT_MESSAGE(ValueError, split(x, 1, 0), "split: cannot split into 0 parts" + shown);
  EXPECT_MESSAGE(ValueError, split(x, 1, std::vector<std::int64_t>{4, -1}),
                 "split: sizes cannot be negative, and one is -1" + shown);
  EXPECT_MESSAGE(ShapeError, unstack(x, 2), "unstack: there is no axis 2 in rank 2" + shown);
  EXPECT_MESSAGE(ValueError, unstack(none), "unstack: x has no value yet");
  EXPECT_TRUE(unstack(Tensor({0, 3})).empty());
  EXPECT_MESSAGE(ShapeError, pad(x, {{1, 1}}), "pad: needs one (before, after) for each axis, and has 1" + shown);
  EXPECT_MESSAGE(ValueError, pad(x, {{1, 1}, {-1, 0}}), "pad: axis 1 cannot be padded by (-1, 0)" + shown);
  EXPECT_MESSAGE(ValueError, gather(x, ids), "gather: index 5 is outside 0 .. 1\n  indices  (2,)   int32");
  EXPECT_MESSAGE(ValueError, gather(x, tensor({0, -1})), "gather: index -1 is outside 0 .. 1\n  indices  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, gather(x, reals), "gather: indices must be int32 or int64\n  indices  (2,)");
  EXPECT_MESSAGE(ShapeError, gather(x, ids, 2), "gather: there is no axis 2 in rank 2" + shown);
  EXPECT_MESSAGE(ShapeError, gather(full_rank, tensor({{0}})),
                 "gather: the result would have rank 7, and 6 is the most\n  x        (1, 1, 1, 1, 1, 2)\n  indices  "
                 "(1, 1)               int32");
  EXPECT_MESSAGE(ShapeError, scatter(x, tensor({0, 1, 2}), 4),
                 "scatter: needs one index for each part of x\n  x        (2, 3)\n  indices  (3,)     int32");
  EXPECT_MESSAGE(ValueError, scatter(x, ids, 4), "scatter: index 5 is outside 0 .. 3\n  indices  (2,)   int32");
  EXPECT_MESSAGE(ValueError, one_hot(ids, 4), "one_hot: index 5 is outside 0 .. 3\n  indices  (2,)   int32");
  EXPECT_MESSAGE(DTypeError, one_hot(reals, 4), "one_hot: indices must be int32 or int64\n  indices  (2,)");
}

TEST(ShapeOps, IndexingOutsideIsRefused) {
  Tensor x({2, 3}), scalar(Shape{});
  EXPECT_EQ(error_of<ShapeError>([&] { x[2]; }), "index: 2 is outside the leading axis of size 2\n  x  (2, 3)");
  EXPECT_EQ(error_of<ShapeError>([&] { x[-3]; }), "index: -3 is outside the leading axis of size 2\n  x  (2, 3)");
  EXPECT_EQ(error_of<ShapeError>([&] { scalar[0]; }),
            "index: a scalar has no axis to index; item() gives its value\n  x  ()");
}

}  // namespace
}  // namespace floe
