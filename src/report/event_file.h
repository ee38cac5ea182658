#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lacuna::report {

/// CRC-32C (Castagnoli), and the masked form that TFRecord files hold.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

/// A record of a TFRecord file: length (u64), its masked CRC, the bytes, their masked CRC; little-endian.
std::string tf_record(std::string_view bytes);

/// One event file as TensorBoard reads it: TFRecords of serialised `tensorflow.Event` messages.
class EventFile {
 public:
  /// Creates `events.out.tfevents.TIME.HOST.PID` in the directory, which is created if it is missing. TensorBoard reads
  /// files in the order of their names, so TIME is later than that of any file there. Where there was one, events at or
  /// after `next_step` are of a run that was taken up again before them: TensorBoard is told to drop those.
  /// Throws Error.
  EventFile(const std::string& directory, std::int64_t next_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  const std::string& path() const { return path_; }
  /// Throw Error if the disk is full; the file then ends with the last whole record.
  void scalar(const std::string& tag, std::int64_t step, double value);
  void picture(const std::string& tag, std::int64_t step, std::int64_t width, std::int64_t height,
               std::string_view png);

 private:
  void append(std::int64_t step, std::uint32_t field, std::string_view payload);

  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// Removes the event files in a directory, and the directory if nothing else is in it.
void remove_event_files(const std::string& directory);

}  // namespace lacuna::report
