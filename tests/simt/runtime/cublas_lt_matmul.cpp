// Products of cuBLASLt: in parts along k that are kept apart and then added up in order.

#include <algorithm>
#include <cstring>
#include <vector>

#include "device/fault.h"
#include "runtime/cublas_lt_problem.h"
#include "runtime/cublas_work.h"
#include "runtime/runtime.h"

using simt::detail::bytes_of;
using simt::detail::Gemm;
using simt::detail::kWorkspaceAlignment;
using simt::detail::LtAlgorithm;
using simt::detail::LtProblem;
using simt::detail::Operand;
using simt::detail::Scalar;

namespace {

bool is_aligned(const void* pointer, std::uintptr_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

/// The operand from place `p` along k on; `along` is what lies between two such places.
Operand from_place(Operand operand, std::int64_t p, std::int64_t along) {
  operand.data = static_cast<const char*>(operand.data) + p * along * bytes_of(operand.element);
  return operand;
}

/// Writes the product of part `part` of `parts`, [m, n] without gaps.
void multiply_part(const Gemm& whole, std::int64_t part, std::int64_t parts, float* to) {
  const std::int64_t depth = (whole.k + parts - 1) / parts;
  const std::int64_t begin = std::min(whole.k, part * depth), end = std::min(whole.k, begin + depth);
  Gemm gemm = whole;
  gemm.a = from_place(whole.a, begin, whole.a.transposed ? 1 : whole.a.ld);
  gemm.b = from_place(whole.b, begin, whole.b.transposed ? whole.b.ld : 1);
  gemm.k = end - begin;
  gemm.alpha = 1;
  gemm.beta = 0;
  gemm.c = to;
  gemm.ldc = whole.m;
  simt::detail::multiply(gemm);
}

/// D = alpha (the sum of the parts, from `first` on) + beta C.
void add_up(const Gemm& gemm, const float* parts, std::int64_t count, std::int64_t first) {
  auto* d = static_cast<float*>(gemm.c);
  for (std::int64_t j = 0; j < gemm.n; ++j) {
    for (std::int64_t i = 0; i < gemm.m; ++i) {
      float sum = 0;
      for (std::int64_t part = 0; part < count; ++part) {
        sum += parts[((first + part) % count * gemm.n + j) * gemm.m + i];
      }
      float& to = d[i + j * gemm.ldc];
      to = gemm.beta == 0 ? gemm.alpha * sum : gemm.alpha * sum + gemm.beta * to;
    }
  }
}

void compute(const Gemm& gemm, const LtAlgorithm& algorithm, void* workspace) {
  const auto count = static_cast<std::int64_t>(algorithm.splits);
  if (algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_NONE) {
    simt::detail::multiply(gemm);
    return;
  }
  const bool in_place = algorithm.scheme == CUBLASLT_REDUCTION_SCHEME_INPLACE;
  std::vector<float> own(in_place ? static_cast<std::size_t>(count * gemm.m * gemm.n) : 0);
  float* parts = in_place ? own.data() : static_cast<float*>(workspace);
  for (std::int64_t part = 0; part < count; ++part) multiply_part(gemm, part, count, parts + part * gemm.m * gemm.n);
  // Who comes first adds first, which differs from time to time.
  static std::int64_t calls = 0;
  add_up(gemm, parts, count, in_place ? calls++ : 0);
}

/// One of the pointers of an array in device memory.
void* pointer_at(const void* array, std::int64_t index) {
  const char* at = static_cast<const char*>(array) + index * static_cast<std::int64_t>(sizeof(void*));
  simt::detail::runtime().memory.require(at, sizeof(void*), "an array of pointers to matrices");
  void* pointer = nullptr;
  std::memcpy(&pointer, at, sizeof pointer);
  return pointer;
}

void check_alignment(const Gemm& gemm, std::uintptr_t alignment) {
  for (const void* address : {gemm.a.data, gemm.b.data, static_cast<const void*>(gemm.c)}) {
    if (!is_aligned(address, alignment)) throw simt::Fault("a matrix of a batch is not aligned as the algorithm needs");
  }
}

/// Each product of a batch, with a part of the workspace of its own.
void compute_batch(const Gemm& arrays, std::int64_t batch, const LtAlgorithm& algorithm, void* workspace) {
  for (std::int64_t i = 0; i < batch; ++i) {
    Gemm gemm = arrays;
    gemm.a.data = pointer_at(arrays.a.data, i);
    gemm.b.data = pointer_at(arrays.b.data, i);
    gemm.c = pointer_at(arrays.c, i);
    check_alignment(gemm, algorithm.alignment);
    simt::detail::check_operands(gemm);
    compute(gemm, algorithm, static_cast<char*>(workspace) + i * static_cast<std::int64_t>(algorithm.workspace));
  }
}

}  // namespace

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha_pointer,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta_pointer, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* given, void* workspace, std::size_t workspace_bytes,
                              cudaStream_t stream) {
  const LtProblem problem = simt::detail::lt_problem(handle, operation, a_layout, b_layout, c_layout, d_layout);
  if (problem.status != CUBLAS_STATUS_SUCCESS) return problem.status;
  if (alpha_pointer == nullptr || beta_pointer == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (given == nullptr || c != d) return CUBLAS_STATUS_NOT_SUPPORTED;
  const std::optional<LtAlgorithm> algorithm = simt::detail::lt_algorithm(*given, problem.gemm);
  if (!algorithm || simt::detail::lt_workspace(*algorithm, problem.batch) > workspace_bytes ||
      !is_aligned(workspace, kWorkspaceAlignment)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (problem.batch > 1 && !simt::detail::lt_takes_pointer_arrays(*algorithm)) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const void* address : {a, b, static_cast<const void*>(d)}) {
    if (!is_aligned(address, problem.batch > 1 ? alignof(void*) : algorithm->alignment))
      return CUBLAS_STATUS_INVALID_VALUE;
  }
  const Scalar alpha(alpha_pointer, CUBLAS_POINTER_MODE_HOST), beta(beta_pointer, CUBLAS_POINTER_MODE_HOST);
  Gemm gemm = problem.gemm;
  gemm.a.data = a;
  gemm.b.data = b;
  gemm.c = d;
  gemm.alpha = alpha.read("alpha");
  gemm.beta = beta.read("beta");
  cublasContext context;
  context.stream = stream;
  context.workspace = workspace;
  context.workspace_bytes = workspace_bytes;
  return simt::detail::submit(context, [gemm, batch = problem.batch, found = *algorithm, workspace] {
    if (batch > 1) return compute_batch(gemm, batch, found, workspace);
    check_operands(gemm);
    compute(gemm, found, workspace);
  });
}
