// What does the work on a device, in words: the first line of an app.
#pragma once

#include <string>

#include <floe/tensor/device.h>

namespace floe {

// "oneDNN 2.6.3 and Eigen 3.4.0, 2 threads", "NVIDIA H200, CUDA 13.0, cuDNN 9.19.0, float32".
std::string backend_name(Device device = {});

}  // namespace floe
