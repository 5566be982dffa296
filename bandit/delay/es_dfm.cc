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

double LogLateShare(double share) {
  return PortableLog(std::max(1 - share, kMinProbability));
}

Eigen::VectorXd LateInput(const Eigen::VectorXd& context, double log_late_share) {
  Eigen::VectorXd input(2 * context.size());
  input << context, log_late_share * context;
  return input;
}

}  // namespace

absl::Status CheckMature(const ObservedExposure& exposure, int dim, absl::Duration maturity) {
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

absl::StatusOr<LateCorrector> LateCorrector::FromWeights(Eigen::VectorXd beta, Eigen::VectorXd kappa) {
  if (beta.size() != kappa.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("late corrector: weights of ", beta.size(), " and ", kappa.size(), " entries"));
  }
  if (!beta.allFinite() || !kappa.allFinite()) return absl::InvalidArgumentError("late corrector: not finite");
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
  RETURN_IF_ERROR(CheckMature(exposure, dim_, options_.maturity));
  exposures_.push_back(exposure);
  if (size() > options_.max_exposures) exposures_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<LateCorrector> LateCorrectorTrainer::Fit() const {
  const absl::Duration window = law_.window();
  const std::array<absl::Duration, 3> ages = {window / 12, window / 3, 2 * window / 3};
  LogisticRows rows(3 * size(), 2 * dim_);
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

}  // namespace suggest::bandit
