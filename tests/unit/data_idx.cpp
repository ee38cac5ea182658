#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstring>
#include <thread>

#include "data/idx.h"
#include "data_support.h"

namespace lacuna {
namespace {

using data::IdxArray;
using test::counting;
using test::gzip;
using test::idx_header;
using test::input_error;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

IdxArray parse(const std::string& bytes, std::int64_t limit = 0) {
  return data::parse_idx(bytes.data(), bytes.size(), "x.idx", limit);
}

std::string error_of(const std::string& bytes, std::int64_t limit = 0) {
  return input_error([&] { parse(bytes, limit); });
}

std::string values_of(const IdxArray& array) {
  return {static_cast<const char*>(array.values.get()),
          static_cast<std::size_t>(array.shape.elements() * size_of(array.dtype))};
}

TEST(Idx, ReadsEveryRankPlainAndGzipped) {
  for (const std::string& header : {idx_header(8, {24}), idx_header(8, {2, 12}), idx_header(8, {2, 3, 4}),
                                    idx_header(8, {1, 2, 3, 4}), idx_header(8, {1, 1, 1, 1, 1, 2, 3, 4})}) {
    const std::string plain = header + counting(24);
    for (const std::string& bytes : {plain, gzip(plain)}) {
      const IdxArray array = parse(bytes);
      EXPECT_EQ(array.dtype, DType::u8);
      EXPECT_EQ(array.shape.rank(), header[3]);
      EXPECT_EQ(values_of(array), counting(24));
    }
  }
  EXPECT_EQ(parse(idx_header(8, {2, 3, 4}) + counting(24)).shape, Shape({2, 3, 4}));
}

TEST(Idx, BringsFloatsIntoNativeOrder) {
  const IdxArray array = parse(idx_header(0x0d, {2}) + test::big_endian(0x3fc00000) + test::big_endian(0xc0200000));
  EXPECT_EQ(array.dtype, DType::f32);
  const float* values = static_cast<const float*>(array.values.get());
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], -2.5f);
}

TEST(Idx, LimitReadsTheFirstRows) {
  const std::string plain = idx_header(8, {4, 3}) + counting(12);
  for (const std::string& bytes : {plain, gzip(plain)}) {
    const IdxArray array = parse(bytes, 2);
    EXPECT_EQ(array.shape, Shape({2, 3}));
    EXPECT_EQ(array.announced_rows, 4);
    EXPECT_EQ(values_of(array), counting(6));
    EXPECT_EQ(parse(bytes, 9).shape, Shape({4, 3}));
  }
  EXPECT_THAT(error_of(plain + "x", 2), HasSubstr("1 bytes follow"));
}

TEST(Idx, EveryHeaderFieldLiedAbout) {
  EXPECT_THAT(error_of(""), HasSubstr("x.idx: the file is empty"));
  EXPECT_THAT(error_of(gzip("")), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("<!DOCTYPE html>"), HasSubstr("it begins with bytes 3c 21 instead of 00 00"));
  EXPECT_THAT(error_of(std::string("\0\1\x08\1", 4)), HasSubstr("bytes 00 01"));
  EXPECT_THAT(error_of(idx_header(0x09, {1}) + "x"), HasSubstr("element type 0x09 (signed byte) at byte 2"));
  EXPECT_THAT(error_of(idx_header(0x0b, {1}) + "xx"), HasSubstr("16-bit integer"));
  EXPECT_THAT(error_of(idx_header(0x0c, {1}) + "xxxx"), HasSubstr("32-bit integer"));
  EXPECT_THAT(error_of(idx_header(0x0e, {1}) + "xxxxxxxx"), HasSubstr("64-bit float"));
  EXPECT_THAT(error_of(idx_header(0x77, {1}) + "x"), HasSubstr("0x77 (unknown)"));
  EXPECT_THAT(error_of(idx_header(8, {})), HasSubstr("rank 0 at byte 3"));
  EXPECT_THAT(error_of(idx_header(8, {1, 1, 1, 1, 1, 1, 1, 1, 1}) + "x"), HasSubstr("rank 9 at byte 3"));
  EXPECT_THAT(error_of(idx_header(8, {0, 2})), AllOf(HasSubstr("dimension 0 (byte 4) is 0"), HasSubstr("no samples")));
  EXPECT_THAT(error_of(idx_header(8, {2, 0})), HasSubstr("dimension 1 (byte 8) is 0"));
  EXPECT_THAT(error_of(idx_header(8, {3, 2}) + counting(5)), HasSubstr("(18 bytes), but the file has 17 bytes"));
  EXPECT_THAT(error_of(gzip(idx_header(8, {3, 2}) + counting(5))),
              HasSubstr("the content ends at byte 17, but the IDX header announces [3, 2] uint8 values (18 bytes)"));
  EXPECT_THAT(error_of(idx_header(8, {3, 2}) + counting(8)), HasSubstr("2 bytes follow"));
  EXPECT_THAT(error_of(gzip(idx_header(8, {3, 2}) + counting(8))), HasSubstr("(at byte 18)"));
}

TEST(Idx, SizesBeyondMemoryAreRefusedBeforeAllocating) {
  const std::uint32_t most = 0xffffffff;
  EXPECT_THAT(error_of(idx_header(8, {most, most, most})), HasSubstr("more than any file can hold"));
  EXPECT_THAT(error_of(idx_header(0x0d, {most, most})), HasSubstr("more than any file can hold"));
  EXPECT_THAT(error_of(idx_header(8, {most, 0x7fffffff})), HasSubstr("but the file has 12 bytes"));
  EXPECT_THAT(error_of(gzip(idx_header(8, {most, 0x7fffffff}))), HasSubstr("cannot inflate to more than"));

  const test::ScratchDirectory scratch;
  const std::string path = scratch.write("sparse", idx_header(8, {1u << 20, 1u << 26}));
  std::error_code error;
  std::filesystem::resize_file(path, 12 + (std::uintmax_t{1} << 46), error);
  const std::string message = input_error([&] { data::read_idx(path); });
  if (error)  // a file system with a lower limit: the file stays short, and that is what must be said
    EXPECT_THAT(message, HasSubstr("but the file has 12 bytes"));
  else
    EXPECT_THAT(message, HasSubstr("do not fit into memory"));
}

TEST(Idx, EveryCutIsAnError) {
  const std::string plain = idx_header(8, {2, 3, 4}) + counting(24), zipped = gzip(plain);
  for (const std::string* bytes : {&plain, &zipped})
    for (std::size_t size = 0; size < bytes->size(); ++size) EXPECT_NE(error_of(bytes->substr(0, size)), "") << size;
}

TEST(Idx, ReadsFromAPipe) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string content = idx_header(8, {300, 1000}) + counting(300000);
  std::thread writer([&] { std::ofstream(path, std::ios::binary) << content; });
  const IdxArray array = data::read_idx(path);
  writer.join();
  EXPECT_TRUE(values_of(array) == counting(300000));
}

TEST(Idx, Labels) {
  const test::ScratchDirectory scratch;
  std::int64_t announced = 0;
  const std::string path = scratch.write("labels", gzip(idx_header(8, {4}) + std::string("\x03\x00\xff\x09", 4)));
  EXPECT_THAT(data::read_idx_labels(path), ElementsAre(3, 0, 255, 9));
  EXPECT_THAT(data::read_idx_labels(path, 2, &announced), ElementsAre(3, 0));
  EXPECT_EQ(announced, 4);
  const std::string matrix = scratch.write("matrix", idx_header(8, {2, 2}) + counting(4));
  EXPECT_THAT(input_error([&] { data::read_idx_labels(matrix); }),
              AllOf(HasSubstr("labels must be a rank 1"), HasSubstr("[2, 2]")));
  const std::string floats = scratch.write("floats", idx_header(0x0d, {1}) + counting(4));
  EXPECT_THAT(input_error([&] { data::read_idx_labels(floats); }), HasSubstr("holds float32"));
}

}  // namespace
}  // namespace lacuna
