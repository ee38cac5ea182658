#include "train/metrics_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

std::string to_line(const EpochMetrics& m) {
  nlohmann::ordered_json json;
  json["epoch"] = m.epoch;
  json["step"] = m.step;
  json["loss"] = m.loss;
  json["reconstruction"] = m.reconstruction;
  json["sparsity"] = m.sparsity;
  json["weight_decay"] = m.weight_decay;
  json["mean_activation"] = m.mean_activation;
  json["seconds"] = m.seconds;
  json["samples_per_second"] = m.samples_per_second;
  return json.dump() + "\n";
}

std::optional<EpochMetrics> parse_line(const std::string& line) {
  try {
    const auto json = nlohmann::json::parse(line);
    EpochMetrics m;
    m.epoch = json.at("epoch").get<std::int64_t>();
    m.step = json.at("step").get<std::int64_t>();
    m.loss = json.at("loss").get<double>();
    m.reconstruction = json.at("reconstruction").get<double>();
    m.sparsity = json.at("sparsity").get<double>();
    m.weight_decay = json.at("weight_decay").get<double>();
    m.mean_activation = json.at("mean_activation").get<double>();
    m.seconds = json.at("seconds").get<double>();
    m.samples_per_second = json.at("samples_per_second").get<double>();
    return m;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// Appends whole lines only: a write that stops half-way is taken back.
void append_line(const std::string& path, const std::string& line) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw Error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  struct stat before {};
  ::fstat(file, &before);
  errno = 0;
  const bool whole = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(file) == 0;
  const int reason = errno != 0 ? errno : ENOSPC;
  const bool taken_back = whole || ::ftruncate(file, before.st_size) == 0;
  ::close(file);
  if (!whole)
    throw Error(fmt::format("cannot write {}: {}{}", path, std::strerror(reason),
                            taken_back ? "" : "; its last line is incomplete"));
}

}  // namespace

MetricsLog::MetricsLog(std::string path, std::int64_t epochs) : path_(std::move(path)) {
  std::ifstream file(path_);
  std::string kept, line;
  bool changed = false;
  while (std::getline(file, line)) {
    changed = file.eof();  // the last line lost its newline
    const auto metrics = parse_line(line);
    const std::int64_t expected = last_ ? last_->epoch + 1 : 1;
    if (!metrics || metrics->epoch != expected || metrics->epoch > epochs) {
      changed = true;
      break;
    }
    last_ = metrics;
    kept += line + "\n";
  }
  // An empty file from the start, so that every run directory has one.
  if (changed || !file.is_open()) io::write_text_file(path_, kept);
}

void MetricsLog::append(const EpochMetrics& metrics) {
  append_line(path_, to_line(metrics));
  last_ = metrics;
}

}  // namespace lacuna
