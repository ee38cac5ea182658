#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lacuna::report {

/// metrics.jsonl by columns: every number that a row may have, NaN where it has not.
struct Metrics {
  std::vector<std::string> keys;  ///< in the order of the file
  std::map<std::string, std::vector<double>> columns;
  std::size_t rows = 0;

  bool has(const std::string& key) const { return columns.contains(key); }
  /// The last finite value; NaN if there is none.
  double last(const std::string& key) const;
  /// What curves are drawn over: "epoch" where it grows from row to row, else "step".
  std::string clock() const;
};

/// units.json: what the units of the code do on a data set.
struct Units {
  std::optional<double> rho;
  std::vector<double> means;
  std::vector<double> edges, counts;  ///< histogram of all activations
};

/// evaluation.json: a classifier on a data set.
struct Evaluation {
  struct Class {
    std::string name;
    std::int64_t samples = 0, correct = 0;
    double accuracy = 0;
  };
  std::string data;
  std::int64_t samples = 0;
  double accuracy = 0, error = 0, cross_entropy = 0;
  std::vector<Class> classes;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true class][class found]
};

/// A PNG that has been decoded once, so that a page does not show a broken one.
struct Picture {
  std::string title;
  std::int64_t width = 0, height = 0;
  std::string bytes;
};

/// What a run directory holds. What is missing stays empty; what is broken stays empty and is named in `problems`.
struct RunFiles {
  Metrics metrics;
  std::optional<Units> units;
  std::optional<Evaluation> evaluation;
  std::map<std::string, Picture> pictures;  ///< by file name: weights.png, input.png, reconstruction.png
  std::vector<std::string> problems;
};
RunFiles read_run_files(const std::string& directory);

/// recipe.json: a directory whose stages are run directories below it.
struct Recipe {
  struct Stage {
    std::string name, kind, run;  ///< run: directory, as recipe.json names it; empty: none of its own
    double seconds = 0;
  };
  struct Table {
    std::string title, note;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
  };
  /// A figure that was to be reached.
  struct Goal {
    std::string title, shown;  ///< shown: the figure that was measured, as people read it
    std::string wanted;        ///< "at least 98.3 %"
    bool reached = false;
  };
  std::string name, title, description, device;
  bool quick = false;  ///< a try on small data, for which the goals were not meant
  double seconds = 0;
  std::int64_t seeds = 1;
  std::vector<Stage> stages;
  std::vector<Table> tables;
  std::vector<Goal> goals;
  std::vector<Picture> pictures;
  std::vector<std::string> problems;
};
/// Throws InputError if recipe.json cannot be read as one.
Recipe read_recipe(const std::string& directory);

/// Whether there is any of the files by which a run directory is known.
bool is_run_directory(const std::string& directory);
bool is_recipe_directory(const std::string& directory);

/// Throws InputError for a file that is broken; a missing one has no rows.
Metrics read_metrics(const std::string& path, std::vector<std::string>& problems);

}  // namespace lacuna::report
