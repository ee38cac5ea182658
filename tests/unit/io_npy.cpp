#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "lacuna/npy.h"
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

/// A file with this header text as it stands (no padding) and these data.
std::string file_of(std::string_view text, std::string_view data, int major = 1, int minor = 0) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += static_cast<char>(minor);
  bytes += major == 1 ? raw(static_cast<std::uint16_t>(text.size())) : raw(static_cast<std::uint32_t>(text.size()));
  return bytes + std::string(text) + std::string(data);
}

std::string dictionary(std::string_view descr, std::string_view order, std::string_view shape) {
  return "{'descr': " + std::string(descr) + ", 'fortran_order': " + std::string(order) +
         ", 'shape': " + std::string(shape) + ", }\n";
}

template <class Value>
std::string data_of(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

NpyArray parse(const std::string& bytes) {
  return parse_npy(bytes.data(), bytes.size(), "f.npy");
}

template <class Value>
std::vector<Value> values_of(const NpyArray& array) {
  const auto* values = static_cast<const Value*>(array.view.data);
  return {values, values + array.view.shape.elements()};
}

void expect_refused(const std::string& bytes, std::initializer_list<std::string_view> fragments) {
  SCOPED_TRACE(bytes.substr(0, 200));
  expect_error<InputError>([&] { parse(bytes); }, fragments);
  expect_error<InputError>([&] { parse(bytes); }, {"f.npy"});
}

template <class Value>
void expect_type(const char* descr, DType type, const std::vector<Value>& values) {
  SCOPED_TRACE(descr);
  const std::string bytes = file_of(dictionary(descr, "False", "(3,)"), data_of(values));
  // Every alignment of the file in memory.
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string moved = std::string(shift, ' ') + bytes;
    const NpyArray array = parse_npy(moved.data() + shift, bytes.size(), "f.npy");
    EXPECT_EQ(array.view.dtype, type);
    EXPECT_EQ(array.view.shape, Shape{3});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.view.data) % sizeof(Value), 0U);
    EXPECT_EQ(values_of<Value>(array), values);
  }
}

TEST(Npy, ReadsEveryElementType) {
  expect_type<float>("'<f4'", DType::f32, {1.5F, -2, 1e-40F});
  expect_type<double>("'<f8'", DType::f64, {0.1, -2, 1e300});
  expect_type<std::uint16_t>("'<f2'", DType::f16, {0x3C00, 0x8001, 0x7BFF});
  for (const char* descr : {"'<V2'", "'|V2'", "'bfloat16'"})
    expect_type<std::uint16_t>(descr, DType::bf16, {0x3F80, 0x8001, 0x7F7F});
  expect_type<std::uint8_t>("'|u1'", DType::u8, {0, 128, 255});
  expect_type<std::uint8_t>("'<u1'", DType::u8, {0, 128, 255});
  expect_type<std::int32_t>("'<i4'", DType::i32, {-1, 0, 1 << 30});
  expect_type<std::int64_t>("'<i8'", DType::i64, {-1, 0, std::int64_t{1} << 62});
}

TEST(Npy, ReadsEveryVersionAndSpelling) {
  const std::string data = data_of<float>({1, 2});
  for (int version : {1, 2, 3})
    EXPECT_EQ(values_of<float>(parse(file_of(dictionary("'<f4'", "False", "(2,)"), data, version))),
              (std::vector<float>{1, 2}));
  for (const std::string& text : {
           std::string(R"({"shape": (2,), "descr": "<f4", "fortran_order": False})"),
           std::string("{'fortran_order':False,'shape':(2,),'descr':'<f4'}"),
           std::string("{'descr': '<f4', 'fortran_order': True, 'shape': ( 2 , ) }      \n"),
       })
    EXPECT_EQ(values_of<float>(parse(file_of(text, data))), (std::vector<float>{1, 2})) << text;
  EXPECT_EQ(parse(file_of(dictionary("'<f4'", "False", "(1,2)"), data)).view.shape, (Shape{1, 2}));
  EXPECT_EQ(parse(file_of(dictionary("'<f4'", "False", "(1, 2,)"), data)).view.shape, (Shape{1, 2}));
  EXPECT_EQ(parse(file_of(dictionary("'<f8'", "False", "()"), data)).view.shape, Shape{});
}

TEST(Npy, ReadsEmptyArrays) {
  for (const char* order : {"False", "True"}) {
    const NpyArray array = parse(file_of(dictionary("'<f4'", order, "(3, 0, 2)"), ""));
    EXPECT_EQ(array.view.shape, (Shape{3, 0, 2}));
  }
}

/// Element (i, j, ...) of the array is its index in C order; the file holds it in Fortran order.
template <class Value>
void expect_reordered(const char* descr, const Shape& shape, std::string_view tuple) {
  const std::int64_t count = shape.elements();
  std::vector<Value> file_order(static_cast<std::size_t>(count)), expected;
  for (std::int64_t c = 0; c < count; ++c) {
    std::int64_t rest = c, fortran = 0, stride = 1;
    std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      index[static_cast<std::size_t>(axis)] = rest % shape[axis];
      rest /= shape[axis];
    }
    for (int axis = 0; axis < shape.rank(); ++axis) {
      fortran += index[static_cast<std::size_t>(axis)] * stride;
      stride *= shape[axis];
    }
    file_order[static_cast<std::size_t>(fortran)] = static_cast<Value>(c);
    expected.push_back(static_cast<Value>(c));
  }
  const std::string bytes = file_of(dictionary(descr, "True", tuple), data_of(file_order));
  const NpyArray array = parse(bytes);
  EXPECT_EQ(array.view.shape, shape);
  EXPECT_EQ(values_of<Value>(array), expected) << tuple;
}

TEST(Npy, FortranOrderBecomesCOrder) {
  expect_reordered<float>("'<f4'", {2, 3}, "(2, 3)");
  expect_reordered<float>("'<f4'", {33, 65}, "(33, 65)");
  expect_reordered<float>("'<f4'", {1, 7}, "(1, 7)");
  expect_reordered<float>("'<f4'", {7, 1}, "(7, 1)");
  expect_reordered<float>("'<f4'", {5}, "(5,)");
  expect_reordered<double>("'<f8'", {3, 4, 5}, "(3, 4, 5)");
  expect_reordered<std::uint8_t>("'|u1'", {2, 3, 4, 5}, "(2, 3, 4, 5)");
  expect_reordered<std::uint16_t>("'<f2'", {7, 40}, "(7, 40)");
  expect_reordered<std::int32_t>("'<i4'", {2, 1, 3, 1, 4}, "(2, 1, 3, 1, 4)");
  expect_reordered<std::int64_t>("'<i8'", {2, 2, 2, 2, 2, 2, 2, 2}, "(2, 2, 2, 2, 2, 2, 2, 2)");
}

TEST(Npy, RefusesWhatIsTruncatedOrTooLong) {
  const std::string good = file_of(dictionary("'<f4'", "False", "(2, 3)"), data_of<float>({1, 2, 3, 4, 5, 6}));
  parse(good);
  for (std::size_t size = 0; size < good.size(); ++size) {
    SCOPED_TRACE(size);
    const std::string cut = good.substr(0, size);
    expect_error<InputError>([&] { parse(cut); }, {"f.npy"});
  }
  expect_refused(good.substr(0, good.size() - 1), {"truncated", "[2, 3]", "takes 24 bytes", "has 23"});
  expect_refused(good + "x", {"bytes follow", "takes 24 bytes", "has 25"});
}

TEST(Npy, RefusesALyingPrefix) {
  const std::string good = file_of(dictionary("'<f4'", "False", "(1,)"), "1234");
  for (std::size_t i = 0; i < 6; ++i) {
    std::string bad = good;
    bad[i] ^= 1;
    expect_refused(bad, {"not an NPY file"});
  }
  expect_refused(file_of("{}", "", 0), {"version 0.0", "offset 6"});
  expect_refused(file_of("{}", "", 4), {"version 4.0", "offset 6"});
  expect_refused(file_of("{}", "", 1, 1), {"version 1.1", "offset 6"});
  std::string longer = good;
  longer[8] = '\xff';
  longer[9] = '\xff';
  expect_refused(longer, {"header length at offset 8 is 65535"});
  std::string shorter = good;
  shorter[8] = 5;
  expect_refused(shorter, {"offset 1"});
  std::string huge = file_of(dictionary("'<f4'", "False", "(1,)"), "1234", 2);
  std::memset(huge.data() + 8, 0xff, 4);
  expect_refused(huge, {"header length at offset 8 is 4294967295"});
}

TEST(Npy, RefusesElementTypesByName) {
  const auto with = [](std::string_view descr) { return file_of(dictionary(descr, "False", "(1,)"), "12345678"); };
  expect_refused(with("'>f4'"), {"big-endian float32", ">f4", "astype(\"<f4\")"});
  expect_refused(with("'>f8'"), {"big-endian float64"});
  expect_refused(with("'>i4'"), {"big-endian int32"});
  expect_refused(with("'|O'"), {"object arrays"});
  expect_refused(with("'>f2'"), {"big-endian float16", ">f2", "astype(\"<f2\")"});
  for (const char* descr : {">V2", "V2", "|V1", "|V4", "<V4", "|f2", "float16", "bfloat", "<bfloat16"})
    expect_refused(with(fmt::format("'{}'", descr)), {fmt::format("\"{}\" is not supported", descr), "<V2 (bfloat16)"});
  expect_refused(with("'|b1'"), {"\"|b1\" is not supported"});
  expect_refused(with("'<c8'"), {"\"<c8\" is not supported"});
  expect_refused(with("'<U3'"), {"\"<U3\" is not supported"});
  expect_refused(with("'f4'"), {"\"f4\" is not supported"});
  expect_refused(with("'=f4'"), {"\"=f4\" is not supported"});
  expect_refused(with("'|f4'"), {"\"|f4\" is not supported"});
  expect_refused(with("''"), {"\"\" is not supported"});
  expect_refused(with("'\n'"), {"escapes"});
  expect_refused(with("'\x01'"), {"\"\\x01\" is not supported"});
  expect_refused(with("[('a', '<f4')]"), {"structured"});
  expect_refused(with("4"), {"expected"});
}

TEST(Npy, RefusesShapesLiedAbout) {
  const auto with = [](std::string_view shape) { return file_of(dictionary("'<f4'", "False", shape), "12345678"); };
  parse(with("(2,)"));
  expect_refused(with("(3,)"), {"takes 12 bytes"});
  expect_refused(with("(1,)"), {"takes 4 bytes"});
  expect_refused(with("(0,)"), {"takes 0 bytes"});
  expect_refused(with("(-2,)"), {"whole number"});
  expect_refused(with("(2.0,)"), {"expected"});
  expect_refused(with("(2 2)"), {"expected ',' or ')'"});
  expect_refused(with("(,)"), {"whole number"});
  expect_refused(with("(2)"), {"tuple"});
  expect_refused(with("2"), {"expected '('"});
  expect_refused(with("[2]"), {"expected '('"});
  expect_refused(with("(9223372036854775808,)"), {"too large"});
  expect_refused(with("(99999999999999999999999,)"), {"too large"});
  expect_refused(with("(9223372036854775807,)"), {"too large"});
  expect_refused(with("(4294967296, 4294967296)"), {"too large"});
  expect_refused(with("(0, 4294967296, 4294967296)"), {"too large"});
  expect_refused(with("(1, 1, 1, 1, 1, 1, 1, 1, 2)"), {"more than 8 dimensions"});
  expect_refused(with("(2,"), {"whole number"});
}

TEST(Npy, RefusesADictionaryThatIsNotOne) {
  const auto with = [](std::string_view text) { return file_of(text, "1234"); };
  expect_refused(with(""), {"expected '{'", "offset 10"});
  expect_refused(with("{"), {"offset 11"});
  expect_refused(with("{}"), {"\"descr\" is missing"});
  expect_refused(with("{'descr': '<f4', 'shape': (1,)}"), {"\"fortran_order\" is missing"});
  expect_refused(with("{'descr': '<f4', 'fortran_order': False}"), {"\"shape\" is missing"});
  expect_refused(with("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"), {"stands twice"});
  expect_refused(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}"), {"unknown key \"x\""});
  expect_refused(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"), {"text follows"});
  expect_refused(with("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}"), {"expected '}'"});
  expect_refused(with("{'descr' '<f4', 'fortran_order': False, 'shape': (1,)}"), {"expected ':'"});
  expect_refused(with("{'descr': '<f4, }"), {"does not end"});
  expect_refused(with("{'des\\x63r': '<f4', 'fortran_order': False, 'shape': (1,)}"), {"escapes"});
  expect_refused(with("{descr: '<f4', 'fortran_order': False, 'shape': (1,)}"), {"expected '''"});
  for (const char* order : {"0", "None", "'False'", "false", "Fals"})
    expect_refused(with(dictionary("'<f4'", order, "(1,)")), {"fortran_order must be True or False"});
  std::string deep = "{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(60'000, '(');
  expect_refused(with(deep), {"whole number"});
}

TEST(NpyWriting, RoundTripsEveryTypeAndRank) {
  TemporaryDirectory directory;
  const std::vector<double> bits{0.1, -2.5, 1e-300, 4, 5, 6};
  for (DType type : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::u8, DType::i32, DType::i64}) {
    for (const Shape& shape : {Shape{}, Shape{6}, Shape{2, 3}, Shape{1, 2, 3}, Shape{0, 3}}) {
      write_npy(directory / "a.npy", {bits.data(), type, shape});
      const std::string bytes = get_bytes(directory / "a.npy");
      const auto size = static_cast<std::size_t>(shape.elements() * size_of(type));
      EXPECT_EQ((bytes.size() - size) % 64, 0U);
      EXPECT_EQ(bytes[bytes.size() - size - 1], '\n');
      const NpyArray array = read_npy(directory / "a.npy");
      EXPECT_EQ(array.view.dtype, type);
      EXPECT_EQ(array.view.shape, shape);
      EXPECT_EQ(0, std::memcmp(array.view.data, bits.data(), size));
    }
  }
  EXPECT_THAT(directory.entries(), ElementsAre("a.npy"));
}

TEST(NpyWriting, WritesTheBytesThatNumpyWrites) {
  TemporaryDirectory directory;
  const std::vector<float> values{1, 2};
  write_npy(directory / "a.npy", {values.data(), DType::f32, {2}});
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(get_bytes(directory / "a.npy"),
            file_of(text + std::string(128 - 10 - 1 - text.size(), ' ') + "\n", data_of(values)));
  write_npy(directory / "b.npy", {values.data(), DType::bf16, {4}});
  EXPECT_NE(get_bytes(directory / "b.npy").find("{'descr': '<V2', "), std::string::npos) << "as ml_dtypes has it";
}

TEST(NpyWriting, RefusesAViewThatIsNotContiguous) {
  TemporaryDirectory directory;
  const std::vector<float> values(4);
  ConstTensorView view(values.data(), DType::f32, {2, 2});
  std::swap(view.strides[0], view.strides[1]);
  EXPECT_THROW(write_npy(directory / "a.npy", view), ContractError);
  EXPECT_THAT(directory.entries(), IsEmpty());
}

TEST(NpyWriting, AFullDiskIsAnError) {
  const std::vector<float> values(100'000);
  expect_error<Error>([&] { write_npy("/dev/full", {values.data(), DType::f32, {100'000}}); }, {"No space left"});
}

TEST(NpyWriter, WritesPieceByPiece) {
  TemporaryDirectory directory;
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  NpyWriter writer(directory / "a.npy", 3, 2);
  writer.append(values.data(), 2);
  writer.append(values.data(), 0);
  writer.append(values.data() + 4, 1);
  EXPECT_FALSE(std::filesystem::exists(directory / "a.npy"));
  writer.finish();
  const NpyArray array = read_npy(directory / "a.npy");
  EXPECT_EQ(array.view.shape, (Shape{3, 2}));
  EXPECT_EQ(values_of<float>(array), values);
}

TEST(NpyWriter, CountsItsRowsAndLeavesNothingUnfinished) {
  TemporaryDirectory directory;
  const std::vector<float> values(6);
  {
    NpyWriter writer(directory / "a.npy", 3, 2);
    writer.append(values.data(), 2);
    EXPECT_THROW(writer.finish(), ContractError);
    EXPECT_THROW(writer.append(values.data(), 2), ContractError);
    EXPECT_THROW(writer.append(values.data(), -1), ContractError);
    EXPECT_EQ(directory.entries().size(), 1U);
  }
  EXPECT_THAT(directory.entries(), IsEmpty());
}

TEST(Npy, NamesTheFileThatCannotBeOpened) {
  TemporaryDirectory directory;
  put_bytes(directory / "empty", "");
  expect_error<InputError>([&] { read_npy(directory / "none"); }, {directory / "none"});
  expect_error<InputError>([&] { read_npy(directory / "empty"); }, {directory / "empty", "empty"});
  expect_error<InputError>([&] { NpyWriter(directory / "none/a", 1, 1); }, {"none/a"});
}

}  // namespace
}  // namespace lacuna
