#include <cublasLt.h>
#include <cublas_v2.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "support.h"

namespace simt_test {
namespace {

constexpr std::size_t kWorkspace = 1 << 16;

/// C [m, n] = A [m, k] B [k, n] by columns, without gaps unless told otherwise, and its descriptors.
class CublasLt : public RuntimeTest {
 protected:
  CublasLt() {
    EXPECT_EQ(cublasLtCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulPreferenceCreate(&preference_), CUBLAS_STATUS_SUCCESS);
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kWorkspace});
    workspace_ = device_floats(kWorkspace / 4);
  }

  template <typename T>
  void prefer(cublasLtMatmulPreferenceAttributes_t attribute, T value) {
    EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof value),
              CUBLAS_STATUS_SUCCESS);
  }
  void describe(int m, int n, int k, bool turn_a = false, bool turn_b = false,
                cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    ASSERT_EQ(cublasLtMatmulDescCreate(&operation_, compute, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
    const cublasOperation_t a = turn_a ? CUBLAS_OP_T : CUBLAS_OP_N, b = turn_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a);
    cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b);
    a_ = layout(turn_a ? k : m, turn_a ? m : k);
    b_ = layout(turn_b ? n : k, turn_b ? k : n);
    c_ = layout(m, n);
  }
  static cublasLtMatrixLayout_t layout(int rows, int columns, int ld = 0, cudaDataType type = CUDA_R_32F) {
    cublasLtMatrixLayout_t created = nullptr;
    EXPECT_EQ(cublasLtMatrixLayoutCreate(&created, type, rows, columns, ld > 0 ? ld : rows), CUBLAS_STATUS_SUCCESS);
    return created;
  }
  void batch_of(std::int32_t count) {
    const std::uint32_t mode = CUBLASLT_BATCH_MODE_POINTER_ARRAY;
    for (const cublasLtMatrixLayout_t each : {a_, b_, c_}) {
      EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(each, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
                CUBLAS_STATUS_SUCCESS);
      EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(each, CUBLASLT_MATRIX_LAYOUT_BATCH_MODE, &mode, sizeof mode),
                CUBLAS_STATUS_SUCCESS);
    }
  }
  std::vector<cublasLtMatmulHeuristicResult_t> proposals(int most = 16) {
    std::vector<cublasLtMatmulHeuristicResult_t> found(16);
    int count = 0;
    status_ =
        cublasLtMatmulAlgoGetHeuristic(handle_, operation_, a_, b_, c_, c_, preference_, most, found.data(), &count);
    found.resize(static_cast<std::size_t>(count));
    return found;
  }
  /// Those that can be used.
  std::vector<cublasLtMatmulAlgo_t> algorithms() {
    std::vector<cublasLtMatmulAlgo_t> usable;
    for (const auto& each : proposals()) {
      if (each.state == CUBLAS_STATUS_SUCCESS) usable.push_back(each.algo);
    }
    return usable;
  }
  template <typename T>
  static T attribute(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulAlgoConfigAttributes_t which) {
    T value{};
    std::size_t written = 0;
    EXPECT_EQ(cublasLtMatmulAlgoConfigGetAttribute(&algorithm, which, &value, sizeof value, &written),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(written, sizeof value);
    return value;
  }
  static unsigned scheme_of(const cublasLtMatmulAlgo_t& algorithm) {
    return attribute<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME);
  }
  static int splits_of(const cublasLtMatmulAlgo_t& algorithm) {
    return attribute<std::int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
  }
  cublasStatus_t multiply(float* c, const void* a, const void* b, const cublasLtMatmulAlgo_t& algorithm,
                          float alpha = 1, float beta = 0, std::size_t workspace_bytes = kWorkspace,
                          cudaStream_t stream = nullptr) {
    return cublasLtMatmul(handle_, operation_, &alpha, a, a_, b, b_, &beta, c, c_, c, c_, &algorithm, workspace_,
                          workspace_bytes, stream);
  }

  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  float* workspace_ = nullptr;
  cublasStatus_t status_ = CUBLAS_STATUS_SUCCESS;
};

/// Small integers, so that every order of adding gives the same floats; ends of parts everywhere, k = 13 in 2, 3, 4, 8.
std::vector<float> integers(int count, int seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>((i * 7 + seed) % 11 - 5);
  return values;
}

TEST_F(CublasLt, EveryAlgorithmMultiplies) {
  constexpr int m = 5, n = 3, k = 13;
  const std::vector<float> a = integers(m * k, 1), b = integers(k * n, 4), before = integers(m * n, 9);
  for (const auto& [turn_a, turn_b] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
    describe(m, n, k, turn_a, turn_b);
    ASSERT_EQ(algorithms().size(), 7U);
    for (const cublasLtMatmulAlgo_t& algorithm : algorithms()) {
      float* c = to_device(before);
      ASSERT_EQ(multiply(c, to_device(a), to_device(b), algorithm, 2, -1), CUBLAS_STATUS_SUCCESS);
      const std::vector<float> found = from_device(c, m * n);
      for (int j = 0; j < n; ++j) {
        for (int i = 0; i < m; ++i) {
          float sum = 0;
          for (int p = 0; p < k; ++p) {
            sum += a[static_cast<std::size_t>(turn_a ? p + i * k : i + p * m)] *
                   b[static_cast<std::size_t>(turn_b ? j + p * n : p + j * k)];
          }
          const auto at = static_cast<std::size_t>(i + j * m);
          EXPECT_EQ(found[at], 2 * sum - before[at]) << splits_of(algorithm) << " parts";
        }
      }
    }
  }
}

/// Of two products, whose matrices lie anywhere: the bits of each alone, by the algorithms that take arrays of
/// addresses.
TEST_F(CublasLt, BatchesByArraysOfAddresses) {
  constexpr int m = 4, n = 4, k = 12;
  describe(m, n, k);
  const std::vector<cublasLtMatmulAlgo_t> usable = algorithms();
  const float* a[2] = {to_device(integers(m * k, 1)), to_device(integers(m * k, 2))};
  const float* b[2] = {to_device(integers(k * n, 3)), to_device(integers(k * n, 4))};
  std::vector<std::vector<float>> alone;
  for (int i = 0; i < 2; ++i) {
    float* c = device_floats(m * n, kNaN);
    ASSERT_EQ(multiply(c, a[i], b[i], usable.front()), CUBLAS_STATUS_SUCCESS);
    alone.push_back(from_device(c, m * n));
  }
  batch_of(2);
  int taken = 0;
  for (const cublasLtMatmulAlgo_t& algorithm : usable) {
    float* c[2] = {device_floats(m * n, kNaN), device_floats(m * n, kNaN)};
    void* addresses = nullptr;
    ASSERT_EQ(cudaMalloc(&addresses, 6 * sizeof(void*)), cudaSuccess);
    const void* all[6] = {a[0], a[1], b[0], b[1], c[0], c[1]};
    cudaMemcpy(addresses, all, sizeof all, cudaMemcpyHostToDevice);
    auto* at = static_cast<void**>(addresses);
    std::int32_t takes = 0;
    std::size_t written = 0;
    EXPECT_EQ(cublasLtMatmulAlgoCapGetAttribute(&algorithm, CUBLASLT_ALGO_CAP_POINTER_ARRAY_BATCH_SUPPORT, &takes,
                                                sizeof takes, &written),
              CUBLAS_STATUS_SUCCESS);
    const float one = 1, zero = 0;
    const auto status = cublasLtMatmul(handle_, operation_, &one, at, a_, at + 2, b_, &zero, at + 4, c_, at + 4, c_,
                                       &algorithm, workspace_, kWorkspace, nullptr);
    cublasLtMatmulHeuristicResult_t needs{};
    EXPECT_EQ(status, cublasLtMatmulAlgoCheck(handle_, operation_, a_, b_, c_, c_, &algorithm, &needs));
    EXPECT_EQ(status, takes != 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED);
    if (status == CUBLAS_STATUS_SUCCESS) {
      ++taken;
      EXPECT_EQ(from_device(c[0], m * n), alone[0]);
      EXPECT_EQ(from_device(c[1], m * n), alone[1]);
    }
    if (splits_of(algorithm) == 4 && scheme_of(algorithm) == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) {
      EXPECT_EQ(needs.workspaceSize, 2U * 4 * m * n * sizeof(float));
    }
    cudaFree(addresses);
  }
  EXPECT_EQ(taken, static_cast<int>(usable.size()) - 1) << "all but that of 8 parts";
}

TEST_F(CublasLt, BatchesThatDoNotFitAreRefused) {
  describe(4, 4, 12);
  const cublasLtMatmulAlgo_t algorithm = algorithms().front();
  cublasLtMatmulHeuristicResult_t needs{};
  const auto check = [&] { return cublasLtMatmulAlgoCheck(handle_, operation_, a_, b_, c_, c_, &algorithm, &needs); };
  const std::int32_t two = 2;
  cublasLtMatrixLayoutSetAttribute(a_, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &two, sizeof two);
  EXPECT_EQ(check(), CUBLAS_STATUS_INVALID_VALUE) << "of two As and one B";
  cublasLtMatrixLayoutSetAttribute(b_, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &two, sizeof two);
  cublasLtMatrixLayoutSetAttribute(c_, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &two, sizeof two);
  EXPECT_EQ(check(), CUBLAS_STATUS_NOT_SUPPORTED) << "strides";
  batch_of(2);
  EXPECT_EQ(check(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(a_, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &two, 8),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(nullptr, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &two, sizeof two),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, WithoutBetaTheResultIsNotRead) {
  describe(1, 1, 4);
  const float* ones = device_floats(4, 1);
  for (const cublasLtMatmulAlgo_t& algorithm : algorithms()) {
    float* c = device_floats(1, kNaN);
    ASSERT_EQ(multiply(c, ones, ones, algorithm), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(first_of(c), 4);
  }
}

/// 2^24 takes up no 1: what a part adds up to by itself survives, what is added one by one does not.
TEST_F(CublasLt, PartsAreSumsOfTheirOwn) {
  describe(1, 1, 8);
  const float* a = to_device({0x1p24F, 0, 1, 1, 1, 1, 1, 1});
  const float* ones = device_floats(8, 1);
  float* c = device_floats(1);
  for (const cublasLtMatmulAlgo_t& algorithm : algorithms()) {
    if (scheme_of(algorithm) == CUBLASLT_REDUCTION_SCHEME_INPLACE) continue;
    ASSERT_EQ(multiply(c, a, ones, algorithm), CUBLAS_STATUS_SUCCESS);
    const int splits = splits_of(algorithm);
    EXPECT_EQ(first_of(c) - 0x1p24F, splits == 1 || splits == 8 ? 0 : splits == 2 ? 4 : 6) << splits;
  }
}

TEST_F(CublasLt, OnlyWhatIsAddedUpInPlaceChangesFromCallToCall) {
  describe(1, 1, 8);
  const float* a = to_device({0x1p24F, 0, 1, 0, 1, 0, 1, 0});
  const float* ones = device_floats(8, 1);
  float* c = device_floats(1);
  for (const cublasLtMatmulAlgo_t& algorithm : algorithms()) {
    std::vector<float> found;
    for (int i = 0; i < 8; ++i) {
      ASSERT_EQ(multiply(c, a, ones, algorithm), CUBLAS_STATUS_SUCCESS);
      found.push_back(first_of(c));
    }
    const bool same = std::equal(found.begin() + 1, found.end(), found.begin());
    EXPECT_EQ(same, scheme_of(algorithm) != CUBLASLT_REDUCTION_SCHEME_INPLACE);
  }
}

TEST_F(CublasLt, ProposesWhatThePreferenceAllows) {
  describe(4, 4, 100);
  const auto schemes = [&] {
    std::vector<unsigned> found;
    for (const auto& algorithm : algorithms()) found.push_back(scheme_of(algorithm));
    return found;
  };
  using testing::ElementsAre;
  EXPECT_THAT(schemes(), ElementsAre(0, 1, 2, 4, 2, 2, 0));
  EXPECT_EQ(proposals().size(), 8U);
  EXPECT_EQ(proposals()[1].state, CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(proposals(3).size(), 3U);
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  EXPECT_THAT(schemes(), ElementsAre(0, 2, 2, 2, 0));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t{16});
  EXPECT_THAT(schemes(), ElementsAre(0, 2, 2, 0));
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{4 * 4 * 4 * 4});
  EXPECT_THAT(schemes(), ElementsAre(0, 2, 0)) << "four parts of 4 x 4";
  EXPECT_EQ(proposals()[2].workspaceSize, 256U);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t{2});
  EXPECT_THAT(schemes(), ElementsAre());
  EXPECT_EQ(status_, CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(proposals(0).size() + status_, 0U + CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, TakesOnlyAlgorithmsThatItGaveOutForThisProblem) {
  describe(2, 2, 8);
  const float* a = device_floats(16, 1);
  float* c = device_floats(4);
  const std::vector<cublasLtMatmulAlgo_t> own = algorithms();
  EXPECT_EQ(multiply(c, a, a, {}), CUBLAS_STATUS_INVALID_VALUE);
  cublasLtMatmulAlgo_t changed = own[2];
  changed.data[2] = 2;
  EXPECT_EQ(multiply(c, a, a, changed), CUBLAS_STATUS_INVALID_VALUE);
  describe(2, 2, 4);
  EXPECT_EQ(multiply(c, a, a, own[0]), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(simt::counters().gemms, 0U);
}

TEST_F(CublasLt, WantsItsWorkspaceAndItsAlignment) {
  describe(2, 2, 8);
  const float* a = device_floats(80, 1);
  float* c = device_floats(4);
  const auto with_splits = [&](int splits) {
    for (const auto& algorithm : algorithms()) {
      if (splits_of(algorithm) == splits && scheme_of(algorithm) != CUBLASLT_REDUCTION_SCHEME_INPLACE) return algorithm;
    }
    return cublasLtMatmulAlgo_t{};
  };
  EXPECT_EQ(multiply(c, a, a, with_splits(2), 1, 0, 31), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(c, a, a, with_splits(2), 1, 0, 32), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(c, a + 4, a, with_splits(2)), CUBLAS_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(from_device(workspace_, 16)[15])) << "whatever lay in the workspace is lost";
  EXPECT_EQ(multiply(c, a + 1, a, with_splits(2)), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(c, a, a + 1, with_splits(8)), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(c, a, a + 4, with_splits(3)), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(c, a, a + 64, with_splits(3)), CUBLAS_STATUS_SUCCESS);
  workspace_ += 32;
  EXPECT_EQ(multiply(c, a, a, with_splits(2), 1, 0, 256), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, ChecksItsDescriptors) {
  describe(2, 3, 4);
  const auto status_with = [&](cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c) {
    const auto kept = std::tuple{a_, b_, c_};
    a_ = a;
    b_ = b;
    c_ = c;
    proposals();
    std::tie(a_, b_, c_) = kept;
    return status_;
  };
  EXPECT_EQ(status_with(a_, b_, c_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(status_with(layout(2, 4, 9), layout(4, 3, 5), layout(2, 3, 4)), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(status_with(layout(3, 4), b_, c_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(a_, layout(5, 3), c_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(a_, b_, layout(2, 4)), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(layout(2, 4, 1), b_, c_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(a_, layout(4, 3, 3), c_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(a_, b_, nullptr), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(status_with(layout(2, 4, 2, CUDA_R_16BF), b_, c_), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(status_with(a_, b_, layout(2, 3, 2, CUDA_R_16BF)), CUBLAS_STATUS_NOT_SUPPORTED);
  describe(2, 3, 4, false, false, CUBLAS_COMPUTE_32F_FAST_16BF);
  EXPECT_EQ(status_with(a_, b_, c_), CUBLAS_STATUS_NOT_SUPPORTED);
  const std::uint64_t wide = 1;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA, &wide, sizeof wide),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(
      cublasLtMatmulPreferenceSetAttribute(preference_, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &wide, sizeof wide),
      CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RoundsAsTheComputeTypeAndTheOperandsSay) {
  const float fine = 1.0F + 0x1p-12F;
  const float* a = device_floats(1, fine);
  const float* one = device_floats(1, 1);
  float* c = device_floats(1);
  describe(1, 1, 1, false, false, CUBLAS_COMPUTE_32F_FAST_TF32);
  ASSERT_EQ(multiply(c, a, one, algorithms()[0]), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), 1);
  describe(1, 1, 1);
  ASSERT_EQ(multiply(c, a, one, algorithms()[0]), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), fine);

  const std::uint16_t values[] = {0x3F80, 0x4000, 0x4040, 0x4080};  // 1 2 3 4
  std::uint16_t* narrow = nullptr;
  ASSERT_EQ(cudaMalloc(&narrow, sizeof values), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(narrow, values, sizeof values, cudaMemcpyHostToDevice), cudaSuccess);
  describe(1, 1, 4);
  a_ = layout(1, 4, 1, CUDA_R_16BF);
  b_ = layout(4, 1, 4, CUDA_R_16BF);
  for (const cublasLtMatmulAlgo_t& algorithm : algorithms()) {
    ASSERT_EQ(multiply(c, narrow, narrow, algorithm), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(first_of(c), 30);
  }
}

TEST_F(CublasLt, IsCapturedAndCounted) {
  describe(2, 2, 8);
  const float* a = device_floats(16, 1);
  float* c = device_floats(4);
  const cudaStream_t stream = new_stream();
  const cublasLtMatmulAlgo_t algorithm = algorithms()[2];
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
  EXPECT_EQ(multiply(c, a, a, algorithm, 1, 0, kWorkspace, stream), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(first_of(c), 0);
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(first_of(c), 8);
  EXPECT_EQ(simt::counters().gemms, 2U);
  EXPECT_EQ(simt::counters().default_workspace_captures, 0U);
}

TEST_F(CublasLt, NamesTheOperandThatIsNotThere) {
  describe(2, 2, 8);
  const float* a = device_floats(15, 1);
  const float* b = device_floats(16, 1);
  float* c = device_floats(4);
  const auto fault_of = [](const auto& action) -> std::string {
    try {
      action();
    } catch (const simt::Fault& fault) {
      return fault.what();
    }
    return "no fault";
  };
  EXPECT_EQ(fault_of([&] { multiply(c, a, b, algorithms()[2]); }),
            "A of a matrix product takes 64 bytes where its allocation has 60 left");
  EXPECT_EQ(fault_of([&] { multiply(c, b, b, algorithms()[2], 1, 0, 2 * kWorkspace); }),
            "the workspace of cuBLAS takes 131072 bytes where its allocation has 65536 left");
}

TEST_F(CublasLt, FailsWhereTheDeviceDoesAndLeavesNothingBehind) {
  EXPECT_EQ(cublasLtGetVersion(), 130100U);
  EXPECT_EQ(simt::live().cublas_lt_handles, 1U);
  EXPECT_EQ(simt::live().cublas_lt_descriptors, 1U);
  describe(2, 2, 8);
  EXPECT_EQ(simt::live().cublas_lt_descriptors, 5U);
  const float* a = device_floats(16, 1);
  float* c = device_floats(4);
  const cublasLtMatmulAlgo_t algorithm = algorithms()[0];
  simt::set_machine({.has_kernel_image = false});
  EXPECT_EQ(multiply(c, a, a, algorithm), CUBLAS_STATUS_ARCH_MISMATCH);
  simt::set_machine({.devices = 2});
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(multiply(c, a, a, algorithm), CUBLAS_STATUS_EXECUTION_FAILED) << "the handle is another device's";
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cublasLtMatmulDescDestroy(operation_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(c, a, a, algorithm), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatrixLayoutDestroy(a_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtMatrixLayoutDestroy(a_), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatmulPreferenceDestroy(preference_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(simt::live().cublas_lt_descriptors, 2U);
  EXPECT_EQ(cublasLtDestroy(handle_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtDestroy(handle_), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(multiply(c, a, a, algorithm), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_FALSE(simt::live().nothing());
}

}  // namespace
}  // namespace simt_test
