#pragma once

#include <cublasLt.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/cublas.h"

namespace lacuna::cuda {

/// A product C [m, n] = op(A) op(B), or what is added to C, as Cublas::gemm_row_major takes it.
struct ProductShape {
  Transpose transpose_a = Transpose::no, transpose_b = Transpose::no;
  std::int64_t m = 0, n = 0, k = 0;
  bool accumulate = false;

  auto operator<=>(const ProductShape&) const = default;
};
/// "nt100x196x784": op(A) and op(B), m, n, k; "+" after it where the product is added.
std::string to_string(const ProductShape& shape);

/// A product of one shape by one algorithm of cuBLASLt, float32 or bfloat16 operands as the precision says.
class LtProduct {
 public:
  /// Operands and result begin at multiples of so many bytes.
  static constexpr std::uintptr_t kAlignment = 16;

  /// What tells the algorithm from all others that are proposed for the shape: the library's numbers for its kind,
  /// tile, stages, parts along k, reduction scheme, swizzle, custom option, inner shape and cluster, as in
  /// "21.20.8.4.2.0.0.0.0".
  const std::string& algorithm() const { return algorithm_; }
  /// Parts along k that are summed up each by itself (split-K).
  int parts() const { return parts_; }
  void operator()(const void* a, const void* b, float* c) const;

 private:
  friend class CublasLt;
  friend class LtBatch;
  struct Problem;
  LtProduct(std::shared_ptr<const Problem> problem, const cublasLtMatmulAlgo_t& chosen);

  std::shared_ptr<const Problem> problem_;
  cublasLtMatmulAlgo_t chosen_;
  std::string algorithm_;
  int parts_;
};

/// Several products of one shape by one algorithm, as one call.
class LtBatch {
 public:
  /// What it needs in the call.
  std::int64_t workspace_bytes() const { return workspace_bytes_; }
  /// Arrays of the addresses of operands and results, in device memory; each matrix aligned to LtProduct::kAlignment.
  void operator()(const void* const* a, const void* const* b, float* const* c, const DeviceMemory& workspace) const;

 private:
  friend class CublasLt;
  LtBatch(std::shared_ptr<const LtProduct::Problem> problem, const cublasLtMatmulAlgo_t& chosen,
          std::int64_t workspace_bytes)
      : problem_(std::move(problem)), chosen_(chosen), workspace_bytes_(workspace_bytes) {}

  std::shared_ptr<const LtProduct::Problem> problem_;
  cublasLtMatmulAlgo_t chosen_;
  std::int64_t workspace_bytes_;
};

/// cuBLASLt on the stream and in the workspace of a Cublas, for whom products run one after another. It must outlive
/// this, and this its products.
class CublasLt {
 public:
  explicit CublasLt(const Cublas& cublas);

  const Cublas& cublas() const { return cublas_; }

  /// Products of this shape by each of up to eight algorithms that give the same bits each time, those first that
  /// cuBLASLt expects to be fast. The same ones, in the same order, on one kind of device with one version of the
  /// library.
  ///
  /// An algorithm's parts along k must lie in the workspace until all are there, to be added up in a step of their own
  /// (CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, _OUTPUT_TYPE). In place (_INPLACE) each is added to the result under a
  /// lock, and the documentation promises no order. cuBLAS documentation, "cublasLtReductionScheme_t" and "Results
  /// Reproducibility".
  std::vector<LtProduct> products(const ProductShape& shape) const;
  /// `count` products like this one, which may be another object's, as one call on this stream, their matrices found by
  /// arrays of addresses. The algorithm is the same, tile, stages and parts included; the library does not promise that
  /// this makes the same bits. None where the algorithm cannot do it, or the library is older than 12.9.
  std::optional<LtBatch> batch(const LtProduct& product, int count) const;
  /// "13.1.0"
  static std::string version();

 private:
  const Cublas& cublas_;
  Handle<cublasLtHandle_t, cublasLtDestroy> handle_;
};

}  // namespace lacuna::cuda
