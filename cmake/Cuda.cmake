# What the CUDA backend is built with. Sets LACUNA_CUDA to OFF where the toolkit is missing.
if(LACUNA_SIMT)
  set(LACUNA_CUDA OFF)
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

# scripts/check_spills.py reads what ptxas reports; kept beside the objects, so that a build does not print it.
list(PREPEND CMAKE_CUDA_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/cmake/keep_ptxas_report.sh)
