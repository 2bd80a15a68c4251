# cuDNN::cudnn from cuDNN 9, in the usual places, next to the CUDA Toolkit, or in the folders of Python's wheels
# (pip install nvidia-cudnn-cu13).
file(GLOB cudnn_wheels
  $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/cudnn
  $ENV{HOME}/.local/lib/python3*/site-packages/nvidia/cudnn
  /usr/local/lib/python3*/*-packages/nvidia/cudnn
  /usr/lib/python3*/*-packages/nvidia/cudnn
  /opt/*/lib/python3*/site-packages/nvidia/cudnn)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS $ENV{CUDNN_ROOT} ${CUDAToolkit_INCLUDE_DIRS} ${cudnn_wheels} PATH_SUFFIXES include)
get_filename_component(cudnn_home "${CUDNN_INCLUDE_DIR}" DIRECTORY)  # header and library must be of one version
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 NAMES_PER_DIR
             HINTS ${cudnn_home} $ENV{CUDNN_ROOT} ${CUDAToolkit_LIBRARY_DIR} ${cudnn_wheels} PATH_SUFFIXES lib lib64)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)
if(CUDNN_INCLUDE_DIR AND EXISTS ${CUDNN_INCLUDE_DIR}/cudnn_version.h)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h lines REGEX "#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) ")
  string(REGEX REPLACE "[^0-9;]" "" numbers "${lines}")
  list(JOIN numbers . cuDNN_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR VERSION_VAR cuDNN_VERSION
  REASON_FAILURE_MESSAGE "Install cuDNN 9 (developer.nvidia.com/cudnn, or pip install nvidia-cudnn-cu13 in an active virtual environment), set CUDNN_ROOT to its folder, or leave FLOE_CUDA off.")
if(cuDNN_FOUND AND NOT TARGET cuDNN::cudnn)
  add_library(cuDNN::cudnn UNKNOWN IMPORTED)
  set_target_properties(cuDNN::cudnn PROPERTIES IMPORTED_LOCATION ${CUDNN_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${CUDNN_INCLUDE_DIR})
endif()
