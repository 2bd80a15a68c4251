// Which library and which precision are used, chosen for the whole program.
#pragma once

#include <string>
#include <string_view>

#include <floe/tensor/device.h>

namespace floe {

// Which library does float32 matrices and convolutions on the CPU. float64 and integers always use Eigen.
enum class CpuLibrary { onednn, eigen };
bool has_onednn();                         // was it found when this was built?
CpuLibrary cpu_library();                  // FLOE_CPU_LIBRARY=eigen|onednn in the environment, else the best there is
void set_cpu_library(CpuLibrary library);  // ValueError if this build lacks it

// How a GPU multiplies float32 in matrix products and convolutions: float32 as it is (24 bits, the default), tf32 with
// factors rounded to 11 bits, bf16 to 8 bits of the same range, so that no loss has to be scaled. The tensors stay
// float32 throughout, variables and optimizers with them, and products are added up in float32. cuDNN gives what it
// multiplied in bfloat16 in that type, so there a convolution's results are also rounded.
enum class Precision { float32, tf32, bf16 };
Precision gpu_precision();                                   // as it is set
void set_gpu_precision(Precision precision);                 // from the next op on; see require_precision()
void require_precision(Precision precision, Device device);  // ValueError for what the device cannot do
Precision parse_precision(const std::string& text);          // from such a name; else ValueError
std::string_view name(Precision precision);                  // "float32", "tf32", "bf16"

}  // namespace floe
