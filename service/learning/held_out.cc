#include "service/learning/held_out.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "bandit/base/status_macros.h"
#include "bandit/measure/evaluation.h"
#include "bandit/model/context.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/learning/settings.h"

namespace suggest::learning {
namespace {

constexpr size_t kMaxCustomers = 200;
constexpr size_t kMaxRecommendations = 2000;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Predictions of one kind: the model's, a baseline's or the truth's.
struct Predictions {
  std::vector<double> chance;  // of a purchase; not clipped
  std::vector<double> reward;  // expected; not clipped
};

struct Rows {
  Predictions model, popularity, truth, features;  // the last two are empty where the truth is not known
  std::vector<double> bought;                      // 0 or 1
  std::vector<double> rewards;
  std::vector<int64_t> customers;
};

// Of the training exposures, which the base-rate predictions are made of.
struct Base {
  double chance = 0;
  double reward = 0;
};

// The mean reward of a purchase before the cut, by recommendation.
class Worths {
 public:
  Worths(const Timeline& timeline, size_t exposures, absl::Time cut) {
    double sum = 0, purchases = 0;
    for (size_t i = 0; i < exposures; ++i) {
      const double reward = timeline.exposures[i].RewardBefore(cut);
      if (reward <= 0) continue;
      auto& [own_sum, own_purchases] = own_[timeline.exposures[i].recommendation_id];
      own_sum += reward;
      own_purchases += 1;
      sum += reward;
      purchases += 1;
    }
    mean_ = purchases > 0 ? sum / purchases : 1;
  }

  double mean() const { return mean_; }
  double Of(const std::string& recommendation_id) const {
    const auto own = own_.find(recommendation_id);
    if (own == own_.end()) return mean_;
    return (own->second.first + kWorthStrength * mean_) / (own->second.second + kWorthStrength);
  }

 private:
  double mean_ = 1;
  absl::flat_hash_map<std::string, std::pair<double, double>> own_;  // sum of rewards, purchases
};

double ValueOrNaN(const absl::StatusOr<double>& value) {
  return value.ok() && std::isfinite(*value) ? *value : kNaN;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

std::vector<double> Same(const Rows& rows, double value) {
  return std::vector<double>(rows.rewards.size(), value);
}

// Share of the base rate's squared error that is saved.
double Skill(double error, double base_error) {
  return base_error > 0 ? 1 - error / base_error : kNaN;
}

// Rewards in [0, 1] as an answer shows them, in money.
std::vector<double> InMoney(const std::vector<double>& rewards, double reward_cap) {
  std::vector<double> money;
  for (const double reward : rewards) money.push_back(std::clamp(reward, 0.0, 1.0) * reward_cap);
  return money;
}

void MeasureChance(const Rows& rows, const Base& base, const Bootstrap& bootstrap, model::v1::HeldOut* report) {
  const bandit::ProbabilityBounds bounds = bandit::BoundsOf(base.chance);
  int64_t floored = 0;
  const std::vector<double> model = bandit::Bounded(rows.model.chance, bounds, &floored);
  const std::vector<double> popularity = bandit::Bounded(rows.popularity.chance, bounds, nullptr);
  const std::vector<double> constant = bandit::Bounded(Same(rows, base.chance), bounds, nullptr);
  report->set_floor(bounds.lower);
  report->set_floored(floored);
  report->set_auc(ValueOrNaN(bandit::Auc(rows.model.chance, rows.bought)));
  report->set_auc_se(ValueOrNaN(bandit::AucStandardErrorByCluster(rows.model.chance, rows.bought, rows.customers,
                                                                  bootstrap.resamples, bootstrap.seed)));
  report->set_popularity_auc(ValueOrNaN(bandit::Auc(rows.popularity.chance, rows.bought)));
  report->set_log_loss(bandit::LogLoss(model, rows.bought));
  report->set_base_rate_log_loss(bandit::LogLoss(constant, rows.bought));
  report->set_popularity_log_loss(bandit::LogLoss(popularity, rows.bought));
  const double base_brier = bandit::MeanSquaredError(constant, rows.bought);
  report->set_brier(bandit::MeanSquaredError(model, rows.bought));
  report->set_brier_skill(Skill(report->brier(), base_brier));
  report->set_popularity_brier_skill(Skill(bandit::MeanSquaredError(popularity, rows.bought), base_brier));
  report->set_mean_predicted(Mean(model));
  report->set_mean_observed(Mean(rows.bought));
  report->set_predicted_over_observed(bandit::MeanPredictedOverObserved(model, rows.bought));
  const bandit::Measured slope = bandit::ObservedOnPredicted(model, rows.bought, rows.customers);
  report->set_slope(slope.value);
  report->set_slope_se(slope.standard_error);
  int within = 0;
  for (const bandit::CalibrationBin& bin : bandit::Calibration(model, rows.bought)) {
    model::v1::CalibrationDecile* const decile = report->add_calibration();
    decile->set_n(bin.n);
    decile->set_mean_predicted(bin.mean_predicted);
    decile->set_observed(bin.observed);
    decile->set_wilson_lower(bin.lower);
    decile->set_wilson_upper(bin.upper);
    within += bin.lower <= bin.mean_predicted && bin.mean_predicted <= bin.upper ? 1 : 0;
    report->set_best_tenth_predicted(bin.mean_predicted);
    report->set_best_tenth_observed(bin.observed);
  }
  report->set_deciles_within(within);
}

void MeasureValue(const Rows& rows, const Base& base, const MoneyRules& money, double worth,
                  model::v1::ValueHeldOut* report) {
  const double cap = money.reward_cap;
  const std::vector<double> model = InMoney(rows.model.reward, cap);
  const std::vector<double> observed = InMoney(rows.rewards, cap);
  const double error = bandit::MeanSquaredError(model, observed);
  const double base_error = bandit::MeanSquaredError(InMoney(Same(rows, base.reward), cap), observed);
  const double popularity_error = bandit::MeanSquaredError(InMoney(rows.popularity.reward, cap), observed);
  report->set_currency(money.currency);
  report->set_worth(worth * cap);
  report->set_mean_predicted(Mean(model));
  const bandit::Measured mean = bandit::MeanOf(observed, rows.customers);
  report->set_mean_observed(mean.value);
  report->set_mean_observed_se(mean.standard_error);
  report->set_predicted_over_observed(bandit::MeanPredictedOverObserved(model, observed));
  report->set_rmse(std::sqrt(error));
  report->set_base_rate_rmse(std::sqrt(base_error));
  report->set_popularity_rmse(std::sqrt(popularity_error));
  report->set_skill(Skill(error, base_error));
  report->set_popularity_skill(Skill(popularity_error, base_error));
  const bandit::Measured slope = bandit::ObservedOnPredicted(model, observed, rows.customers);
  report->set_slope(slope.value);
  report->set_slope_se(slope.standard_error);
  int within = 0;
  for (const bandit::CalibrationBin& bin : bandit::RewardCalibration(InMoney(rows.model.reward, 1), rows.rewards)) {
    model::v1::ValueDecile* const decile = report->add_calibration();
    decile->set_n(bin.n);
    decile->set_mean_predicted(cap * bin.mean_predicted);
    decile->set_observed(cap * bin.observed);
    decile->set_lower(cap * bin.lower);
    decile->set_upper(cap * bin.upper);
    within += bin.lower <= bin.mean_predicted && bin.mean_predicted <= bin.upper ? 1 : 0;
    report->set_best_tenth_predicted(decile->mean_predicted());
    report->set_best_tenth_observed(decile->observed());
  }
  report->set_deciles_within(within);
}

void MeasureAttainable(const Rows& rows, const Predictions& predictions, const Base& base, double reward_cap,
                       model::v1::Attainable* report) {
  const bandit::ProbabilityBounds bounds = bandit::BoundsOf(base.chance);
  const std::vector<double> chance = bandit::Bounded(predictions.chance, bounds, nullptr);
  const std::vector<double> observed = InMoney(rows.rewards, reward_cap);
  const double error = bandit::MeanSquaredError(InMoney(predictions.reward, reward_cap), observed);
  report->set_auc(ValueOrNaN(bandit::Auc(predictions.chance, rows.bought)));
  report->set_log_loss(bandit::LogLoss(chance, rows.bought));
  report->set_brier_skill(Skill(bandit::MeanSquaredError(chance, rows.bought),
                                bandit::MeanSquaredError(Same(rows, base.chance), rows.bought)));
  report->set_value_rmse(std::sqrt(error));
  report->set_value_skill(
      Skill(error, bandit::MeanSquaredError(InMoney(Same(rows, base.reward), reward_cap), observed)));
}

model::v1::HeldOut Measure(const Rows& rows, const Base& base, double worth, const Training& training,
                           const MoneyRules& money, const Bootstrap& bootstrap) {
  model::v1::HeldOut report;
  report.set_training_exposures(static_cast<int64_t>(training.exposures));
  report.set_exposures(static_cast<int64_t>(rows.rewards.size()));
  report.set_purchases(std::count(rows.bought.begin(), rows.bought.end(), 1.0));
  report.set_best_tenth_predicted(kNaN);
  report.set_best_tenth_observed(kNaN);
  report.mutable_value()->set_best_tenth_predicted(kNaN);
  report.mutable_value()->set_best_tenth_observed(kNaN);
  MeasureChance(rows, base, bootstrap, &report);
  MeasureValue(rows, base, money, worth, report.mutable_value());
  if (rows.truth.chance.empty()) return report;
  MeasureAttainable(rows, rows.truth, base, money.reward_cap, report.mutable_truth());
  MeasureAttainable(rows, rows.features, base, money.reward_cap, report.mutable_features());
  return report;
}

// Weights of the linear model that is nearest to what is true of all exposures of the timeline.
absl::StatusOr<Eigen::VectorXd> NearestWeights(const Training& training, const std::vector<double>& targets) {
  const bandit::ContextLayout layout = training.pipeline.layout();
  bandit::SufficientStatistics sums(layout.dim());
  for (size_t i = 0; i < targets.size(); ++i) {
    RETURN_IF_ERROR(sums.Add(bandit::AssembleContext(layout, training.contexts[i]), 1, targets[i]));
  }
  ASSIGN_OR_RETURN(const bandit::Posterior nearest,
                   bandit::Posterior::Solve({.ridge = 1e-3, .intercept_ridge = 1e-6}, sums, 1));
  return nearest.mean();
}

struct Truths {
  Predictions of_exposures;  // of all in the timeline
  Eigen::VectorXd chance_weights, reward_weights;
};

absl::StatusOr<Truths> TruthsOf(const Timeline& timeline, const Training& training, const TruthOf& truth) {
  Truths truths;
  if (!truth) return truths;
  for (const ReplayedExposure& exposure : timeline.exposures) {
    const TrueExpectation expectation = truth(exposure);
    truths.of_exposures.chance.push_back(expectation.chance);
    truths.of_exposures.reward.push_back(expectation.reward);
  }
  ASSIGN_OR_RETURN(truths.chance_weights, NearestWeights(training, truths.of_exposures.chance));
  ASSIGN_OR_RETURN(truths.reward_weights, NearestWeights(training, truths.of_exposures.reward));
  return truths;
}

void AddRow(const Predictions& all, size_t i, Predictions* predictions) {
  predictions->chance.push_back(all.chance[i]);
  predictions->reward.push_back(all.reward[i]);
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
                                                   const Training& training, const Learned& learned,
                                                   const config::v1::Config& config, absl::Time cut,
                                                   absl::Time data_end, const Bootstrap& bootstrap,
                                                   const TruthOf& truth) {
  if (training.exposures >= timeline.exposures.size()) {
    return absl::FailedPreconditionError("no exposure is left after the cut");
  }
  absl::flat_hash_map<std::string, absl::Time> active_until;
  for (const storage::RecommendationRecord& record : history.recommendations) {
    active_until[record.recommendation_id] = record.active_until.value_or(absl::InfiniteFuture());
  }
  const absl::Duration maturity = LearnerSettingsOf(config).maturity();
  const MoneyRules money = MoneyRulesOf(config);
  const Worths worths(timeline, training.exposures, cut);
  ASSIGN_OR_RETURN(const Truths truths, TruthsOf(timeline, training, truth));
  absl::flat_hash_map<std::string, int64_t> customer_numbers;
  Rows all, complete;
  for (size_t i = training.exposures; i < timeline.exposures.size(); ++i) {
    const ReplayedExposure& exposure = timeline.exposures[i];
    const Eigen::VectorXd b = bandit::AssembleContext(training.pipeline.layout(), training.contexts[i]);
    const double score = b.dot(learned.posterior.mean());
    const double worth = worths.Of(exposure.recommendation_id);
    const int64_t customer =
        customer_numbers.try_emplace(exposure.customer_id, static_cast<int64_t>(customer_numbers.size())).first->second;
    const bool is_complete =
        exposure.exposed_at + maturity <= data_end || active_until[exposure.recommendation_id] <= data_end;
    for (Rows* rows : {&all, &complete}) {
      if (rows == &complete && !is_complete) continue;
      rows->model.chance.push_back(score / worth);
      rows->model.reward.push_back(score);
      rows->popularity.chance.push_back(training.popularity[i]);
      rows->popularity.reward.push_back(training.popularity[i] * worth);
      rows->rewards.push_back(exposure.FinalReward());
      rows->bought.push_back(exposure.FinalReward() > 0 ? 1 : 0);
      rows->customers.push_back(customer);
      if (!truth) continue;
      AddRow(truths.of_exposures, i, &rows->truth);
      rows->features.chance.push_back(b.dot(truths.chance_weights));
      rows->features.reward.push_back(b.dot(truths.reward_weights));
    }
  }
  const Base base{training.purchase_rate, training.base_rate};
  model::v1::HeldOut report = Measure(all, base, worths.mean(), training, money, bootstrap);
  *report.mutable_complete() = Measure(complete, base, worths.mean(), training, money, bootstrap);
  report.set_different_top3(DifferentTop3(timeline, training, learned.posterior));
  report.set_ridge(learned.ridge);
  report.mutable_complete()->set_ridge(learned.ridge);
  report.mutable_complete()->set_different_top3(report.different_top3());
  return report;
}

}  // namespace suggest::learning
