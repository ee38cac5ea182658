# What the CUDA backend is built with. Sets LACUNA_CUDA to OFF where the toolkit is missing.
if(LACUNA_SIMT)
  set(LACUNA_CUDA OFF)
  set(SIMT_WERROR ${LACUNA_WERROR})
  set(SIMT_SANITIZE ON)
  set(SIMT_BUILD_TESTS ${LACUNA_BUILD_TESTS})
  add_subdirectory(tests/simt)
  return()
endif()
if(NOT LACUNA_CUDA)
  return()
endif()

# Machine code for Ampere and Hopper, and PTX that the driver compiles for what comes after.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
endif()
# mma.sync of TF32 and bfloat16 operands came with Ampere.
foreach(architecture IN LISTS CMAKE_CUDA_ARCHITECTURES)
  if(architecture MATCHES "^[0-9]+" AND CMAKE_MATCH_0 LESS 80)
    message(FATAL_ERROR "CMAKE_CUDA_ARCHITECTURES: ${architecture} is too old, the kernels need 80 or newer")
  endif()
endforeach()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(STATUS "The CUDA backend is not built: there is no nvcc; \"bash scripts/setup.sh cuda\" says how to get it")
  set(LACUNA_CUDA OFF)
  return()
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
find_package(CUDAToolkit 12.4 REQUIRED)
find_package(CUDNN 9 QUIET)
if(NOT CUDNN_FOUND)
  message(STATUS "Convolutions will not run on CUDA: there is no cuDNN 9; \"bash scripts/setup.sh cuda\" names the package")
endif()

# Each program holds all kernels: those that are to be copied are packed as small as it goes (35 MB for all in place of 54,
# nvcc 13.0). Older toolkits make programs that older drivers could not unpack then.
if(LACUNA_STATIC AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  string(APPEND CMAKE_CUDA_FLAGS " --compress-mode=size")
endif()

# scripts/check_spills.py reads what ptxas reports; kept beside the objects, so that a build does not print it.
list(PREPEND CMAKE_CUDA_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/keep_ptxas_report.sh)
