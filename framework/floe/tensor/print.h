// How tensors are shown: NumPy's brackets with the talk's footer, and a one-line description.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include <floe/tensor/tensor.h>

namespace floe {

// The values as NumPy prints them, aligned, with the middle left out beyond 1,000 elements:
//
//   Tensor(
//   [[ 50 114]
//    [ 60 140]], shape=(2, 2), dtype=int32)
std::string to_string(const Tensor& tensor);

// One line: "shape (2, 2), float32 on cpu, min 0, mean 1.5, max 3, 0 NaN, 0 Inf", with min, mean and max of the finite
// values; "undefined" for a tensor without a value.
std::string describe(const Tensor& tensor);

// The values and a newline to stdout; with a name, "logits: Tensor(...)".
void print(const Tensor& tensor);
void print(std::string_view name, const Tensor& tensor);

// The end of describe(): "min 0, mean 1.5, max 3, 0 NaN, 0 Inf". ValueError if there is no value yet.
std::string describe_values(const Tensor& tensor);

std::ostream& operator<<(std::ostream& out, const Tensor& tensor);  // to_string(), into a stream

}  // namespace floe
