#include "service/learning/ledger_sums.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/counters.h"
#include "service/common/sha256.h"
#include "service/learning/attribution.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/touched_buckets.h"

namespace suggest::learning {
namespace {

// Buckets held in memory at once while they are summed.
constexpr size_t kBucketPage = 16;

absl::string_view Bytes(const std::vector<double>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double)};
}

}  // namespace

ExposureView ViewOf(const storage::LedgerExposure& exposure, const bandit::FactoredContext& context) {
  return {.exposed_at = exposure.exposed_at,
          .reward = exposure.reward,
          .bought_at = exposure.bought_at,
          .stratum = exposure.stratum,
          .context = context};
}

absl::StatusOr<DelayRule> Ledger::EstimateRule(double base_rate, const DelayNuisance& before) {
  DelayRule rule{.mode = settings_.delay_mode,
                 .laws = bandit::DelayLaws(PriorDelayLaw(settings_)),
                 .label_mean = {},
                 .nuisance = before};
  RETURN_IF_ERROR(EstimateLaws(base_rate, &rule));
  RETURN_IF_ERROR(Train(&rule));
  return rule;
}

absl::Status Ledger::EstimateLaws(double base_rate, DelayRule* rule) {
  ASSIGN_OR_RETURN(const std::vector<storage::OutageRow> rows, tx_->Outages());
  std::vector<bandit::Outage> outages;
  for (const storage::OutageRow& row : rows) outages.push_back({row.begins, row.ends});
  bandit::DelayLawsEstimator estimator(settings_.window, outages);
  const auto factor = [&](int64_t day) { return settings_.forgetting.Factor(day, features::UtcDay(scope_.tick)); };
  ASSIGN_OR_RETURN(const std::vector<storage::ExposureGroup> groups,
                   tx_->ExposureGroups(scope_.basis_id, scope_.first_day, scope_.tick, settings_.window,
                                       bandit::DelayLaw::kDefaultBins));
  for (const storage::ExposureGroup& group : groups) {
    estimator.AddExposure(group.stratum, group.exposed_at, scope_.tick,
                          factor(group.day) * static_cast<double>(group.count));
  }
  double rewards = 0;
  int64_t bought = 0;
  storage::LedgerKey cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<storage::VisibleValue> values,
                     tx_->VisibleValues(scope_.basis_id, scope_.first_day, cursor, scope_.page_rows));
    double net = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (i == 0 || values[i].exposure != values[i - 1].exposure) net = 0;
      const double before = RewardOf(net, money_.reward_cap);
      net += values[i].value;
      const double after = RewardOf(net, money_.reward_cap);
      estimator.AddReward(values[i].stratum, values[i].exposed_at, values[i].visible_at,
                          factor(values[i].day) * (after - before));
      if (i + 1 == values.size() || values[i + 1].exposure != values[i].exposure) {
        rewards += after;
        bought += after > 0 ? 1 : 0;
      }
    }
    if (values.empty()) break;
    cursor = values.back().exposure;
  }
  rule->laws = estimator.Estimate(PriorDelayLaw(settings_), settings_.prior_delay_strength, base_rate);
  rule->mean_purchase_reward = bought == 0 ? 1 : rewards / static_cast<double>(bought);
  return absl::OkStatus();
}

absl::Status Ledger::Train(DelayRule* rule) {
  return TrainIfDue(
      settings_, layout_, scope_.tick,
      [&](absl::FunctionRef<absl::Status(const ExposureView&)> row) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<storage::LedgerExposure> exposures,
                         tx_->NewestMature(scope_.basis_id, scope_.first_day, settings_.es_dfm.max_rows));
        for (const storage::LedgerExposure& exposure : exposures) {
          const bandit::FactoredContext context = ToFactored(exposure.context);
          RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
          RETURN_IF_ERROR(row(ViewOf(exposure, context)));
        }
        return absl::OkStatus();
      },
      rule);
}

absl::StatusOr<Ledger::Mature> Ledger::SumBuckets() {
  Mature mature{.sums = bandit::SufficientStatistics(layout_.dim()), .sha256 = ""};
  ASSIGN_OR_RETURN(std::vector<int64_t> days, tx_->BucketDays(scope_.basis_id));
  std::erase_if(days, [&](int64_t day) { return day < scope_.first_day; });
  std::string checksums;
  for (size_t begin = 0; begin < days.size(); begin += kBucketPage) {
    const absl::Span<const int64_t> page =
        absl::MakeConstSpan(days).subspan(begin, std::min(kBucketPage, days.size() - begin));
    ASSIGN_OR_RETURN(const std::vector<storage::BucketRow> rows, tx_->Buckets(scope_.basis_id, page));
    for (const storage::BucketRow& row : rows) {
      ASSIGN_OR_RETURN(const bandit::SufficientStatistics bucket, ToSums(row));
      if (bucket.dim() != layout_.dim()) {
        return absl::DataLossError(absl::StrCat("the bucket of day ", row.day, " has dimension ", bucket.dim(),
                                                ", the basis has ", layout_.dim()));
      }
      mature.sums.AddScaled(bucket, settings_.forgetting.Factor(row.day, features::UtcDay(scope_.tick)));
      mature.count += std::llround(row.count);
      checksums += Sha256(absl::StrCat(row.day, ":", Bytes(row.lower), Bytes(row.moment)));
    }
  }
  mature.sha256 = Sha256(checksums);
  return mature;
}

absl::StatusOr<Ledger::Pending> Ledger::SumPending(const DelayRule& rule, const Progress& progress) {
  PendingSums sums(settings_, layout_, rule, scope_.tick);
  int64_t count = 0;
  storage::LedgerKey cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<storage::LedgerExposure> page,
                     tx_->Pending(scope_.basis_id, scope_.first_day, absl::InfiniteFuture(), cursor, scope_.page_rows));
    for (const storage::LedgerExposure& exposure : page) {
      RETURN_IF_ERROR(sums.Add(ViewOf(exposure, ToFactored(exposure.context))));
    }
    count += static_cast<int64_t>(page.size());
    Report(progress, "sum pending", count, 0);
    if (page.size() < static_cast<size_t>(scope_.page_rows)) break;
    cursor = {page.back().customer_id, page.back().suggestion_id};
  }
  return Pending{sums.Finish(), count};
}

}  // namespace suggest::learning
