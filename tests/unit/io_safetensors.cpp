#include <cstdint>
#include <limits>
#include <numeric>

#include "lacuna/safetensors.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;
using test::get_bytes;
using test::put_bytes;
using test::raw;
using test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string file_of(std::string_view header, std::string_view data) {
  return raw(std::uint64_t{header.size()}) + std::string(header) + std::string(data);
}

SafetensorsFile parse(const std::string& bytes) {
  return SafetensorsFile::parse(bytes.data(), bytes.size(), "f.st");
}

void expect_refused(const std::string& bytes, std::initializer_list<std::string_view> fragments) {
  SCOPED_TRACE(bytes.substr(0, 200));
  expect_error<InputError>([&] { parse(bytes); }, fragments);
  expect_error<InputError>([&] { parse(bytes); }, {"f.st"});
}

template <class Value>
std::vector<Value> values_of(const NamedTensor& tensor) {
  const auto* values = static_cast<const Value*>(tensor.view.data);
  return {values, values + tensor.view.shape.elements()};
}

TEST(Safetensors, RoundTripsEveryTypeAndMetadata) {
  TemporaryDirectory directory;
  const std::vector<float> f32{1.5F, -0.0F, std::numeric_limits<float>::denorm_min(), 3, 4, 5};
  const std::vector<double> f64{0.1, 1e300};
  const std::vector<std::uint16_t> half{0x3C00, 0x8001, 0x7BFF};
  const std::vector<std::uint8_t> u8{0, 128, 255};
  const std::vector<std::int32_t> i32{-1, 1 << 30};
  const std::vector<std::int64_t> i64{-1, std::int64_t{1} << 62};
  const std::map<std::string, std::string> metadata{{"a", ""}, {"quotes", "\"\\\n\t"}, {"unicode", "λ → ρ̂"}};
  write_safetensors(directory / "a",
                    {{"bytes", {u8.data(), DType::u8, {3}}},
                     {"floats", {f32.data(), DType::f32, {2, 3}}},
                     {"doubles", {f64.data(), DType::f64, {1, 2, 1}}},
                     {"empty", {nullptr, DType::f64, {4, 0}}},
                     {"halves", {half.data(), DType::f16, {3}}},
                     {"brains", {half.data(), DType::bf16, {3, 1}}},
                     {"ints", {i32.data(), DType::i32, {2}}},
                     {"longs", {i64.data(), DType::i64, {2}}},
                     {"scalar", {f32.data(), DType::f32, {}}}},
                    metadata);
  EXPECT_THAT(directory.entries(), ElementsAre("a"));

  const SafetensorsFile file = SafetensorsFile::open(directory / "a");
  EXPECT_EQ(file.path(), directory / "a");
  EXPECT_EQ(file.metadata(), metadata);
  EXPECT_THAT(file.skipped(), IsEmpty());
  ASSERT_EQ(file.tensors().size(), 9U);
  EXPECT_EQ(file.tensors()[0].name, "bytes");
  EXPECT_EQ(values_of<std::uint8_t>(*file.find("bytes")), u8);
  EXPECT_EQ(file.find("floats")->view.shape, (Shape{2, 3}));
  EXPECT_EQ(file.find("floats")->view.dtype, DType::f32);
  EXPECT_EQ(0, std::memcmp(file.find("floats")->view.data, f32.data(), f32.size() * sizeof(float)));
  EXPECT_EQ(file.find("doubles")->view.shape, (Shape{1, 2, 1}));
  EXPECT_EQ(values_of<double>(*file.find("doubles")), f64);
  EXPECT_EQ(file.find("empty")->view.shape, (Shape{4, 0}));
  EXPECT_EQ(file.find("halves")->view.dtype, DType::f16);
  EXPECT_EQ(values_of<std::uint16_t>(*file.find("halves")), half);
  EXPECT_EQ(file.find("brains")->view.dtype, DType::bf16);
  EXPECT_EQ(values_of<std::uint16_t>(*file.find("brains")), half);
  EXPECT_EQ(values_of<std::int32_t>(*file.find("ints")), i32);
  EXPECT_EQ(values_of<std::int64_t>(*file.find("longs")), i64);
  EXPECT_EQ(file.find("scalar")->view.shape, Shape{});
  EXPECT_EQ(values_of<float>(*file.find("scalar")), (std::vector<float>{1.5F}));
  EXPECT_EQ(file.find("none"), nullptr);
}

TEST(Safetensors, DataBeginAtAMultipleOfEight) {
  TemporaryDirectory directory;
  const double value = 1;
  for (const std::string name : {"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    write_safetensors(directory / "a", {{name, {&value, DType::f64, {1}}}});
    const std::string bytes = get_bytes(directory / "a");
    EXPECT_EQ((bytes.size() - sizeof value) % 8, 0U);
    EXPECT_EQ(values_of<double>(SafetensorsFile::open(directory / "a").tensors().at(0)), std::vector{1.0});
  }
}

TEST(Safetensors, AlignedTensorsAreViewsOfTheBytesAndOthersCopies) {
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},)"
      R"("c":{"dtype":"F32","shape":[2],"data_offsets":[5,13]}})";
  const std::vector<float> floats{7, -8, 9};
  const std::string padded = header + std::string(8 - header.size() % 8, ' ');
  std::string data(13, '\1');
  std::memcpy(data.data(), floats.data(), 4);
  std::memcpy(data.data() + 5, floats.data() + 1, 8);
  const std::string bytes = file_of(padded, data);
  ASSERT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 8, 0U);
  const SafetensorsFile file = parse(bytes);
  EXPECT_EQ(file.find("a")->view.data, bytes.data() + 8 + padded.size());
  EXPECT_EQ(file.find("b")->view.data, bytes.data() + 8 + padded.size() + 4);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.find("c")->view.data) % 4, 0U);
  EXPECT_EQ(values_of<float>(*file.find("c")), (std::vector<float>{-8, 9}));
}

TEST(Safetensors, TensorsComeInTheOrderOfTheData) {
  const std::string bytes = file_of(R"({"z":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
                                    R"("y":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}  )",
                                    "ab");
  const SafetensorsFile file = parse(bytes);
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[0].name, "y");
  EXPECT_EQ(file.tensors()[1].name, "z");
  EXPECT_EQ(*static_cast<const char*>(file.tensors()[1].view.data), 'b');
}

TEST(Safetensors, OtherKnownTypesAreListedWithTheirSizeChecked) {
  const SafetensorsFile file =
      parse(file_of(R"({"short":{"dtype":"I16","shape":[3],"data_offsets":[0,6]},)"
                    R"("tiny":{"dtype":"F4","shape":[4],"data_offsets":[6,8]},)"
                    R"("deep":{"dtype":"BOOL","shape":[1,1,1,1,1,1,1,1,1,1],"data_offsets":[8,9]}})",
                    std::string(9, '\0')));
  EXPECT_THAT(file.tensors(), IsEmpty());
  EXPECT_THAT(file.skipped(), ElementsAre(Pair("short", "I16"), Pair("tiny", "F4"), Pair("deep", "BOOL")));
  expect_refused(file_of(R"({"half":{"dtype":"BF16","shape":[3],"data_offsets":[0,5]}})", "12345"),
                 {"half", "takes 6"});
  expect_refused(file_of(R"({"tiny":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", "1"), {"tiny", "whole bytes"});
}

TEST(Safetensors, AFileOfNoTensorsIsRead) {
  EXPECT_THAT(parse(file_of("{}", "")).tensors(), IsEmpty());
  EXPECT_EQ(parse(file_of(R"({"__metadata__":{"k":"v"}})", "")).metadata().at("k"), "v");
}

TEST(Safetensors, RefusesALyingHeaderLength) {
  const std::string good = file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xy");
  parse(good);
  for (std::size_t size = 0; size < good.size(); ++size) {
    SCOPED_TRACE(size);
    const std::string cut = good.substr(0, size);
    expect_error<InputError>([&] { parse(cut); }, {"f.st"});
  }
  const auto with_length = [&](std::uint64_t length) { return raw(length) + good.substr(8); };
  expect_refused(good.substr(0, 7), {"7 bytes"});
  expect_refused(with_length(std::uint64_t{1} << 63), {"header length", "offset 0", "9223372036854775808"});
  expect_refused(with_length(std::numeric_limits<std::uint64_t>::max()), {"18446744073709551615"});
  expect_refused(with_length(100'000'001), {"100000001", "limit"});
  expect_refused(with_length(good.size() - 8 + 1), {"header length", "bytes follow"});
  expect_refused(with_length(0), {"JSON", "offset 8"});
  expect_refused(with_length(good.size() - 8), {"JSON"});
  expect_refused(with_length(good.size() - 8 - 3), {"JSON"});
}

TEST(Safetensors, RefusesWhatIsNotTheRightJson) {
  const auto header = [](std::string_view text) { return file_of(text, ""); };
  expect_refused(header("PK\3\4 zip"), {"JSON", "offset 8"});
  expect_refused(header(R"({"a":)"), {"JSON", "offset 13"});
  expect_refused(header("{} {}"), {"JSON", "offset 11"});
  expect_refused(header("[]"), {"an array", "expected an object"});
  expect_refused(header("3"), {"the number 3", "expected an object"});
  expect_refused(header("null"), {"null"});
  expect_refused(header(std::string_view("{}\0x", 4)), {"zero byte", "offset 10"});
  expect_refused(header("{\"\xff\":{}}"), {"JSON"});
  expect_refused(header(R"({"a":3})"), {"\"a\"", "the number 3", "expected an object"});
  expect_refused(header(R"({"__metadata__":"x"})"), {"\"__metadata__\"", "a string", "expected an object"});
  expect_refused(header(R"({"__metadata__":{"k":1}})"), {"metadata key \"k\"", "the number 1", "expected a string"});
  expect_refused(header(R"({"__metadata__":{"k":{}}})"), {"metadata key \"k\"", "an object"});
  expect_refused(header(R"({"__metadata__":{"k":["v"]}})"), {"metadata key \"k\"", "an array"});
  expect_refused(header(R"({"__metadata__":{"k":null}})"), {"metadata key \"k\"", "null"});
}

TEST(Safetensors, RefusesDuplicates) {
  const std::string tensor = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  expect_refused(file_of("{" + tensor + "," + tensor + "}", ""), {"\"a\" stands twice"});
  expect_refused(file_of(R"({"__metadata__":{},"__metadata__":{}})", ""), {"\"__metadata__\" stands twice"});
  expect_refused(file_of(R"({"__metadata__":{"k":"1","k":"1"}})", ""), {"metadata key \"k\" stands twice"});
  expect_refused(file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})", ""),
                 {"tensor \"a\"", "\"dtype\" stands twice"});
}

TEST(Safetensors, NestingCannotExhaustTheStack) {
  for (const std::string& opening : {std::string("["), std::string(R"({"a":)")}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += opening;
    expect_refused(file_of(deep, ""), {"f.st"});
    expect_refused(file_of(R"({"a":{"shape":)" + deep, ""), {"tensor \"a\", field \"shape\""});
    expect_refused(file_of(R"({"__metadata__":{"k":)" + deep, ""), {"metadata key \"k\""});
  }
}

TEST(Safetensors, RefusesEachFieldLiedAbout) {
  const auto tensor = [](std::string_view dtype, std::string_view shape, std::string_view offsets) {
    return file_of("{\"t\":{\"dtype\":" + std::string(dtype) + ",\"shape\":" + std::string(shape) +
                       ",\"data_offsets\":" + std::string(offsets) + "}}",
                   "12345678");
  };
  const std::string f32 = R"("F32")";
  parse(tensor(f32, "[2]", "[0,8]"));
  const std::string field = "tensor \"t\", field ";

  expect_refused(tensor(R"("F33")", "[2]", "[0,8]"), {"tensor \"t\"", "unknown dtype \"F33\""});
  expect_refused(tensor(R"("F\n")", "[2]", "[0,8]"), {"unknown dtype \"F\\x0a\""});
  expect_refused(tensor("4", "[2]", "[0,8]"), {field + "\"dtype\"", "the number 4", "expected a string"});
  expect_refused(tensor(R"(["F32"])", "[2]", "[0,8]"), {field + "\"dtype\"", "an array"});
  expect_refused(tensor(R"("F64")", "[2]", "[0,8]"), {"tensor \"t\"", "F64 of shape [2] takes 16"});
  expect_refused(tensor(R"("U8")", "[2]", "[0,8]"), {"hold 8 bytes", "takes 2"});

  expect_refused(tensor(f32, "2", "[0,8]"), {field + "\"shape\"", "the number 2", "expected an array"});
  expect_refused(tensor(f32, "[-2]", "[0,8]"), {field + "\"shape\"", "the number -2"});
  expect_refused(tensor(f32, "[2.0]", "[0,8]"), {field + "\"shape\"", "the number 2.0", "whole number"});
  expect_refused(tensor(f32, R"(["2"])", "[0,8]"), {field + "\"shape\"", "a string"});
  expect_refused(tensor(f32, "[true]", "[0,8]"), {field + "\"shape\"", "true"});
  expect_refused(tensor(f32, "[[2]]", "[0,8]"), {field + "\"shape\"", "an array"});
  expect_refused(tensor(f32, "[{}]", "[0,8]"), {field + "\"shape\"", "an object"});
  expect_refused(tensor(f32, "[3]", "[0,8]"), {"[0, 8] hold 8 bytes", "F32 of shape [3] takes 12"});
  expect_refused(tensor(f32, "[2,2]", "[0,8]"), {"F32 of shape [2, 2] takes 16"});
  expect_refused(tensor(f32, "[0]", "[0,8]"), {"takes 0"});
  expect_refused(tensor(f32, "[18446744073709551616]", "[0,8]"), {"the number 18446744073709551616"});
  expect_refused(tensor(f32, "[18446744073709551615]", "[0,8]"), {"too large"});
  expect_refused(tensor(f32, "[4611686018427387904,4]", "[0,8]"), {"too large"});
  expect_refused(tensor(f32, "[4294967296,4294967296]", "[0,8]"), {"too large"});
  expect_refused(tensor(f32, "[0,4294967296,4294967296]", "[0,0]"), {"too large"});
  expect_refused(tensor(f32, "[1,1,1,1,1,1,1,1,2]", "[0,8]"), {"9 dimensions"});

  expect_refused(tensor(f32, "[2]", "8"), {field + "\"data_offsets\"", "the number 8"});
  expect_refused(tensor(f32, "[2]", "[0]"), {field + "\"data_offsets\"", "1 numbers"});
  expect_refused(tensor(f32, "[2]", "[]"), {field + "\"data_offsets\"", "0 numbers"});
  expect_refused(tensor(f32, "[2]", "[0,8,8]"), {field + "\"data_offsets\"", "3 numbers"});
  expect_refused(tensor(f32, "[2]", "[-8,0]"), {field + "\"data_offsets\"", "the number -8"});
  expect_refused(tensor(f32, "[2]", "[8,0]"), {"[8, 0] do not lie in order within the 8 bytes"});
  expect_refused(tensor(f32, "[2]", "[1,9]"), {"[1, 9] do not lie in order within the 8 bytes"});
  expect_refused(tensor(f32, "[2]", "[18446744073709551608,18446744073709551615]"), {"within the 8 bytes"});
  expect_refused(tensor(f32, "[1]", "[4,8]"), {"begin at 4", "leaves a gap"});
  expect_refused(tensor(f32, "[1]", "[0,4]"), {"8 bytes of data", "end at 4"});

  const auto fields = [](std::string_view body) { return file_of("{\"t\":{" + std::string(body) + "}}", ""); };
  expect_refused(fields(""), {"tensor \"t\" has no field \"dtype\""});
  expect_refused(fields(R"("dtype":"U8","shape":[0])"), {"tensor \"t\" has no field \"data_offsets\""});
  expect_refused(fields(R"("dtype":"U8","data_offsets":[0,0])"), {"tensor \"t\" has no field \"shape\""});
  expect_refused(fields(R"("dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1)"), {"unknown field \"x\""});
}

TEST(Safetensors, RefusesOverlapsAndGaps) {
  const auto two = [](std::string_view first, std::string_view second) {
    return file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + std::string(first) +
                       "},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + std::string(second) + "}}",
                   "123456789");
  };
  expect_refused(two("[0,4]", "[3,7]"), {"tensor \"b\"", "begin at 3", "overlaps", "ends at 4"});
  expect_refused(two("[0,4]", "[0,4]"), {"tensor \"b\"", "begin at 0", "overlaps"});
  expect_refused(two("[5,9]", "[0,4]"), {"tensor \"a\"", "begin at 5", "leaves a gap", "ends at 4"});
  expect_refused(two("[0,4]", "[4,8]"), {"9 bytes of data", "end at 8"});
}

TEST(Safetensors, NamesTheFileThatCannotBeOpened) {
  TemporaryDirectory directory;
  put_bytes(directory / "empty", "");
  expect_error<InputError>([&] { SafetensorsFile::open(directory / "none"); }, {directory / "none"});
  expect_error<InputError>([&] { SafetensorsFile::open(directory / "empty"); }, {directory / "empty", "empty"});
  expect_error<InputError>([&] { SafetensorsFile::open(directory.path()); }, {"directory"});
}

TEST(SafetensorsWriting, RefusesWhatCannotBeReadBack) {
  TemporaryDirectory directory;
  const float value = 0;
  const NamedTensor tensor{"a", {&value, DType::f32, {1}}};
  EXPECT_THROW(write_safetensors(directory / "a", {tensor, tensor}), ContractError);
  EXPECT_THROW(write_safetensors(directory / "a", {{"__metadata__", tensor.view}}), ContractError);
  NamedTensor transposed{"t", {&value, DType::f32, {1, 1}}};
  transposed.view.strides[0] = 2;
  EXPECT_THROW(write_safetensors(directory / "a", {transposed}), ContractError);
  EXPECT_THAT(directory.entries(), IsEmpty());
}

TEST(SafetensorsWriting, MetadataThatIsNotUnicodeIsStillReadable) {
  TemporaryDirectory directory;
  write_safetensors(directory / "a", {}, {{"path", "caf\xe9"}});
  EXPECT_EQ(SafetensorsFile::open(directory / "a").metadata().at("path"), "caf\xef\xbf\xbd");
}

TEST(SafetensorsWriting, AFullDiskIsAnError) {
  const std::vector<float> values(100'000);
  const NamedTensor tensor{"a", {values.data(), DType::f32, {100'000}}};
  expect_error<Error>([&] { write_safetensors("/dev/full", {tensor}); }, {"/dev/full", "No space left"});
}

}  // namespace
}  // namespace lacuna
