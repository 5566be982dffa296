#include "service/lab/event_weights.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/pending.h"
#include "bandit/model/logistic.h"

namespace suggest::lab {

absl::StatusOr<WaitingTime> WaitingTime::Create(std::vector<absl::Duration> times, std::vector<double> shares) {
  if (times.empty() || times.size() != shares.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("waiting time has ", times.size(), " times and ", shares.size(), " shares"));
  }
  absl::Duration last;
  double sum = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] <= last) {
      return absl::InvalidArgumentError(absl::StrCat("waiting time ", i, " is ", absl::FormatDuration(times[i]),
                                                     " after ", absl::FormatDuration(last)));
    }
    if (!(shares[i] >= 0)) return absl::InvalidArgumentError(absl::StrCat("waiting share ", i, " is ", shares[i]));
    last = times[i];
    sum += shares[i];
  }
  if (!(std::abs(sum - 1) <= 1e-9)) return absl::InvalidArgumentError(absl::StrCat("waiting shares sum to ", sum));
  WaitingTime waiting;
  waiting.times_ = std::move(times);
  waiting.shares_ = std::move(shares);
  return waiting;
}

absl::Duration WaitingTime::Sample(bandit::CounterRng& rng) const {
  double left = rng.NextUniform();
  for (size_t i = 0; i + 1 < times_.size(); ++i) {
    if (left < shares_[i]) return times_[i];
    left -= shares_[i];
  }
  return times_.back();
}

const WaitingTime& WaitingTimes::Of(absl::string_view stratum) const {
  const auto found = strata.find(stratum);
  return found == strata.end() ? otherwise : found->second;
}

absl::StatusOr<EsDfmModel> EsDfmModel::FromWeights(Eigen::VectorXd delayed_positive, Eigen::VectorXd real_negative) {
  if (delayed_positive.size() != real_negative.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("f_dp and f_rn: weights of ", delayed_positive.size(), " and ", real_negative.size(), " entries"));
  }
  if (!delayed_positive.allFinite() || !real_negative.allFinite()) {
    return absl::InvalidArgumentError("f_dp and f_rn: not finite");
  }
  EsDfmModel model;
  model.delayed_positive_ = std::move(delayed_positive);
  model.real_negative_ = std::move(real_negative);
  return model;
}

double EsDfmModel::DelayedPositive(const Eigen::VectorXd& context) const {
  return trained() ? bandit::ClipProbability(bandit::Sigmoid(delayed_positive_.dot(context))) : 0.0;
}

double EsDfmModel::RealNegative(const Eigen::VectorXd& context) const {
  return trained() ? bandit::ClipProbability(bandit::Sigmoid(real_negative_.dot(context))) : 1.0;
}

LabelWeights EsDfmModel::Weights(const Eigen::VectorXd& context, WeightForm form) const {
  return EsDfmWeights(DelayedPositive(context), RealNegative(context), form);
}

absl::Status EsDfmTrainer::Add(const bandit::ObservedExposure& exposure, absl::Duration waiting) {
  RETURN_IF_ERROR(bandit::CheckMature(exposure, dim_, options_.maturity));
  if (waiting <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("waiting time is ", absl::FormatDuration(waiting)));
  }
  exposures_.emplace_back(exposure, waiting);
  if (size() > options_.max_exposures) exposures_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<EsDfmModel> EsDfmTrainer::Fit() const {
  if (exposures_.empty()) return EsDfmModel();
  bandit::LogisticRows late(size(), dim_);   // f_dp: every exposure, 1 = after the label was read
  bandit::LogisticRows never(size(), dim_);  // f_rn: those without a purchase then, 1 = never
  for (const auto& [exposure, waiting] : exposures_) {
    const bool bought = exposure.purchase_visible < options_.maturity;
    const bool by_then = exposure.purchase_visible <= waiting;
    late.Add(exposure.context, bought && !by_then, exposure.weight);
    if (!by_then) never.Add(exposure.context, !bought, exposure.weight);
  }
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(dim_);
  ASSIGN_OR_RETURN(Eigen::VectorXd delayed_positive, late.Fit(zero, options_.ridge));
  ASSIGN_OR_RETURN(Eigen::VectorXd real_negative, never.Fit(zero, options_.ridge));
  return EsDfmModel::FromWeights(std::move(delayed_positive), std::move(real_negative));
}

absl::Status EventAccumulator::AddLabel(int64_t day, const Eigen::VectorXd& context, bool bought, double reward,
                                        const LabelWeights& weights) {
  const double weight = bought ? weights.positive : weights.negative;
  if (!(weight > 0 && weight <= 2)) {
    return absl::InvalidArgumentError(absl::StrCat("event weight is ", weight, ", not in (0, 2]"));
  }
  return buckets_.At(day).Add(context, weight, bought ? weight * reward : 0.0);
}

absl::Status EventAccumulator::AddLatePurchase(int64_t day, const Eigen::VectorXd& context, double reward,
                                               const LabelWeights& weights) {
  return AddLabel(day, context, true, reward, weights);
}

}  // namespace suggest::lab
