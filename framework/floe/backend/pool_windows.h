// Which pixels a pooling window covers, and which windows cover a pixel, along each axis, for both backends.
#pragma once

#include <floe/backend/kernels.h>

namespace floe {

// Neighbours along an axis.
struct Span {
  std::int64_t begin, end;
  FLOE_HOST_DEVICE std::int64_t size() const { return end - begin; }
};

// The positions of an axis that window `i` covers, without the padding.
FLOE_HOST_DEVICE inline Span covered(std::int64_t i, std::int64_t window, std::int64_t stride, std::int64_t pad,
                                     std::int64_t size) {
  std::int64_t begin = i * stride - pad, end = begin + window;
  return {begin < 0 ? 0 : begin, end > size ? size : end};
}

// The windows that cover position `i` of an axis.
FLOE_HOST_DEVICE inline Span covering(std::int64_t i, std::int64_t window, std::int64_t stride, std::int64_t pad,
                                      std::int64_t windows) {
  std::int64_t past_first = i + pad - window + 1, end = (i + pad) / stride + 1;
  return {past_first <= 0 ? 0 : (past_first + stride - 1) / stride, end > windows ? windows : end};
}

// The same for the rows and columns of images.
FLOE_HOST_DEVICE inline Span covered_rows(const PoolGeometry& g, std::int64_t i) {
  return covered(i, g.window_height, g.stride_height, g.pad_top, g.height);
}
FLOE_HOST_DEVICE inline Span covered_columns(const PoolGeometry& g, std::int64_t i) {
  return covered(i, g.window_width, g.stride_width, g.pad_left, g.width);
}
FLOE_HOST_DEVICE inline Span covering_rows(const PoolGeometry& g, std::int64_t i) {
  return covering(i, g.window_height, g.stride_height, g.pad_top, g.out_height);
}
FLOE_HOST_DEVICE inline Span covering_columns(const PoolGeometry& g, std::int64_t i) {
  return covering(i, g.window_width, g.stride_width, g.pad_left, g.out_width);
}

}  // namespace floe
