#include <gmock/gmock.h>

#include "data_support.h"
#include "lacuna/data.h"
#include "lacuna/npy.h"
#include "support/image_files.h"

namespace lacuna {
namespace {

using test::counting;
using test::grey_png;
using test::input_error;
using test::plain_png;
using test::ScratchDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Dataset open(const ScratchDirectory& scratch, const DataOptions& options = {}, const std::string& below = "") {
  return open_dataset("images:" + scratch.path() + below, options);
}

std::string error_of(const ScratchDirectory& scratch, const DataOptions& options = {}) {
  return input_error([&] { open(scratch, options); });
}

/// The first value of each sample.
std::vector<int> first_values(const Dataset& data) {
  std::vector<int> values;
  for (std::int64_t row = 0; row < data.rows(); ++row)
    values.push_back(static_cast<const std::uint8_t*>(data.values())[row * data.features()]);
  return values;
}

TEST(ImageFolder, ImagesInItHaveNoLabels) {
  const ScratchDirectory scratch;
  scratch.write("b.PNG", grey_png(3, 2, counting(6)));
  scratch.write("a.png", plain_png(3, 2, 9));
  const Dataset data = open(scratch);
  EXPECT_EQ(data.rows(), 2);
  EXPECT_EQ(data.sample_shape(), (Shape{2, 3}));
  EXPECT_EQ(data.dtype(), DType::u8);
  EXPECT_THAT(data.labels(), IsEmpty());
  EXPECT_THAT(data.class_names(), IsEmpty());
  EXPECT_THAT(data.remarks(), IsEmpty());
  std::vector<float> row(6);
  data.copy_row(1, row.data());
  EXPECT_EQ(row[5], 5.0f / 255.0f);
  EXPECT_THAT(first_values(data), ElementsAre(9, 0));
}

TEST(ImageFolder, FoldersAreClassesInTheOrderOfTheirNames) {
  const ScratchDirectory scratch;
  scratch.write("dog/2.png", plain_png(1, 1, 4));
  scratch.write("dog/1/9.png", plain_png(1, 1, 3));
  scratch.write("cat/x.png", plain_png(1, 1, 1));
  scratch.write("cat-like/x.png", plain_png(1, 1, 2));
  scratch.write(".hidden/x.png", plain_png(1, 1, 5));
  scratch.write("cat/.thumb.png", "not one");
  const Dataset data = open(scratch);
  EXPECT_THAT(data.class_names(), ElementsAre("cat", "cat-like", "dog"));
  EXPECT_THAT(data.labels(), ElementsAre(0, 1, 2, 2));
  EXPECT_THAT(first_values(data), ElementsAre(1, 2, 3, 4));
  const Dataset fewer = open(scratch, {.limit = 2});
  EXPECT_THAT(fewer.labels(), ElementsAre(0, 1));
  EXPECT_THAT(fewer.class_names(), ElementsAre("cat", "cat-like", "dog"));
  EXPECT_THAT(data.first(3).class_names(), ElementsAre("cat", "cat-like", "dog"));
}

TEST(ImageFolder, WhatCannotBeClassesIsRefused) {
  const ScratchDirectory scratch;
  EXPECT_THAT(error_of(scratch), HasSubstr("there is no image"));
  scratch.write("0001", plain_png(1, 1, 1));
  EXPECT_THAT(error_of(scratch), AllOf(HasSubstr("there is no image"), HasSubstr("0001")));
  scratch.write("cat/x.png", plain_png(1, 1, 1));
  scratch.write("dog/notes.txt", "none");
  EXPECT_THAT(error_of(scratch), AllOf(HasSubstr("/dog: a class without images")));
  scratch.write("a.png", plain_png(1, 1, 1));
  EXPECT_THAT(error_of(scratch), AllOf(HasSubstr("/a.png"), HasSubstr("/cat/x.png"), HasSubstr("classes")));
  EXPECT_THAT(input_error([&] { open(scratch, {}, "/none"); }), AllOf(HasSubstr("cannot list"), HasSubstr("/none")));
  EXPECT_THAT(input_error([&] { open(scratch, {}, "/a.png"); }), AllOf(HasSubstr("cannot list"), HasSubstr("/a.png")));
}

TEST(ImageFolder, OtherFilesAreRemarkedOnAndOtherPicturesRefused) {
  const ScratchDirectory scratch;
  scratch.write("a.png", plain_png(1, 1, 1));
  for (const char* name : {"README", "labels.csv", "x.txt", "y.txt"}) scratch.write(name, "text");
  const Dataset data = open(scratch);
  EXPECT_EQ(data.rows(), 1);
  EXPECT_THAT(data.remarks(),
              ElementsAre(AllOf(HasSubstr("4 files are no images"), HasSubstr("labels.csv"), HasSubstr("..."))));
  scratch.write("b.Gif", "GIF89a");
  EXPECT_THAT(error_of(scratch), AllOf(HasSubstr("/b.Gif"), HasSubstr("convert")));
}

TEST(ImageFolder, OneSizeOrResize) {
  const ScratchDirectory scratch;
  scratch.write("a.png", plain_png(4, 2, 10));
  scratch.write("b.png", plain_png(4, 2, 20));
  scratch.write("c.png", plain_png(2, 4, 30));
  EXPECT_THAT(error_of(scratch),
              AllOf(HasSubstr("/c.png has 2 x 4"), HasSubstr("/a.png has 4 x 2"), HasSubstr("--resize")));
  const Dataset data = open(scratch, {.resize = {3, 5}});
  EXPECT_EQ(data.sample_shape(), (Shape{5, 3}));
  EXPECT_THAT(first_values(data), ElementsAre(10, 20, 30));
  EXPECT_THAT(error_of(scratch, {.resize = {3, 0}}), HasSubstr("3 x 0"));
  EXPECT_THAT(error_of(scratch, {.resize = {100'000, 100'000}}), HasSubstr("at most"));
}

TEST(ImageFolder, Color) {
  const ScratchDirectory scratch;
  scratch.write("a.png", test::png_bytes({.width = 2, .height = 1, .color_type = 2, .samples = "\1\2\3\4\5\6"}));
  scratch.write("b.png", plain_png(2, 1, 7));
  const Dataset data = open(scratch, {.color = true});
  EXPECT_EQ(data.sample_shape(), (Shape{3, 1, 2}));
  const auto* values = static_cast<const std::uint8_t*>(data.values());
  EXPECT_THAT(std::vector(values, values + 12), ElementsAre(1, 4, 2, 5, 3, 6, 7, 7, 7, 7, 7, 7));
}

TEST(ImageFolder, ManyFilesStayInOrderAndTheFirstBrokenOneIsNamed) {
  const ScratchDirectory scratch;
  const auto name = [](int i) { return std::to_string(1000 + i) + ".png"; };
  std::vector<int> expected;
  for (int i = 0; i < 200; ++i) {
    scratch.write(name(i), plain_png(5, 5, i));
    expected.push_back(i);
  }
  EXPECT_EQ(first_values(open(scratch)), expected);
  for (const int broken : {190, 130, 77}) {
    scratch.write(name(broken), plain_png(5, 5, 0).substr(0, 50));
    for (int repetition = 0; repetition < 5; ++repetition)
      EXPECT_THAT(error_of(scratch), StartsWith(scratch / name(broken) + ": broken PNG"));
  }
  EXPECT_EQ(open(scratch, {.limit = 77}).rows(), 77);
}

TEST(ImageFolder, TrainAndTestAreSplits) {
  const ScratchDirectory scratch;
  for (const char* path : {"train/a/1.png", "train/b/1.png", "train/c/1.png", "test/c/1.png"})
    scratch.write(path, plain_png(1, 1, path[6] == '/' ? path[5] : path[6]));
  const Dataset train = open(scratch), test = open(scratch, {.split = Split::test});
  EXPECT_THAT(train.labels(), ElementsAre(0, 1, 2));
  EXPECT_THAT(test.labels(), ElementsAre(2)) << "a label means the same in both";
  EXPECT_EQ(test.class_names(), train.class_names());
  EXPECT_EQ(train.name(), scratch / "train");
  EXPECT_THAT(train.remarks(), IsEmpty());
  scratch.write("validation/a/1.png", "");
  EXPECT_THAT(open(scratch).remarks(), ElementsAre(HasSubstr("not used: validation")));
  scratch.write("test/d/1.png", plain_png(1, 1, 1));
  EXPECT_THAT(error_of(scratch, {.split = Split::test}),
              AllOf(HasSubstr("/test/d"), HasSubstr("/train does not have")));
  EXPECT_THAT(input_error([&] { open(scratch, {.split = Split::test}, "/train"); }), HasSubstr("no test split"));
}

TEST(ImageFolder, LinksAreFollowedButNotInCircles) {
  const ScratchDirectory scratch;
  scratch.write("a/x.png", plain_png(1, 1, 1));
  std::filesystem::create_directory_symlink("a", scratch / "b");
  EXPECT_THAT(open(scratch).labels(), ElementsAre(0, 1));
  std::filesystem::create_directory_symlink("..", scratch / "a/back");
  EXPECT_THAT(error_of(scratch), HasSubstr("does a link lead back?"));
  std::filesystem::remove(scratch / "a/back");
  std::filesystem::create_symlink("nowhere", scratch / "a/y.png");
  EXPECT_THAT(error_of(scratch), AllOf(HasSubstr("/a/y.png"), HasSubstr("No such file")));
}

TEST(Threshold, BytesAndFloats) {
  const ScratchDirectory scratch;
  scratch.write("images/c/a.png", grey_png(4, 1, std::string("\x00\x7f\x80\xff", 4)));
  const Dataset bytes = open(scratch, {.threshold = true}, "/images");
  const auto* values = static_cast<const std::uint8_t*>(bytes.values());
  EXPECT_THAT(std::vector(values, values + 4), ElementsAre(0, 0, 255, 255));
  EXPECT_THAT(bytes.labels(), ElementsAre(0));
  EXPECT_THAT(bytes.class_names(), ElementsAre("c"));

  const float floats[] = {-1, 0.4999f, 0.5f, 7};
  write_npy(scratch / "f.npy", {floats, DType::f32, {1, 4}});
  std::vector<float> row(4);
  open_dataset("npy:" + scratch / "f.npy", {.threshold = true}).copy_row(0, row.data());
  EXPECT_THAT(row, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(open_dataset("synthetic:3", {.threshold = true}).labels().size(), 3);
}

TEST(Threshold, NanIsLeftToBeRefused) {
  const ScratchDirectory scratch;
  const float floats[] = {0, std::numeric_limits<float>::quiet_NaN()};
  write_npy(scratch / "f.npy", {floats, DType::f32, {1, 2}});
  const Dataset data = open_dataset("npy:" + scratch / "f.npy", {.threshold = true});
  EXPECT_THAT(input_error([&] { require_trainable(data, false); }), HasSubstr("column 1"));
}

TEST(OpenDataset, ImageOptionsAreForImages) {
  EXPECT_THAT(input_error([] {
                open_dataset("synthetic:3", {.resize = {2, 2}});
              }),
              AllOf(HasSubstr("resize"), HasSubstr("images:DIR")));
  EXPECT_THAT(input_error([] { open_dataset("synthetic:3", {.color = true}); }), HasSubstr("color"));
}

TEST(Notes, EveryLabelNeedsAName) {
  const Dataset digits = synthetic_digits(20);
  EXPECT_THAT(input_error([&] { digits.with_notes({{"zero", "one"}, {}}); }), HasSubstr("2 names of classes"));
  EXPECT_THAT(digits.with_notes({{}, {"a remark"}}).remarks(), ElementsAre("a remark"));
}

}  // namespace
}  // namespace lacuna
