// Embedding: rows of its table by id, gradients that add up, and ids that are no entry's.
#include <floe/layers/embedding.h>

#include <gtest/gtest.h>

#include <floe/layers/summary.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/optimizers/optimizers.h>
#include <floe/tape/tape.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;

Layer root(DType dtype = DType::float32) { return Layer("model", Device{}, Rng(1), dtype); }

Tensor int64s(const std::vector<std::int64_t>& values, const Shape& shape) { return tensor(values, shape); }

TEST(Embedding, GivesTheRowOfEachId) {
  Layer model = root(DType::float64);
  Embedding words(&model, "words", {.entries = 5, .units = 3});
  const Variable& table = *words.variables().at(0);
  EXPECT_EQ(table.path(), "model.words.embeddings");
  EXPECT_EQ(table.shape(), (Shape{5, 3}));
  Tensor ids = tensor({{4, 0}, {2, 4}}), y = words(ids);
  Tensor expected = test::made({2, 2, 3}, [&](const test::Index& i) {
    return test::at(table, {static_cast<std::int64_t>(test::at(ids, {i[0], i[1]})), i[2]});
  });
  EXPECT_TRUE(test::same_bits(y, expected));
}

TEST(Embedding, TakesIdsOfAnyShapeAndBothIntegers) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 5, .units = 3});
  EXPECT_EQ(words(tensor(2)).shape(), (Shape{3}));
  EXPECT_EQ(words(tensor({1, 2})).shape(), (Shape{2, 3}));
  EXPECT_EQ(words(zeros({2, 3, 4}, DType::int32)).shape(), (Shape{2, 3, 4, 3}));
  EXPECT_EQ(words(zeros({0, 7}, DType::int32)).shape(), (Shape{0, 7, 3}));
  EXPECT_TRUE(test::same_bits(words(int64s({3, 1}, {2})), words(tensor({3, 1}))));
}

TEST(Embedding, AddsUpTheGradientsOfRepeatedIds) {
  Layer model = root(DType::float64);
  Embedding words(&model, "words", {.entries = 4, .units = 2});
  Tensor dy = test::normal({2, 3, 2});
  GradientTape tape;
  Tensor loss = reduce_sum(words(tensor({{1, 3, 1}, {1, 0, 3}})) * dy);
  Gradients gradients = tape.gradient(loss, words.variables());
  Tensor flat = reshape(dy, {6, 2}), nothing = zeros({2}, DType::float64);
  Tensor expected = stack({flat[4], flat[0] + flat[2] + flat[3], nothing, flat[1] + flat[5]});
  EXPECT_TRUE(test::close((*gradients.begin()).gradient, expected, 1e-15));
}

TEST(Embedding, LearnsOnlyTheEntriesThatItSaw) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 4, .units = 2});
  Tensor before = words.variables()[0]->value();
  SGD optimizer(1);
  GradientTape tape;
  Tensor loss = reduce_sum(words(tensor({2, 2})));
  optimizer.apply(tape.gradient(loss, words.variables()));
  Tensor change = before - *words.variables()[0];
  EXPECT_TRUE(test::close(change, tensor({{0., 0.}, {0., 0.}, {2., 2.}, {0., 0.}}), 1e-6));
}

TEST(Embedding, StartsWithinATwentiethOfZero) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 100, .units = 20});
  Tensor first = *words.variables()[0];
  EXPECT_LE(test::largest(first), 0.05);
  EXPECT_GT(test::largest(first), 0.0499);
  EXPECT_NEAR(reduce_mean(first).item(), 0, 4 * 0.1 / std::sqrt(12. * 2000));
  Embedding ones(&model, "ones", {.entries = 2, .units = 2, .initializer = initializers::ones()});
  EXPECT_EQ(ones.variables()[0]->value().to_vector<float>(), std::vector<float>(4, 1));
}

TEST(Embedding, StandsInASummary) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 100, .units = 20});
  EXPECT_EQ(summary(words, zeros({3, 7}, DType::int32)),
            "layer        output      parameters\n"
            "model.words  (3, 7, 20)        2000\n"
            "model.words: 2000 trainable parameters, 0 running statistics\n");
}

TEST(Embedding, RefusesIdsThatAreNoEntrys) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 5, .units = 3});
  EXPECT_MESSAGE(ValueError, words(tensor({{0, 1, 2}, {4, 5, -1}})),
                 "embedding: id 5 at (1, 1) is outside 0 .. 4\n"
                 "  ids         (2, 3)   int32\n"
                 "  embeddings  (5, 3)   entries, units   [model.words.embeddings]");
  EXPECT_MESSAGE(ValueError, words(int64s({-7}, {})),
                 "embedding: id -7 at () is outside 0 .. 4\n"
                 "  ids         ()       int64\n"
                 "  embeddings  (5, 3)   entries, units   [model.words.embeddings]");
  EXPECT_THROW(words(int64s({std::int64_t{1} << 32}, {1})), ValueError);
}

TEST(Embedding, RefusesIdsThatAreNoIntegers) {
  Layer model = root();
  Embedding words(&model, "words", {.entries = 5, .units = 3});
  EXPECT_MESSAGE(DTypeError, words(ones({2, 3})),
                 "embedding: ids must be int32 or int64; cast() converts\n  ids  (2, 3)");
  EXPECT_MESSAGE(DTypeError, words(ones({2}, DType::uint8)),
                 "embedding: ids must be int32 or int64; cast() converts\n  ids  (2,)   uint8");
  EXPECT_MESSAGE(ValueError, words(Tensor()), "embedding: ids has no value yet");
}

TEST(Embedding, NamesOptionsThatAreMissing) {
  Layer model = root();
  EXPECT_EQ(error_of<ValueError>([&] { Embedding(&model, "a", {.units = 3}); }), "model.a: option .entries is missing");
  EXPECT_EQ(error_of<ValueError>([&] { Embedding(&model, "b", {.entries = 3}); }), "model.b: option .units is missing");
}

}  // namespace
}  // namespace floe
