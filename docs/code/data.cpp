// Data: from rows to batches, pairs and structs, and augmentation that can be repeated.
#include "pages.h"

using namespace floe;

namespace {

void batches() {
  //! [batches]
  Rng rng(7777);
  Tensor images = range(0, 10, 1, DType::float32), labels = range(0, 10);
  auto batches = dataset(std::pair{images, labels}).shuffle(10, rng.stream("order")).batch(4);
  for (int epoch = 0; epoch < 2; ++epoch) {
    fmt::print("epoch {}\n", epoch);
    for (const auto& [x, y] : batches) print("labels", y);            // 4, 4 and the 2 that are left
  }
  //! [batches]
}

//! [augment]
Tensor flip_some(const Tensor& image, Rng& rng) {                     // (height, width, channels)
  return rng.bernoulli(0.5F) ? flip(image, {1}) : image;
}
//! [augment]

void augmented() {
  Rng rng(7777);
  //! [augmented]
  Tensor images = reshape(range(0, 8, 1, DType::float32), {4, 1, 2, 1});
  auto flipped = dataset(images).map(flip_some, rng.stream("flips"));  // each element has a stream of its own
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const Tensor& image : flipped) print(flatten(image));
  }
  //! [augmented]
}

void generated() {
  //! [generated]
  auto squares = Dataset<Tensor>::generate(1000000, [](std::int64_t i) { return tensor(static_cast<double>(i) * i); });
  for (const Tensor& batch : squares.skip(10).take(6).batch(3).prefetch()) print(batch);   // six are made, no more
  //! [generated]
}

const pages::Example entered[] = {{"data.batches", batches}, {"data.augmented", augmented}, {"data.generated", generated}};

}  // namespace
