// bfloat16 for the factors of products: conversion of whole arrays.
#pragma once

#include <cuda_bf16.h>

#include <floe/backend/cuda/launch.h>

namespace floe::cuda {

// Between float32 and bfloat16, or as it is.
template <class To, class From>
__device__ To rounded(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (std::is_same_v<To, __nv_bfloat16>)
    return __float2bfloat16(value);
  else
    return __bfloat162float(value);
}

template <class From, class To>
__global__ void round_kernel(std::int64_t size, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) out[i] = rounded<To>(in[i]);
}

// An array of float32 as bfloat16.
class Halves {
 public:
  Halves(const Context& on, const float* from, std::int64_t size) : memory_(on, static_cast<std::size_t>(size) * 2) {
    launch(on, round_kernel<float, __nv_bfloat16>, blocks_for(on, size), size, from, get());
  }
  __nv_bfloat16* get() const { return memory_.get<__nv_bfloat16>(); }

 private:
  Scratch memory_;
};

}  // namespace floe::cuda
