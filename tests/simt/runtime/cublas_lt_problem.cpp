#include "runtime/cublas_lt_problem.h"

#include <algorithm>
#include <cstring>

#include "runtime/cublas_work.h"
#include "runtime/runtime.h"

using simt::detail::Element;
using simt::detail::LtProblem;
using simt::detail::Registry;
using simt::detail::Rounding;
using simt::detail::runtime;

namespace {

template <typename T>
cublasStatus_t create_lt(Registry<T>& registry, T** descriptor, const T& value) {
  if (descriptor == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *descriptor = registry.add(std::make_shared<T>(value));
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t destroy_lt(Registry<T>& registry, T* descriptor) {
  return registry.remove(descriptor) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

/// Copies the value of an attribute, whose size must be that of what it is kept in.
template <typename T>
cublasStatus_t assign(T& to, const void* from, std::size_t bytes) {
  if (from == nullptr || bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

bool has_shape(const cublasLtMatrixLayoutStruct& layout, std::int64_t rows, std::int64_t columns) {
  return layout.rows == rows && layout.columns == columns;
}

}  // namespace

std::size_t cublasLtGetVersion() {
  return CUBLAS_VERSION;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  const simt::detail::Turn turn;
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (runtime().errors.enter(runtime().machine) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  // The library allocates device memory for itself here.
  if (runtime().captures.refuse_unsafe() != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
  return create_lt(runtime().cublas_lt_handles, handle, {runtime().device});
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return runtime().cublas_lt_handles.remove(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create_lt(runtime().cublas_lt_operations, operation, {compute, scale});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  return destroy_lt(runtime().cublas_lt_operations, operation);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle, cublasLtMatmulDescAttributes_t attribute,
                                              const void* from, std::size_t bytes) {
  const auto operation = runtime().cublas_lt_operations.find(handle);
  if (operation == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return assign(operation->transa, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return assign(operation->transb, from, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t ld) {
  return create_lt(runtime().cublas_lt_layouts, layout,
                   {type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), ld});
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* from,
                                                std::size_t bytes) {
  const auto layout = runtime().cublas_lt_layouts.find(handle);
  if (layout == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return assign(layout->batch, from, bytes);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_MODE:
      return assign(layout->batch_mode, from, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy_lt(runtime().cublas_lt_layouts, layout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create_lt(runtime().cublas_lt_preferences, preference, {});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy_lt(runtime().cublas_lt_preferences, preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* from,
                                                    std::size_t bytes) {
  const auto preference = runtime().cublas_lt_preferences.find(handle);
  if (preference == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return assign(preference->workspace, from, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return assign(preference->schemes, from, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return assign(preference->alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], from, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

namespace simt::detail {

LtProblem lt_problem(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation_handle, cublasLtMatrixLayout_t a_handle,
                     cublasLtMatrixLayout_t b_handle, cublasLtMatrixLayout_t c_handle,
                     cublasLtMatrixLayout_t d_handle) {
  const Runtime& rt = runtime();
  const auto context = rt.cublas_lt_handles.find(handle);
  if (context == nullptr) return {CUBLAS_STATUS_NOT_INITIALIZED, {}};
  if (context->device != rt.device) return {CUBLAS_STATUS_EXECUTION_FAILED, {}};
  const auto operation = rt.cublas_lt_operations.find(operation_handle);
  const auto a = rt.cublas_lt_layouts.find(a_handle), b = rt.cublas_lt_layouts.find(b_handle),
             c = rt.cublas_lt_layouts.find(c_handle), d = rt.cublas_lt_layouts.find(d_handle);
  if (!operation || !a || !b || !c || !d) return {CUBLAS_STATUS_INVALID_VALUE, {}};
  if (!is_operation(operation->transa) || !is_operation(operation->transb)) return {CUBLAS_STATUS_INVALID_VALUE, {}};
  const bool turn_a = operation->transa != CUBLAS_OP_N, turn_b = operation->transb != CUBLAS_OP_N;
  LtProblem problem;
  Gemm& gemm = problem.gemm;
  gemm.m = c->rows;
  gemm.n = c->columns;
  gemm.k = turn_a ? a->rows : a->columns;
  if (gemm.m <= 0 || gemm.n <= 0 || gemm.k <= 0) return {CUBLAS_STATUS_INVALID_VALUE, {}};
  if (!has_shape(*a, turn_a ? gemm.k : gemm.m, turn_a ? gemm.m : gemm.k) ||
      !has_shape(*b, turn_b ? gemm.n : gemm.k, turn_b ? gemm.k : gemm.n) || !has_shape(*d, gemm.m, gemm.n)) {
    return {CUBLAS_STATUS_INVALID_VALUE, {}};
  }
  for (const auto& layout : {a, b, c, d}) {
    if (layout->ld < layout->rows || layout->batch < 1 || layout->batch != c->batch ||
        layout->batch_mode != c->batch_mode) {
      return {CUBLAS_STATUS_INVALID_VALUE, {}};
    }
  }
  if (c->batch > 1 && c->batch_mode != CUBLASLT_BATCH_MODE_POINTER_ARRAY) return {CUBLAS_STATUS_NOT_SUPPORTED, {}};
  problem.batch = c->batch;
  if (d->ld != c->ld || operation->scale != CUDA_R_32F || !is_element(a->type) || a->type != b->type ||
      c->type != CUDA_R_32F || d->type != CUDA_R_32F) {
    return {CUBLAS_STATUS_NOT_SUPPORTED, {}};
  }
  if (operation->compute == CUBLAS_COMPUTE_32F_FAST_TF32) {
    gemm.rounding = Rounding::tf32;
  } else if (operation->compute != CUBLAS_COMPUTE_32F) {
    return {CUBLAS_STATUS_NOT_SUPPORTED, {}};
  }
  const Element element = element_of(a->type);
  gemm.a = {nullptr, a->ld, turn_a, element};
  gemm.b = {nullptr, b->ld, turn_b, element};
  gemm.ldc = c->ld;
  return problem;
}

}  // namespace simt::detail
