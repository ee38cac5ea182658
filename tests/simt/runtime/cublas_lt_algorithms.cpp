// Which algorithms cuBLASLt proposes, and what can be asked of them.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "runtime/cublas_lt_problem.h"
#include "runtime/runtime.h"

using simt::detail::Gemm;
using simt::detail::LtAlgorithm;
using simt::detail::LtProblem;
using simt::detail::runtime;

namespace {

constexpr std::uint64_t kCounters = 4096;

/// The fastest first, as far as anybody could know.
constexpr LtAlgorithm kAlgorithms[] = {
    {1, 20, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 16, 0},
    {2, 18, 4, CUBLASLT_REDUCTION_SCHEME_INPLACE, 4, kCounters},
    {1, 20, 4, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 16, 0},
    {1, 20, 2, CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE, 16, 0},
    {3, 15, 8, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 4, 0},
    {4, 24, 3, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 256, 0},
    {1, 20, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 16, 0},
};

bool is_staged(const LtAlgorithm& algorithm) {
  return algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE ||
         algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
}

LtAlgorithm for_problem(LtAlgorithm algorithm, const Gemm& gemm) {
  if (is_staged(algorithm)) algorithm.workspace = algorithm.splits * static_cast<std::uint64_t>(gemm.m * gemm.n) * 4;
  return algorithm;
}

/// Whatever somebody makes up, or takes over from another problem, has another seal.
std::uint64_t seal_of(const LtAlgorithm& algorithm, const Gemm& gemm) {
  const std::uint64_t parts[] = {algorithm.id,
                                 algorithm.tile,
                                 algorithm.splits,
                                 algorithm.scheme,
                                 algorithm.alignment,
                                 algorithm.workspace,
                                 static_cast<std::uint64_t>(gemm.m),
                                 static_cast<std::uint64_t>(gemm.n),
                                 static_cast<std::uint64_t>(gemm.k),
                                 static_cast<std::uint64_t>(gemm.a.ld),
                                 static_cast<std::uint64_t>(gemm.b.ld),
                                 static_cast<std::uint64_t>(gemm.ldc),
                                 static_cast<std::uint64_t>(gemm.a.element),
                                 static_cast<std::uint64_t>(gemm.rounding),
                                 gemm.a.transposed,
                                 gemm.b.transposed};
  std::uint64_t seal = 0xCBF29CE484222325;  // FNV-1a
  for (const std::uint64_t part : parts) {
    for (int shift = 0; shift < 64; shift += 8) seal = (seal ^ (part >> shift & 0xFF)) * 0x100000001B3;
  }
  return seal;
}

cublasLtMatmulAlgo_t written(const LtAlgorithm& a, const Gemm& gemm) {
  return {{a.id, a.tile, a.splits, a.scheme, a.alignment, a.workspace, 0, seal_of(a, gemm)}};
}

LtAlgorithm read(const cublasLtMatmulAlgo_t& algorithm) {
  const auto& d = algorithm.data;
  return {d[0], d[1], d[2], d[3], d[4], d[5]};
}

bool fits(const LtAlgorithm& algorithm, const Gemm& gemm, const cublasLtMatmulPreferenceStruct& preference) {
  return algorithm.splits <= static_cast<std::uint64_t>(gemm.k) && algorithm.workspace <= preference.workspace &&
         (algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_NONE || (algorithm.scheme & preference.schemes) != 0) &&
         std::all_of(std::begin(preference.alignments), std::end(preference.alignments),
                     [&](std::uint32_t bytes) { return algorithm.alignment <= bytes; });
}

template <typename T>
cublasStatus_t give(T value, void* to, std::size_t bytes, std::size_t* written_bytes) {
  if (to == nullptr || bytes != sizeof value) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(to, &value, bytes);
  if (written_bytes != nullptr) *written_bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

namespace simt::detail {

std::optional<LtAlgorithm> lt_algorithm(const cublasLtMatmulAlgo_t& algorithm, const Gemm& problem) {
  const LtAlgorithm found = read(algorithm);
  if (algorithm.data[7] != seal_of(found, problem)) return std::nullopt;
  return found;
}

std::uint64_t lt_workspace(const LtAlgorithm& algorithm, std::int64_t batch) {
  return algorithm.workspace * static_cast<std::uint64_t>(batch);
}

bool lt_takes_pointer_arrays(const LtAlgorithm& algorithm) {
  return algorithm.splits < 8;
}

}  // namespace simt::detail

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference_handle, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* count) {
  const LtProblem problem = simt::detail::lt_problem(handle, operation, a, b, c, d);
  if (problem.status != CUBLAS_STATUS_SUCCESS) return problem.status;
  const auto preference = runtime().cublas_lt_preferences.find(preference_handle);
  if (preference == nullptr || requested <= 0 || results == nullptr || count == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  *count = 0;
  const auto add = [&](const LtAlgorithm& algorithm, cublasStatus_t state) {
    if (*count == requested) return;
    cublasLtMatmulHeuristicResult_t result{};
    if (state == CUBLAS_STATUS_SUCCESS) result.algo = written(algorithm, problem.gemm);
    result.workspaceSize = algorithm.workspace;
    result.state = state;
    result.wavesCount = 1;
    results[(*count)++] = result;
  };
  for (const LtAlgorithm& each : kAlgorithms) {
    const LtAlgorithm algorithm = for_problem(each, problem.gemm);
    if (!fits(algorithm, problem.gemm, *preference)) continue;
    add(algorithm, CUBLAS_STATUS_SUCCESS);
    if (*count == 1) add({}, CUBLAS_STATUS_NOT_SUPPORTED);
  }
  return *count > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, void* to,
                                                    std::size_t bytes, std::size_t* written_bytes) {
  if (algorithm == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const LtAlgorithm found = read(*algorithm);
  switch (attribute) {
    case CUBLASLT_ALGO_CONFIG_ID:
      return give(static_cast<std::int32_t>(found.id), to, bytes, written_bytes);
    case CUBLASLT_ALGO_CONFIG_TILE_ID:
      return give(static_cast<std::uint32_t>(found.tile), to, bytes, written_bytes);
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM:
      return give(static_cast<std::int32_t>(found.splits), to, bytes, written_bytes);
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME:
      return give(static_cast<std::uint32_t>(found.scheme), to, bytes, written_bytes);
    case CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING:
    case CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION:
    case CUBLASLT_ALGO_CONFIG_STAGES_ID:
      return give(std::uint32_t{0}, to, bytes, written_bytes);
    case CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID:
    case CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID:
      return give(std::uint16_t{0}, to, bytes, written_bytes);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t cublasLtMatmulAlgoCapGetAttribute(const cublasLtMatmulAlgo_t* algorithm,
                                                 cublasLtMatmulAlgoCapAttributes_t attribute, void* to,
                                                 std::size_t bytes, std::size_t* written_bytes) {
  if (algorithm == nullptr || attribute != CUBLASLT_ALGO_CAP_POINTER_ARRAY_BATCH_SUPPORT) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool takes = simt::detail::lt_takes_pointer_arrays(read(*algorithm));
  return give(static_cast<std::int32_t>(takes), to, bytes, written_bytes);
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* given,
                                       cublasLtMatmulHeuristicResult_t* result) {
  const LtProblem problem = simt::detail::lt_problem(handle, operation, a, b, c, d);
  if (problem.status != CUBLAS_STATUS_SUCCESS) return problem.status;
  if (given == nullptr || result == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const std::optional<LtAlgorithm> algorithm = simt::detail::lt_algorithm(*given, problem.gemm);
  if (!algorithm) return CUBLAS_STATUS_INVALID_VALUE;
  if (problem.batch > 1 && !simt::detail::lt_takes_pointer_arrays(*algorithm)) return CUBLAS_STATUS_NOT_SUPPORTED;
  result->workspaceSize = simt::detail::lt_workspace(*algorithm, problem.batch);
  result->state = CUBLAS_STATUS_SUCCESS;
  result->wavesCount = 1;
  return CUBLAS_STATUS_SUCCESS;
}
