#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "lacuna/data.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// One value for each sample, its row, so that samples can be told apart.
Dataset labelled(const std::vector<std::int32_t>& labels) {
  const auto values = std::make_shared<std::vector<float>>(labels.size());
  std::iota(values->begin(), values->end(), 0.0f);
  return {"some", static_cast<std::int64_t>(labels.size()), {1}, DType::f32, values->data(), values, labels};
}

Dataset without_labels() {
  const auto values = std::make_shared<std::vector<float>>(4);
  return {"bare", 4, {1}, DType::f32, values->data(), values};
}

const std::vector<std::int32_t> kMixed{2, 0, 0, 1, 2, 1, 0, 2, 1, 0};

std::map<std::int32_t, int> counted(const Dataset& data) {
  std::map<std::int32_t, int> counts;
  for (const std::int32_t label : data.labels()) ++counts[label];
  return counts;
}

TEST(Selection, TheFirstOfEachClassInTheOrderOfTheRows) {
  EXPECT_THAT(balanced_rows(labelled(kMixed), 6, std::nullopt), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(balanced_rows(labelled({1, 1, 1, 0, 0, 0}), 2, std::nullopt), ElementsAre(0, 3));
}

TEST(Selection, DrawnRowsAreBalancedAscendingAndThoseOfTheirSeed) {
  const Dataset digits = synthetic_digits(500);
  const std::vector<std::int64_t> one = balanced_rows(digits, 50, 1);
  EXPECT_EQ(one, balanced_rows(digits, 50, 1));
  EXPECT_NE(one, balanced_rows(digits, 50, 2));
  EXPECT_NE(one, balanced_rows(digits, 50, std::nullopt));
  EXPECT_TRUE(std::ranges::is_sorted(one));
  EXPECT_EQ(std::ranges::adjacent_find(one), one.end()) << "no row twice";
  for (const auto& [label, count] : counted(digits.select(one))) EXPECT_EQ(count, 5) << label;
}

TEST(Selection, AllSamplesOfAClassMayBeTaken) {
  const std::vector<std::int32_t> even{0, 1, 1, 0};
  EXPECT_THAT(balanced_rows(labelled(even), 4, std::nullopt), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(balanced_rows(labelled(even), 4, 7), ElementsAre(0, 1, 2, 3));
}

TEST(Selection, WhatCannotBeBalancedSaysWhy) {
  const Dataset mixed = labelled(kMixed);
  expect_error<InputError>([&] { balanced_rows(mixed, 7, std::nullopt); }, {"7 labels", "3 classes", "multiple of 3"});
  expect_error<InputError>([&] { balanced_rows(mixed, 2, std::nullopt); }, {"2 labels", "3 classes"});
  expect_error<InputError>([&] { balanced_rows(mixed, 12, std::nullopt); },
                           {"class 1 of some has 3 samples", "12 labels need 4"});
  expect_error<InputError>([&] { balanced_rows(without_labels(), 2, std::nullopt); }, {"bare has no labels"});
}

TEST(Selection, TheOthersAreAllThatWereNotChosen) {
  const std::vector<std::int64_t> chosen{0, 3, 4};
  EXPECT_THAT(other_rows(6, chosen), ElementsAre(1, 2, 5));
  EXPECT_THAT(other_rows(3, {}), ElementsAre(0, 1, 2));
  const std::vector<std::int64_t> all{0, 1};
  EXPECT_THAT(other_rows(2, all), IsEmpty());
}

TEST(Selection, RowsOfClasses) {
  const std::int32_t classes[] = {2, 0};
  EXPECT_THAT(rows_of_classes(labelled(kMixed), classes), ElementsAre(0, 1, 2, 4, 6, 7, 9));
  const std::int32_t unknown[] = {9};
  EXPECT_THAT(rows_of_classes(labelled(kMixed), unknown), IsEmpty());
  expect_error<InputError>([&] { rows_of_classes(without_labels(), classes); }, {"bare has no labels"});
}

TEST(Selection, SelectedSamplesKeepValuesLabelsAndNames) {
  const Dataset mixed = labelled(kMixed).with_notes({{"zero", "one", "two"}, {"as told"}});
  const std::int64_t rows[] = {9, 3};
  const Dataset two = mixed.select(rows);
  float value = 0;
  two.copy_row(0, &value);
  EXPECT_EQ(value, 9);
  two.copy_row(1, &value);
  EXPECT_EQ(value, 3);
  EXPECT_THAT(two.labels(), ElementsAre(0, 1));
  EXPECT_THAT(two.class_names(), ElementsAre("zero", "one", "two"));
  EXPECT_THAT(two.remarks(), ElementsAre("as told"));
  const std::int64_t last[] = {3};
  EXPECT_TRUE(without_labels().select(last).labels().empty());
  expect_error<InputError>([&] { mixed.select({}); }, {"no sample of some is left"});
  const std::int64_t outside[] = {10};
  EXPECT_THROW(mixed.select(outside), ContractError);
}

}  // namespace
}  // namespace lacuna
