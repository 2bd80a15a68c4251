// Datasets: every stage, orders that depend on seed and epoch alone, and loops that stop and continue anywhere.
#include <floe/data/dataset.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/tensor/memory.h>

#include "../support/temp_folder.h"

namespace floe {
namespace {

using test::error_of;
using Ints = std::vector<int>;

struct Translation {
  Tensor source, target, weights;
};

struct Eight {
  Tensor a, b, c, d, e, f, g, h;
};

struct Nine {
  Tensor a, b, c, d, e, f, g, h, i;
};

struct Labelled {
  Tensor image;
  int label;
};

static_assert(Element<Tensor> && Element<std::pair<Tensor, std::pair<Translation, Tensor>>> && Element<Eight>);
static_assert(!Element<int> && !Element<Nine> && !Element<Labelled> && !Element<std::pair<Tensor, int>>);

Ints up_to(int size) {
  Ints all(static_cast<std::size_t>(size));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Dataset<int> numbers(int size) {
  return Dataset<int>::generate(size, [](std::int64_t i) { return static_cast<int>(i); });
}

Dataset<Tensor> scalars(int size) { return dataset(range(0, size)); }

void append(Ints& all, int value) { all.push_back(value); }
void append(Ints& all, const Tensor& value) {
  for (int number : value.span<int>()) all.push_back(number);
}

// What one loop gives.
template <class E>
Ints loop(Dataset<E>& elements) {
  Ints all;
  for (const E& element : elements) append(all, element);
  return all;
}

template <class E>
Ints first_loop(Dataset<E> elements) {
  return loop(elements);
}

template <class E>
std::vector<Shape> shapes(Dataset<E> elements) {
  std::vector<Shape> all;
  for (const E& element : elements) visit_fields(element, [&](const Tensor& field) { all.push_back(field.shape()); });
  return all;
}

Ints sorted(Ints values) {
  std::sort(values.begin(), values.end());
  return values;
}

// --- Sources ---------------------------------------------------------------------------------------------------------

TEST(Dataset, GivesTheRowsOfATensorAsViews) {
  Tensor rows = tensor({{1, 2}, {3, 4}, {5, 6}});
  auto elements = dataset(rows);
  EXPECT_EQ(elements.size(), 3);
  int index = 0;
  for (const Tensor& row : elements) {
    EXPECT_EQ(row.shape(), Shape({2}));
    EXPECT_EQ(row.data<int>(), rows.data<int>() + 2 * index++);
  }
  EXPECT_EQ(index, 3);
}

TEST(Row, OutsideIsRefused) {
  for (std::int64_t index : {-1, 3})
    EXPECT_EQ(error_of<ShapeError>([&] {
                row(zeros({3, 2}), index);
              }),
              "row: there is no row " + std::to_string(index) + "\n  rows  (3, 2)");
}

TEST(Dataset, GivesTheRowsOfPairsAndStructsTogether) {
  Ints seen;
  for (const auto& [image, label] : dataset(std::pair{tensor({{1, 2}, {3, 4}}), tensor({7, 8})})) {
    append(seen, image), append(seen, label);
  }
  EXPECT_EQ(seen, (Ints{1, 2, 7, 3, 4, 8}));

  seen.clear();
  for (const Translation& pair : dataset(Translation{tensor({1, 2}), tensor({3, 4}), tensor({5, 6})})) {
    visit_fields(pair, [&](const Tensor& field) { append(seen, field); });
  }
  EXPECT_EQ(seen, (Ints{1, 3, 5, 2, 4, 6}));
}

TEST(Dataset, RefusesFieldsThatDoNotMatch) {
  EXPECT_EQ(error_of<ShapeError>([] { dataset(Translation{zeros({4, 2}), zeros({4}), zeros({3, 2})}); }),
            "dataset: field 0 has 4 rows but field 2 has 3\n  field 0  (4, 2)\n  field 2  (3, 2)");
  EXPECT_EQ(error_of<ShapeError>([] { dataset(std::pair{zeros({4}), tensor(1)}); }),
            "dataset: field 1 is a scalar, without rows");
  EXPECT_EQ(error_of<ValueError>([] { dataset(Tensor()); }), "dataset: field 0 has no value yet");
}

TEST(Dataset, GeneratesOnlyWhatIsAskedFor) {
  Ints made;
  auto files = Dataset<int>::generate(100, [&](std::int64_t i) {
    made.push_back(static_cast<int>(i));
    return made.back();
  });
  EXPECT_EQ(first_loop(files.skip(40).take(3)), (Ints{40, 41, 42}));
  EXPECT_EQ(made, (Ints{40, 41, 42}));
}

TEST(Dataset, MayBeEmpty) {
  for (auto empty : {scalars(0), scalars(5).take(0), scalars(5).skip(9), scalars(0).repeat(),
                     scalars(0).batch(3).prefetch(), scalars(0).shuffle(5, Rng(1)),
                     scalars(3).batch(4, {.drop_remainder = true})}) {
    EXPECT_EQ(empty.size(), 0);
    EXPECT_EQ(loop(empty), Ints());
    EXPECT_EQ(empty.epoch(), 1);
  }
}

// --- Stages ----------------------------------------------------------------------------------------------------------

TEST(Map, ChangesTheTypeOfElements) {
  auto strings = numbers(3).map([](int i) { return std::string(static_cast<std::size_t>(i), 'x'); });
  auto lengths = strings.map([](const std::string& text) { return static_cast<int>(text.size()); });
  EXPECT_EQ(first_loop(lengths), up_to(3));
  auto pairs = scalars(2).map([](Tensor x) { return std::pair{x, zeros({3})}; });
  EXPECT_EQ(shapes(pairs.batch(2)), (std::vector<Shape>{{2}, {2, 3}}));
}

TEST(Map, WithAnRngDependsOnSeedEpochAndElementAlone) {
  auto draws = [](std::uint64_t seed) {
    return numbers(50).map([](int, Rng& rng) { return static_cast<int>(rng.next() >> 1); }, Rng(seed));
  };
  auto one = draws(1), same = draws(1).prefetch(3);
  Ints first = loop(one), second = loop(one);
  EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 50u);
  EXPECT_NE(first, second);
  EXPECT_EQ(loop(same), first);
  EXPECT_EQ(loop(same), second);
  EXPECT_NE(first_loop(draws(2)), first);
  EXPECT_EQ(first_loop(draws(1).skip(20).take(1)), Ints{first[20]});
}

TEST(Batch, StacksAlongANewAxisAndKeepsThePartialOne) {
  auto batches = scalars(7).batch(3);
  EXPECT_EQ(batches.size(), 3);
  EXPECT_EQ(shapes(batches), (std::vector<Shape>{{3}, {3}, {1}}));
  EXPECT_EQ(loop(batches), up_to(7));
  EXPECT_EQ(shapes(scalars(6).batch(3).batch(2)), (std::vector<Shape>{{2, 3}}));
}

TEST(Batch, DropsThePartialOneIfAsked) {
  auto batches = scalars(7).batch(3, {.drop_remainder = true});
  EXPECT_EQ(batches.size(), 2);
  EXPECT_EQ(shapes(batches), (std::vector<Shape>{{3}, {3}}));
  EXPECT_EQ(shapes(scalars(6).batch(3, {.drop_remainder = true})), (std::vector<Shape>{{3}, {3}}));
}

TEST(Batch, StacksEachField) {
  Eight eight;
  int size = 0;
  visit_fields(eight, [&](Tensor& field) { field = zeros({5, ++size}); });
  std::vector<Shape> expected;
  for (std::int64_t width = 1; width <= 8; ++width) expected.push_back({5, width});
  EXPECT_EQ(shapes(dataset(eight).batch(5)), expected);

  std::pair nested{std::pair{zeros({4, 1}), zeros({4, 2})}, Translation{zeros({4, 3}), zeros({4, 4}), zeros({4})}};
  EXPECT_EQ(shapes(dataset(nested).batch(4)), (std::vector<Shape>{{4, 1}, {4, 2}, {4, 3}, {4, 4}, {4}}));
  EXPECT_EQ(shapes(dataset(std::array{zeros({2}), zeros({2, 3})}).batch(2)), (std::vector<Shape>{{2}, {2, 3}}));
}

TEST(Batch, RefusesElementsThatDiffer) {
  auto growing = numbers(4).map([](int i) { return std::pair{zeros({2}), zeros({i < 3 ? 5 : 6})}; });
  EXPECT_EQ(error_of<ShapeError>([&] { shapes(growing.batch(4)); }),
            "batch: the elements differ in the shape of field 1\n  element 0  (5,)\n  element 3  (6,)");
  auto changing = numbers(2).map([](int i) { return zeros({2}, i == 0 ? DType::float32 : DType::int32); });
  EXPECT_EQ(error_of<DTypeError>([&] { shapes(changing.batch(2)); }),
            "batch: the elements differ in the dtype of field 0\n  element 0  (2,)\n  element 1  (2,)   int32");
}

TEST(Shuffle, GivesEveryElementOnceInEveryEpoch) {
  for (int size : {1, 2, 7, 100}) {
    for (int buffer : {1, 2, 10, 100, 1000}) {
      auto shuffled = numbers(size).shuffle(buffer, Rng(3));
      for (int epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(sorted(loop(shuffled)), up_to(size)) << size << " " << buffer;
    }
  }
}

TEST(Shuffle, HasAnotherOrderInEveryEpochAndTheSameUnderOneSeed) {
  for (int buffer : {10, 50}) {
    auto one = numbers(50).shuffle(buffer, Rng(3)), same = numbers(50).shuffle(buffer, Rng(3)).prefetch();
    std::set<Ints> orders{up_to(50)};
    for (int epoch = 0; epoch < 10; ++epoch) {
      Ints order = loop(one);
      EXPECT_TRUE(orders.insert(order).second);
      EXPECT_EQ(loop(same), order);
    }
    EXPECT_TRUE(orders.insert(first_loop(numbers(50).shuffle(buffer, Rng(4)))).second);
  }
}

TEST(Shuffle, DrawsFromTheWindowAlone) {
  Ints order = first_loop(numbers(1000).shuffle(10, Rng(5)));
  int first_moved = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(order[i], i + 10);
    first_moved += order[i] != i;
  }
  EXPECT_GT(first_moved, 800);
  EXPECT_EQ(first_loop(numbers(20).shuffle(1, Rng(5))), up_to(20));
}

TEST(Shuffle, PutsEveryElementEverywhereAlike) {
  std::array<std::array<int, 4>, 4> counts{};
  auto shuffled = numbers(4).shuffle(4, Rng(6));
  for (int epoch = 0; epoch < 4000; ++epoch) {
    Ints order = loop(shuffled);
    for (int i = 0; i < 4; ++i) ++counts[i][order[i]];
  }
  for (const auto& place : counts) {
    for (int count : place) EXPECT_NEAR(count, 1000, 140);  // five standard deviations
  }
}

TEST(Shuffle, RefusesAnEndlessDataset) {
  EXPECT_EQ(error_of<ValueError>([] { numbers(3).repeat().shuffle(9, Rng(1)); }),
            "shuffle: an endless dataset has no order to change; shuffle before repeat()");
}

TEST(Repeat, ReshufflesEachTime) {
  auto shuffled = numbers(20).shuffle(20, Rng(7)), three_times = shuffled.repeat(3);
  EXPECT_EQ(three_times.size(), 60);
  for (int epoch = 0; epoch < 2; ++epoch) {
    Ints one_by_one;
    for (int i = 0; i < 3; ++i) {
      for (int number : shuffled) one_by_one.push_back(number);
    }
    EXPECT_EQ(loop(three_times), one_by_one);
  }
}

TEST(Repeat, IsEndlessWithoutACount) {
  auto batches = scalars(3).repeat().batch(2).prefetch();
  EXPECT_EQ(batches.size(), -1);
  EXPECT_EQ(batches.skip(5).size(), -1);
  EXPECT_EQ(batches.take(4).size(), 4);
  Ints seen;
  for (const Tensor& batch : batches) {
    append(seen, batch);
    if (seen.size() == 8) break;
  }
  EXPECT_EQ(seen, (Ints{0, 1, 2, 0, 1, 2, 0, 1}));
  EXPECT_EQ(first_loop(numbers(3).repeat().skip(3'000'000'000'001).take(2)), (Ints{1, 2}));
}

TEST(TakeAndSkip, CutTheSequence) {
  EXPECT_EQ(first_loop(numbers(5).take(2)), (Ints{0, 1}));
  EXPECT_EQ(first_loop(numbers(5).take(9)), up_to(5));
  EXPECT_EQ(first_loop(numbers(5).skip(3)), (Ints{3, 4}));
  EXPECT_EQ(first_loop(numbers(5).skip(1).take(3).skip(1)), (Ints{2, 3}));
}

TEST(Stages, RefuseSizesOutOfRange) {
  auto five = scalars(5);
  EXPECT_EQ(error_of<ValueError>([&] { five.batch(0); }), "batch: size must be at least 1, but is 0");
  EXPECT_EQ(error_of<ValueError>([&] { five.shuffle(0, Rng()); }), "shuffle: buffer must be at least 1, but is 0");
  EXPECT_EQ(error_of<ValueError>([&] { five.repeat(0); }), "repeat: count must be at least 1, but is 0");
  EXPECT_EQ(error_of<ValueError>([&] { five.take(-1); }), "take: count must be at least 0, but is -1");
  EXPECT_EQ(error_of<ValueError>([&] { five.skip(-1); }), "skip: count must be at least 0, but is -1");
  EXPECT_EQ(error_of<ValueError>([&] { five.prefetch(0); }), "prefetch: depth must be at least 1, but is 0");
  EXPECT_EQ(error_of<ValueError>([] { numbers(-1); }), "generate: count must be at least 0, but is -1");
}

// --- Prefetching -----------------------------------------------------------------------------------------------------

TEST(Prefetch, ChangesNothingWhereverItStands) {
  Ints plain = first_loop(scalars(50).shuffle(20, Rng(8)).batch(4));
  for (int depth : {1, 2, 100}) {
    EXPECT_EQ(first_loop(scalars(50).shuffle(20, Rng(8)).batch(4).prefetch(depth)), plain);
    EXPECT_EQ(first_loop(scalars(50).shuffle(20, Rng(8)).prefetch(depth).batch(4).prefetch(depth)), plain);
    EXPECT_EQ(first_loop(scalars(50).prefetch(depth).shuffle(20, Rng(8)).batch(4)), plain);
  }
}

TEST(Prefetch, MakesDepthElementsAheadInAnotherThread) {
  std::atomic<int> made = 0;
  std::atomic<bool> elsewhere = true;
  auto ahead = numbers(20).map([&, here = std::this_thread::get_id()](int i) {
    if (std::this_thread::get_id() == here) elsewhere = false;
    return ++made, i;
  }).prefetch(3);
  auto place = ahead.begin();
  while (made < 4) std::this_thread::yield();  // the one in the loop and three ahead
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(made, 4);
  EXPECT_EQ(*place, 0);
  EXPECT_TRUE(elsewhere);
}

TEST(Prefetch, BringsAnExceptionWhereItsElementWouldHaveCome) {
  auto files = numbers(10).map([](int i) { return i == 5 ? throw std::runtime_error("file 5 is broken") : i; });
  auto failing = files.prefetch(3);
  for (int epoch = 0; epoch < 3; ++epoch) {
    Ints seen;
    EXPECT_EQ(error_of<std::runtime_error>([&] {
      for (int i : failing) seen.push_back(i);
    }), "file 5 is broken");
    EXPECT_EQ(seen, up_to(5));
    EXPECT_EQ(failing.position_state(), (DatasetPosition{epoch + 1, 0}));
  }
  EXPECT_EQ(error_of<std::runtime_error>([&] { first_loop(failing.skip(5).prefetch()); }), "file 5 is broken");
}

// Each function is called once for each element that is asked for, and every pass of a repeat is shuffled once.
TEST(Stages, MakeNothingTwice) {
  std::atomic<int> made = 0;
  auto all = [&] { return numbers(40).map([&](int i) { return ++made, tensor(i); }); };
  auto same = [](Tensor x) { return x; };
  Rng rng(3);
  struct Chain {
    const char* what;
    Dataset<Tensor> elements;
    int calls;
  };
  for (auto& [what, elements, calls] : std::vector<Chain>{
           {"shuffle", all().shuffle(40, rng), 40},
           {"prefetch, shuffle", all().prefetch(3).shuffle(40, rng), 40},
           {"prefetch, map, shuffle", all().prefetch(3).map(same).shuffle(40, rng), 40},
           {"prefetch, batch, shuffle", all().prefetch(3).batch(7).shuffle(40, rng), 40},
           {"prefetch, batch, shuffle, prefetch", all().prefetch(3).batch(7).shuffle(40, rng).prefetch(), 40},
           {"prefetch, skip, take", all().prefetch(3).skip(5).take(10), 10},
           {"prefetch, repeat, shuffle", all().prefetch(3).repeat(5).shuffle(200, rng), 200},
           {"shuffle, repeat, shuffle", all().shuffle(40, rng).repeat(5).shuffle(200, rng), 200},
           {"prefetch, map, repeat, shuffle", all().prefetch(3).map(same).repeat(5).shuffle(200, rng), 200},
           {"prefetch, prefetch", all().prefetch(3).prefetch(2), 40},
       }) {
    made = 0;
    std::int64_t given = 0;
    for (const Tensor& element : elements) given += element.elements();
    EXPECT_EQ(given, calls) << what;
    EXPECT_EQ(made, calls) << what;
  }
}

// A pass that is opened again for each of its elements would take as many steps as the square of its size.
TEST(Shuffle, OfARepeatedShuffleOpensEachPassOnce) {
  auto started = std::chrono::steady_clock::now();
  auto elements = numbers(50000).shuffle(50000, Rng(4)).repeat(4).shuffle(200000, Rng(5));
  std::vector<int> times(50000);
  for (int i : elements) ++times[static_cast<std::size_t>(i)];
  EXPECT_EQ(times, std::vector<int>(50000, 4));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));  // once: 0.1 s; each time: 3 minutes
}

TEST(Prefetch, ShufflesInOrderAhead) {
  std::atomic<int> made = 0;
  auto ahead = numbers(20).map([&](int i) { return ++made, i; }).prefetch(3).shuffle(20, Rng(6)).skip(2);
  auto place = ahead.begin();
  while (made < 4) std::this_thread::yield();  // the one in the loop and three ahead
  EXPECT_EQ(*place, first_loop(numbers(20).shuffle(20, Rng(6)))[2]);
}

TEST(Prefetch, MayBeLeftAtAnyTime) {
  std::size_t before = memory_in_use();
  {
    auto pairs = scalars(64).shuffle(64, Rng(9)).map([](Tensor x) { return std::pair{x, zeros({100})}; });
    auto batches = pairs.batch(4).prefetch();
    for (int round = 0; round < 100; ++round) {
      int left = round % 17;
      for ([[maybe_unused]] const auto& batch : batches) {
        if (left-- == 0) break;
      }
      auto never_looped = batches.prefetch();
      auto copy = batches;
      copy.begin();
    }
    EXPECT_EQ(batches.epoch(), 100);
  }
  EXPECT_EQ(memory_in_use(), before);
}

// --- Epochs and places -----------------------------------------------------------------------------------------------

TEST(Epoch, CountsLoopsAndTheirElements) {
  auto five = numbers(5);
  EXPECT_EQ(five.position_state(), (DatasetPosition{0, 0}));
  for (int epoch = 0; epoch < 3; ++epoch) {
    int given = 0;
    for ([[maybe_unused]] int i : five) {
      EXPECT_EQ(five.epoch(), epoch);
      EXPECT_EQ(five.position(), ++given);
    }
    EXPECT_EQ(five.position_state(), (DatasetPosition{epoch + 1, 0}));
  }
}

TEST(Epoch, EndsWhenItsLoopIsLeft) {
  auto shuffled = numbers(20).shuffle(20, Rng(10)), whole = shuffled;
  loop(whole);
  for (int i : shuffled) {
    if (i % 2 == 0) break;
  }
  EXPECT_EQ(shuffled.position_state(), (DatasetPosition{1, 0}));
  EXPECT_EQ(loop(shuffled), loop(whole));
}

TEST(Epoch, HasOneLoopAtATime) {
  auto five = numbers(5);
  for (int i : five) {
    if (i > 0) continue;
    EXPECT_EQ(error_of<ValueError>([&] { five.begin(); }),
              "begin: a loop over this dataset is running; inside it, loop over from_start() of the dataset");
    EXPECT_EQ(error_of<ValueError>([&] { five.restore({}); }),
              "restore: a loop over this dataset is running; restore before it begins");
    auto copy = five;
    EXPECT_EQ(loop(copy), (Ints{1, 2, 3, 4}));  // it continues where it was copied
  }
  EXPECT_EQ(five.epoch(), 1);
}

TEST(Epoch, OfANestedLoopBeginsAtTheStart) {
  auto shuffled = numbers(4).shuffle(4, Rng(14)).prefetch();
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::set<std::pair<int, int>> pairs;
    for (int a : shuffled) {
      for (int b : shuffled.from_start()) pairs.emplace(a, b);
    }
    EXPECT_EQ(pairs.size(), 16u);
    EXPECT_EQ(shuffled.epoch(), epoch + 1);
  }
  EXPECT_EQ(loop(shuffled), first_loop(shuffled.from_start().repeat().skip(8).take(4)));
}

// A loop goes on with the elements that it began with, whatever becomes of the dataset.
TEST(Epoch, OutlivesItsDataset) {
  auto rest_of = [](auto& place) {
    Ints seen;
    for (; !(place == std::default_sentinel); ++place) append(seen, *place);
    return seen;
  };
  auto elements = std::make_unique<Dataset<Tensor>>(scalars(5).prefetch());
  auto place = elements->begin();
  elements.reset();
  EXPECT_EQ(rest_of(place), up_to(5));

  auto of_a_temporary = numbers(3).map([](int i) { return i * 2; }).begin();
  EXPECT_EQ(rest_of(of_a_temporary), (Ints{0, 2, 4}));

  auto five = numbers(5);
  Ints seen;
  for (int i : five) {
    if (i == 1) five = five.skip(3);
    seen.push_back(i);
  }
  EXPECT_EQ(seen, up_to(5));
  EXPECT_EQ(five.position_state(), DatasetPosition());
  EXPECT_EQ(loop(five), (Ints{3, 4}));

  auto moved = std::move(five);
  EXPECT_EQ(loop(five), loop(moved)) << "what is moved from is as it was";
}

TEST(Restore, ContinuesAtEveryPlaceWithoutMakingWhatWasGiven) {
  std::atomic<int> made = 0;
  auto chain = [&](int buffer) {
    return scalars(22).shuffle(buffer, Rng(11)).map([&](Tensor x, Rng& rng) {
      ++made;
      return tensor<std::int32_t>(x.item<int>() * 1000 + rng.below(1000));
    }, Rng(12)).batch(4).repeat(2).prefetch();
  };
  for (int buffer : {5, 22}) {
    auto original = chain(buffer);
    for (int epoch = 0; epoch < 3; ++epoch) {
      std::vector<DatasetPosition> places{original.position_state()};
      std::vector<Ints> batches;
      for (const Tensor& batch : original) {
        places.push_back(original.position_state());
        batches.push_back(batch.to_vector<int>());
      }
      Ints next_epoch = first_loop(original);
      ASSERT_EQ(batches.size(), 12u);

      for (std::size_t given = 0; given < places.size(); ++given) {
        auto resumed = chain(buffer);
        resumed.restore(places[given]);
        EXPECT_EQ(resumed.position_state(), (DatasetPosition{epoch, static_cast<std::int64_t>(given)}));
        Ints rest;
        for (std::size_t i = given; i < batches.size(); ++i) append(rest, tensor(batches[i], {std::ssize(batches[i])}));
        made = 0;
        EXPECT_EQ(loop(resumed), rest);
        EXPECT_EQ(made, static_cast<int>(rest.size()));
        EXPECT_EQ(loop(resumed), next_epoch);
      }
    }
  }
}

TEST(Restore, GoesBackAsWell) {
  auto shuffled = numbers(10).shuffle(10, Rng(13));
  Ints first = loop(shuffled);
  loop(shuffled);
  shuffled.restore({0, 7});
  EXPECT_EQ(loop(shuffled), Ints(first.begin() + 7, first.end()));
}

TEST(Restore, RefusesAPlaceThatCannotBe) {
  auto five = numbers(5);
  EXPECT_EQ(error_of<ValueError>([&] { five.restore({1, 6}); }),
            "restore: position 6 is beyond the 5 elements of an epoch; was it a different dataset?");
  EXPECT_EQ(error_of<ValueError>([&] { five.restore({-1, 0}); }), "restore: epoch must be at least 0, but is -1");
  EXPECT_EQ(error_of<ValueError>([&] { five.restore({0, -1}); }), "restore: position must be at least 0, but is -1");
  EXPECT_EQ(five.position_state(), DatasetPosition());
}

}  // namespace
}  // namespace floe
