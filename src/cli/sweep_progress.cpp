#include "cli/sweep_progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <numeric>

#include "cli/output.h"
#include "core/clock.h"

namespace lacuna::cli {

namespace {

using core::Clock;
using core::seconds_since;

}  // namespace

SweepProgress::SweepProgress(std::size_t cells, std::size_t done)
    : fractions_(cells, 0.0), done_(done), done_before_(done) {}

SweepProgress::~SweepProgress() {
  clear_bar();
}

void SweepProgress::clear_bar() {
  if (bar_shown_) std::fputs("\r\x1b[K", stderr);
  bar_shown_ = false;
}

void SweepProgress::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  clear_bar();
  tell(line);
}

void SweepProgress::say_once(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (!said_.insert(line).second) return;
  }
  say(line);
}

void SweepProgress::at(std::size_t cell, double fraction) {
  const std::lock_guard lock(mutex_);
  fractions_[cell] = fraction;
  constexpr double kInterval = 0.1;
  if (terminal_ && seconds_since(drawn_) >= kInterval) draw_bar();
}

void SweepProgress::ended(std::size_t cell, const std::string& line) {
  const std::lock_guard lock(mutex_);
  fractions_[cell] = 1;
  ++done_;
  clear_bar();
  tell(fmt::format("[{:>{}}/{}] {}", done_, std::to_string(fractions_.size()).size(), fractions_.size(), line));
  if (terminal_ && done_ < fractions_.size()) draw_bar();
}

void SweepProgress::draw_bar() {
  const double worked = std::accumulate(fractions_.begin(), fractions_.end(), 0.0);
  const auto cells = static_cast<double>(fractions_.size()), before = static_cast<double>(done_before_);
  const double left = worked > 0 ? seconds_since(start_) * (cells - before - worked) / worked : 0;
  const std::string line = fmt::format("\r\x1b[K {} of {} models {} ETA {}", done_, fractions_.size(),
                                       bar_text((before + worked) / cells), duration_text(left));
  std::fputs(line.c_str(), stderr);
  bar_shown_ = true;
  drawn_ = Clock::now();
}

void CellConsole::on_progress(const RunProgress& p) {
  sweep_.at(cell_, (static_cast<double>(p.epoch - 1) + p.fraction) / static_cast<double>(p.epochs));
}

void CellConsole::on_epoch(const EpochMetrics&, const RunProgress& p) {
  sweep_.at(cell_, static_cast<double>(p.epoch) / static_cast<double>(p.epochs));
}

}  // namespace lacuna::cli
