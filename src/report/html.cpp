#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/text.h"

namespace lacuna::report {

namespace {

bool looks_like_a_number(std::string_view cell) {
  const bool letters = std::ranges::any_of(cell, [](char c) {
    return (c >= 'a' && c <= 'z' && c != 'e' && c != 's') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
  });
  return !letters && std::ranges::any_of(cell, [](char c) { return c >= '0' && c <= '9'; });
}

/// Columns whose every cell is a number or empty.
std::vector<bool> numeric_columns(std::size_t columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<bool> numeric(columns, !rows.empty());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < std::min(columns, row.size()); ++i)
      if (!row[i].empty() && row[i] != "–" && !looks_like_a_number(row[i])) numeric[i] = false;
  return numeric;
}

/// Of a name such as "rho=0.1,beta=3", which a narrow table may break after each comma.
std::string breakable(const std::string& name) {
  std::string html = escaped(name);
  for (std::size_t comma = html.find(','); comma != std::string::npos; comma = html.find(',', comma + 1))
    html.insert(comma + 1, "<wbr>");
  return html;
}

}  // namespace

std::string document(const std::string& title, const std::string& kicker, const std::string& header,
                     const std::string& body, const std::string& version) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n"
      "<title>{0}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{1}</style>\n</head>\n<body>\n<header>\n"
      "<p class=\"kicker\">{2}</p>\n<h1>{0}</h1>\n{3}</header>\n<main>\n{4}</main>\n"
      "<footer><p>Made by lacuna {5}. This page is one file: it loads nothing.</p></footer>\n</body>\n</html>\n",
      escaped(title), style_sheet(), escaped(kicker), header, body, escaped(version));
}

std::string headlines(const std::vector<Headline>& list) {
  std::string items;
  for (const Headline& item : list)
    items += fmt::format("<div><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>\n",
                         escaped(item.label), escaped(item.value), escaped(item.note));
  return items.empty() ? items : "<dl class=\"figures\">\n" + items + "</dl>\n";
}

std::string section(int level, const std::string& title, const std::string& body) {
  if (body.empty()) return {};
  return fmt::format("<section>\n<h{0}>{1}</h{0}>\n{2}</section>\n", level, escaped(title), body);
}

std::string chart_figure(const Chart& chart, const std::string& caption, const std::string& value) {
  return fmt::format("<figure class=\"chart\"><figcaption>{} <span class=\"now\">{}</span></figcaption>\n{}</figure>\n",
                     escaped(caption), escaped(value), inline_svg(chart));
}

std::string legend(const std::vector<std::string>& names) {
  std::string items;
  for (std::size_t i = 0; i < names.size(); ++i)
    items += fmt::format(
        "<li><svg class=\"ch\" viewBox=\"0 0 28 12\" aria-hidden=\"true\"><path class=\"line {}\" d=\"M1 6h26\"/></svg>"
        "{}</li>\n",
        series_class(i), escaped(names[i]));
  return "<ul class=\"legend\">\n" + items + "</ul>\n";
}

std::string picture_figure(const Picture& picture, const std::string& alternative, const std::string& caption) {
  return fmt::format(
      "<figure class=\"mosaic\"><figcaption>{}</figcaption>\n<img width=\"{}\" height=\"{}\" alt=\"{}\" "
      "src=\"data:image/png;base64,{}\"></figure>\n",
      escaped(caption), picture.width, picture.height, escaped(alternative), base64(picture.bytes));
}

std::string scrolling(const std::string& label, const std::string& html) {
  return fmt::format("<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n{}</div>\n",
                     escaped(label), html);
}

std::string list_of_problems(const std::vector<std::string>& problems) {
  if (problems.empty()) return {};
  std::string items;
  for (const std::string& problem : problems) items += fmt::format("<li>{}</li>\n", escaped(problem));
  return "<div class=\"problems\" role=\"note\"><p>Not everything could be shown</p><ul>\n" + items + "</ul></div>\n";
}

std::string text_table(const std::string& caption, const std::vector<std::string>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  const std::vector<bool> numeric = numeric_columns(columns.size(), rows);
  const auto style = [&](std::size_t i) { return i < numeric.size() && numeric[i] ? " class=\"number\"" : ""; };
  std::string head, body;
  for (std::size_t i = 0; i < columns.size(); ++i)
    head += fmt::format("<th scope=\"col\"{}>{}</th>", style(i), escaped(columns[i]));
  for (const auto& row : rows) {
    body += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      body += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", style(0), breakable(row[0]))
                     : fmt::format("<td{}>{}</td>", style(i), escaped(row[i]));
    body += "</tr>\n";
  }
  const std::string title = caption.empty() ? "" : fmt::format("<caption>{}</caption>", escaped(caption));
  return scrolling(
      caption.empty() ? "table" : caption,
      fmt::format("<table>{}<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table>\n", title, head, body));
}

}  // namespace lacuna::report
