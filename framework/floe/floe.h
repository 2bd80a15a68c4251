// Floe's table of contents: every public header, in the order in which to read them.
#pragma once

#include <floe/tensor/location.h>
#include <floe/tensor/error.h>
#include <floe/tensor/shape.h>
#include <floe/tensor/dtype.h>
#include <floe/tensor/device.h>
#include <floe/tensor/number.h>
#include <floe/tensor/tensor.h>
#include <floe/tensor/memory.h>
#include <floe/tensor/print.h>
#include <floe/tensor/rng.h>

#include <floe/backend/backend_name.h>

#include <floe/tape/variable.h>
#include <floe/tape/operand.h>
#include <floe/tape/attributes.h>
#include <floe/tape/observer.h>
#include <floe/tape/gradients.h>
#include <floe/tape/tape.h>
#include <floe/tape/custom_gradient.h>

#include <floe/ops/create.h>
#include <floe/ops/random.h>
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
#include <floe/layers/normalization.h>
#include <floe/layers/batch_normalization.h>
#include <floe/layers/layer_normalization.h>
#include <floe/layers/group_normalization.h>
#include <floe/layers/instance_normalization.h>
#include <floe/layers/dropout.h>
#include <floe/layers/layer_list.h>
#include <floe/layers/sequential.h>
#include <floe/layers/summary.h>

#include <floe/optimizers/optimizer.h>
#include <floe/optimizers/optimizers.h>
#include <floe/optimizers/schedules.h>
#include <floe/optimizers/clip.h>

#include <floe/files/cache.h>
#include <floe/files/npy.h>
#include <floe/files/safetensors.h>
#include <floe/files/csv.h>

#include <floe/data/dataset.h>
#include <floe/data/map_batches.h>

#include <floe/pictures/png.h>
#include <floe/pictures/draw.h>
#include <floe/pictures/caption.h>

#include <floe/watch/inspect.h>
#include <floe/watch/show.h>
#include <floe/watch/numerics.h>
#include <floe/watch/profile.h>
#include <floe/watch/tensorboard.h>
#include <floe/watch/debug.h>

#include <floe/metrics/metrics.h>
#include <floe/metrics/frechet.h>

#include <floe/run/arguments.h>
#include <floe/run/progress.h>
#include <floe/run/checkpoint.h>
#include <floe/run/run.h>
#include <floe/run/filmstrip.h>
