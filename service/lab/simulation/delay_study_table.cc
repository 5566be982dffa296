// FormatDelayStudy: a DelayStudy as text.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/lab/simulation/delay_study.h"

namespace suggest::simulation {
namespace {

using model::v1::DelayModeResult;
using model::v1::DelayStudy;
using model::v1::Estimate;

std::string WithError(const Estimate& estimate, const char* format) {
  const auto number = absl::ParsedFormat<'f', 'f'>::New(format);
  return absl::StrFormat(*number, estimate.mean(), estimate.standard_error());
}

std::string Setting(const DelayStudy& study) {
  const auto days = [](double value, const char* none) {
    return value > 0 ? absl::StrCat(value, " days") : std::string(none);
  };
  return absl::StrFormat(
      "%s: %d replicates of %d days, %d decisions an hour, window %d hours, v = %g, ridge %g, drift %s, forgetting %s, "
      "elapsed time of ES-DFM %d hours\n"
      "cumulative regret; ± one standard error over replicates; difference and ratios paired by replicate (common "
      "random numbers)\n\n",
      study.scenario(), study.replicates(), study.days(), study.decisions_per_hour(), study.window_hours(),
      study.exploration_scale(), study.ridge(), days(study.drift_days(), "none"), days(study.forget_days(), "none"),
      study.elapsed_hours());
}

}  // namespace

std::string FormatDelayStudy(const DelayStudy& study) {
  std::string table = Setting(study);
  size_t width = 4;
  for (const DelayModeResult& mode : study.modes()) width = std::max(width, mode.name().size());
  absl::StrAppendFormat(&table, "%-*s  %-15s  %-15s  %-15s  %-17s  %s\n", width, "mode", "regret",
                        absl::StrCat("/ ", study.modes(0).name()), absl::StrCat("/ ", study.reference()),
                        absl::StrCat("- ", study.reference()), "what it is");
  for (const DelayModeResult& mode : study.modes()) {
    absl::StrAppendFormat(&table, "%-*s  %s  %s  %s  %s  %s\n", width, mode.name(),
                          WithError(mode.regret(), "%7.1f ±%6.1f"), WithError(mode.ratio_to_oracle(), "%7.3f ±%6.3f"),
                          WithError(mode.ratio_to_reference(), "%7.3f ±%6.3f"),
                          WithError(mode.difference(), "%+8.1f ±%6.1f "), mode.description());
  }
  return table;
}

}  // namespace suggest::simulation
