// Random tensors: frozen values, the same bits for any number of threads, the right statistics.
#include <floe/ops/random.h>

#include <algorithm>
#include <cmath>

#include <omp.h>

#include <gtest/gtest.h>

#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::same_bits;

// --- Frozen values ---------------------------------------------------------------------------------------------------

TEST(RandomUniform, IsFrozen) {
  Rng rng(7);
  EXPECT_EQ(random_uniform({6}, rng).to_vector<float>(),
            (std::vector<float>{0.9545971155166626f, 0.7501521706581116f, 0.11417734622955322f, 0.08565783500671387f,
                                0.4069603681564331f, 0.7952840328216553f}));
  rng = Rng(7);
  EXPECT_EQ(random_uniform({3}, rng, 0, 1, DType::float64).to_vector<double>(),
            (std::vector<double>{0.9545971261687, 0.11417736161631942, 0.4069604044303493}));
  rng = Rng(7);
  EXPECT_EQ(rng.uniform(), 0.9545971155166626f);
  EXPECT_EQ(rng.uniform(), 0.7501521706581116f);
}

TEST(RandomNormal, IsFrozen) {
  Rng rng(7);
  Tensor x = random_normal({8}, rng);
  const float expected[] = {0.000291567412f, -0.304846972f, 1.78875732f, 1.06787252f,
                            0.376403511f,    -1.28701174f,  1.81150389f, -0.491240919f};
  for (int i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(x.data<float>()[i], expected[i]);
  rng = Rng(7);
  EXPECT_DOUBLE_EQ(random_normal({4}, rng, 0, 1, DType::float64).data<double>()[2], 1.7887573496909983);
  rng = Rng(7);
  EXPECT_FLOAT_EQ(rng.normal(), expected[0]);
  EXPECT_FLOAT_EQ(rng.normal(), expected[2]);
}

TEST(RandomBernoulli, IsFrozen) {
  Rng rng(7);
  EXPECT_EQ(random_bernoulli({16}, rng, 0.3, DType::int32).to_vector<int>(),
            (std::vector<int>{0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 1}));
}

TEST(RandomPermutation, IsFrozen) {
  Rng rng(7);
  EXPECT_EQ(random_permutation(10, rng).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{1, 4, 5, 8, 3, 2, 7, 0, 6, 9}));
  EXPECT_EQ(rng.position(), 9u);
}

TEST(RandomCategorical, IsFrozen) {
  Rng rng(7);
  EXPECT_EQ(random_categorical(tensor({{0., 1., 2.}, {5., 0., 0.}}), 6, rng).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{2, 2, 1, 0, 2, 2, 0, 0, 0, 0, 0, 0}));
}

// --- Positions -------------------------------------------------------------------------------------------------------

TEST(Positions, MoveByWholeBlocks) {
  for (std::int64_t size : {0, 1, 3, 4, 5, 1000}) {
    std::uint64_t words = static_cast<std::uint64_t>((size + 3) / 4 * 4);
    std::uint64_t pairs = static_cast<std::uint64_t>((size + 1) / 2 * 4);
    Rng rng(5);
    random_uniform({size}, rng);
    EXPECT_EQ(rng.position(), words);
    random_normal({size}, rng);
    EXPECT_EQ(rng.position(), 2 * words);
    random_bernoulli({size}, rng, 0.5);
    EXPECT_EQ(rng.position(), 3 * words);
    random_normal({size}, rng, 0, 1, DType::float64);
    EXPECT_EQ(rng.position(), 4 * words);
    random_uniform({size}, rng, 0, 1, DType::float64);
    EXPECT_EQ(rng.position(), 4 * words + pairs);
  }
}

TEST(Positions, BetweenBlocksAreRoundedUp) {
  Rng one(5), other(5, 4);
  one.next();
  EXPECT_TRUE(same_bits(random_uniform({9}, one), random_uniform({9}, other)));
}

TEST(RandomTensors, BeginAlikeWhateverTheirSize) {
  Rng small(2), large(2);
  EXPECT_TRUE(same_bits(random_normal({5}, small), random_normal({20'001}, large).view({5})));
}

TEST(RandomTensors, HaveTheSameBitsForAnyNumberOfThreads) {
  auto all = [] {
    Rng rng(4);
    return Tensors{random_uniform({100'003}, rng), random_normal({100'003}, rng), random_bernoulli({100'003}, rng, 0.3),
                   random_uniform({100'003}, rng, -1, 1, DType::float64),
                   random_normal({100'003}, rng, 0, 1, DType::float64)};
  };
  int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  Tensors expected = all();
  for (int count : {2, 3}) {
    omp_set_num_threads(count);
    Tensors found = all();
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(same_bits(found[i], expected[i])) << count << " threads";
  }
  omp_set_num_threads(threads);
}

// --- Statistics ------------------------------------------------------------------------------------------------------

struct Moments {
  explicit Moments(const Tensor& x) {
    double size = static_cast<double>(x.elements());
    for (std::int64_t i = 0; i < x.elements(); ++i) mean += test::element(x, i) / size;
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      double off = test::element(x, i) - mean;
      variance += off * off / size, fourth += off * off * off * off / size;
    }
  }
  double mean = 0, variance = 0, fourth = 0;
};

double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    double off = counts[i] - expected[i];
    total += off * off / expected[i];
  }
  return total;
}

TEST(RandomNormal, HasItsMoments) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Rng rng(11);
    Moments moments(random_normal({1'000'000}, rng, 2, 3, dtype));
    EXPECT_NEAR(moments.mean, 2, 4 * 3e-3);
    EXPECT_NEAR(moments.variance, 9, 4 * 9 * std::sqrt(2e-6));
    EXPECT_NEAR(moments.fourth, 3 * 81, 4 * 81 * std::sqrt(96e-6));
  }
}

TEST(RandomNormal, IsAlwaysFinite) {
  Rng rng(12);
  Tensor drawn = random_normal({3'000'000}, rng);
  for (float x : drawn.span<float>()) ASSERT_LT(std::abs(x), 6.7f);
}

TEST(RandomUniform, FillsItsBinsEvenly) {
  for (DType dtype : {DType::float32, DType::float64}) {
    Rng rng(13);
    Tensor x = random_uniform({1'000'000}, rng, -2, 6, dtype);
    std::vector<double> counts(64);
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      ++counts.at(static_cast<std::size_t>((test::element(x, i) + 2) * 8));
    }
    double off = chi_square(counts, std::vector<double>(64, 1e6 / 64));
    EXPECT_LT(off, 114) << "1 in 10,000 with 63 degrees of freedom";
    EXPECT_GT(off, 27) << "too even";
    EXPECT_NEAR(Moments(x).mean, 2, 4 * 8 / std::sqrt(12e6));
  }
}

TEST(RandomUniform, NeverGivesItsUpperEnd) {
  Rng first(0, 153'885'884), second = first;  // where 24 bits of a word are all ones
  EXPECT_EQ(Rng(first).next() >> 8, 0xffffffu);
  EXPECT_LT(first.uniform(1, 2), 2);
  Tensor x = random_uniform({4}, second, 1, 2);
  for (float value : x.span<float>()) EXPECT_LT(value, 2);
}

TEST(RandomBernoulli, HasItsProbability) {
  for (double probability : {0.001, 0.3, 0.5, 0.9}) {
    Rng rng(14);
    double ones = Moments(random_bernoulli({1'000'000}, rng, probability)).mean * 1e6;
    EXPECT_LT(chi_square({ones, 1e6 - ones}, {1e6 * probability, 1e6 * (1 - probability)}), 15.2) << probability;
  }
  Rng rng(15);
  EXPECT_EQ(Moments(random_bernoulli({10'000}, rng, 0)).mean, 0);
  EXPECT_TRUE(same_bits(random_bernoulli({10'000}, rng, 1, DType::float64), ones({10'000}, DType::float64)));
}

TEST(RandomCategorical, HasItsProbabilities) {
  Rng rng(16);
  std::vector<double> weights{1, 2, 4, 8, 0.5}, counts(5), expected;
  Tensor logits({1, 5}, DType::float64);
  for (int i = 0; i < 5; ++i) logits.mutable_data<double>()[i] = std::log(weights[static_cast<std::size_t>(i)]) + 1000;
  Tensor drawn = random_categorical(logits, 500'000, rng);
  for (std::int64_t one : drawn.span<std::int64_t>()) ++counts.at(static_cast<std::size_t>(one));
  for (double weight : weights) expected.push_back(weight / 15.5 * 5e5);
  EXPECT_LT(chi_square(counts, expected), 23.5);
}

TEST(RandomPermutation, HasEveryOrderEquallyOften) {
  Rng rng(17);
  std::vector<double> counts(24);
  for (int i = 0; i < 48'000; ++i) {
    std::vector<std::int64_t> order = random_permutation(4, rng).to_vector<std::int64_t>();
    std::size_t rank = 0;
    for (int a = 0; a < 4; ++a) {
      std::size_t smaller = 0;
      for (int b = a + 1; b < 4; ++b) smaller += order[b] < order[a];
      rank = rank * static_cast<std::size_t>(4 - a) + smaller;
    }
    ++counts.at(rank);
  }
  EXPECT_LT(chi_square(counts, std::vector<double>(24, 2000)), 56.5);
}

// --- What is refused -------------------------------------------------------------------------------------------------

TEST(RandomTensors, RefuseWhatTheyCannotGive) {
  Rng rng(1);
  EXPECT_EQ(error_of<DTypeError>([&] { random_uniform({2}, rng, 0, 1, DType::int32); }),
            "random_uniform: gives float32 or float64, not int32");
  EXPECT_EQ(error_of<DTypeError>([&] { random_normal({2}, rng, 0, 1, DType::boolean); }),
            "random_normal: gives float32 or float64, not bool");
  EXPECT_EQ(error_of<ValueError>([&] { random_bernoulli({2}, rng, 1.5); }),
            "random_bernoulli: the probability must be from 0 to 1, but is 1.5");
  EXPECT_EQ(error_of<ShapeError>([&] { random_permutation(-1, rng); }),
            "tensor: sizes cannot be negative, as in (-1,)");
  EXPECT_EQ(error_of<ShapeError>([&] { random_categorical(zeros({3}), 2, rng); }),
            "random_categorical: needs rank 2\n  logits  (3,)   batch, classes");
  EXPECT_EQ(error_of<ShapeError>([&] { random_categorical(zeros({3, 0}), 2, rng); }),
            "random_categorical: needs at least one class\n  logits  (3, 0)   batch, classes");
  Tensor spoilt = tensor({{1., 2.}, {1., std::nan("")}});
  EXPECT_EQ(error_of<ValueError>([&] { random_categorical(spoilt, 2, rng); }),
            "random_categorical: row 1 gives no probabilities: their sum is nan\n  logits  (2, 2)   batch, classes");
  EXPECT_EQ(error_of<ValueError>([&] { random_permutation(1LL << 31, rng); }),
            "random_permutation: the size must be below 2^31, but is 2147483648");
  EXPECT_EQ(error_of<ValueError>([&] { rng.below(0); }), "below: the bound must be 1 or more, but is 0");
  EXPECT_EQ(rng.position(), 0u) << "and nothing was drawn";
}

TEST(RandomTensors, MayBeEmpty) {
  Rng rng(1);
  EXPECT_EQ(random_normal({0, 3}, rng).elements(), 0);
  EXPECT_EQ(random_permutation(0, rng).elements(), 0);
  EXPECT_EQ(random_categorical(zeros({0, 3}), 2, rng).shape(), (Shape{0, 2}));
}

}  // namespace
}  // namespace floe
