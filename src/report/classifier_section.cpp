#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

/// A matrix with more columns is a carpet, in which nobody reads numbers.
constexpr std::size_t kMostColumns = 40;
/// How far a cell's colour may go before its number cannot be read: the ink keeps a contrast above 4.5.
constexpr double kStrongest = 45;

/// Errors are few beside what is right, so their colour is measured by the most frequent one; the square root lets the
/// rarer ones be seen.
struct Heat {
  explicit Heat(const Evaluation& evaluation) {
    for (std::size_t i = 0; i < evaluation.confusion.size(); ++i)
      for (std::size_t j = 0; j < evaluation.confusion.size(); ++j)
        if (i != j) most_wrong = std::max(most_wrong, share(evaluation, i, j));
  }
  static double share(const Evaluation& evaluation, std::size_t truth, std::size_t found) {
    const auto samples = static_cast<double>(evaluation.classes[truth].samples);
    const auto count = static_cast<double>(evaluation.confusion[truth][found]);
    return samples > 0 && count > 0 ? std::min(1.0, count / samples) : 0;
  }
  double of(const Evaluation& evaluation, std::size_t truth, std::size_t found) const {
    const double part = share(evaluation, truth, found);
    return kStrongest * (truth == found ? part : std::sqrt(part / most_wrong));
  }

  double most_wrong = 0.01;
};

std::string matrix(const Evaluation& evaluation) {
  const auto& counts = evaluation.confusion;
  if (counts.empty() || counts.size() > kMostColumns) return {};
  const Heat heat(evaluation);
  std::string head = "<tr><th scope=\"col\">true</th>", body;
  for (const auto& one : evaluation.classes) head += fmt::format("<th scope=\"col\">{}</th>", escaped(one.name));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    body += fmt::format("<tr><th scope=\"row\">{}</th>", escaped(evaluation.classes[i].name));
    for (std::size_t j = 0; j < counts.size(); ++j)
      body +=
          fmt::format("<td class=\"{}\" style=\"--share:{:.1f}\">{}</td>",
                      i == j              ? "right"
                      : counts[i][j] == 0 ? "wrong none"
                                          : "wrong",
                      heat.of(evaluation, i, j), counts[i][j] == 0 ? "·" : figure(static_cast<double>(counts[i][j])));
    body += "</tr>\n";
  }
  return scrolling("confusion matrix",
                   fmt::format("<table class=\"confusion\"><caption>Confusion matrix: rows are true, columns found"
                               "</caption><thead>{}</tr></thead>\n<tbody>\n{}</tbody></table>\n",
                               head, body));
}

std::string most_confused(const Evaluation& evaluation) {
  struct Pair {
    std::size_t truth, found;
    std::int64_t count;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < evaluation.confusion.size(); ++i)
    for (std::size_t j = 0; j < evaluation.confusion.size(); ++j)
      if (i != j && evaluation.confusion[i][j] > 0) pairs.push_back({i, j, evaluation.confusion[i][j]});
  std::ranges::stable_sort(pairs, std::greater{}, &Pair::count);
  if (pairs.size() > 5) pairs.resize(5);
  std::string text;
  for (const Pair& pair : pairs)
    text +=
        fmt::format("{}{} taken for {} ({})", text.empty() ? "" : ", ", escaped(evaluation.classes[pair.truth].name),
                    escaped(evaluation.classes[pair.found].name), pair.count);
  return text.empty() ? text : "<p>Most often: " + text + ".</p>\n";
}

std::string per_class(const Evaluation& evaluation) {
  if (evaluation.classes.empty()) return {};
  double worst = 0;
  for (const auto& one : evaluation.classes) worst = std::max(worst, 1 - one.accuracy);
  std::string body;
  for (const auto& one : evaluation.classes)
    body += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>"
        "<td class=\"number\">{}</td><td class=\"fill\"><span class=\"meter\"><i "
        "style=\"width:{:.1f}%\"></i></span></td>"
        "</tr>\n",
        escaped(one.name), figure(static_cast<double>(one.samples)), percent(one.accuracy),
        figure(static_cast<double>(one.samples - one.correct)),
        worst > 0 && one.accuracy <= 1 ? 100 * (1 - one.accuracy) / worst : 0.0);
  return scrolling(
      "accuracy per class",
      "<table class=\"classes\"><caption>Accuracy per class</caption><thead><tr><th scope=\"col\">class</th>"
      "<th scope=\"col\" class=\"number\">samples</th><th scope=\"col\" class=\"number\">accuracy</th>"
      "<th scope=\"col\" class=\"number\">errors</th><th scope=\"col\">error rate</th>"
      "</tr></thead>\n<tbody>\n" +
          body + "</tbody></table>\n");
}

}  // namespace

std::string classifier_sections(const Evaluation& evaluation, int level) {
  std::string note;
  if (evaluation.confusion.size() > kMostColumns)
    note = fmt::format("<p class=\"note\">The matrix of {} classes is too large to be read and left out.</p>\n",
                       evaluation.confusion.size());
  const std::string confusion = matrix(evaluation) + note + most_confused(evaluation);
  return section(
      level, "Class by class",
      fmt::format("<div class=\"pair broad\">\n<div>\n{}</div>\n{}</div>\n", confusion, per_class(evaluation)));
}

}  // namespace lacuna::report
