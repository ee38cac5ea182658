// float16 and bfloat16 files as data: the values of float32 ones, in memory and streamed, and the same bits of
// training.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/info.h"
#include "data/stored_type.h"
#include "data_support.h"
#include "lacuna/data.h"
#include "lacuna/npy.h"
#include "lacuna/safetensors.h"
#include "lacuna/trainer.h"
#include "support/small_float.h"

namespace lacuna::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Half {
  DType type;
  int exponent_bits;
  std::uint16_t one, nan;
};

class HalfFile : public testing::TestWithParam<Half> {
 protected:
  static constexpr std::int64_t kRows = 300, kColumns = 7;

  static DType type() { return GetParam().type; }
  static float value(std::uint16_t pattern) {
    return static_cast<float>(small_float(pattern, GetParam().exponent_bits));
  }
  static std::vector<float> values(const std::vector<std::uint16_t>& patterns) {
    std::vector<float> all;
    for (const std::uint16_t pattern : patterns) all.push_back(value(pattern));
    return all;
  }
  /// From 1/128 to 1, of either sign, of as many digits as there are.
  static std::vector<std::uint16_t> some() {
    std::vector<std::uint16_t> patterns;
    const int octave = 1 << (15 - GetParam().exponent_bits);
    for (int i = 0; i < kRows * kColumns; ++i)
      patterns.push_back(static_cast<std::uint16_t>((GetParam().one - i * 7919 % (7 * octave)) | (i % 3 == 0) << 15));
    return patterns;
  }
  std::string npy(const std::vector<std::uint16_t>& patterns, const Shape& shape = {kRows, kColumns}) const {
    write_npy(scratch / "half.npy", {patterns.data(), type(), shape});
    return "npy:" + scratch / "half.npy";
  }
  std::string safetensors(const std::vector<std::uint16_t>& patterns) const {
    write_safetensors(scratch / "half.safetensors", {{"x", {patterns.data(), type(), {kRows, kColumns}}}});
    return "safetensors:" + scratch / "half.safetensors#x";
  }
  std::string float32(const std::vector<std::uint16_t>& patterns) const {
    const std::vector<float> all = values(patterns);
    write_npy(scratch / "float.npy", {all.data(), DType::f32, {kRows, kColumns}});
    return "npy:" + scratch / "float.npy";
  }
  static std::vector<float> rows(const Dataset& data) {
    std::vector<float> all(static_cast<std::size_t>(data.rows() * data.features()));
    for (std::int64_t row = 0; row < data.rows(); ++row) data.copy_row(row, all.data() + row * data.features());
    return all;
  }
  /// What a short training makes of a network's parameters.
  static std::vector<float> trained(const std::string& source, bool shuffle, const DataOptions& data_options) {
    const auto backend = make_backend("cpu", {.threads = 1});
    Model model(Network::autoencoder(kColumns, {5}));
    initialize(model, {}, 1);
    const Dataset data = open_dataset(source, data_options);
    TrainerOptions options;
    options.batch = 10;
    options.shuffle = shuffle;
    Trainer trainer(*backend, model, data, options);
    trainer.run(90);
    return trainer.model().parameters;
  }

  ScratchDirectory scratch;
};

TEST_P(HalfFile, EveryPatternIsConverted) {
  std::vector<std::uint16_t> patterns(0x10000);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  const std::string source = npy(patterns, {0x1000, 0x10});
  for (const Streaming stream : {Streaming::off, Streaming::on}) {
    const std::vector<float> read = rows(open_dataset(source, {.stream = stream}));
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const float expected = value(patterns[i]);
      ASSERT_TRUE(std::isnan(expected)
                      ? std::isnan(read[i])
                      : std::bit_cast<std::uint32_t>(read[i]) == std::bit_cast<std::uint32_t>(expected))
          << i << " became " << read[i] << ", not " << expected;
    }
  }
}

TEST_P(HalfFile, NeedNotBeAligned) {
  const std::vector<std::uint16_t> patterns = some();
  std::vector<std::byte> bytes(2 * patterns.size() + 1);
  std::memcpy(bytes.data() + 1, patterns.data(), 2 * patterns.size());
  std::vector<float> floats(patterns.size());
  data::convert(*data::stored_type(type()), false, bytes.data() + 1, static_cast<std::int64_t>(floats.size()),
                floats.data());
  EXPECT_EQ(floats, values(patterns));
}

TEST_P(HalfFile, IsRead) {
  const std::vector<std::uint16_t> patterns = some();
  const std::vector<float> expected = values(patterns);
  for (const std::string& source : {npy(patterns), safetensors(patterns)})
    for (const Streaming stream : {Streaming::off, Streaming::on}) {
      const Dataset data = open_dataset(source, {.stream = stream});
      EXPECT_EQ(data.streamed(), stream == Streaming::on);
      EXPECT_EQ(data.dtype(), DType::f32);
      EXPECT_EQ(data.stored_dtype(), type());
      EXPECT_EQ(rows(data), expected) << source;
      EXPECT_EQ(rows(data.select(std::vector<std::int64_t>{299, 0})),
                rows(open_dataset(float32(patterns)).select(std::vector<std::int64_t>{299, 0})));
      EXPECT_EQ(open_dataset(source, {.limit = 3, .stream = stream}).rows(), 3);
    }
}

TEST_P(HalfFile, InFortranOrder) {
  const std::vector<std::uint16_t> patterns = some();
  std::vector<std::uint16_t> columns(patterns.size());
  for (std::size_t row = 0; row < kRows; ++row)
    for (std::size_t column = 0; column < kColumns; ++column)
      columns[column * kRows + row] = patterns[row * kColumns + column];
  const std::string source = npy(columns), path = scratch / "half.npy";
  std::string bytes = read_all(path);
  bytes.replace(bytes.find("False"), 5, "True ");
  scratch.write("half.npy", bytes);
  EXPECT_EQ(rows(open_dataset(source)), values(patterns));
}

TEST_P(HalfFile, Thresholds) {
  const std::vector<std::uint16_t> patterns = some();
  for (const Streaming stream : {Streaming::off, Streaming::on}) {
    const std::vector<float> read = rows(open_dataset(npy(patterns), {.threshold = true, .stream = stream}));
    for (std::size_t i = 0; i < read.size(); ++i) ASSERT_EQ(read[i], value(patterns[i]) >= 0.5f ? 1.0f : 0.0f);
  }
}

/// What counts for streaming by itself is what the samples would take in memory.
TEST_P(HalfFile, TakesTheMemoryOfFloat32) {
  const std::string source = npy(some());
  EXPECT_EQ(open_dataset(source).bytes(), kRows * kColumns * 4);
  DataOptions options{.stream = Streaming::automatic, .stream_above = kRows * kColumns * 4};
  EXPECT_FALSE(open_dataset(source, options).streamed());
  options.stream_above -= 1;
  EXPECT_TRUE(open_dataset(source, options).streamed());
  EXPECT_EQ(open_dataset(source, {.stream = Streaming::on, .window = {.bytes = 281}}).window(), 10);
}

TEST_P(HalfFile, TrainsAsTheSameValuesInFloat32) {
  const std::vector<std::uint16_t> patterns = some();
  const std::vector<float> shuffled = trained(float32(patterns), true, {}),
                           in_order = trained(float32(patterns), false, {});
  EXPECT_NE(shuffled, in_order);
  const DataOptions whole{.stream = Streaming::on, .window = {.samples = kRows}},
      windows{.stream = Streaming::on, .window = {.samples = 40}};
  for (const std::string& source : {npy(patterns), safetensors(patterns)}) {
    EXPECT_EQ(trained(source, true, {}), shuffled);
    EXPECT_EQ(trained(source, true, whole), shuffled);
    EXPECT_EQ(trained(source, false, {}), in_order);
    EXPECT_EQ(trained(source, false, windows), in_order);
    EXPECT_EQ(trained(source, true, windows), trained(float32(patterns), true, windows));
  }
}

TEST_P(HalfFile, AValueThatIsNotFiniteIsNamed) {
  std::vector<std::uint16_t> patterns = some();
  patterns[123 * kColumns + 4] = GetParam().nan;
  const std::string source = npy(patterns);
  const std::string place = "half.npy: row 123, column 4 is nan: values must be finite";
  EXPECT_THAT(input_error([&] { require_trainable(open_dataset(source), false); }), HasSubstr(place));
  EXPECT_THAT(input_error([&] { trained(source, true, {.stream = Streaming::on}); }), HasSubstr(place));
  --patterns[123 * kColumns + 4];  // the smallest NaN follows infinity
  EXPECT_THAT(input_error([&] { trained(npy(patterns), true, {.stream = Streaming::on}); }),
              HasSubstr("row 123, column 4 is inf"));
}

TEST_P(HalfFile, ThatIsCutShort) {
  const std::string source = npy(some()), path = scratch / "half.npy";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  for (const Streaming stream : {Streaming::off, Streaming::on})
    EXPECT_THAT(input_error([&] { open_dataset(source, {.stream = stream}); }),
                AllOf(HasSubstr(fmt::format("truncated or its shape is wrong: {}", to_string(type()))),
                      HasSubstr("takes 4200 bytes"), HasSubstr("the file has 4199")));
}

TEST_P(HalfFile, InfoNamesTheType) {
  const data::DataInfo info = data::describe(open_dataset(npy(some())));
  EXPECT_EQ(info.stored_dtype, type());
  EXPECT_EQ(data::type_text(info.dtype, info.stored_dtype), fmt::format("{} read as float32", to_string(type())));
  EXPECT_EQ(data::type_text(DType::u8, DType::u8), "uint8");
}

INSTANTIATE_TEST_SUITE_P(Each, HalfFile,
                         testing::Values(Half{DType::f16, kF16, 0x3C00, 0x7C01},
                                         Half{DType::bf16, kBf16, 0x3F80, 0x7F81}),
                         [](const auto& instance) { return to_string(instance.param.type); });

}  // namespace
}  // namespace lacuna::test
