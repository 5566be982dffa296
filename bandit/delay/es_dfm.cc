#include "bandit/delay/es_dfm.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/pending.h"
#include "bandit/model/logistic.h"

namespace suggest::bandit {
namespace {

absl::Status CheckExposure(const ObservedExposure& exposure, int dim, absl::Duration maturity) {
  if (exposure.age < maturity) {
    return absl::FailedPreconditionError(absl::StrCat("exposure of age ", absl::FormatDuration(exposure.age),
                                                      " is not mature before ", absl::FormatDuration(maturity),
                                                      ": its label is not known"));
  }
  if (exposure.context.size() != dim) {
    return absl::InvalidArgumentError(
        absl::StrCat("context has ", exposure.context.size(), " entries, the nuisance model ", dim));
  }
  if (!exposure.context.allFinite()) return absl::InvalidArgumentError("context is not finite");
  if (!(exposure.weight >= 0) || !std::isfinite(exposure.weight)) {
    return absl::InvalidArgumentError(absl::StrCat("exposure weight is ", exposure.weight));
  }
  return absl::OkStatus();
}

absl::Status CheckPair(const Eigen::VectorXd& a, const Eigen::VectorXd& b, absl::string_view what) {
  if (a.size() != b.size()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": weights of ", a.size(), " and ", b.size(), " entries"));
  }
  if (!a.allFinite() || !b.allFinite()) return absl::InvalidArgumentError(absl::StrCat(what, ": not finite"));
  return absl::OkStatus();
}

// Rows of one regression, grown one at a time.
class Rows {
 public:
  Rows(Eigen::Index capacity, int dim) : inputs_(capacity, dim), labels_(capacity), weights_(capacity) {}

  void Add(const Eigen::VectorXd& input, bool label, double weight) {
    inputs_.row(count_) = input;
    labels_[count_] = label ? 1.0 : 0.0;
    weights_[count_++] = weight;
  }
  Eigen::Index size() const { return count_; }

  absl::StatusOr<Eigen::VectorXd> Fit(const Eigen::VectorXd& center, double ridge) const {
    return FitLogistic(inputs_.topRows(count_), labels_.head(count_), weights_.head(count_), center, {.ridge = ridge});
  }

 private:
  Eigen::MatrixXd inputs_;
  Eigen::VectorXd labels_;
  Eigen::VectorXd weights_;
  Eigen::Index count_ = 0;
};

double LogLateShare(double share) {
  return PortableLog(std::max(1 - share, kMinProbability));
}

Eigen::VectorXd LateInput(const Eigen::VectorXd& context, double log_late_share) {
  Eigen::VectorXd input(2 * context.size());
  input << context, log_late_share * context;
  return input;
}

}  // namespace

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

absl::Duration WaitingTime::Sample(CounterRng& rng) const {
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
  RETURN_IF_ERROR(CheckPair(delayed_positive, real_negative, "f_dp and f_rn"));
  EsDfmModel model;
  model.delayed_positive_ = std::move(delayed_positive);
  model.real_negative_ = std::move(real_negative);
  return model;
}

double EsDfmModel::DelayedPositive(const Eigen::VectorXd& context) const {
  return trained() ? ClipProbability(Sigmoid(delayed_positive_.dot(context))) : 0.0;
}

double EsDfmModel::RealNegative(const Eigen::VectorXd& context) const {
  return trained() ? ClipProbability(Sigmoid(real_negative_.dot(context))) : 1.0;
}

LabelWeights EsDfmModel::Weights(const Eigen::VectorXd& context, WeightForm form) const {
  return EsDfmWeights(DelayedPositive(context), RealNegative(context), form);
}

absl::Status EsDfmTrainer::Add(const ObservedExposure& exposure, absl::Duration waiting) {
  RETURN_IF_ERROR(CheckExposure(exposure, dim_, options_.maturity));
  if (waiting <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("waiting time is ", absl::FormatDuration(waiting)));
  }
  exposures_.emplace_back(exposure, waiting);
  if (size() > options_.max_exposures) exposures_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<EsDfmModel> EsDfmTrainer::Fit() const {
  if (exposures_.empty()) return EsDfmModel();
  Rows late(size(), dim_);   // f_dp: every exposure, 1 = after the label was read
  Rows never(size(), dim_);  // f_rn: those without a purchase then, 1 = never
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

absl::StatusOr<LateCorrector> LateCorrector::FromWeights(Eigen::VectorXd beta, Eigen::VectorXd kappa) {
  RETURN_IF_ERROR(CheckPair(beta, kappa, "late corrector"));
  LateCorrector corrector;
  corrector.beta_ = std::move(beta);
  corrector.kappa_ = std::move(kappa);
  return corrector;
}

double LateCorrector::LatePurchase(const Eigen::VectorXd& context, double share) const {
  SUGGEST_CHECK(trained());
  if (share >= 1) return 0;
  return ClipProbability(Sigmoid(beta_.dot(context) + kappa_.dot(context) * LogLateShare(share)));
}

LateCorrectorTrainer::LateCorrectorTrainer(int dim, DelayLaw law, const TrainerOptions& options)
    : dim_(dim), law_(std::move(law)), options_(options) {
  SUGGEST_CHECK(dim >= 1 && options.maturity >= law_.window());
}

absl::Status LateCorrectorTrainer::Add(const ObservedExposure& exposure) {
  RETURN_IF_ERROR(CheckExposure(exposure, dim_, options_.maturity));
  exposures_.push_back(exposure);
  if (size() > options_.max_exposures) exposures_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<LateCorrector> LateCorrectorTrainer::Fit() const {
  const absl::Duration window = law_.window();
  const std::array<absl::Duration, 3> ages = {window / 12, window / 3, 2 * window / 3};
  Rows rows(3 * size(), 2 * dim_);
  for (const ObservedExposure& exposure : exposures_) {
    for (const absl::Duration age : ages) {
      if (exposure.purchase_visible <= age) continue;  // bought by then: nothing to ask
      rows.Add(LateInput(exposure.context, LogLateShare(law_.Share(age))),
               exposure.purchase_visible < options_.maturity, exposure.weight);
    }
  }
  if (rows.size() == 0) return LateCorrector();
  ASSIGN_OR_RETURN(const Eigen::VectorXd weights, rows.Fit(Eigen::VectorXd::Unit(2 * dim_, dim_), options_.ridge));
  return LateCorrector::FromWeights(weights.head(dim_), weights.tail(dim_));
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

}  // namespace suggest::bandit
