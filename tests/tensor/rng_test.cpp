// Rng: Philox's known answers, independent streams, places that can be saved, even draws.
#include <floe/tensor/rng.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <support/tensors.h>

namespace floe {
namespace {

using test::same_bits;
using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox(0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8})) << "Random123's kat_vectors";
  EXPECT_EQ(philox(42, 7), (Words{0x5bbd83b1, 0x68784c85, 0x172067aa, 0x2e6b75b7}));
  EXPECT_EQ(philox(~0ull, ~0ull), (Words{0x4d18d7d2, 0x430ac65a, 0xbd2fa22a, 0x0afae10d}));
  EXPECT_EQ(philox(0x299f31d0a4093822, 0x85a308d3243f6a88), (Words{0xe69c9c31, 0xb5a3d762, 0xe733bfc1, 0x341a787c}));
}

TEST(Streams, DependOnTheNameAlone) {
  Rng rng(1), moved(1);
  random_normal({100}, moved);
  EXPECT_EQ(rng.stream("generator.conv1").key(), moved.stream("generator.conv1").key());
  EXPECT_EQ(rng.stream("a").position(), 0u);
  EXPECT_EQ(rng.position(), 0u) << "naming a stream draws nothing";
}

TEST(Streams, OfDifferentNamesAndSeedsNeverMeet) {
  std::set<std::uint64_t> keys;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rng rng(seed);
    keys.insert(rng.key());
    for (std::uint64_t number = 0; number < 100; ++number) keys.insert(rng.stream(number).key());
    for (int name = 0; name < 100; ++name) keys.insert(rng.stream("layer" + std::to_string(name)).key());
  }
  EXPECT_EQ(keys.size(), 100u * 201);
}

TEST(Streams, AreNotCorrelated) {
  constexpr std::int64_t size = 100'000;
  Rng root(3), a = root.stream(1), b = root.stream(2);
  Tensor x = random_normal({size}, a), y = random_normal({size}, b);
  double together = 0;
  for (std::int64_t i = 0; i < size; ++i) together += static_cast<double>(x.data<float>()[i]) * y.data<float>()[i];
  EXPECT_LT(std::abs(together) / size, 4 / std::sqrt(size));
}

TEST(Positions, RestoreAStream) {
  Rng rng(9);
  random_normal({10}, rng);
  rng.next();
  Rng restored(rng.key(), rng.position());
  EXPECT_EQ(rng.next(), restored.next());
  EXPECT_TRUE(same_bits(random_normal({50}, rng), random_normal({50}, restored)));
}

TEST(Below, IsEvenForAnyBound) {
  Rng rng(18);
  std::vector<double> counts(3);
  for (int i = 0; i < 300'000; ++i) ++counts.at(static_cast<std::size_t>(rng.below(1'610'612'736) / 536'870'912));
  double off = 0;  // chi-squared
  for (double count : counts) off += (count - 1e5) * (count - 1e5) / 1e5;
  EXPECT_LT(off, 18.4) << "plain remainders would favour a third";
  EXPECT_EQ(rng.below(1), 0);
}

}  // namespace
}  // namespace floe
