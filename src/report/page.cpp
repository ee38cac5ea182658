#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

std::string tables(const Recipe& recipe) {
  std::string html;
  for (const Recipe::Table& table : recipe.tables) {
    html += text_table(table.title, table.columns, table.rows);
    if (!table.note.empty()) html += "<p class=\"note\">" + escaped(table.note) + "</p>\n";
  }
  return html;
}

std::string goals(const Recipe& recipe) {
  if (recipe.goals.empty()) return {};
  std::string rows;
  for (const Recipe::Goal& goal : recipe.goals)
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"{}\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>\n",
        escaped(goal.title),
        recipe.quick   ? "open"
        : goal.reached ? "reached"
                       : "missed",
        recipe.quick   ? "not judged"
        : goal.reached ? "reached"
                       : "not reached",
        escaped(goal.shown), escaped(goal.wanted));
  const char* note = recipe.quick ? "<p class=\"note\">This was a quick try on small data; the goals are those of the "
                                    "whole recipe.</p>\n"
                                  : "";
  return scrolling(
             "goals",
             fmt::format("<table class=\"goals\"><thead><tr><th scope=\"col\">figure</th><th scope=\"col\">goal</th>"
                         "<th scope=\"col\" class=\"number\">measured</th><th scope=\"col\">wanted</th></tr>"
                         "</thead>\n<tbody>\n{}</tbody></table>\n",
                         rows)) +
         note;
}

/// Mosaics of one unit each stand beside each other; pairs of samples and reconstructions are twice as wide.
std::string pictures(const Recipe& recipe) {
  std::string narrow, broad;
  for (const Picture& picture : recipe.pictures)
    (picture.width > picture.height * 3 / 2 ? broad : narrow) += picture_figure(picture, picture.title, picture.title);
  std::string html;
  if (!narrow.empty()) html += "<div class=\"tiles\">\n" + narrow + "</div>\n";
  if (!broad.empty()) html += "<div class=\"tiles broad\">\n" + broad + "</div>\n";
  return html;
}

/// Those with a run of their own, the same of all seeds in one line; drawing and evaluating takes no time worth one.
std::string stages(const Recipe& recipe) {
  struct Line {
    std::string name, kind;
    double seconds = 0;
  };
  std::vector<Line> lines;
  for (const Recipe::Stage& stage : recipe.stages) {
    if (stage.run.empty()) continue;
    const std::string name = stage.name.substr(stage.name.rfind('/') + 1);
    auto line = std::ranges::find(lines, name, &Line::name);
    if (line == lines.end()) line = lines.insert(line, {name, stage.kind});
    line->seconds += stage.seconds;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) rows.push_back({line.name, line.kind, duration(line.seconds)});
  if (rows.empty()) return {};
  return text_table("", {"stage", "kind", recipe.seeds > 1 ? "time, all seeds" : "time"}, rows);
}

/// One after another, closed: a recipe may have a dozen.
std::string recipe_run(const ReportedRun& run) {
  return section(2, run.name,
                 run_summary(run) + headlines(run_headlines(run)) +
                     "<details>\n<summary>Curves, pictures and settings</summary>\n" + run_sections(run, 3) +
                     "</details>\n");
}

std::string description(const Recipe& recipe) {
  return recipe.description.empty() ? "" : "<p class=\"lede\">" + escaped(recipe.description) + "</p>\n";
}

}  // namespace

std::string run_page(const ReportedRun& run, const std::string& version) {
  const std::string header = run_summary(run) + "<p class=\"where\"><code>" + escaped(run.path) + "</code></p>\n" +
                             headlines(run_headlines(run));
  return document(run.name, "Lacuna · training report", header, run_sections(run, 2), version);
}

std::string recipe_page(const ReportedRecipe& reported, const std::string& version) {
  const Recipe& recipe = reported.recipe;
  std::vector<Headline> list;
  if (!recipe.device.empty()) {
    const std::size_t colon = recipe.device.find(": ");
    list.push_back(
        {"Device", recipe.device.substr(0, colon), colon == std::string::npos ? "" : recipe.device.substr(colon + 2)});
  }
  if (std::isfinite(recipe.seconds)) list.push_back({"Time", duration(recipe.seconds), ""});
  list.push_back({"Stages", fmt::format("{}", recipe.stages.size()), recipe.quick ? "a quick try on small data" : ""});
  if (recipe.seeds > 1) list.push_back({"Seeds", fmt::format("{}", recipe.seeds), "mean ± spread in the tables"});
  if (!recipe.goals.empty() && !recipe.quick) {
    const auto reached = std::ranges::count(recipe.goals, true, &Recipe::Goal::reached);
    list.push_back({"Goals", fmt::format("{} of {}", reached, recipe.goals.size()), ""});
  }
  const std::string header = description(recipe) + "<p class=\"where\"><code>" + escaped(reported.path) +
                             "</code></p>\n" + headlines(list) + list_of_problems(recipe.problems);
  std::string body = section(2, "Results", tables(recipe)) + section(2, "Goals", goals(recipe)) +
                     section(2, "Pictures", pictures(recipe)) + section(2, "Stages", stages(recipe));
  for (const ReportedRun& run : reported.runs) body += recipe_run(run);
  return document(recipe.title, "Lacuna · recipe " + recipe.name, header, body, version);
}

}  // namespace lacuna::report
