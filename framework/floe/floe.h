// Floe's table of contents: every public header, in the order in which to read them.
#pragma once

#include <floe/tensor/error.h>
#include <floe/tensor/shape.h>
#include <floe/tensor/dtype.h>
#include <floe/tensor/device.h>
#include <floe/tensor/storage.h>
#include <floe/tensor/tensor.h>
#include <floe/tensor/print.h>
#include <floe/tensor/random.h>

#include <floe/backend/kernels.h>

#include <floe/tape/variable.h>
#include <floe/tape/operand.h>
#include <floe/tape/record.h>
#include <floe/tape/gradients.h>
#include <floe/tape/tape.h>
#include <floe/tape/custom_gradient.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/ops/matmul.h>
#include <floe/ops/conv2d.h>
#include <floe/ops/pool.h>
#include <floe/ops/normalization.h>
#include <floe/ops/softmax.h>
#include <floe/ops/dropout.h>
#include <floe/ops/resize.h>
#include <floe/ops/losses.h>

#include <floe/layers/state.h>
#include <floe/layers/initializers.h>
#include <floe/layers/layer.h>
#include <floe/layers/dense.h>
#include <floe/layers/conv2d.h>
#include <floe/layers/embedding.h>
#include <floe/layers/batch_normalization.h>
#include <floe/layers/dropout.h>
#include <floe/layers/layer_list.h>
#include <floe/layers/sequential.h>
#include <floe/layers/summary.h>

#include <floe/optimizers/optimizer.h>
#include <floe/optimizers/optimizers.h>
#include <floe/optimizers/clip.h>

#include <floe/data/cache.h>
#include <floe/data/dataset.h>
#include <floe/data/npy.h>
#include <floe/data/safetensors.h>
#include <floe/data/png.h>
#include <floe/data/show.h>

#include <floe/train/arguments.h>
#include <floe/train/progress.h>
#include <floe/train/metrics.h>
#include <floe/train/csv.h>
#include <floe/train/tensorboard.h>
#include <floe/train/checkpoint.h>
#include <floe/train/inspect.h>
#include <floe/train/numerics.h>
#include <floe/train/profile.h>
#include <floe/train/debug.h>
#include <floe/train/frechet.h>
#include <floe/train/instruments.h>
