#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lacuna/backend.h"
#include "libs/cublas.h"
#include "libs/cublas_lt.h"

namespace lacuna::cuda {

/// The dense products of a plan: by cuBLAS, but for those shapes for which another algorithm was chosen.
class PlanProducts {
 public:
  using Chosen = std::map<ProductShape, std::shared_ptr<const LtProduct>>;

  /// What was chosen works on the stream of `cublas`, which must outlive this. `remarks`: on the choice, for people.
  explicit PlanProducts(const Cublas& cublas, Chosen chosen = {}, std::vector<std::string> remarks = {})
      : cublas_(cublas), chosen_(std::move(chosen)), remarks_(std::move(remarks)) {}
  /// Multiplies nothing, but puts down the shape of each product for which an algorithm could be chosen.
  PlanProducts(const Cublas& cublas, std::set<ProductShape>& shapes) : cublas_(cublas), shapes_(&shapes) {}

  Precision precision() const { return cublas_.precision(); }
  /// As Cublas::gemm_row_major.
  void gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                      const float* a, const float* b, float* c, bool accumulate = false) const;
  void gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                      const std::uint16_t* a, const std::uint16_t* b, float* c, bool accumulate = false) const;

  /// What was chosen, for BackendOptions.
  ProductAlgorithms algorithms() const;
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  template <class T>
  void multiply(const ProductShape& shape, const T* a, const T* b, float* c) const;

  const Cublas& cublas_;
  Chosen chosen_;
  std::vector<std::string> remarks_;
  std::set<ProductShape>* shapes_ = nullptr;
};

}  // namespace lacuna::cuda
