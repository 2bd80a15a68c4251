// What you know from Keras, TensorFlow or PyTorch, in Floe: each piece is next to its twin on a page of the site.
#include "pages.h"

using namespace floe;

namespace {

//! [model]
class Classifier : public Layer {
 public:
  using Layer::Layer;

  Tensor operator()(const Tensor& images, Mode mode) {
    Tensor x = relu(norm_(conv_(images), mode));
    x = flatten(max_pool(x));
    return logits_(dropout_(x, mode));
  }

 private:
  Conv2D conv_{this, "conv", {.in = 1, .filters = 8, .kernel_size = 3}};
  BatchNormalization norm_{this, "norm", 8};
  Dropout dropout_{this, "dropout", 0.4};
  Dense logits_{this, "logits", {.in = 7 * 7 * 8, .units = 10}};
};
//! [model]

void train() {
  Rng rng(7777);
  Tensor images = random_uniform({60, 14, 14, 1}, rng), labels = cast(random_uniform({60}, rng, 0, 10), DType::int32);
  //! [setup]
  Classifier model("model", Device{}, rng);
  Adam optimizer({.learning_rate = 1e-3});
  auto batches = dataset(std::pair{images, labels})
                     .shuffle(60, rng.stream("order")).batch(20).prefetch();
  //! [setup]

  Accuracy accuracy;
  //! [step]
  for (const auto& [x, y] : batches) {
    GradientTape tape;
    Tensor logits = model(x, Mode::training);
    Tensor loss = sparse_softmax_cross_entropy(logits, y);
    optimizer.apply(tape.gradient(loss, model.variables()));
    accuracy.update(y, logits);
  }
  //! [step]

  //! [summary]
  print(model);
  fmt::print("{}", summary(model, images));
  //! [summary]

  //! [clip]
  GradientTape tape;
  Tensor loss = reduce_mean(square(model(images, Mode::training)));
  Gradients gradients = tape.gradient(loss, model.variables());
  optimizer.apply(clip_by_global_norm(gradients, 1.0));
  //! [clip]

  //! [no_grad]
  Tensor target = stop_gradient(model(images, Mode::inference));      // outside a tape nothing is recorded anyway
  //! [no_grad]
}

//! [chain]
void chain(Device device, Rng rng, const Tensor& x) {
  Sequential model("model", device, rng);
  model.add<Dense>("hidden", {.in = 784, .units = 100})
      .add([](const Tensor& x) { return relu(x); })
      .add<Dense>("logits", {.in = 100, .units = 10});
  Tensor logits = model(x, Mode::training);
}
//! [chain]

void chained() {
  Rng rng(1);
  chain(Device{}, rng, zeros({2, 784}));
}

void save() {
  Rng rng(1);
  Layer model("model", Device{}, rng);
  Dense dense(&model, "dense", {.in = 2, .units = 2});
  Adam optimizer;
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "floe-pages-save";
  //! [save]
  Checkpoint checkpoint(folder);
  checkpoint.add("model", model);
  checkpoint.add("optimizer", optimizer);
  auto file = checkpoint.save(1);                                     // safetensors, which Python reads, too
  checkpoint.restore(file);                                           // or restore_latest()
  //! [save]
  std::filesystem::remove_all(folder);
}

void tensors() {
  Tensor x = tensor({{1., 2.}, {3., 4.}});
  //! [ops]
  Tensor a = reshape(x, {-1});
  Tensor b = transpose(x, {1, 0});
  Tensor c = concat({x, x}, 0), d = stack({x, x});
  Tensor e = matmul(x, x), f = reduce_mean(x, 1, true);
  Tensor g = slice(x, 1, 0, 1), h = where(x > 2, x, 0);
  Tensor i = gather(x, tensor({1, 0})), j = cast(x, DType::int32);
  double k = x[1][0].item();
  //! [ops]
  bool same = b.rank() == 2 && e.rank() == 2 && h.rank() == 2 && i.rank() == 2 && j.dtype() == DType::int32 && k == 3;
  bool others = a.rank() == 1 && c.dim(0) == 4 && d.rank() == 3 && f.dim(1) == 1 && g.dim(1) == 1;
  if (!same || !others) throw Error("coming_from.cpp: these are not what their twins are");
}

const pages::Example entered("coming_from.train", [] {
  chained();
  save();
  tensors();
  train();
});

}  // namespace
