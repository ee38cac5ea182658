// Every algorithm that cuBLASLt proposes for a product against sums in double, and against itself: on the emulator, and
// on a device, where their last bits show.

#include <cuda_runtime_api.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "lacuna/math/bf16.h"
#include "libs/cublas_lt.h"
#include "parity/comparison.h"
#include "runtime/stream.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

using cuda::ProductShape;
using cuda::Transpose;

/// As products take them: float32, or bfloat16 whose values are those of the floats.
class Operand {
 public:
  Operand(std::int64_t elements, bool narrow, Random& random)
      : values(static_cast<std::size_t>(elements)), memory_((narrow ? 2 : 4) * elements, "an operand") {
    std::vector<std::uint16_t> rounded;
    for (float& v : values) {
      v = static_cast<float>(random.uniform(-1, 1));
      if (narrow) v = math::from_bf16(rounded.emplace_back(math::to_bf16(v)));
    }
    const void* from = narrow ? static_cast<const void*>(rounded.data()) : values.data();
    LACUNA_CUDA(cudaMemcpy(memory_.get(), from, static_cast<std::size_t>(memory_.bytes()), cudaMemcpyHostToDevice));
  }
  const void* get() const { return memory_.get(); }

  std::vector<float> values;

 private:
  cuda::DeviceMemory memory_;
};

class LtProducts : public testing::TestWithParam<Precision> {
 protected:
  /// Row-major A and B, and what comes out on top of `before`.
  struct Case {
    ProductShape shape;
    Operand a, b;
    std::vector<float> before;

    Case(const ProductShape& s, bool narrow, Random& random)
        : shape(s), a(s.m * s.k, narrow, random), b(s.k * s.n, narrow, random) {
      for (std::int64_t i = 0; i < s.m * s.n; ++i) before.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
    std::vector<double> expected() const {
      const auto& [turn_a, turn_b, m, n, k, accumulate] = shape;
      std::vector<double> sums;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          double sum = accumulate ? before[static_cast<std::size_t>(i * n + j)] : 0.0;
          for (std::int64_t p = 0; p < k; ++p) {
            const double x = a.values[static_cast<std::size_t>(turn_a == Transpose::yes ? p * m + i : i * k + p)];
            const double y = b.values[static_cast<std::size_t>(turn_b == Transpose::yes ? j * k + p : p * n + j)];
            sum += x * y;
          }
          sums.push_back(sum);
        }
      return sums;
    }
  };

  std::vector<double> computed(const cuda::LtProduct& product, const Case& c) const {
    const std::size_t bytes = 4 * c.before.size();
    const cuda::DeviceMemory result(static_cast<std::int64_t>(bytes), "a result");
    LACUNA_CUDA(cudaMemcpy(result.get(), c.before.data(), bytes, cudaMemcpyHostToDevice));
    product(c.a.get(), c.b.get(), reinterpret_cast<float*>(result.get()));
    stream_.synchronize();
    std::vector<float> found(c.before.size());
    LACUNA_CUDA(cudaMemcpy(found.data(), result.get(), bytes, cudaMemcpyDeviceToHost));
    return {found.begin(), found.end()};
  }

  std::vector<std::vector<double>> computed(const cuda::LtBatch& batch, const std::vector<Case>& cases) const {
    std::vector<cuda::DeviceMemory> results;
    std::vector<const void*> addresses;
    for (const Case& c : cases) addresses.push_back(c.a.get());
    for (const Case& c : cases) addresses.push_back(c.b.get());
    for (const Case& c : cases) {
      const std::size_t bytes = 4 * c.before.size();
      results.emplace_back(static_cast<std::int64_t>(bytes), "a result");
      LACUNA_CUDA(cudaMemcpy(results.back().get(), c.before.data(), bytes, cudaMemcpyHostToDevice));
      addresses.push_back(results.back().get());
    }
    const std::size_t bytes = addresses.size() * sizeof(void*);
    const cuda::DeviceMemory table(static_cast<std::int64_t>(bytes), "addresses");
    LACUNA_CUDA(cudaMemcpy(table.get(), addresses.data(), bytes, cudaMemcpyHostToDevice));
    auto* operands = reinterpret_cast<const void* const*>(table.get());
    const cuda::DeviceMemory workspace(batch.workspace_bytes() + 1, "a workspace");
    batch(operands, operands + cases.size(), reinterpret_cast<float* const*>(table.get()) + 2 * cases.size(),
          workspace);
    stream_.synchronize();
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      std::vector<float> found(cases[i].before.size());
      LACUNA_CUDA(cudaMemcpy(found.data(), results[i].get(), 4 * found.size(), cudaMemcpyDeviceToHost));
      all.emplace_back(found.begin(), found.end());
    }
    return all;
  }

  static constexpr int kTimes = 5;
  cuda::Stream stream_;
  cuda::Cublas cublas_{stream_.get(), GetParam()};
  cuda::CublasLt library_{cublas_};
};

TEST_P(LtProducts, AgreeWithSumsInDoubleAndWithThemselves) {
  Random random(7);
  const Precision precision = GetParam();
  // Operands in bf16 are given, rounded; those in TF32 are rounded on the way.
  const double bound = bound_of(precision == Precision::tf32 ? Precision::tf32 : Precision::fp32);
  for (const auto& [m, n, k] :
       {std::array<std::int64_t, 3>{100, 196, 784}, {196, 784, 100}, {33, 65, 127}, {8, 4, 1000}})
    for (const Transpose turn_a : {Transpose::no, Transpose::yes})
      for (const Transpose turn_b : {Transpose::no, Transpose::yes})
        for (const bool accumulate : {false, true}) {
          const Case c({turn_a, turn_b, m, n, k, accumulate}, precision == Precision::bf16, random);
          const std::vector<double> expected = c.expected();
          for (const cuda::LtProduct& product : library_.products(c.shape)) {
            SCOPED_TRACE(cuda::to_string(c.shape) + " by " + product.algorithm());
            const std::vector<double> got = computed(product, c);
            EXPECT_LE(relative_error(got, expected), bound);
            for (int again = 1; again < kTimes; ++again) ASSERT_EQ(computed(product, c), got);
          }
        }
}

/// As models that are trained together need it: who else is in the batch makes no difference.
TEST_P(LtProducts, HaveTheSameBitsInABatchAsAlone) {
  Random random(11);
  constexpr int kCount = 3;
  int batches = 0;
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{100, 196, 784}, {33, 64, 128}})
    for (const Transpose turn_a : {Transpose::no, Transpose::yes})
      for (const bool accumulate : {false, true}) {
        std::vector<Case> cases;
        for (int i = 0; i < kCount; ++i)
          cases.emplace_back(ProductShape{turn_a, Transpose::no, m, n, k, accumulate}, GetParam() == Precision::bf16,
                             random);
        for (const cuda::LtProduct& product : library_.products(cases[0].shape)) {
          SCOPED_TRACE(cuda::to_string(cases[0].shape) + " by " + product.algorithm());
          const auto batch = library_.batch(product, kCount);
          if (!batch) continue;
          ++batches;
          const std::vector<std::vector<double>> together = computed(*batch, cases);
          for (int i = 0; i < kCount; ++i)
            EXPECT_EQ(together[static_cast<std::size_t>(i)], computed(product, cases[static_cast<std::size_t>(i)]));
        }
      }
  EXPECT_GT(batches, 0);
}

TEST_P(LtProducts, AreProposedInTheSameOrderEachTime) {
  const ProductShape shape{Transpose::yes, Transpose::no, 196, 784, 100};
  const auto names = [&shape](const cuda::CublasLt& library) {
    std::vector<std::string> all;
    for (const cuda::LtProduct& product : library.products(shape)) all.push_back(product.algorithm());
    return all;
  };
  const std::vector<std::string> first = names(library_);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), first.size());
  EXPECT_EQ(names(cuda::CublasLt(cublas_)), first);
}

TEST(ProductShapes, AreWrittenAsTheyAreRecorded) {
  EXPECT_EQ(cuda::to_string({Transpose::no, Transpose::yes, 100, 196, 784}), "nt100x196x784");
  EXPECT_EQ(cuda::to_string({Transpose::yes, Transpose::no, 1, 2, 3, true}), "tn1x2x3+");
}

INSTANTIATE_TEST_SUITE_P(Each, LtProducts, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace lacuna::test
