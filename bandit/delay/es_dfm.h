// ES-DFM's label corrector: whether a purchase still comes, from contexts of exposures that are mature (M27).
//
//   P(a purchase comes | b, none by age a) = sigmoid(beta'b + (kappa'b) log S0(a)), S0 = 1 - F of all.
// With a delay that does not depend on b the odds are p S0 / (1 - p): kappa'b = 1 and beta'b = logit p. Hence the
// prior: kappa = (1, 0, ...) and beta = 0, b[0] being 1.
//
// It is fitted on *matured* exposures only; an immature one is refused, for its label is not known. It is exact under
// retraction: imputed targets are made anew at each run from the pending exposures and never stored in a sum, and what
// matures counts (1, r).
//
// `context` is any vector with a leading 1. Where b = z_c (x) z_r is long, [1; z_c; z_r] does as well at a hundredth of
// the cost: Newton's method takes n d^2 a step. A trainer keeps its newest `max_exposures` exposures.
#ifndef BANDIT_DELAY_ES_DFM_H_
#define BANDIT_DELAY_ES_DFM_H_

#include <Eigen/Core>
#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"

namespace suggest::bandit {

// One exposure as a trainer sees it. Ages are visibility ages since exposed_at.
struct ObservedExposure {
  Eigen::VectorXd context;                                     // leading 1
  absl::Duration age;                                          // now
  absl::Duration purchase_visible = absl::InfiniteDuration();  // age at which its first purchase was visible
  double weight = 1;                                           // forgetting factor
};

// Errors: FAILED_PRECONDITION for an exposure younger than `maturity`; INVALID_ARGUMENT for a context of another length
// than `dim` or not finite, or a weight that is negative or not finite.
absl::Status CheckMature(const ObservedExposure& exposure, int dim, absl::Duration maturity);

struct TrainerOptions {
  absl::Duration maturity;  // W + grace
  double ridge = 2;
  int max_exposures = 20000;
};

// Immutable.
class LateCorrector {
 public:
  LateCorrector() = default;  // untrained
  // Errors: INVALID_ARGUMENT for lengths that differ or weights that are not finite.
  static absl::StatusOr<LateCorrector> FromWeights(Eigen::VectorXd beta, Eigen::VectorXd kappa);

  // While false, LateProbability(p, F) of pending.h stands in (the EM label).
  bool trained() const { return beta_.size() > 0; }
  // P(a purchase comes | context, none by the age at which F is `share`), clipped to [1e-3, 1 - 1e-3]; 0 at a share
  // of 1. REQUIRES: trained(), the trainer's dimension.
  double LatePurchase(const Eigen::VectorXd& context, double share) const;

  const Eigen::VectorXd& beta() const { return beta_; }
  const Eigen::VectorXd& kappa() const { return kappa_; }

 private:
  Eigen::VectorXd beta_;
  Eigen::VectorXd kappa_;
};

// Not thread-safe.
class LateCorrectorTrainer {
 public:
  // Each exposure is asked at three ages, W/12, W/3 and 2W/3. `law` is the law of all strata: kappa'b takes up how a
  // stratum differs from it. REQUIRES: dim >= 1, maturity >= law.window().
  LateCorrectorTrainer(int dim, DelayLaw law, const TrainerOptions& options);

  // Errors: as CheckMature with the trainer's dimension and maturity.
  absl::Status Add(const ObservedExposure& exposure);

  // The untrained corrector when no exposure was left to ask. Errors: those of FitLogistic.
  absl::StatusOr<LateCorrector> Fit() const;
  int64_t size() const { return static_cast<int64_t>(exposures_.size()); }

 private:
  const int dim_;
  const DelayLaw law_;
  const TrainerOptions options_;
  std::deque<ObservedExposure> exposures_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_DELAY_ES_DFM_H_
