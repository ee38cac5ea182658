#pragma once

#include <cstdint>
#include <optional>

#include "runtime/cublas_lt_api.h"
#include "runtime/gemm.h"

struct cublasLtContext {
  int device = 0;
};

struct cublasLtMatmulDescStruct {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType_t scale = CUDA_R_32F;
  cublasOperation_t transa = CUBLAS_OP_N, transb = CUBLAS_OP_N;
};

struct cublasLtMatrixLayoutStruct {
  cudaDataType type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0, ld = 0;
  std::int32_t batch = 1;
  std::uint32_t batch_mode = CUBLASLT_BATCH_MODE_STRIDED;
};

struct cublasLtMatmulPreferenceStruct {
  std::uint64_t workspace = 0;
  std::uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t alignments[4] = {256, 256, 256, 256};  ///< of A, B, C, D
};

namespace simt::detail {

/// A product as its descriptors say, without addresses and factors; or what is wrong with them.
struct LtProblem {
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  Gemm gemm;
  std::int64_t batch = 1;  ///< products, of matrices found by arrays of pointers where there are several
};
LtProblem lt_problem(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
                     cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d);

/// How a product is computed.
struct LtAlgorithm {
  std::uint64_t id, tile, splits, scheme;
  std::uint64_t alignment;  ///< of all addresses
  std::uint64_t workspace;
};
/// What the heuristic gave out for this product; nothing if it did not. The workspace is that of one product.
std::optional<LtAlgorithm> lt_algorithm(const cublasLtMatmulAlgo_t& algorithm, const Gemm& problem);

/// Bytes of workspace for a batch.
std::uint64_t lt_workspace(const LtAlgorithm& algorithm, std::int64_t batch);
bool lt_takes_pointer_arrays(const LtAlgorithm& algorithm);

}  // namespace simt::detail
