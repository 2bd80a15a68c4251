// Tensors: made, looked at, shared, and changed without surprise.
#include "pages.h"

using namespace floe;

namespace {

void made() {
  //! [made]
  Tensor x = tensor({{1., 2., 3.}, {4., 5., 6.}});                    // float32 (2, 3)
  Tensor ids = tensor({3, 1, 2});                                     // int32 (3,)
  Tensor noise = zeros({64, 28, 28, 1});                              // (batch, height, width, channels)
  Tensor bytes(Shape{2, 2}, DType::uint8);                            // not yet filled
  print("x", x);
  print("its rows' sums", reduce_sum(x, 1));
  print("each row without its mean", x - reduce_mean(x, 1, true));
  fmt::print("noise: {}\n", describe(noise));
  //! [made]
}

void kept() {
  //! [kept]
  Variable w("w", tensor({1., 2.}));
  Tensor before = w;                                                  // shares the memory, for now
  w.assign(tensor({10., 20.}));
  print("w", w);
  print("before", before);                                            // what it was
  //! [kept]
}

void broadcast() {
  //! [broadcast]
  Tensor column = tensor({{1.}, {2.}}), row = tensor({10., 20., 30.});
  print("(2, 1) + (3,)", column + row);
  //! [broadcast]
}

void random() {
  //! [random]
  Rng rng(7777);
  Rng noise = rng.stream("noise"), order = rng.stream("order");       // neither moves the other
  print("noise", random_normal({3}, noise));
  print("order", random_permutation(5, order));
  Rng again = rng.stream("noise");
  print("the same name, the same noise", random_normal({3}, again));
  //! [random]
}

const pages::Example entered[] = {{"tensors.made", made},
                                  {"tensors.kept", kept},
                                  {"tensors.broadcast", broadcast},
                                  {"tensors.random", random}};

}  // namespace
