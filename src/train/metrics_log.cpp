#include "train/metrics_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

/// The members of a line: the one list that writing and reading go through.
template <class Metrics, class Visit>
void visit_numbers(Metrics& m, bool classifier, const Visit& visit) {
  visit("epoch", m.epoch);
  visit("step", m.step);
  visit("loss", m.loss);
  visit(classifier ? "cross_entropy" : "reconstruction", m.reconstruction);
  if (!classifier) visit("sparsity", m.sparsity);
  visit("weight_decay", m.weight_decay);
  if (!classifier) visit("mean_activation", m.mean_activation);
  visit("seconds", m.seconds);
  visit("samples_per_second", m.samples_per_second);
}

template <class Metrics, class Visit>
void visit_optional(Metrics& m, const Visit& visit) {
  visit("training_error", m.training_error);
  visit("validation_loss", m.validation_loss);
  visit("validation_accuracy", m.validation_accuracy);
  visit("test_accuracy", m.test_accuracy);
}

std::string to_line(const EpochMetrics& m) {
  nlohmann::ordered_json json;
  visit_numbers(m, m.training_error.has_value(), [&](const char* key, auto value) { json[key] = value; });
  visit_optional(m, [&](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  });
  return json.dump() + "\n";
}

/// JSON has no word for NaN or infinity: they are written as null.
double number_or_nan(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::optional<EpochMetrics> parse_line(const std::string& line) {
  try {
    const auto json = nlohmann::json::parse(line);
    EpochMetrics m;
    visit_numbers(m, json.contains("training_error"),
                  [&]<class T>(const char* key, T& value) { value = json.at(key).get<T>(); });
    visit_optional(m, [&](const char* key, std::optional<double>& value) {
      if (json.contains(key)) value = number_or_nan(json.at(key));
    });
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
    all_.push_back(*metrics);
    kept += line + "\n";
  }
  // An empty file from the start, so that every run directory has one.
  if (changed || !file.is_open()) io::write_text_file(path_, kept);
}

void MetricsLog::append(const EpochMetrics& metrics) {
  append_line(path_, to_line(metrics));
  last_ = metrics;
  all_.push_back(metrics);
}

}  // namespace lacuna
