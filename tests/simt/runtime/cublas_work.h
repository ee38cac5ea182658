#pragma once

#include <functional>

#include "runtime/cublas_handle.h"
#include "runtime/gemm.h"

namespace simt::detail {

/// A factor of a product: in host memory it is read by the call, in device memory when the work runs.
class Scalar {
 public:
  Scalar(const void* pointer, cublasPointerMode_t mode);
  float read(const char* name) const;

 private:
  const void* device_ = nullptr;
  float value_ = 0;
};

/// The bytes from the first to the last element of a stored matrix; none if it has no element.
struct Span {
  const char* begin = nullptr;
  std::int64_t bytes = 0;
};

std::int64_t bytes_of(Element element);
Span span_of(const void* data, Element element, std::int64_t rows, std::int64_t columns, std::int64_t ld);
/// Of the operand that is rows x columns after its transposition.
Span span_of(const Operand& operand, std::int64_t rows, std::int64_t columns);
/// Both throw Fault.
void require(const Span& span, const char* name);
void require_apart(const Span& result, const Span& operand, const char* names);
/// What a product reads is there, what it writes is there and apart from that; or throws Fault.
void check_operands(const Gemm& gemm);

bool is_operation(cublasOperation_t operation);
/// A type of which there are products, and what it is.
bool is_element(cudaDataType type);
Element element_of(cudaDataType type);

/// Puts a computation into the handle's stream.
cublasStatus_t submit(const cublasContext& context, std::function<void()> compute);

}  // namespace simt::detail
