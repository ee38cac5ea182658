#include "libs/cublas_lt.h"

#include <fmt/format.h>

#include <algorithm>

namespace lacuna::cuda {

namespace {

using Operation = Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

constexpr int kMostProposals = 8;
constexpr std::uint32_t kInOrder = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;

Operation operation_of(Precision precision, Transpose first, Transpose second) {
  cublasLtMatmulDesc_t created = nullptr;
  LACUNA_CUBLAS(cublasLtMatmulDescCreate(
      &created, precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
  Operation owner(created);
  const auto turn = [&](cublasLtMatmulDescAttributes_t which, Transpose transpose) {
    const cublasOperation_t value = transpose == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
    LACUNA_CUBLAS(cublasLtMatmulDescSetAttribute(created, which, &value, sizeof value));
  };
  turn(CUBLASLT_MATMUL_DESC_TRANSA, first);
  turn(CUBLASLT_MATMUL_DESC_TRANSB, second);
  return owner;
}

/// Of a row-major matrix of so many rows and columns: read column by column, it is its transpose.
Layout layout_of(cudaDataType type, std::int64_t rows, std::int64_t columns) {
  cublasLtMatrixLayout_t created = nullptr;
  LACUNA_CUBLAS(cublasLtMatrixLayoutCreate(&created, type, static_cast<std::uint64_t>(columns),
                                           static_cast<std::uint64_t>(rows), columns));
  return Layout(created);
}

#if CUBLAS_VERSION >= 120900
/// Of so many matrices, found by an array of addresses.
void find_by_addresses(const Layout& layout, std::int32_t count) {
  const std::uint32_t mode = CUBLASLT_BATCH_MODE_POINTER_ARRAY;
  LACUNA_CUBLAS(
      cublasLtMatrixLayoutSetAttribute(layout.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  LACUNA_CUBLAS(cublasLtMatrixLayoutSetAttribute(layout.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_MODE, &mode, sizeof mode));
}

bool takes_batches(const cublasLtMatmulAlgo_t& algorithm) {
  std::int32_t takes = 0;
  std::size_t written = 0;
  LACUNA_CUBLAS(cublasLtMatmulAlgoCapGetAttribute(&algorithm, CUBLASLT_ALGO_CAP_POINTER_ARRAY_BATCH_SUPPORT, &takes,
                                                  sizeof takes, &written));
  return takes != 0;
}
#endif

template <class T>
void prefer(const Preference& preference, cublasLtMatmulPreferenceAttributes_t which, T value) {
  LACUNA_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference.get(), which, &value, sizeof value));
}

Preference preference_of(std::int64_t workspace_bytes) {
  cublasLtMatmulPreference_t created = nullptr;
  LACUNA_CUBLAS(cublasLtMatmulPreferenceCreate(&created));
  Preference owner(created);
  prefer(owner, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace_bytes));
  prefer(owner, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kInOrder);
  for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                           CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    prefer(owner, which, static_cast<std::uint32_t>(LtProduct::kAlignment));
  return owner;
}

template <class T>
T attribute(const cublasLtMatmulAlgo_t& of, cublasLtMatmulAlgoConfigAttributes_t which) {
  T value{};
  std::size_t written = 0;
  LACUNA_CUBLAS(cublasLtMatmulAlgoConfigGetAttribute(&of, which, &value, sizeof value, &written));
  return value;
}

std::uint32_t reduction_scheme(const cublasLtMatmulAlgo_t& of) {
  return attribute<std::uint32_t>(of, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME);
}

std::string name_of(const cublasLtMatmulAlgo_t& of) {
  return fmt::format("{}.{}.{}.{}.{}.{}.{}.{}.{}", attribute<std::int32_t>(of, CUBLASLT_ALGO_CONFIG_ID),
                     attribute<std::uint32_t>(of, CUBLASLT_ALGO_CONFIG_TILE_ID),
                     attribute<std::uint32_t>(of, CUBLASLT_ALGO_CONFIG_STAGES_ID),
                     attribute<std::int32_t>(of, CUBLASLT_ALGO_CONFIG_SPLITK_NUM), reduction_scheme(of),
                     attribute<std::uint32_t>(of, CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING),
                     attribute<std::uint32_t>(of, CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION),
                     attribute<std::uint16_t>(of, CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID),
                     attribute<std::uint16_t>(of, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID));
}

}  // namespace

std::string to_string(const ProductShape& s) {
  const auto letter = [](Transpose transpose) { return transpose == Transpose::yes ? 't' : 'n'; };
  return fmt::format("{}{}{}x{}x{}{}", letter(s.transpose_a), letter(s.transpose_b), s.m, s.n, s.k,
                     s.accumulate ? "+" : "");
}

/// As in Cublas::gemm_row_major, Cᵀ = op(B)ᵀ op(A)ᵀ is what the library computes.
struct LtProduct::Problem {
  Problem(cublasLtHandle_t lt, const Cublas& user, const ProductShape& s)
      : handle(lt),
        cublas(user),
        shape(s),
        beta(s.accumulate ? 1.0f : 0.0f),
        operation(operation_of(user.precision(), s.transpose_b, s.transpose_a)) {
    const cudaDataType type = cublas.precision() == Precision::bf16 ? CUDA_R_16BF : CUDA_R_32F;
    a = s.transpose_a == Transpose::yes ? layout_of(type, s.k, s.m) : layout_of(type, s.m, s.k);
    b = s.transpose_b == Transpose::yes ? layout_of(type, s.n, s.k) : layout_of(type, s.k, s.n);
    c = layout_of(CUDA_R_32F, s.m, s.n);
  }

  /// Of one product, or of a batch whose matrices are found by arrays of addresses.
  void multiply(const void* first, const void* second, void* result, const cublasLtMatmulAlgo_t& algorithm,
                const DeviceMemory& workspace) const {
    const float one = 1;
    LACUNA_CUBLAS(cublasLtMatmul(handle, operation.get(), &one, second, b.get(), first, a.get(), &beta, result, c.get(),
                                 result, c.get(), &algorithm, workspace.get(),
                                 static_cast<std::size_t>(workspace.bytes()), cublas.stream()));
  }

  cublasLtHandle_t handle;
  const Cublas& cublas;
  ProductShape shape;
  float beta;
  Operation operation;
  Layout a, b, c;
};

LtProduct::LtProduct(std::shared_ptr<const Problem> problem, const cublasLtMatmulAlgo_t& chosen)
    : problem_(std::move(problem)),
      chosen_(chosen),
      algorithm_(name_of(chosen)),
      parts_(attribute<std::int32_t>(chosen, CUBLASLT_ALGO_CONFIG_SPLITK_NUM)) {}

void LtProduct::operator()(const void* a, const void* b, float* c) const {
  problem_->multiply(a, b, c, chosen_, problem_->cublas.workspace());
}

void LtBatch::operator()(const void* const* a, const void* const* b, float* const* c,
                         const DeviceMemory& workspace) const {
  problem_->multiply(a, b, const_cast<float**>(c), chosen_, workspace);
}

CublasLt::CublasLt(const Cublas& cublas) : cublas_(cublas) {
  cublasLtHandle_t handle = nullptr;
  LACUNA_CUBLAS(cublasLtCreate(&handle));
  handle_ = Handle<cublasLtHandle_t, cublasLtDestroy>(handle);
}

std::vector<LtProduct> CublasLt::products(const ProductShape& shape) const {
  const auto problem = std::make_shared<const LtProduct::Problem>(handle_.get(), cublas_, shape);
  const Preference preference = preference_of(cublas_.workspace().bytes());
  std::vector<cublasLtMatmulHeuristicResult_t> proposals(kMostProposals);
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      handle_.get(), problem->operation.get(), problem->b.get(), problem->a.get(), problem->c.get(), problem->c.get(),
      preference.get(), kMostProposals, proposals.data(), &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return {};  // it has none
  check(status, "cublasLtMatmulAlgoGetHeuristic", __FILE__, __LINE__);
  proposals.resize(static_cast<std::size_t>(count));
  std::vector<LtProduct> products;
  for (const cublasLtMatmulHeuristicResult_t& proposal : proposals) {
    if (proposal.state != CUBLAS_STATUS_SUCCESS) continue;
    const std::uint32_t scheme = reduction_scheme(proposal.algo);
    if (scheme != CUBLASLT_REDUCTION_SCHEME_NONE && (scheme & kInOrder) == 0) continue;
    LtProduct product(problem, proposal.algo);
    const auto is_same = [&](const LtProduct& other) { return other.algorithm() == product.algorithm(); };
    if (std::ranges::none_of(products, is_same)) products.push_back(std::move(product));
  }
  return products;
}

#if CUBLAS_VERSION >= 120900
std::optional<LtBatch> CublasLt::batch(const LtProduct& product, int count) const {
  if (!takes_batches(product.chosen_)) return std::nullopt;
  const auto problem = std::make_shared<LtProduct::Problem>(handle_.get(), cublas_, product.problem_->shape);
  for (const Layout* layout : {&problem->a, &problem->b, &problem->c}) find_by_addresses(*layout, count);
  cublasLtMatmulHeuristicResult_t needs{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(handle_.get(), problem->operation.get(), problem->b.get(), problem->a.get(),
                              problem->c.get(), problem->c.get(), &product.chosen_, &needs);
  if (status != CUBLAS_STATUS_SUCCESS) return std::nullopt;
  return LtBatch(problem, product.chosen_, static_cast<std::int64_t>(needs.workspaceSize));
}
#else
std::optional<LtBatch> CublasLt::batch(const LtProduct&, int) const {
  return std::nullopt;
}
#endif

std::string CublasLt::version() {
  const std::size_t version = cublasLtGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace lacuna::cuda
