#include "service/learning/held_out.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "bandit/base/status_macros.h"
#include "bandit/measure/evaluation.h"
#include "bandit/model/context.h"

namespace suggest::learning {
namespace {

constexpr size_t kMaxCustomers = 200;
constexpr size_t kMaxRecommendations = 2000;

struct Rows {
  std::vector<double> scores;       // not clipped
  std::vector<double> predictions;  // clipped to [0, 1]
  std::vector<double> popularity;
  std::vector<double> rewards;
  std::vector<int64_t> customers;
};

double ValueOr0(const absl::StatusOr<double>& value) {
  return value.ok() && std::isfinite(*value) ? *value : 0;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

model::v1::HeldOut Measure(const Rows& rows, double base_rate, size_t training_exposures, const Bootstrap& bootstrap) {
  model::v1::HeldOut report;
  report.set_training_exposures(static_cast<int64_t>(training_exposures));
  report.set_exposures(static_cast<int64_t>(rows.rewards.size()));
  if (rows.rewards.empty()) return report;
  report.set_purchases(std::count_if(rows.rewards.begin(), rows.rewards.end(), [](double r) { return r > 0; }));
  report.set_auc(ValueOr0(bandit::Auc(rows.scores, rows.rewards)));
  report.set_auc_se(ValueOr0(bandit::AucStandardErrorByCluster(rows.scores, rows.rewards, rows.customers,
                                                               bootstrap.resamples, bootstrap.seed)));
  report.set_popularity_auc(ValueOr0(bandit::Auc(rows.popularity, rows.rewards)));
  report.set_log_loss(bandit::LogLoss(rows.predictions, rows.rewards));
  report.set_base_rate_log_loss(bandit::LogLoss(std::vector<double>(rows.rewards.size(), base_rate), rows.rewards));
  report.set_popularity_log_loss(bandit::LogLoss(rows.popularity, rows.rewards));
  report.set_mean_predicted(Mean(rows.predictions));
  report.set_mean_observed(Mean(rows.rewards));
  report.set_predicted_over_observed(ValueOr0(bandit::MeanPredictedOverObserved(rows.predictions, rows.rewards)));
  int within = 0;
  for (const bandit::CalibrationBin& bin : bandit::Calibration(rows.predictions, rows.rewards)) {
    model::v1::CalibrationDecile* const decile = report.add_calibration();
    decile->set_n(bin.n);
    decile->set_mean_predicted(bin.mean_predicted);
    decile->set_observed(bin.observed);
    decile->set_wilson_lower(bin.wilson_lower);
    decile->set_wilson_upper(bin.wilson_upper);
    within += bin.wilson_lower <= bin.mean_predicted && bin.mean_predicted <= bin.wilson_upper ? 1 : 0;
  }
  report.set_deciles_within(within);
  return report;
}

// Share of pairs of customers whose best three differ, candidates being what was exposed after the cut.
double DifferentTop3(const Timeline& timeline, const Training& training, const bandit::Posterior& posterior) {
  absl::btree_map<std::string, const Eigen::VectorXd*> customers, recommendations;
  for (size_t i = timeline.exposures.size(); i-- > training.exposures;) {
    const ReplayedExposure& exposure = timeline.exposures[i];
    if (customers.size() < kMaxCustomers) customers.try_emplace(exposure.customer_id, &training.contexts[i].customer);
    if (recommendations.size() < kMaxRecommendations) {
      recommendations.try_emplace(exposure.recommendation_id, &training.contexts[i].recommendation);
    }
  }
  const bandit::ContextLayout layout = training.pipeline.layout();
  std::vector<std::array<int, 3>> best;
  for (const auto& [customer_id, customer] : customers) {
    std::vector<std::pair<double, int>> scored;
    for (const auto& [recommendation_id, recommendation] : recommendations) {
      const Eigen::VectorXd b = bandit::AssembleContext(layout, {*customer, *recommendation, {}});
      scored.emplace_back(-b.dot(posterior.mean()), static_cast<int>(scored.size()));
    }
    std::sort(scored.begin(), scored.end());
    std::array<int, 3> top = {-1, -1, -1};
    for (size_t i = 0; i < std::min(scored.size(), top.size()); ++i) top[i] = scored[i].second;
    best.push_back(top);
  }
  int64_t pairs = 0, different = 0;
  for (size_t i = 0; i < best.size(); ++i) {
    for (size_t j = i + 1; j < best.size(); ++j) {
      ++pairs;
      different += best[i] != best[j] ? 1 : 0;
    }
  }
  return pairs == 0 ? 0 : static_cast<double>(different) / static_cast<double>(pairs);
}

}  // namespace

absl::StatusOr<model::v1::HeldOut> EvaluateHeldOut(const History& history, const Timeline& timeline,
                                                   const Training& training, const bandit::Posterior& posterior,
                                                   const LearnerSettings& settings, absl::Time data_end,
                                                   const Bootstrap& bootstrap) {
  if (training.exposures >= timeline.exposures.size()) {
    return absl::FailedPreconditionError("no exposure is left after the cut");
  }
  absl::flat_hash_map<std::string, absl::Time> active_until;
  for (const storage::RecommendationRecord& record : history.recommendations) {
    active_until[record.recommendation_id] = record.active_until.value_or(absl::InfiniteFuture());
  }
  absl::flat_hash_map<std::string, int64_t> customer_numbers;
  Rows all, complete;
  for (size_t i = training.exposures; i < timeline.exposures.size(); ++i) {
    const ReplayedExposure& exposure = timeline.exposures[i];
    const double score =
        bandit::AssembleContext(training.pipeline.layout(), training.contexts[i]).dot(posterior.mean());
    const int64_t customer =
        customer_numbers.try_emplace(exposure.customer_id, static_cast<int64_t>(customer_numbers.size())).first->second;
    const bool is_complete =
        exposure.exposed_at + settings.maturity() <= data_end || active_until[exposure.recommendation_id] <= data_end;
    for (Rows* rows : {&all, &complete}) {
      if (rows == &complete && !is_complete) continue;
      rows->scores.push_back(score);
      rows->predictions.push_back(std::clamp(score, 0.0, 1.0));
      rows->popularity.push_back(training.popularity[i]);
      rows->rewards.push_back(exposure.FinalReward());
      rows->customers.push_back(customer);
    }
  }
  model::v1::HeldOut report = Measure(all, training.base_rate, training.exposures, bootstrap);
  *report.mutable_complete() = Measure(complete, training.base_rate, training.exposures, bootstrap);
  report.set_different_top3(DifferentTop3(timeline, training, posterior));
  return report;
}

}  // namespace suggest::learning
