#include "service/learning/delay_replay.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "bandit/measure/evaluation.h"
#include "service/common/config.h"
#include "service/learning/learner.h"
#include "service/learning/training.h"
#include "service/learning/warm_start.h"

namespace suggest::learning {
namespace {

constexpr config::v1::Learning::DelayMode kModes[] = {
    config::v1::Learning::EXPOSURE, config::v1::Learning::ES_DFM_LABEL, config::v1::Learning::EXPECTED_LABEL,
    config::v1::Learning::FAKE_NEGATIVE, config::v1::Learning::WAIT};

// A change of a reward, in the order in which the learner hears of them.
struct Change {
  absl::Time visible_at;
  size_t exposure = 0;
  double reward = 0;
};

// What every method is played on.
struct Stage {
  const Timeline& timeline;
  const Training& training;
  const config::v1::Config& config;
  std::vector<absl::Time> ticks;
  absl::Duration period;
  std::vector<Change> changes;
  std::vector<bool> complete;  // by exposure: its final reward is known
};

struct Prediction {
  size_t exposure = 0;
  double score = 0;
};

class Player {
 public:
  Player(const Stage& stage, std::optional<config::v1::Learning::DelayMode> mode)
      : stage_(stage), oracle_(!mode.has_value()), learner_(MakeLearner(stage, mode)) {}

  // Predictions of every complete exposure from the first tick on, each by the model of the tick before it.
  absl::StatusOr<std::vector<Prediction>> Play() {
    std::vector<Prediction> predictions;
    for (const absl::Time tick : stage_.ticks) {
      RETURN_IF_ERROR(Hear(tick));
      if (next_ == stage_.timeline.exposures.size()) break;
      ASSIGN_OR_RETURN(const bandit::Posterior posterior, learner_.Step(tick));
      const int64_t known = learner_.mature_exposures() + learner_.pending_exposures();
      if (known > 0) pending_ += static_cast<double>(learner_.pending_exposures()) / static_cast<double>(known);
      ++steps_;
      Predict(tick, posterior, predictions);
    }
    return predictions;
  }

  double pending_share() const { return steps_ == 0 ? 0 : pending_ / steps_; }

 private:
  static Learner MakeLearner(const Stage& stage, std::optional<config::v1::Learning::DelayMode> mode) {
    config::v1::Config config = stage.config;
    config.mutable_learning()->set_delay_mode(mode.value_or(config::v1::Learning::FAKE_NEGATIVE));
    return Learner(LearnerSettingsOf(config), stage.training.pipeline.layout(),
                   PriorOf(config, stage.training.base_rate), NoiseOf(config, stage.training.base_rate));
  }

  absl::Status Hear(absl::Time tick) {
    const std::vector<ReplayedExposure>& exposures = stage_.timeline.exposures;
    for (; next_ < exposures.size() && exposures[next_].exposed_at < tick; ++next_) {
      const ReplayedExposure& exposure = exposures[next_];
      const int64_t id = static_cast<int64_t>(next_);
      RETURN_IF_ERROR(
          learner_.BookExposure(id, exposure.exposed_at, stage_.training.contexts[next_], exposure.stratum));
      if (oracle_ && exposure.FinalReward() > 0) {
        RETURN_IF_ERROR(learner_.SetReward(id, exposure.FinalReward(), exposure.exposed_at));
      }
    }
    for (; !oracle_ && heard_ < stage_.changes.size() && stage_.changes[heard_].visible_at < tick; ++heard_) {
      const Change& change = stage_.changes[heard_];
      RETURN_IF_ERROR(learner_.SetReward(static_cast<int64_t>(change.exposure), change.reward, change.visible_at));
    }
    return absl::OkStatus();
  }

  void Predict(absl::Time tick, const bandit::Posterior& posterior, std::vector<Prediction>& predictions) const {
    const std::vector<ReplayedExposure>& exposures = stage_.timeline.exposures;
    for (size_t i = next_; i < exposures.size() && exposures[i].exposed_at < tick + stage_.period; ++i) {
      if (!stage_.complete[i]) continue;
      const Eigen::VectorXd b = bandit::AssembleContext(stage_.training.pipeline.layout(), stage_.training.contexts[i]);
      predictions.push_back({i, b.dot(posterior.mean())});
    }
  }

  const Stage& stage_;
  const bool oracle_;
  Learner learner_;
  size_t next_ = 0;   // exposure that is not booked yet
  size_t heard_ = 0;  // changes that were told
  double pending_ = 0;
  int steps_ = 0;
};

double LossOf(const Stage& stage, const Prediction& prediction) {
  const double p = std::clamp(prediction.score, 0.0, 1.0);
  return bandit::LogLoss({p}, {stage.timeline.exposures[prediction.exposure].FinalReward()});
}

void AddTicks(const Stage& stage, const std::vector<Prediction>& predictions, DelayReplayMethod* method) {
  for (const Prediction& prediction : predictions) {
    const ReplayedExposure& exposure = stage.timeline.exposures[prediction.exposure];
    const auto after = std::upper_bound(stage.ticks.begin(), stage.ticks.end(), exposure.exposed_at);
    const absl::Time tick = *(after - 1);
    if (method->ticks.empty() || method->ticks.back().tick != tick) method->ticks.push_back({.tick = tick});
    DelayReplayTick& sums = method->ticks.back();
    ++sums.exposures;
    sums.log_loss += LossOf(stage, prediction);
    sums.predicted += std::clamp(prediction.score, 0.0, 1.0);
    sums.observed += exposure.FinalReward();
  }
  for (DelayReplayTick& sums : method->ticks) {
    const double n = static_cast<double>(sums.exposures);
    sums.log_loss /= n;
    sums.predicted /= n;
    sums.observed /= n;
  }
}

// Mean of the losses less the oracle's; its standard error takes customers as the independent units.
void CompareWithOracle(const Stage& stage, const std::vector<Prediction>& predictions,
                       const std::vector<Prediction>& oracle, DelayReplayMethod* method) {
  absl::btree_map<std::string, std::pair<double, double>> of_customer;  // sum of differences, exposures
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double difference = LossOf(stage, predictions[i]) - LossOf(stage, oracle[i]);
    auto& [differences, exposures] = of_customer[stage.timeline.exposures[predictions[i].exposure].customer_id];
    differences += difference;
    exposures += 1;
    sum += difference;
  }
  const double n = static_cast<double>(predictions.size());
  method->excess = sum / n;
  double squares = 0;
  for (const auto& [customer, sums] : of_customer) {
    const double deviation = sums.first - sums.second * method->excess;
    squares += deviation * deviation;
  }
  method->excess_se = std::sqrt(squares) / n;
}

DelayReplayMethod Measure(const Stage& stage, const std::string& name, const std::vector<Prediction>& predictions,
                          const std::vector<Prediction>& oracle) {
  DelayReplayMethod method{.name = name, .ticks = {}};
  std::vector<double> scores, clipped, rewards;
  for (const Prediction& prediction : predictions) {
    scores.push_back(prediction.score);
    clipped.push_back(std::clamp(prediction.score, 0.0, 1.0));
    rewards.push_back(stage.timeline.exposures[prediction.exposure].FinalReward());
  }
  method.log_loss = bandit::LogLoss(clipped, rewards);
  method.auc = bandit::Auc(scores, rewards).value_or(0);
  method.predicted_over_observed = bandit::MeanPredictedOverObserved(clipped, rewards);
  for (const bandit::CalibrationBin& bin : bandit::Calibration(clipped, rewards)) {
    ++method.deciles;
    method.deciles_within += bin.lower <= bin.mean_predicted && bin.mean_predicted <= bin.upper ? 1 : 0;
  }
  AddTicks(stage, predictions, &method);
  CompareWithOracle(stage, predictions, oracle, &method);
  return method;
}

std::vector<Change> ChangesOf(const Timeline& timeline) {
  std::vector<Change> changes;
  for (size_t i = 0; i < timeline.exposures.size(); ++i) {
    for (const RewardChange& change : timeline.exposures[i].rewards) {
      changes.push_back({change.visible_at, i, change.reward});
    }
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.visible_at < b.visible_at; });
  return changes;
}

// Mature at the end of the data, or of a recommendation that could not be bought any more by then.
std::vector<bool> CompleteOnes(const History& history, const Timeline& timeline, absl::Duration maturity) {
  absl::flat_hash_map<std::string, absl::Time> until;
  for (const storage::RecommendationRecord& record : history.recommendations) {
    until[record.recommendation_id] = record.active_until.value_or(absl::InfiniteFuture());
  }
  std::vector<bool> complete;
  for (const ReplayedExposure& exposure : timeline.exposures) {
    complete.push_back(exposure.exposed_at + maturity <= timeline.last ||
                       until[exposure.recommendation_id] <= timeline.last);
  }
  return complete;
}

}  // namespace

absl::StatusOr<DelayReplayReport> ReplayDelays(const History& history, const config::v1::Config& config,
                                               const DelayReplayOptions& options, const Progress& progress) {
  ASSIGN_OR_RETURN(const Timeline timeline, BuildTimeline(history, config));
  const absl::Time cut = CutInstant(timeline, options.cut_share);
  if (cut == absl::InfiniteFuture())
    return absl::FailedPreconditionError("too few instants of decision to cut between");
  const absl::Time first = TickOf(cut, options.period);
  ASSIGN_OR_RETURN(const Training training, TrainAt(history, timeline, config, first, nullptr, progress));
  Stage stage{.timeline = timeline,
              .training = training,
              .config = config,
              .ticks = {},
              .period = options.period,
              .changes = ChangesOf(timeline),
              .complete = CompleteOnes(history, timeline, LearnerSettingsOf(config).maturity())};
  for (absl::Time tick = first; tick <= timeline.exposures.back().exposed_at; tick += options.period) {
    stage.ticks.push_back(tick);
  }
  DelayReplayReport report{
      .first_tick = first, .training_exposures = static_cast<int64_t>(training.exposures), .methods = {}};
  for (size_t i = training.exposures; i < timeline.exposures.size(); ++i) report.left_out += stage.complete[i] ? 0 : 1;

  Player oracle(stage, std::nullopt);
  ASSIGN_OR_RETURN(const std::vector<Prediction> best, oracle.Play());
  if (best.empty()) return absl::FailedPreconditionError("no exposure with a complete outcome is left to predict");
  report.exposures = static_cast<int64_t>(best.size());
  for (const Prediction& prediction : best) {
    report.purchases += timeline.exposures[prediction.exposure].FinalReward() > 0 ? 1 : 0;
  }
  report.methods.push_back(Measure(stage, "ORACLE", best, best));
  for (const config::v1::Learning::DelayMode mode : kModes) {
    Player player(stage, mode);
    ASSIGN_OR_RETURN(const std::vector<Prediction> predictions, player.Play());
    report.pending_share = player.pending_share();
    report.methods.push_back(Measure(stage, config::v1::Learning::DelayMode_Name(mode), predictions, best));
    Report(progress, "replay", static_cast<int64_t>(report.methods.size()), std::size(kModes) + 1);
  }
  return report;
}

}  // namespace suggest::learning
