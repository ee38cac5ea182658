#include "report/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "lacuna/error.h"

namespace lacuna::report {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}

template <class T>
std::string little_endian(T value) {
  std::string out;
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> 8 * i & 0xffU);
  return out;
}

// Protocol buffers: a field is its number and wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes) as
// a varint, then its value.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7fU) | 0x80U);
  return out + static_cast<char>(value);
}

std::string integer_field(std::uint32_t number, std::int64_t value) {
  return varint(number << 3U) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(std::uint32_t number, double value) {
  return varint(number << 3U | 1U) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string bytes_field(std::uint32_t number, std::string_view bytes) {
  return varint(number << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
}
std::string float_field(std::uint32_t number, float value) {
  return varint(number << 3U | 5U) + little_endian(std::bit_cast<std::uint32_t>(value));
}

// tensorflow/core/util/event.proto
constexpr std::uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The latest TIME among the event files of a directory; 0 if there is none.
std::int64_t latest_time(const std::string& directory) {
  std::int64_t latest = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::int64_t time = 1;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), time);
    latest = std::max(latest, time);
  }
  return latest;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = ~0U;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ crc >> 8;
  return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8U;
}

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(static_cast<std::uint64_t>(bytes.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(bytes) + little_endian(masked_crc32c(bytes));
}

EventFile::EventFile(const std::string& directory, std::int64_t next_step) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) throw Error(fmt::format("cannot create {}: {}", directory, error.message()));
  const std::int64_t before = latest_time(directory);
  const std::int64_t time = std::max(static_cast<std::int64_t>(wall_time()), before + 1);
  path_ = fmt::format("{}/{}{:010}.{}.{}", directory, kPrefix, time, host_name(), ::getpid());
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw Error(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  append(0, kFileVersion, "brain.Event:2");
  constexpr std::int64_t kStart = 1;
  if (before > 0) append(next_step, kSessionLog, integer_field(1, kStart));
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::scalar(const std::string& tag, std::int64_t step, double value) {
  append(step, kSummary, bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value))));
}

void EventFile::picture(const std::string& tag, std::int64_t step, std::int64_t width, std::int64_t height,
                        std::string_view png) {
  constexpr std::int64_t kRgb = 3;
  const std::string image =
      integer_field(1, height) + integer_field(2, width) + integer_field(3, kRgb) + bytes_field(4, png);
  append(step, kSummary, bytes_field(1, bytes_field(1, tag) + bytes_field(4, image)));
}

void EventFile::append(std::int64_t step, std::uint32_t field, std::string_view payload) {
  const std::string record =
      tf_record(double_field(kWallTime, wall_time()) + integer_field(kStep, step) + bytes_field(field, payload));
  errno = 0;
  if (::write(descriptor_, record.data(), record.size()) == static_cast<ssize_t>(record.size())) {
    size_ += static_cast<std::int64_t>(record.size());
    return;
  }
  const int reason = errno != 0 ? errno : ENOSPC;
  const bool taken_back = ::ftruncate(descriptor_, size_) == 0;
  throw Error(fmt::format("cannot write {}: {}{}", path_, std::strerror(reason),
                          taken_back ? "" : "; its last record is incomplete"));
}

void remove_event_files(const std::string& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    std::error_code error;
    if (entry.path().filename().string().starts_with(kPrefix)) fs::remove(entry.path(), error);
  }
  fs::remove(directory, ignored);  // fails, as it should, if something else is in it
}

}  // namespace lacuna::report
