#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "cli/job.h"
#include "cli/output.h"
#include "data/image_folder.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

/// balanced_rows, its errors worded by `say`.
template <class Say>
std::vector<std::int64_t> balanced(const Dataset& data, std::int64_t count, std::optional<std::uint64_t> seed,
                                   const Say& say) {
  try {
    return balanced_rows(data, count, seed);
  } catch (const InputError& error) {
    throw InputError(say(error.what()));
  }
}

bool classifies(const Settings& settings) {
  return settings.command == kClassify || settings.command == kFinetune;
}

Dataset of_classes(const Dataset& data, const std::vector<std::int32_t>& classes) {
  if (classes.empty()) return data;
  const std::vector<std::int64_t> rows = rows_of_classes(data, classes);
  if (rows.empty())
    throw InputError(fmt::format("--classes {}: {} has no sample of them", fmt::join(classes, ","), data.name()));
  return data.select(rows);
}

/// Of labelled data the last of each class, `count` in all and in proportion to the classes: the largest remainders are
/// rounded up, those of classes that keep a sample first.
std::vector<std::int64_t> last_of_classes(const Dataset& data, std::int64_t count) {
  struct Class {
    std::vector<std::int64_t> rows;
    std::int64_t held = 0, remainder = 0;
    bool can_spare() const { return held + 1 < static_cast<std::int64_t>(rows.size()); }
  };
  std::map<std::int32_t, Class> by_label;
  for (std::int64_t i = 0; i < data.rows(); ++i) by_label[data.labels()[static_cast<std::size_t>(i)]].rows.push_back(i);
  std::vector<Class*> order;
  std::int64_t left = count;
  for (auto& [label, one] : by_label) {
    const std::int64_t share = count * static_cast<std::int64_t>(one.rows.size());
    one.held = share / data.rows();
    one.remainder = share % data.rows();
    left -= one.held;
    order.push_back(&one);
  }
  std::ranges::stable_sort(order, [](const Class* a, const Class* b) {
    return a->can_spare() != b->can_spare() ? a->can_spare() : a->remainder > b->remainder;
  });
  for (std::int64_t i = 0; i < left; ++i) ++order[static_cast<std::size_t>(i)]->held;
  std::vector<std::int64_t> last;
  for (const auto& [label, one] : by_label) last.insert(last.end(), one.rows.end() - one.held, one.rows.end());
  std::ranges::sort(last);
  return last;
}

/// Holds the last `count` samples out; of labelled ones the last of each class: samples may lie there class by class.
void hold_out(JobData& data, std::int64_t count, bool balanced_classes) {
  const std::int64_t all = data.train.rows();
  if (count >= all)
    throw InputError(fmt::format("--validation {} leaves nothing to train on: there are {} samples", count, all));
  if (data.train.labels().empty()) {
    data.validation = data.train.last(count);
    data.train = data.train.first(all - count);
    return;
  }
  if (!balanced_classes) {
    const std::vector<std::int64_t> last = last_of_classes(data.train, count);
    data.validation = data.train.select(last);
    data.train = data.train.select(other_rows(all, last));
    return;
  }
  // The first of each class stay: what is kept is balanced too.
  const std::vector<std::int64_t> kept = balanced(data.train, all - count, std::nullopt, [&](const char* why) {
    return fmt::format("--validation {} of {} samples with labels: {}", count, all, why);
  });
  data.validation = data.train.select(other_rows(all, kept));
  data.train = data.train.select(kept);
}

bool has_test_split(const std::string& source) {
  constexpr std::string_view kImages = "images:";
  if (source.starts_with(kImages)) return data::has_image_splits(source.substr(kImages.size()));
  return source == "mnist" || source.starts_with("mnist:") || source == "synthetic" || source.starts_with("synthetic:");
}

std::optional<Dataset> open_test(const Settings& settings, const Backend* backend, const Dataset& train) {
  const bool automatic = settings.test == "auto";
  const std::string& source = automatic ? settings.data : settings.test;
  if (settings.test == "none") return std::nullopt;
  if (automatic && (settings.data_options.split != Split::train || !has_test_split(source))) return std::nullopt;
  DataOptions options = data_options_for(settings, backend);
  if (options.stream == Streaming::on) options.stream = Streaming::automatic;  // that was said of --data
  options.limit = 0;
  options.split = has_test_split(source) ? Split::test : Split::train;
  Dataset test = open_dataset(source, options);
  require_trainable(test, false);
  if (test.labels().empty()) throw InputError(fmt::format("{} has no labels to test on; --test none", test.name()));
  if (test.features() != train.features())
    throw InputError(fmt::format("{} has samples of {}, but {} of {}: one network cannot take both", test.name(),
                                 to_string(test.sample_shape()), train.name(), to_string(train.sample_shape())));
  return of_classes(test, settings.classes);
}

}  // namespace

Dataset choose_samples(const Settings& settings, Dataset data, std::optional<Dataset>* rest) {
  data = of_classes(data, settings.classes);
  if (settings.labels == 0) return data;
  const auto seed = settings.draw_labels ? std::optional(settings.seed) : std::nullopt;
  const std::vector<std::int64_t> chosen =
      balanced(data, settings.labels, seed, [](const char* why) { return fmt::format("--labels: {}", why); });
  const std::vector<std::int64_t> others = other_rows(data.rows(), chosen);
  if (rest && !others.empty()) *rest = data.select(others);
  return data.select(chosen);
}

JobData open_job_data(const Settings& settings, const Backend* backend) {
  JobData data;
  Dataset all = open_dataset(settings.data, data_options_for(settings, backend));
  data.streamed = all.streamed();
  for (const std::string& remark : all.remarks()) tell("remark   " + remark);
  if (classifies(settings) && all.labels().empty())
    throw InputError(fmt::format("{} has no labels, which {} learns from", all.name(),
                                 settings.command == kClassify ? "classify" : "finetune"));
  require_trainable(all, settings.command == kTrain && settings.objective.loss == Loss::bce);
  data.train = choose_samples(settings, std::move(all), classifies(settings) ? &data.rest : nullptr);
  if (settings.validation > 0) hold_out(data, settings.validation, classifies(settings) && settings.labels > 0);
  if (classifies(settings)) data.test = open_test(settings, backend, data.train);
  return data;
}

}  // namespace lacuna::cli
