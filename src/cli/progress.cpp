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

}  // namespace

std::string bar_text(double fraction) {
  const int full = std::clamp(static_cast<int>(std::lround(fraction * kBarWidth)), 0, kBarWidth);
  return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", kBarWidth - full);
}

bool on_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Progress::Progress() : terminal_(on_terminal()) {}

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

void Progress::on_remark(const std::string& remark) {
  say("note     " + remark);
}

void Progress::say(const std::string& line) {
  clear_bar();
  tell(line);
}

void Progress::on_epoch(const EpochMetrics& m, const RunProgress& p) {
  clear_bar();
  const std::string terms =
      m.training_error
          ? fmt::format("cross-entropy {:.4f} + weight decay {:.4f}  error {:.2f} %", m.reconstruction, m.weight_decay,
                        100 * *m.training_error)
          : fmt::format("reconstruction {:.4f} + sparsity {:.4f} + weight decay {:.4f}  mean activation {:.3f}",
                        m.reconstruction, m.sparsity, m.weight_decay, m.mean_activation);
  std::string held_out;
  if (m.validation_loss) held_out += fmt::format("  validation {:.4f}", *m.validation_loss);
  if (m.validation_accuracy) held_out += fmt::format("  validation {:.2f} %", 100 * *m.validation_accuracy);
  if (m.test_accuracy) held_out += fmt::format("  test {:.2f} %", 100 * *m.test_accuracy);
  tell(fmt::format("epoch {:>{}}/{}  loss {:.4f} = {}{}  {:.2f} s  {}  ETA {}", m.epoch,
                   std::to_string(p.epochs).size(), p.epochs, m.loss, terms, held_out, m.seconds,
                   rate_text(m.samples_per_second), duration_text(p.seconds_left)));
}

}  // namespace lacuna::cli
