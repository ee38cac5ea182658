// Samples that stay in their file: how they are found there, read, and chosen from; and files that lie.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "data/sample_file.h"
#include "data_support.h"
#include "lacuna/data.h"
#include "lacuna/npy.h"
#include "lacuna/safetensors.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kRows = 2000, kColumns = 7;

std::vector<float> values() {
  std::vector<float> all(kRows * kColumns);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<float>(i % 1013) / 1013.0f;
  return all;
}

class Stream : public testing::Test {
 protected:
  std::string write(const std::string& name, DType type, const void* data) {
    write_npy(scratch / name, ConstTensorView(data, type, {kRows, kColumns}));
    return scratch / name;
  }
  std::string floats() { return write("f.npy", DType::f32, all.data()); }

  /// The same rows and labels, whichever way they are read.
  static void expect_same(const Dataset& streamed, const Dataset& memory) {
    ASSERT_TRUE(streamed.streamed());
    ASSERT_FALSE(memory.streamed());
    ASSERT_EQ(streamed.rows(), memory.rows());
    ASSERT_EQ(streamed.sample_shape(), memory.sample_shape());
    ASSERT_EQ(streamed.dtype(), memory.dtype());
    ASSERT_TRUE(std::ranges::equal(streamed.labels(), memory.labels()));
    const auto features = static_cast<std::size_t>(memory.features());
    std::vector<float> a(features), b(features);
    for (std::int64_t row = 0; row < memory.rows(); ++row) {
      streamed.copy_row(row, a.data());
      memory.copy_row(row, b.data());
      ASSERT_EQ(std::memcmp(a.data(), b.data(), features * sizeof(float)), 0) << "row " << row;
    }
  }
  static void expect_same(const std::string& source, DataOptions options = {}) {
    const Dataset memory = open_dataset(source, options);
    options.stream = Streaming::on;
    expect_same(open_dataset(source, options), memory);
  }

  ScratchDirectory scratch;
  std::vector<float> all = values();
};

TEST_F(Stream, ReadsEachFormatAndType) {
  expect_same("npy:" + floats());
  std::vector<std::uint8_t> bytes(all.size());
  std::vector<double> doubles(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i % 251);
    doubles[i] = 1.0 / static_cast<double>(i + 1);
  }
  expect_same("npy:" + write("u.npy", DType::u8, bytes.data()));
  expect_same("npy:" + write("d.npy", DType::f64, doubles.data()));
  expect_same("npy:" + floats(), {.limit = 33});
  write_safetensors(scratch / "s.safetensors", {{"odd", ConstTensorView(bytes.data(), DType::u8, {3})},
                                                {"x", ConstTensorView(bytes.data(), DType::u8, {kRows, kColumns})}});
  expect_same("safetensors:" + scratch / "s.safetensors");
}

TEST_F(Stream, ReadsIdxWithLabels) {
  std::string images("\0\0\x08\x03", 4), labels("\0\0\x08\x01", 4);
  images += big_endian(500) + big_endian(3) + big_endian(5);
  labels += big_endian(500);
  for (int i = 0; i < 500 * 15; ++i) images += static_cast<char>(i * 7);
  for (int i = 0; i < 500; ++i) labels += static_cast<char>(i % 10);
  const std::string pair = scratch.write("i", images) + "," + scratch.write("l", labels);
  expect_same("idx:" + pair);
  expect_same("idx:" + pair, {.limit = 77});
  std::string floats("\0\0\x0d\x02", 4);
  floats += big_endian(2) + big_endian(2) + big_endian(0x3f800000) + big_endian(0) + big_endian(0x3e800000) +
            big_endian(0xbf000000);
  expect_same("idx:" + scratch.write("f", floats));
}

TEST_F(Stream, ThresholdsAsInMemory) {
  all[5] = std::numeric_limits<float>::quiet_NaN();
  expect_same("npy:" + floats(), {.threshold = true});
}

TEST_F(Stream, AutomaticIsByTheBytesOfSamples) {
  const std::string source = "npy:" + floats();
  DataOptions options{.stream = Streaming::automatic, .stream_above = kRows * kColumns * 4};
  EXPECT_FALSE(open_dataset(source, options).streamed());
  options.stream_above -= 1;
  EXPECT_TRUE(open_dataset(source, options).streamed());
  options.limit = 10;
  EXPECT_FALSE(open_dataset(source, options).streamed());
  EXPECT_FALSE(open_dataset("synthetic:5", {.stream = Streaming::automatic, .stream_above = 0}).streamed());
}

TEST_F(Stream, WindowsAreSamplesOrBytes) {
  const std::string source = "npy:" + floats();
  EXPECT_EQ(open_dataset(source, {.stream = Streaming::on, .window = {.samples = 12}}).window(), 12);
  EXPECT_EQ(open_dataset(source, {.stream = Streaming::on, .window = {.bytes = 281}}).window(), 10);
  EXPECT_EQ(open_dataset(source, {.stream = Streaming::on, .window = {.bytes = 1}}).window(), 1);
  EXPECT_EQ(open_dataset(source, {.stream = Streaming::on, .window = {.samples = 12}}).memory_bytes(), 2 * 12 * 28);
}

TEST_F(Stream, RefusesWhatCannotBeRowAfterRow) {
  const auto refused = [](const std::string& source) -> std::string {
    try {
      open_dataset(source, {.stream = Streaming::on});
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refused("synthetic:5"), HasSubstr("cannot be streamed: its samples are drawn"));
  EXPECT_THAT(refused("images:" + scratch.path()), HasSubstr("cannot be streamed: its samples are pictures"));
  std::string idx("\0\0\x08\x02", 4);
  idx += big_endian(2) + big_endian(1) + "ab";
  EXPECT_THAT(refused("idx:" + scratch.write("i.gz", gzip(idx))), HasSubstr("cannot be streamed: it is compressed"));
  std::string fortran = read_all(floats());
  fortran.replace(fortran.find("False"), 5, "True ");
  EXPECT_THAT(refused("npy:" + scratch.write("t.npy", fortran)), HasSubstr("cannot be streamed: it is in Fortran"));
}

TEST_F(Stream, ValuesAreNotThereToBeTouched) {
  EXPECT_THROW(open_dataset("npy:" + floats(), {.stream = Streaming::on}).values(), ContractError);
}

TEST_F(Stream, PartsAndChoices) {
  const std::string source = "npy:" + floats();
  const Dataset memory = open_dataset(source), streamed = open_dataset(source, {.stream = Streaming::on});
  expect_same(streamed.first(9), memory.first(9));
  expect_same(streamed.last(9), memory.last(9));
  const std::vector<std::int64_t> rows{1999, 0, 7, 7};
  const Dataset chosen = streamed.select(rows);
  EXPECT_FALSE(chosen.streamed());
  EXPECT_EQ(std::memcmp(chosen.values(), memory.select(rows).values(), 4 * kColumns * sizeof(float)), 0);
}

TEST_F(Stream, ChosenSamplesAreLookedAt) {
  all[kColumns + 2] = std::numeric_limits<float>::infinity();
  const Dataset streamed = open_dataset("npy:" + floats(), {.stream = Streaming::on});
  EXPECT_NO_THROW(require_trainable(streamed, true)) << "they are looked at as they are read";
  EXPECT_THROW(streamed.select(std::vector<std::int64_t>{1}), InputError);
}

class Access : public Stream, public testing::WithParamInterface<data::SampleFile::Access> {
 protected:
  data::SampleFile file(const std::string& path) const {
    return data::SampleFile({path, 128, kRows, kColumns, data::StoredType::f32, false}, GetParam());
  }
  static std::string failure(const data::SampleFile& from, std::int64_t first, std::int64_t rows) {
    data::SampleFile::Scratch scratch;
    try {
      from.read(first, rows, scratch);
    } catch (const InputError&) {
      return "an InputError";
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_P(Access, ReadsAnyRows) {
  const std::string path = floats();
  ASSERT_EQ(std::filesystem::file_size(path), 128 + kRows * kColumns * 4) << "where the values begin";
  const data::SampleFile from = file(path);
  data::SampleFile::Scratch memory;
  std::vector<float> read(all.size());
  for (const auto& [first, rows] : {std::pair<std::int64_t, std::int64_t>{0, kRows}, {1, 1}, {145, 147}, {1999, 1}}) {
    from.read_values(first, rows, memory, read.data());
    EXPECT_EQ(std::memcmp(read.data(), all.data() + first * kColumns, static_cast<std::size_t>(rows) * 28), 0);
  }
}

TEST_P(Access, AFileThatIsCutShortSaysWhere) {
  const std::string path = floats();
  const data::SampleFile from = file(path);
  std::filesystem::resize_file(path, 40'000);
  EXPECT_THAT(failure(from, 1000, 1000),
              HasSubstr(fmt::format("{} was cut short while it was read: nothing is left at byte 40000, it has 40000 "
                                    "bytes instead of 56128",
                                    path)));
  EXPECT_THAT(failure(from, 1900, 10), HasSubstr("nothing is left at byte "));
  EXPECT_THAT(failure(from, 0, 1), HasSubstr("was cut short while it was read")) << "rows that are still there";
}

TEST_P(Access, AFileThatIsChangedSaysSo) {
  const std::string path = floats();
  const data::SampleFile from = file(path);
  EXPECT_EQ(failure(from, 0, 1), "");
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_THAT(failure(from, 10, 1), HasSubstr("was changed while it was read (noticed at byte 408)"));
}

TEST_P(Access, AFileThatIsReplacedIsReadOnAsItWas) {
  const std::string path = floats();
  const data::SampleFile from = file(path);
  std::filesystem::remove(path);
  scratch.write("f.npy", "something else");
  EXPECT_EQ(failure(from, 0, kRows), "");
}

INSTANTIATE_TEST_SUITE_P(Each, Access,
                         testing::Values(data::SampleFile::Access::direct, data::SampleFile::Access::cached),
                         [](const auto& instance) {
                           return instance.param == data::SampleFile::Access::direct ? "direct" : "cached";
                         });

TEST_F(Stream, AFileThatIsTooShortFromTheStart) {
  EXPECT_THROW(data::SampleFile({floats(), 129, kRows, kColumns, data::StoredType::f32, false}), InputError);
  EXPECT_THROW(data::SampleFile({scratch / "none", 0, 1, 1, data::StoredType::u8, false}), InputError);
}

}  // namespace
}  // namespace lacuna::test
