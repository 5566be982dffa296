#include "service/lab/simulation/delay_modes.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace suggest::simulation {

const std::vector<DelayModeSpec>& DelayModeSpecs() {
  using bandit::DelayMode;
  static const auto& specs = *new std::vector<DelayModeSpec>{
      {.name = kNoDelayMode, .description = "every reward known at the next batch", .no_delay = true},
      {.name = kReferenceMode, .description = "exposure, one law for all"},
      {.name = "exposure_strata", .description = "exposure, a law per stratum", .law = LawKnown::kEstimatedByStratum},
      {.name = "exposure_true", .description = "exposure, the true law", .law = LawKnown::kTrue},
      {.name = "expected_label", .description = "expected label (EM)", .mode = DelayMode::kExpectedLabel},
      {.name = "es_dfm_label", .description = "label by f_rn(context, age)", .mode = DelayMode::kEsDfmLabel},
      {.name = "es_dfm_iw", .description = "ES-DFM weights, fitted", .events = true},
      {.name = "es_dfm_iw_true",
       .description = "ES-DFM weights, true",
       .law = LawKnown::kTrue,
       .events = true,
       .true_nuisances = true},
      {.name = "fake_negative", .description = "no purchase yet = refusal", .mode = DelayMode::kFakeNegative},
      {.name = "wait", .description = "nothing before maturity", .mode = DelayMode::kWait},
  };
  return specs;
}

absl::StatusOr<std::vector<DelayModeSpec>> FindDelayModes(absl::Span<const std::string> names) {
  const auto& all = DelayModeSpecs();
  if (names.empty()) return all;
  for (const std::string& name : names) {
    if (absl::c_any_of(all, [&](const auto& spec) { return spec.name == name; })) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "mode is \"", name, "\", expected one of: ", absl::StrJoin(all, ", ", [](std::string* out, const auto& spec) {
          out->append(spec.name);
        })));
  }
  std::vector<DelayModeSpec> chosen;
  for (const DelayModeSpec& spec : all) {
    const bool always = spec.name == kNoDelayMode || spec.name == kReferenceMode;
    if (always || absl::c_linear_search(names, spec.name)) chosen.push_back(spec);
  }
  return chosen;
}

}  // namespace suggest::simulation
