// Reproducing the talks: the first thing that the post shows.
#include "pages.h"

using namespace floe;

namespace {

//! [product]
void product() {
  Tensor m1 = tensor({{1, 3, 5, 7}, {2, 4, 6, 8}});                   // (2, 4), as R fills matrix(1:8, nrow = 2)
  Tensor m2 = tensor({{1, 5}, {2, 6}, {3, 7}, {4, 8}});               // (4, 2), as R fills matrix(1:8, nrow = 4)
  print(matmul(m1, m2));
}
//! [product]

const pages::Example entered{"talk.product", product};

}  // namespace
