#include "runtime/cublas_work.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "device/launch.h"
#include "runtime/runtime.h"

namespace simt::detail {
namespace {

constexpr std::size_t kSpoilt = 4096;

/// The library may write anything into its workspace while it computes. What lies there is lost.
void spoil_workspace(const cublasContext& context) {
  if (context.workspace == nullptr || context.workspace_bytes == 0) return;
  runtime().memory.require(context.workspace, context.workspace_bytes, "the workspace of cuBLAS");
  const std::size_t bytes = std::min(kSpoilt, context.workspace_bytes);
  char* begin = static_cast<char*>(context.workspace);
  std::memset(begin, 0xFF, bytes);
  std::memset(begin + context.workspace_bytes - bytes, 0xFF, bytes);
}

cublasStatus_t status_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CUBLAS_STATUS_SUCCESS;
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
      return CUBLAS_STATUS_INTERNAL_ERROR;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

}  // namespace

Scalar::Scalar(const void* pointer, cublasPointerMode_t mode) {
  if (mode == CUBLAS_POINTER_MODE_DEVICE) {
    device_ = pointer;
  } else {
    std::memcpy(&value_, pointer, sizeof value_);
  }
}

float Scalar::read(const char* name) const {
  if (device_ == nullptr) return value_;
  runtime().memory.require(device_, sizeof value_, name);
  float value = 0;
  std::memcpy(&value, device_, sizeof value);
  return value;
}

std::int64_t bytes_of(Element element) {
  return element == Element::f32 ? 4 : 2;
}

Span span_of(const void* data, Element element, std::int64_t rows, std::int64_t columns, std::int64_t ld) {
  if (rows == 0 || columns == 0) return {};
  return {static_cast<const char*>(data), ((columns - 1) * ld + rows) * bytes_of(element)};
}

Span span_of(const Operand& operand, std::int64_t rows, std::int64_t columns) {
  if (operand.transposed) std::swap(rows, columns);
  return span_of(operand.data, operand.element, rows, columns, operand.ld);
}

void require(const Span& span, const char* name) {
  if (span.bytes > 0) runtime().memory.require(span.begin, static_cast<std::size_t>(span.bytes), name);
}

void require_apart(const Span& result, const Span& operand, const char* names) {
  if (result.begin < operand.begin + operand.bytes && operand.begin < result.begin + result.bytes) {
    throw Fault(std::string(names) + " of a matrix product overlap");
  }
}

void check_operands(const Gemm& gemm) {
  const Span c = span_of(gemm.c, gemm.c_element, gemm.m, gemm.n, gemm.ldc);
  require(c, "C of a matrix product");
  if (gemm.alpha == 0) return;
  const Span a = span_of(gemm.a, gemm.m, gemm.k);
  const Span b = span_of(gemm.b, gemm.k, gemm.n);
  require(a, "A of a matrix product");
  require(b, "B of a matrix product");
  require_apart(c, a, "C and A");
  require_apart(c, b, "C and B");
}

bool is_operation(cublasOperation_t operation) {
  return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

bool is_element(cudaDataType type) {
  return type == CUDA_R_32F || type == CUDA_R_16BF;
}

Element element_of(cudaDataType type) {
  return type == CUDA_R_32F ? Element::f32 : Element::bf16;
}

cublasStatus_t submit(const cublasContext& context, std::function<void()> compute) {
  const Turn turn;
  Runtime& rt = runtime();
  if (rt.errors.enter(rt.machine) != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (!rt.machine.has_kernel_image) return CUBLAS_STATUS_ARCH_MISMATCH;
  const CUstream_st* stream = rt.scheduler.find(context.stream, rt.device);
  if (stream != nullptr && stream->capture != nullptr && context.workspace == nullptr) {
    ++rt.counters.default_workspace_captures;
  }
  Work work;
  work.type = cudaGraphNodeTypeKernel;
  work.cost.gemms = 1;
  work.action = [context, compute = std::move(compute)] {
    run_unless_lost([&] {
      spoil_workspace(context);
      compute();
    });
  };
  return status_of(submit(context.stream, std::move(work)));
}

}  // namespace simt::detail
