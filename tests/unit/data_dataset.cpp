#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "data/info.h"
#include "data_support.h"
#include "lacuna/data.h"

namespace lacuna {
namespace {

using test::input_error;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

template <class Value>
Dataset make(const std::vector<Value>& values, std::int64_t rows, std::vector<std::int32_t> labels = {}) {
  const auto owner = std::make_shared<const std::vector<Value>>(values);
  const auto features = static_cast<std::int64_t>(values.size()) / rows;
  return Dataset("set", rows, {features}, sizeof(Value) == 1 ? DType::u8 : DType::f32, owner->data(), owner,
                 std::move(labels));
}

TEST(DatasetTest, ConstructorChecks) {
  const float value = 0;
  EXPECT_THAT(input_error([&] { Dataset("s", 0, {1}, DType::f32, &value, nullptr); }), HasSubstr("no samples"));
  EXPECT_THAT(input_error([&] {
                Dataset("s", 1, {2, 0}, DType::f32, &value, nullptr);
              }),
              HasSubstr("samples are empty (shape [2, 0])"));
  EXPECT_THAT(input_error([&] {
                Dataset("s", 1, {1}, DType::f32, &value, nullptr, {1, 2});
              }),
              HasSubstr("1 samples but 2 labels"));
  EXPECT_THAT(input_error([&] { Dataset("s", 1, {1}, DType::f32, &value, nullptr, {-1}); }), HasSubstr("negative"));
  const std::int64_t huge = std::int64_t{1} << 61;
  EXPECT_THAT(input_error([&] { Dataset("s", 2, {huge, 2}, DType::u8, &value, nullptr); }), HasSubstr("too large"));
  EXPECT_THAT(input_error([&] { Dataset("s", 1, {huge}, DType::f32, &value, nullptr); }), HasSubstr("too large"));
  EXPECT_THROW(Dataset("s", 1, {1}, DType::f64, &value, nullptr), ContractError);
}

TEST(DatasetTest, RowsAsFloats) {
  const Dataset bytes = make<std::uint8_t>({0, 51, 102, 255}, 2, {7, 3});
  std::vector<float> row(2);
  bytes.copy_row(1, row.data());
  EXPECT_EQ(row[0], 102.0f / 255.0f);
  EXPECT_EQ(row[1], 1.0f);
  EXPECT_THAT(bytes.labels(), ElementsAre(7, 3));
  EXPECT_EQ(bytes.bytes(), 4);
  EXPECT_THROW(bytes.copy_row(2, row.data()), ContractError);
  make<float>({1, 2, 3, -4}, 2).copy_row(1, row.data());
  EXPECT_THAT(row, ElementsAre(3.0f, -4.0f));
}

TEST(DatasetTest, FirstSharesMemory) {
  const Dataset all = make<float>({1, 2, 3, 4, 5, 6}, 3, {0, 1, 2});
  const Dataset two = all.first(2);
  EXPECT_EQ(two.rows(), 2);
  EXPECT_EQ(two.values(), all.values());
  EXPECT_THAT(two.labels(), ElementsAre(0, 1));
  EXPECT_EQ(all.first(9).rows(), 3);
  EXPECT_NE(input_error([&] { all.first(0); }), "");
}

TEST(Summarize, BytesAgreeWithAPlainCount) {
  std::vector<std::uint8_t> values(9001);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::uint8_t>(i % 40 < 30 ? 0 : 10 + i * 7 % 200);
  const ValueSummary summary = summarize(make(values, 9001));
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_DOUBLE_EQ(summary.minimum, *least / 255.0);
  EXPECT_DOUBLE_EQ(summary.maximum, *most / 255.0);
  EXPECT_NEAR(summary.mean, std::accumulate(values.begin(), values.end(), 0.0) / 9001 / 255, 1e-12);
  EXPECT_EQ(summary.first_nonfinite, -1);
  EXPECT_EQ(summary.first_outside_unit, -1);
}

TEST(Summarize, FloatsAgreeWithAPlainSum) {
  std::vector<float> values(10007);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 0.5f + 0.5f;
  values[5000] = 1.5f;
  values[9000] = -0.25f;
  const ValueSummary summary = summarize(make(values, 10007));
  EXPECT_EQ(summary.minimum, -0.25);
  EXPECT_EQ(summary.maximum, 1.5);
  EXPECT_NEAR(summary.mean, std::accumulate(values.begin(), values.end(), 0.0) / 10007, 1e-12);
  EXPECT_EQ(summary.first_nonfinite, -1);
  EXPECT_EQ(summary.first_outside_unit, 5000);
}

TEST(Summarize, FindsTheFirstBadValueAnywhere) {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  for (const float value : bad)
    for (const std::size_t at : {0, 1, 4095, 4096, 5000, 8191, 8192, 8200}) {
      std::vector<float> values(8201, 0.5f);
      values[at] = value;
      values.back() = value;
      const ValueSummary summary = summarize(make(values, 8201));
      EXPECT_EQ(summary.first_nonfinite, static_cast<std::int64_t>(at));
      EXPECT_EQ(summary.first_outside_unit, static_cast<std::int64_t>(at));
      EXPECT_EQ(summary.minimum, 0.5);
      EXPECT_EQ(summary.maximum, 0.5);
      EXPECT_EQ(summary.mean, 0.5);
    }
  EXPECT_TRUE(std::isnan(summarize(make<float>({bad[0], bad[1]}, 1)).mean));
}

TEST(RequireTrainable, NamesRowAndColumn) {
  std::vector<float> values(12, 0.5f);
  EXPECT_NO_THROW(require_trainable(make(values, 4), true));
  EXPECT_NO_THROW(require_trainable(make<std::uint8_t>({0, 255}, 1), true));
  values[7] = 1.25f;
  EXPECT_NO_THROW(require_trainable(make(values, 4), false));
  EXPECT_THAT(input_error([&] { require_trainable(make(values, 4), true); }),
              AllOf(HasSubstr("set: row 2, column 1 is 1.25"), HasSubstr("bce")));
  values[8] = std::numeric_limits<float>::quiet_NaN();
  for (const bool unit : {false, true})
    EXPECT_THAT(input_error([&] { require_trainable(make(values, 4), unit); }),
                HasSubstr("set: row 2, column 2 is nan: values must be finite"));
}

TEST(Describe, CountsZerosAndLabels) {
  const data::DataInfo bytes = data::describe(make<std::uint8_t>({0, 0, 0, 255, 0, 51}, 3, {5, 1, 5}));
  EXPECT_EQ(bytes.rows, 3);
  EXPECT_EQ(bytes.features, 2);
  EXPECT_EQ(bytes.bytes, 6);
  EXPECT_EQ(bytes.dtype, DType::u8);
  EXPECT_DOUBLE_EQ(bytes.zero_fraction, 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(bytes.values.mean, 0.2);
  EXPECT_THAT(bytes.label_counts, ElementsAre(Pair(1, 1), Pair(5, 2)));
  const data::DataInfo floats = data::describe(make<float>({0.0f, -0.0f, 2.0f, 1.0f}, 2));
  EXPECT_DOUBLE_EQ(floats.zero_fraction, 0.5);
  EXPECT_TRUE(floats.label_counts.empty());
}

}  // namespace
}  // namespace lacuna
