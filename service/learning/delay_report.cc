#include "service/learning/delay_report.h"

#include <utility>

#include "bandit/base/status_macros.h"

namespace suggest::learning {
namespace {

absl::Status Append(const std::string& stratum, const model::v1::DelayLaw& stored, std::vector<StratumLaw>& laws) {
  ASSIGN_OR_RETURN(bandit::DelayLaw law,
                   bandit::DelayLaw::FromGrid({stored.age_seconds().begin(), stored.age_seconds().end()},
                                              {stored.share().begin(), stored.share().end()}));
  laws.push_back({stratum, std::move(law)});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<StratumLaw>> LawsOf(const model::v1::DelayLaw& global, const model::v1::DelayModel& delay) {
  std::vector<StratumLaw> laws;
  RETURN_IF_ERROR(Append("all", global, laws));
  for (const model::v1::StratumDelay& stratum : delay.strata()) {
    RETURN_IF_ERROR(Append(stratum.stratum(), stratum.law(), laws));
  }
  return laws;
}

std::vector<DelayQuantiles> QuantilesOf(const std::vector<StratumLaw>& laws) {
  std::vector<DelayQuantiles> quantiles;
  for (const StratumLaw& stratum : laws) {
    quantiles.push_back(
        {stratum.stratum, stratum.law.Quantile(0.5), stratum.law.Quantile(0.9), stratum.law.Quantile(0.99)});
  }
  return quantiles;
}

}  // namespace suggest::learning
