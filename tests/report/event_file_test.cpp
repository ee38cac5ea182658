#include "report/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <vector>

#include "cli/program.h"

namespace lacuna::report {
namespace {

namespace fs = std::filesystem;

// RFC 3720, appendix B.4, and the check value of CRC-32C.
TEST(EventFile, ChecksumsAreThoseOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string ascending(32, '\0');
  std::iota(ascending.begin(), ascending.end(), '\0');
  EXPECT_EQ(crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(EventFile, ARecordHasItsLengthAndTwoMaskedChecksums) {
  const std::string record = tf_record("123456789");
  ASSERT_EQ(record.size(), 8u + 4 + 9 + 4);
  EXPECT_EQ(record.substr(0, 8), std::string("\x09\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 9), "123456789");
  std::uint32_t length_crc = 0, crc = 0;
  std::memcpy(&length_crc, record.data() + 8, 4);
  std::memcpy(&crc, record.data() + 21, 4);
  // By hand: ((c >> 15) | (c << 17)) + 0xa282ead8 of 0xe3069283.
  EXPECT_EQ(crc, 0xc78ab0e5U);
  EXPECT_EQ(length_crc, masked_crc32c(record.substr(0, 8)));
}

std::vector<std::string> records_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> records;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    records.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(bytes.substr(at, 16 + length), tf_record(records.back()));
    at += 16 + length;
  }
  return records;
}

TEST(EventFile, BeginsWithItsVersionAndHoldsScalars) {
  const test::TemporaryDirectory directory;
  EventFile file(directory.path() / "tensorboard", 1);
  file.scalar("loss", 300, 1.0);
  const auto records = records_of(file.path());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0], ::testing::EndsWith("\x1a\x0d"
                                              "brain.Event:2"));
  // wall_time (double), step = 300, summary { value { tag: "loss" simple_value: 1 } }
  EXPECT_EQ(records[1][0], '\x09');
  EXPECT_EQ(records[1].substr(9), std::string("\x10\xac\x02"
                                              "\x2a\x0d"
                                              "\x0a\x0b"
                                              "\x0a\x04loss"
                                              "\x15\x00\x00\x80\x3f",
                                              18));
}

TEST(EventFile, ASecondOneComesLaterAndSaysWhereItBegins) {
  const test::TemporaryDirectory directory;
  const EventFile first(directory.path(), 1), second(directory.path(), 601), third(directory.path(), 901);
  EXPECT_LT(first.path(), second.path());
  EXPECT_LT(second.path(), third.path());
  EXPECT_EQ(records_of(first.path()).size(), 1u);
  const auto records = records_of(second.path());
  ASSERT_EQ(records.size(), 2u);
  // step = 601, session_log { status: START }
  EXPECT_EQ(records[1].substr(9),
            "\x10\xd9\x04"
            "\x3a\x02"
            "\x08\x01");
}

TEST(EventFile, RemovesItsOwnFilesOnly) {
  const test::TemporaryDirectory directory;
  const fs::path place = directory.path() / "tensorboard";
  { const EventFile file(place, 1); }
  test::write_text(place / "notes.txt", "mine");
  remove_event_files(place);
  EXPECT_THAT(test::files_below(place), ::testing::ElementsAre("notes.txt"));
  fs::remove(place / "notes.txt");
  remove_event_files(place);
  EXPECT_FALSE(fs::exists(place));
}

}  // namespace
}  // namespace lacuna::report
