#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lacuna/backend.h"
#include "planned_products.h"

namespace lacuna::cuda {

/// How the dense products of a plan are computed: by cuBLAS, but for those shapes for which another algorithm was
/// chosen.
class PlanProducts {
 public:
  using Chosen = std::map<ProductShape, std::shared_ptr<const LtProduct>>;

  /// What was chosen works on the stream of `cublas`, which must outlive this. `remarks`: on the choice, for people.
  explicit PlanProducts(const Cublas& cublas, Chosen chosen = {}, std::vector<std::string> remarks = {})
      : cublas_(cublas), chosen_(std::move(chosen)), remarks_(std::move(remarks)) {}

  Precision precision() const { return cublas_.precision(); }
  /// The algorithm that was chosen for a product; null: cuBLAS's own choice.
  const LtProduct* chosen(const ProductShape& shape, const ProductAddresses& at) const;
  void multiply(const ProductShape& shape, const ProductAddresses& at) const;

  /// What was chosen, for BackendOptions.
  ProductAlgorithms algorithms() const;
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  const Cublas& cublas_;
  Chosen chosen_;
  std::vector<std::string> remarks_;
};

}  // namespace lacuna::cuda
