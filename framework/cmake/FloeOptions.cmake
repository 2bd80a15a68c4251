# Options and compiler flags that all of Floe shares.
option(FLOE_APPS "Build the applications and their data sets" ${PROJECT_IS_TOP_LEVEL})
option(FLOE_TESTS "Build the tests (needs GoogleTest)" ${PROJECT_IS_TOP_LEVEL})
option(FLOE_BENCHMARKS "Build the benchmarks (needs Google Benchmark)" OFF)
option(FLOE_ONEDNN "Use oneDNN for matrices and convolutions if it is found" ON)
set(FLOE_CUDA OFF CACHE STRING "The CUDA backend: ON (needs the CUDA Toolkit and cuDNN), OFF, or SIMULATED on the CPU, slowly, for tests without a GPU")
set_property(CACHE FLOE_CUDA PROPERTY STRINGS OFF ON SIMULATED)
# With tests, each source by itself: an edit compiles one file, and tools find every file's command.
set(unity ON)
if(FLOE_TESTS)
  set(unity OFF)
endif()
option(FLOE_UNITY "Compile several sources at once: half the time from scratch, more after an edit" ${unity})
set(FLOE_ARCH "native" CACHE STRING "Processor to build for: native for this machine, x86-64-v3 to pass on")

# Without optimisation Floe is a hundred times slower: a project that names no build type gets a release, even as a part of
# another one.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  message(STATUS "Floe: no build type was given; using Release")
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  find_program(CCACHE ccache)
  if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)  # ccache would keep nothing; they save a fresh machine a quarter of its time
  endif()
endif()

# -O3 is only for the kernels: elsewhere it costs compile time and gains nothing.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# Warnings, and source paths in messages that do not depend on where Floe was unpacked.
add_library(floe_flags INTERFACE)
target_compile_options(floe_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>")
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC warns of what Eigen's packets carry, and GCC 12 takes its own AVX-512 intrinsics for uninitialised (bug 105593).
  target_compile_options(floe_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-ignored-attributes>")
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(floe_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-uninitialized;-Wno-maybe-uninitialized>")
  endif()
endif()
