#include <fmt/format.h>

#include "report/chart.h"

namespace lacuna::report {

namespace {

constexpr std::size_t kColours = 6, kDashes = 3;

constexpr const char* kLight =
    "--bg:#ffffff;--panel:#f5f6f8;--ink:#1a1e24;--muted:#56606b;--rule:#d9dee4;"
    "--c0:#0a5fb0;--c1:#b04a12;--c2:#23744a;--c3:#7446a6;--c4:#7d6100;--c5:#a62a5c;";
constexpr const char* kDark =
    "--bg:#13161a;--panel:#1c2026;--ink:#e7eaee;--muted:#a0aab5;--rule:#363d46;"
    "--c0:#6fb4f5;--c1:#f2a273;--c2:#7dd09c;--c3:#c6a3ee;--c4:#dcc25c;--c5:#f291b6;";

}  // namespace

std::string palette_css(const std::string& scope) {
  return fmt::format("{0}{{color-scheme:light dark;{1}}}\n@media(prefers-color-scheme:dark){{{0}{{{2}}}}}\n", scope,
                     kLight, kDark);
}

std::string chart_css() {
  std::string css =
      ".ch{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
      "font-variant-numeric:tabular-nums}\n"
      ".ch text{fill:var(--muted)}.ch .ink{fill:var(--ink)}\n"
      ".ch .end{text-anchor:end}.ch .mid{text-anchor:middle}\n"
      ".ch .grid{stroke:var(--rule);stroke-width:1;fill:none}.ch .axis{stroke:var(--muted);stroke-width:1;fill:none}\n"
      ".ch .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\n"
      ".ch .fill{stroke:none;fill:var(--c0);fill-opacity:.16}.ch .bar{fill:var(--c0)}\n"
      ".ch .reference{stroke:var(--c1);stroke-width:1.5;stroke-dasharray:6 4;fill:none}.ch "
      ".named{fill:var(--c1);paint-order:stroke;stroke:var(--bg);stroke-width:4px}\n"
      ".ch .dash1{stroke-dasharray:7 4}.ch .dash2{stroke-dasharray:2 4}\n";
  for (std::size_t i = 0; i < kColours; ++i)
    css += fmt::format(".ch .c{0}{{stroke:var(--c{0})}}.ch .dot.c{0}{{fill:var(--c{0});stroke:none}}\n", i);
  return css;
}

std::string series_class(std::size_t n) {
  const std::size_t dash = n / kColours % kDashes;
  return fmt::format("c{}{}", n % kColours, dash == 0 ? "" : fmt::format(" dash{}", dash));
}

}  // namespace lacuna::report
