#include <gmock/gmock.h>

#include "data/gzip.h"
#include "data_support.h"

namespace lacuna {
namespace {

using data::ContentReader;
using data::inflate_gzip;
using test::counting;
using test::gzip;
using test::input_error;
using ::testing::HasSubstr;

std::string inflate(const std::string& bytes, std::size_t max_bytes = 1 << 20) {
  const std::vector<unsigned char> content = inflate_gzip(bytes.data(), bytes.size(), "x.gz", max_bytes);
  return {content.begin(), content.end()};
}

/// Bytes that deflate cannot shrink to nothing.
std::string noise(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  return bytes;
}

TEST(Gzip, InflatesWhatWasDeflated) {
  for (const std::size_t size : {0, 1, 255, 65536, 300001}) EXPECT_EQ(inflate(gzip(noise(size))), noise(size));
}

TEST(Gzip, JoinsMembers) {
  EXPECT_EQ(inflate(gzip("one ") + gzip("") + gzip("two")), "one two");
}

TEST(Gzip, EveryCutIsAnError) {
  const std::string whole = gzip(noise(200));
  for (std::size_t size = 2; size < whole.size(); ++size)
    EXPECT_THAT(input_error([&] { inflate(whole.substr(0, size)); }),
                HasSubstr("x.gz: the gzip stream is cut off: the file ends at byte " + std::to_string(size)));
  EXPECT_THAT(input_error([&] { inflate(whole.substr(0, 1)); }), HasSubstr("not gzip"));
}

TEST(Gzip, NoFlippedBitGivesOtherContent) {
  const std::string content = counting(200), whole = gzip(content);
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    try {
      EXPECT_EQ(inflate(bytes), content) << "bit " << bit;
    } catch (const InputError&) {
      ++refused;
    }
  }
  // Time stamp, operating system and the like are no part of the content.
  EXPECT_GE(refused, static_cast<int>(8 * (whole.size() - 10)));
}

TEST(Gzip, NamesTheChecksumAndTheLength) {
  std::string bytes = gzip(noise(100));
  bytes[bytes.size() - 8] ^= 1;
  EXPECT_THAT(input_error([&] { inflate(bytes); }), HasSubstr("the CRC does not match"));
  bytes[bytes.size() - 8] ^= 1;
  bytes[bytes.size() - 1] ^= 1;
  EXPECT_THAT(input_error([&] { inflate(bytes); }), HasSubstr("the stored length does not match"));
}

TEST(Gzip, RefusesGarbageAfterTheStream) {
  const std::string whole = gzip("text");
  const std::string at = "ends at byte " + std::to_string(whole.size());
  for (const char* garbage : {"x", "\x1f", "some more", "\x1f\x8c"})
    EXPECT_THAT(input_error([&] { inflate(whole + garbage); }), HasSubstr(at));
  EXPECT_THAT(input_error([&] { inflate(whole + std::string(3, '\0')); }), HasSubstr(at));
  EXPECT_THAT(input_error([&] { inflate(whole + "\x1f\x8b"); }), HasSubstr("cut off"));
}

TEST(Gzip, StopsAtTheLimit) {
  const std::string bomb = gzip(std::string(1 << 20, '\0'));
  EXPECT_LT(bomb.size(), 2000u);
  EXPECT_EQ(inflate(bomb, 1 << 20).size(), std::size_t{1} << 20);
  EXPECT_THAT(input_error([&] { inflate(bomb, (1 << 20) - 1); }), HasSubstr("more than the 1048575 bytes"));
}

TEST(ContentReader, FindsOutByContentAndReadsInPieces) {
  const std::string content = noise(200000), zipped = gzip(content);
  for (const std::string* bytes : {&content, &zipped}) {
    ContentReader reader(data::open_memory(bytes->data(), bytes->size()), "x");
    EXPECT_EQ(reader.gzipped(), bytes == &zipped);
    EXPECT_GE(reader.size_bound().value(), content.size());
    std::string got;
    for (std::size_t piece = 1; got.size() < content.size(); piece = 3 * piece + 1) {
      std::string part(piece, '\0');
      part.resize(reader.read(part.data(), piece));
      got += part;
    }
    EXPECT_TRUE(got == content);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(ContentReader, MissingFilesAndDirectories) {
  const test::ScratchDirectory scratch;
  EXPECT_THAT(input_error([&] { data::open_file(scratch / "none"); }), HasSubstr("none: No such file"));
  EXPECT_THAT(input_error([&] { data::open_file(scratch.path()); }), HasSubstr("it is a directory"));
}

}  // namespace
}  // namespace lacuna
