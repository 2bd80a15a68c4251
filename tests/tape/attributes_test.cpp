// Attributes: reading, printing and keeping them, and that the tape keeps those of its ops.
#include <floe/tape/attributes.h>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/record.h>
#include <floe/tape/tape.h>
#include <support/messages.h>

namespace floe {
namespace {

using Kind = AttributeValue::Kind;

std::string printed(const Attributes& attributes) { return to_string(attributes); }

TEST(Attributes, HaveFiveKinds) {
  Shape shape{4, 5};
  EXPECT_EQ(printed({{"axis", -1},
                     {"size", std::int64_t{1} << 40},
                     {"slope", 0.2},
                     {"whole", 1.0},
                     {"keepdims", true},
                     {"strides", {2, 3}},
                     {"axes", {0}},
                     {"none", std::span<const std::int64_t>()},
                     {"shape", shape},
                     {"mode", "same"},
                     {"dtype", name(DType::float64)}}),
            "axis -1, size 1099511627776, slope 0.2, whole 1, keepdims true, strides (2, 3), axes (0,), none (), "
            "shape (4, 5), mode same, dtype float64");
  EXPECT_EQ(printed({}), "");
  EXPECT_EQ(AttributeValue("text").kind(), Kind::text);
  EXPECT_EQ(AttributeValue(true).kind(), Kind::boolean);
  EXPECT_EQ(AttributeValue(1).kind(), Kind::integer);
}

TEST(Attributes, AreFoundByName) {
  const Attribute all[] = {{"axis", 2}, {"slope", 0.5}};
  Attributes attributes(all);
  EXPECT_EQ(attributes["axis"].integer(), 2);
  EXPECT_EQ(attributes["slope"].real(), 0.5);
  EXPECT_EQ(attributes.find("k"), nullptr);
  EXPECT_EQ(test::error_of<ValueError>([&] { attributes["k"]; }), "attributes: there is no 'k' in: axis 2, slope 0.5");
}

TEST(Attributes, RefuseToBeReadAsAnotherKind) {
  EXPECT_EQ(test::error_of<ValueError>([] { AttributeValue(0.5).integer(); }),
            "attribute: expected an integer, but 0.5 is a real number");
  EXPECT_EQ(test::error_of<ValueError>([] { AttributeValue(1).real(); }),
            "attribute: expected a real number, but 1 is an integer");
  EXPECT_THROW(AttributeValue(1).boolean(), ValueError);
  EXPECT_THROW(AttributeValue(true).list(), ValueError);
  EXPECT_THROW(AttributeValue(true).text(), ValueError);
}

TEST(Attributes, AreKeptWithTheirLists) {
  KeptAttributes copy;
  {
    Shape strides{2, 3}, shape{7};
    const Attribute all[] = {{"strides", strides}, {"groups", 4}, {"shape", shape}};
    KeptAttributes kept{Attributes(all)};
    strides[0] = 0, shape[0] = 0;
    copy = kept;
  }
  EXPECT_EQ(to_string(copy), "strides (2, 3), groups 4, shape (7,)");
  EXPECT_TRUE(KeptAttributes().attributes().empty());
  EXPECT_TRUE(KeptAttributes(Attributes()).attributes().empty());
}

// What the tape knows of the op whose gradient it computes.
class Backwards : public OpObserver {
 public:
  void op(const OpInfo&, TensorRefs, std::span<Tensor* const>) override {
    if (const OpInfo* of = gradient_of()) told.push_back(std::string(of->name) + " " + to_string(of->attributes));
  }

  std::vector<std::string> told;
};

TEST(Attributes, AreRecorded) {
  Variable w("w", tensor({{1., 2., 3.}, {4., 5., 6.}}));
  GradientTape tape;
  Tensor loss = reduce_sum(leaky_relu(flip(w, {1}), 0.25), {0}, true);
  Backwards backwards;
  EXPECT_EQ(tape.gradient(loss, w).to_vector<float>(), std::vector<float>(6, 1));
  EXPECT_EQ(backwards.told,
            (std::vector<std::string>{"reduce_sum axes (0,), keepdims true", "reduce_sum axes (0,), keepdims true",
                                      "leaky_relu slope 0.25", "flip axes (1,)"}));
}

TEST(Outputs, OfIntegersLetNoGradientThrough) {
  Variable w("w", tensor({1., 3., 2.}));
  GradientTape tape;
  TopK top = top_k(w, 2);
  EXPECT_FALSE(top.values.id().is_blocked());
  EXPECT_TRUE(top.indices.id().is_blocked());
  Tensor picked = gather(w, top.indices);
  EXPECT_EQ(tape.gradient(reduce_sum(top.values + picked), w).to_vector<float>(), (std::vector<float>{0, 2, 2}));
}

}  // namespace
}  // namespace floe
