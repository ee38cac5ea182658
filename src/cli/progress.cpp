#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cli/output.h"

namespace lacuna::cli {

namespace {

constexpr int kBarWidth = 24;

std::string rate_text(double samples_per_second) {
  if (samples_per_second >= 1e6) return fmt::format("{:.2f}M samples/s", samples_per_second / 1e6);
  if (samples_per_second >= 1e4) return fmt::format("{:.0f}k samples/s", samples_per_second / 1e3);
  return fmt::format("{:.0f} samples/s", samples_per_second);
}

std::string bar_text(double fraction) {
  const int full = std::clamp(static_cast<int>(std::lround(fraction * kBarWidth)), 0, kBarWidth);
  return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", kBarWidth - full);
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Progress::Progress() : terminal_(is_terminal()) {}

Progress::~Progress() {
  clear_bar();
}

void Progress::clear_bar() {
  if (bar_shown_) std::fputs("\r\x1b[K", stderr);
  bar_shown_ = false;
}

void Progress::on_progress(const RunProgress& p) {
  if (!terminal_) return;
  const std::string line =
      fmt::format("\r\x1b[K epoch {}/{} {} loss {:.4f}  {}  ETA {}", p.epoch, p.epochs, bar_text(p.fraction), p.loss,
                  rate_text(p.samples_per_second), duration_text(p.seconds_left));
  std::fputs(line.c_str(), stderr);
  bar_shown_ = true;
}

void Progress::on_epoch(const EpochMetrics& m, const RunProgress& p) {
  clear_bar();
  tell(fmt::format(
      "epoch {:>{}}/{}  loss {:.4f} = reconstruction {:.4f} + sparsity {:.4f} + weight decay {:.4f}  "
      "mean activation {:.3f}  {:.2f} s  {}  ETA {}",
      m.epoch, std::to_string(p.epochs).size(), p.epochs, m.loss, m.reconstruction, m.sparsity, m.weight_decay,
      m.mean_activation, m.seconds, rate_text(m.samples_per_second), duration_text(p.seconds_left)));
}

}  // namespace lacuna::cli
