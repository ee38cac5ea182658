#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/sweep_grid.h"

namespace lacuna::cli {

/// The figures of a model that a sweep can be sorted by: the smaller the better. Throws InputError with the nearest
/// one.
std::string parse_metric(const std::string& name);

/// How the models of a sweep did: one JSON object for each, which begins with "cell", "settings" and "status".
///   complete, converged, stopped early    it has been trained to its end
///   diverged                              its loss or parameters became NaN or infinite
///   failed                                something else went wrong; "error" says what
///   interrupted                           it has been saved, and can go on
///   waiting                               it has not begun
class SweepResults {
 public:
  SweepResults(std::string out, std::vector<GridAxis> axes, const std::vector<SweepCell>& cells, std::string metric);

  const std::string& out() const { return out_; }
  std::string run(std::size_t cell) const { return out_ + "/" + rows_[cell]["cell"].get<std::string>(); }

  /// Reads what an earlier run of the sweep left in sweep.json, for take_finished(). Throws InputError if that is
  /// damaged.
  void recall();
  /// What sweep.json says of a cell that needs no work any more: it is there, and was trained for `epochs` epochs or
  /// could not be. Takes it over.
  bool take_finished(std::size_t cell, std::int64_t epochs);
  /// What a run found, or with an error what became of it.
  void set(std::size_t cell, const std::string& status, const nlohmann::ordered_json& found);

  std::string status(std::size_t cell) const { return rows_[cell]["status"].get<std::string>(); }
  /// "rho=0.1  reconstruction 7.213  complete  3.2 s".
  std::string line(std::size_t cell) const;
  std::size_t count(const std::string& status) const;
  std::size_t trained() const;
  /// Best first; those without the figure last.
  std::vector<std::size_t> order() const;
  /// Run directories of those that were trained to their end, best first.
  std::vector<std::string> trained_runs() const;

  /// The table for people, a row for each model.
  std::string table() const;
  /// Writes sweep.json, and with `pictures` sweep.svg.
  void write(const nlohmann::ordered_json& about, bool pictures) const;

 private:
  std::string picture() const;

  std::string out_;
  std::vector<GridAxis> axes_;
  std::string metric_;
  std::vector<nlohmann::ordered_json> rows_;
  std::map<std::string, nlohmann::ordered_json> before_;  ///< rows of an earlier sweep.json
};

/// Whether a directory holds sweep.json.
bool is_sweep_directory(const std::string& path);
/// Run directories of its models that were trained to their end, best first. Throws InputError if it cannot be read.
std::vector<std::string> sweep_runs(const std::string& path);

}  // namespace lacuna::cli
