#pragma once

// Types of cuBLAS as far as this runtime has them; names and values are the toolkit's.

#define CUBLAS_VER_MAJOR 13
#define CUBLAS_VER_MINOR 1
#define CUBLAS_VER_PATCH 0
#define CUBLAS_VERSION (CUBLAS_VER_MAJOR * 10000 + CUBLAS_VER_MINOR * 100 + CUBLAS_VER_PATCH)

using cublasHandle_t = struct cublasContext*;

/// Name, value, and what it means here.
#define SIMT_CUBLAS_STATUSES(X)                                                 \
  X(CUBLAS_STATUS_SUCCESS, 0, "success")                                        \
  X(CUBLAS_STATUS_NOT_INITIALIZED, 1, "the handle was not created")             \
  X(CUBLAS_STATUS_ALLOC_FAILED, 3, "allocation failed")                         \
  X(CUBLAS_STATUS_INVALID_VALUE, 7, "invalid argument")                         \
  X(CUBLAS_STATUS_ARCH_MISMATCH, 8, "the device lacks what the function needs") \
  X(CUBLAS_STATUS_MAPPING_ERROR, 11, "device memory could not be reached")      \
  X(CUBLAS_STATUS_EXECUTION_FAILED, 13, "the device program could not be run")  \
  X(CUBLAS_STATUS_INTERNAL_ERROR, 14, "internal error")                         \
  X(CUBLAS_STATUS_NOT_SUPPORTED, 15, "not supported")                           \
  X(CUBLAS_STATUS_LICENSE_ERROR, 16, "license error")

enum cublasStatus_t {
#define SIMT_ENUMERATOR(name, value, text) name = value,  // NOLINT(bugprone-macro-parentheses)
  SIMT_CUBLAS_STATUSES(SIMT_ENUMERATOR)
#undef SIMT_ENUMERATOR
};

enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1, CUBLAS_OP_C = 2 };

enum cublasPointerMode_t { CUBLAS_POINTER_MODE_HOST = 0, CUBLAS_POINTER_MODE_DEVICE = 1 };

enum cublasAtomicsMode_t { CUBLAS_ATOMICS_NOT_ALLOWED = 0, CUBLAS_ATOMICS_ALLOWED = 1 };

enum cublasMath_t {
  CUBLAS_DEFAULT_MATH = 0,
  CUBLAS_TENSOR_OP_MATH = 1,
  CUBLAS_PEDANTIC_MATH = 2,
  CUBLAS_TF32_TENSOR_OP_MATH = 3,
  CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16
};

enum cublasComputeType_t {
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_PEDANTIC = 69,
  CUBLAS_COMPUTE_32F_FAST_16BF = 75,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77
};

enum cublasGemmAlgo_t { CUBLAS_GEMM_DEFAULT = -1, CUBLAS_GEMM_DEFAULT_TENSOR_OP = 99 };

enum cudaDataType_t {
  CUDA_R_32F = 0,
  CUDA_R_64F = 1,
  CUDA_R_16F = 2,
  CUDA_R_8I = 3,
  CUDA_R_8U = 8,
  CUDA_R_32I = 10,
  CUDA_R_16BF = 14
};
using cudaDataType = cudaDataType_t;
