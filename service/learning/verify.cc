#include "service/learning/verify.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "features/pipeline.h"
#include "service/common/config.h"
#include "service/common/timestamps.h"
#include "service/learning/attribution.h"
#include "service/learning/ledger_sums.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/publisher.h"
#include "service/learning/touched_buckets.h"
#include "storage/ledger/learning_store.h"

namespace suggest::learning {
namespace {

using storage::LearningTransaction;

// Largest difference of two sums' matrices and moments, relative to their own norms.
double Difference(const bandit::SufficientStatistics& a, const bandit::SufficientStatistics& b) {
  const Eigen::MatrixXd matrix = a.precision();
  const double matrix_difference = (matrix - b.precision()).cwiseAbs().maxCoeff();
  const double moment_difference = (a.moment() - b.moment()).cwiseAbs().maxCoeff();
  // The moment's own norm may be 0 (nothing bought), so the matrix's stands behind it.
  const double norm = std::max(matrix.norm(), 1e-300);
  return std::max(matrix_difference, moment_difference) / norm;
}

class Verifier {
 public:
  Verifier(LearningTransaction& tx, const config::v1::Config& config, const Progress& progress)
      : tx_(tx), config_(config), progress_(progress), settings_(LearnerSettingsOf(config)) {}

  absl::StatusOr<VerifyReport> Run() {
    ASSIGN_OR_RETURN(state_, tx_.State());
    ASSIGN_OR_RETURN(model_, CurrentModelVersion(tx_));
    RETURN_IF_ERROR(CheckMoney(state_, MoneyRulesOf(config_)));
    ASSIGN_OR_RETURN(const features::Pipeline pipeline, features::Pipeline::FromProto(model_.pipeline()));
    layout_ = pipeline.layout();
    report_.model_version = model_.version();
    report_.unpublished = state_.unpublished;
    RETURN_IF_ERROR(RebuildFromLedger());
    RETURN_IF_ERROR(CompareBuckets());
    RETURN_IF_ERROR(CompareCounts());
    RETURN_IF_ERROR(CountChangedPurchases());
    if (!state_.unpublished) RETURN_IF_ERROR(CompareModel());
    return std::move(report_);
  }

 private:
  // Rewards from purchases, bucket sums and the pending part from exposures: none of it from what was summed before.
  absl::Status RebuildFromLedger() {
    const absl::Time tick = DataCutOf(model_);
    if (!config::v1::Learning::DelayMode_IsValid(model_.delay().mode())) {
      return absl::FailedPreconditionError(absl::StrCat("model version ", model_.version(),
                                                        " counts pending exposures by delay mode ",
                                                        static_cast<int>(model_.delay().mode()),
                                                        ", which this build does not know: run suggestctl "
                                                        "ingest-rewards, then verify the version that it publishes"));
    }
    ASSIGN_OR_RETURN(const DelayRule rule, DelayRuleOf(model_));
    PendingSums pending(settings_, layout_, rule, tick);
    storage::LedgerKey cursor;
    const int page_rows = config_.learning().chunk_rows();
    while (true) {
      ASSIGN_OR_RETURN(std::vector<storage::LedgerExposure> page,
                       tx_.Exposures(state_.basis_id, state_.first_live_day, cursor, page_rows));
      RETURN_IF_ERROR(CheckRewards(page));
      for (const storage::LedgerExposure& exposure : page) {
        const bandit::FactoredContext context = ToFactored(exposure.context);
        RETURN_IF_ERROR(bandit::ValidateContext(layout_, context));
        if (exposure.mature) {
          bandit::SufficientStatistics& day =
              days_.try_emplace(exposure.day, bandit::SufficientStatistics(layout_.dim())).first->second;
          RETURN_IF_ERROR(day.AddMature(bandit::AssembleContext(layout_, context), exposure.reward));
        } else {
          RETURN_IF_ERROR(pending.Add(ViewOf(exposure, context)));
        }
      }
      report_.exposures += static_cast<int64_t>(page.size());
      Report(progress_, "verify", report_.exposures, 0);
      if (page.size() < static_cast<size_t>(page_rows)) break;
      cursor = {page.back().customer_id, page.back().suggestion_id};
    }
    pending_ = pending.Finish();
    return absl::OkStatus();
  }

  absl::Status CheckRewards(std::vector<storage::LedgerExposure>& page) {
    std::vector<storage::LedgerKey> keys;
    for (const storage::LedgerExposure& row : page) keys.push_back({row.customer_id, row.suggestion_id});
    ASSIGN_OR_RETURN(const std::vector<storage::PurchaseState> purchases, tx_.PurchasesOf(keys));
    absl::btree_map<storage::LedgerKey, double> net;
    for (const storage::PurchaseState& purchase : purchases) {
      if (purchase.counts()) net[{purchase.customer_id, purchase.suggestion_id}] += purchase.value;
    }
    for (storage::LedgerExposure& row : page) {
      const double reward = RewardOf(net[{row.customer_id, row.suggestion_id}], MoneyRulesOf(config_).reward_cap);
      if (reward != row.reward) {
        Problem(absl::StrCat("exposure ", row.suggestion_id, " of ", row.customer_id, ": reward ", row.reward,
                             ", its purchases make ", reward));
      }
      row.reward = reward;
    }
    return absl::OkStatus();
  }

  absl::Status CompareBuckets() {
    ASSIGN_OR_RETURN(const std::vector<int64_t> stored, tx_.BucketDays(state_.basis_id));
    for (int64_t day : stored) {
      if (day >= state_.first_live_day) days_.try_emplace(day, bandit::SufficientStatistics(layout_.dim()));
    }
    for (const auto& [day, rebuilt] : days_) {
      ASSIGN_OR_RETURN(const std::vector<storage::BucketRow> rows, tx_.Buckets(state_.basis_id, {day}));
      ++report_.days;
      if (rows.empty()) {
        Problem(absl::StrCat("day ", day, ": the bucket is missing, ", rebuilt.count(), " exposures are mature"));
        continue;
      }
      ASSIGN_OR_RETURN(const bandit::SufficientStatistics bucket, ToSums(rows.front()));
      if (bucket.dim() != rebuilt.dim()) {
        Problem(absl::StrCat("day ", day, ": the bucket has dimension ", bucket.dim(), " for ", rebuilt.dim()));
        continue;
      }
      const double difference = Difference(rebuilt, bucket);
      report_.worst_bucket = std::max(report_.worst_bucket, difference);
      if (difference > kVerifyTolerance) {
        Problem(absl::StrCat("day ", day, ": the bucket differs from its exposures by ", difference, " of the norm"));
      }
      if (bucket.count() != rebuilt.count()) {
        Problem(absl::StrCat("day ", day, ": the bucket counts ", bucket.count(), " exposures, the ledger ",
                             rebuilt.count()));
      }
      for (const auto& [name, have, want] :
           {std::tuple("rewards", bucket.reward_sum(), rebuilt.reward_sum()),
            std::tuple("squared rewards", bucket.reward_square_sum(), rebuilt.reward_square_sum())}) {
        if (std::abs(have - want) > kVerifyTolerance * (1 + rebuilt.count())) {
          Problem(absl::StrCat("day ", day, ": the bucket's sum of ", name, " is ", have, ", the ledger's ", want));
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status CompareCounts() {
    ASSIGN_OR_RETURN(const int64_t unbalanced, tx_.CountUnbalancedPurchases());
    if (unbalanced > 0) {
      Problem(absl::StrCat(unbalanced, " purchases count otherwise than the reward ledger says"));
    }
    ASSIGN_OR_RETURN(const int64_t wrong_days, tx_.CountWrongHistoryDays());
    if (wrong_days > 0) Problem(absl::StrCat(wrong_days, " history days differ from exposures and purchases"));
    return absl::OkStatus();
  }

  absl::Status CountChangedPurchases() {
    if (state_.last_tick == absl::InfinitePast()) return absl::OkStatus();
    const absl::Duration lag = ToAbslDuration(config_.learning().visibility_lag());
    storage::SourceWindow window{.since = absl::InfinitePast(),
                                 .tick = state_.last_tick,
                                 .until = state_.last_tick,
                                 .visibility_lag = lag,
                                 .first_seen = lag == absl::ZeroDuration()};
    if (settings_.forgetting.window_days > 0) {
      window.since = absl::UnixEpoch() + FirstLiveDay(state_.last_tick, settings_.forgetting) * absl::Hours(24);
    }
    const int page_rows = config_.learning().chunk_rows();
    storage::LedgerKey cursor;
    for (size_t rows = static_cast<size_t>(page_rows); rows >= static_cast<size_t>(page_rows);) {
      ASSIGN_OR_RETURN(const std::vector<storage::PurchaseChange> page,
                       tx_.ChangedPurchases(window, {}, cursor, page_rows));
      rows = page.size();
      for (const storage::PurchaseChange& change : page) report_.purchases_changed += change.booked.has_value() ? 1 : 0;
      if (!page.empty()) cursor = {page.back().purchase.customer_id, page.back().purchase.purchase_id};
    }
    ASSIGN_OR_RETURN(const storage::VanishedCount vanished, tx_.CountVanishedPurchases(window));
    report_.purchases_changed += vanished.vanished;
    return absl::OkStatus();
  }

  absl::Status CompareModel() {
    const absl::Time tick = DataCutOf(model_);
    bandit::SufficientStatistics total(layout_.dim());
    for (const auto& [day, sums] : days_) {
      total.AddScaled(sums, settings_.forgetting.Factor(day, features::UtcDay(tick)));
    }
    total.AddScaled(*pending_, 1);
    const bandit::Prior prior = {.ridge = model_.posterior().ridge(),
                                 .intercept_ridge = model_.posterior().intercept_ridge(),
                                 .base_rate = model_.posterior().base_rate()};
    ASSIGN_OR_RETURN(const bandit::Posterior rebuilt,
                     bandit::Posterior::Solve(prior, total, model_.posterior().noise_variance()));
    const int dim = layout_.dim();
    if (model_.posterior().dimension() != dim || model_.posterior().moment_size() != dim ||
        model_.posterior().precision_size() != dim * (dim + 1) / 2) {
      Problem(absl::StrCat("model version ", model_.version(), " has dimension ", model_.posterior().dimension(),
                           ", its pipeline ", dim));
      return absl::OkStatus();
    }
    double difference = 0;
    int at = 0;
    for (int i = 0; i < dim; ++i) {
      for (int j = 0; j <= i; ++j, ++at) {
        difference = std::max(difference, std::abs(rebuilt.precision()(i, j) - model_.posterior().precision(at)));
      }
      difference = std::max(difference, std::abs(rebuilt.moment()[i] - model_.posterior().moment(i)));
    }
    report_.worst_model = difference / rebuilt.precision().norm();
    if (report_.worst_model > kVerifyTolerance) {
      Problem(absl::StrCat("model version ", model_.version(), " differs from the ledger by ", report_.worst_model,
                           " of the norm"));
    }
    return absl::OkStatus();
  }

  void Problem(std::string problem) { report_.problems.push_back(std::move(problem)); }

  LearningTransaction& tx_;
  const config::v1::Config& config_;
  const Progress& progress_;
  const LearnerSettings settings_;
  storage::LearnerState state_;
  model::v1::ModelVersion model_;
  bandit::ContextLayout layout_;
  absl::btree_map<int64_t, bandit::SufficientStatistics> days_;
  std::optional<bandit::SufficientStatistics> pending_;
  VerifyReport report_;
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(storage::Database& db, const config::v1::Config& config, const Progress& progress) {
  storage::LearningStore store(&db);
  VerifyReport report;
  RETURN_IF_ERROR(store.ReadOnly([&](LearningTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(report, Verifier(tx, config, progress).Run());
    return absl::OkStatus();
  }));
  return report;
}

}  // namespace suggest::learning
