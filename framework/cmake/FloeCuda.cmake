# The CUDA backend: its compiler, its libraries and the architectures to compile for; or its simulation for tests.
#
# Wheels contain all of it, too: pip install nvidia-cuda-nvcc nvidia-cuda-cccl nvidia-cublas nvidia-cudnn-cu13.
if(FLOE_CUDA STREQUAL SIMULATED)
  add_subdirectory(${PROJECT_SOURCE_DIR}/tests/simulator ${PROJECT_BINARY_DIR}/simulator)
  return()
endif()

if(NOT CMAKE_CUDA_COMPILER)
  file(GLOB nvcc_folders /usr/local/cuda*/bin $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/cu*/bin
                         $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/cuda_nvcc/bin)
  find_program(FLOE_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin ${nvcc_folders})
  mark_as_advanced(FLOE_NVCC)
  if(NOT FLOE_NVCC)
    message(FATAL_ERROR "Floe: the CUDA backend needs nvcc, which was not found; install the CUDA Toolkit 12 or 13, put its bin folder on PATH, or leave FLOE_CUDA off")
  endif()
  set(CMAKE_CUDA_COMPILER ${FLOE_NVCC})
endif()

# For the device in this machine; without one for all that CUDA 13 knows, from Turing to Hopper, and PTX for later ones.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  execute_process(COMMAND nvidia-smi --list-gpus OUTPUT_VARIABLE gpus RESULT_VARIABLE failed ERROR_QUIET)
  if(failed OR NOT gpus MATCHES "GPU")
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90)
  else()
    set(CMAKE_CUDA_ARCHITECTURES native)
  endif()
endif()
enable_language(CUDA)
find_package(CUDAToolkit 12 REQUIRED)
find_package(cuDNN 9 REQUIRED)
message(STATUS "Floe: CUDA ${CUDAToolkit_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}, cuDNN ${cuDNN_VERSION} (${CUDNN_LIBRARY})")
