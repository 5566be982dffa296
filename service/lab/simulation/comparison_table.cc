// FormatTable: a PolicyComparison as text.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "service/lab/simulation/policy_runs.h"

namespace suggest::simulation {
namespace {

using model::v1::Estimate;
using model::v1::PairedDifference;
using model::v1::PolicyComparison;
using model::v1::PolicyResult;

// In percent.
std::string Share(const Estimate& share) {
  return absl::StrFormat("%5.1f ±%4.1f", 100 * share.mean(), 100 * share.standard_error());
}

std::string Difference(const Estimate& difference, const std::string& reference_is) {
  return absl::StrFormat("%+6.1f ±%4.1f %-6s", 100 * difference.mean(), 100 * difference.standard_error(),
                         reference_is);
}

const PairedDifference* FindDifference(const PolicyComparison& comparison, const std::string& policy) {
  for (const PairedDifference& difference : comparison.differences()) {
    if (difference.policy() == policy) return &difference;
  }
  return nullptr;
}

}  // namespace

std::string FormatTable(const PolicyComparison& comparison) {
  std::string table = absl::StrFormat(
      "%d seeds, %d days, an ingest every %d days, %d to %d customers, %.0f exposures of history before\n"
      "± one standard error over seeds; shares of the oracle's reward in percent, of the first and the last quarter "
      "and of the year\n"
      "ahead, tie, behind: %s against the policy of the line, by more than two standard errors\n\n",
      comparison.seeds(), comparison.days(), comparison.tick_days(), comparison.customers_at_start(),
      comparison.customers_at_end(), comparison.history_exposures(), comparison.reference());
  size_t width = 6;
  for (const PolicyResult& policy : comparison.policies()) width = std::max(width, policy.name().size());
  absl::StrAppendFormat(&table, "%-*s  %3s  %-11s %-20s  %-11s %-20s  %-11s %-20s  %7s  %6s  %5s\n", width, "policy",
                        "d", "first", "difference", "last", "difference", "year", "difference", "regret", "bought",
                        "top 3");
  for (const PolicyResult& policy : comparison.policies()) {
    const PairedDifference* difference = FindDifference(comparison, policy.name());
    const auto versus = [&](const Estimate& estimate, const std::string& reference_is) {
      return difference == nullptr ? "" : Difference(estimate, reference_is);
    };
    const PairedDifference& d = difference == nullptr ? PairedDifference::default_instance() : *difference;
    absl::StrAppendFormat(&table, "%-*s  %3d  %s %-20s  %s %-20s  %s %-20s  %7.1f  %6.0f  %5.2f\n", width,
                          policy.name(), policy.dimension(), Share(policy.first_quarter_share()),
                          versus(d.first_quarter_share(), d.reference_first_quarter()),
                          Share(policy.last_quarter_share()),
                          versus(d.last_quarter_share(), d.reference_last_quarter()), Share(policy.year_share()),
                          versus(d.year_share(), d.reference_year()), policy.year_regret().mean(),
                          policy.purchases().mean(), policy.different_top_three().mean());
  }
  return table;
}

}  // namespace suggest::simulation
