// Log evidence of the reward model as a function of its ridge (M9b): how probable the rewards of the mature exposures
// are when the weights are drawn from the prior of that ridge.
//
//   r | w, sigma^2 ~ N(b' w, sigma^2),  w | sigma^2 ~ N(mu_0, sigma^2 Lambda^-1),  Lambda = diag(lambda_0, ridge, ...),
//   sigma^2 fixed, or inverse-gamma(alpha, beta):
//
//   fixed     -n/2 log(2 pi sigma^2) + D/2 - Q / (2 sigma^2)
//   inferred  -n/2 log(2 pi) + D/2 + alpha log beta - alpha_n log(beta + Q/2) + log Gamma(alpha_n) - log Gamma(alpha)
//   D = log|Lambda| - log|B|,  Q = s + mu_0' Lambda mu_0 - f' B^-1 f,  alpha_n = alpha + n/2; B and f with the prior.
//
// The intercept is eliminated (its entry lambda_0 does not change with the ridge), and the rest is diagonalised once,
// S = V diag(e) V'; then B's other part is V diag(e + ridge) V' for every ridge, so that each costs O(d).
// Sums that are discounted by age count as that many exposures.
// Cost: one eigendecomposition, about 9 d^3 multiply-adds, and 2 d^2 doubles. Immutable once made.
#ifndef BANDIT_MODEL_EVIDENCE_H_
#define BANDIT_MODEL_EVIDENCE_H_

#include <Eigen/Core>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bandit/model/posterior.h"
#include "bandit/model/sufficient_statistics.h"

namespace suggest::bandit {

class RidgeEvidence {
 public:
  // `mature`: sums without the prior; pending exposures have no place in them, for their rewards are not known.
  // prior.ridge is not read. Errors: INVALID_ARGUMENT for a prior or a noise model outside its ranges; INTERNAL when
  // the decomposition fails.
  static absl::StatusOr<RidgeEvidence> Create(const Prior& prior, const SufficientStatistics& mature,
                                              const NoiseModel& noise);

  // REQUIRES: ridge > 0.
  double LogEvidence(double ridge) const;

 private:
  RidgeEvidence() = default;

  NoiseModel noise_;
  double count_ = 0;
  double intercept_ridge_ = 1;
  double intercept_precision_ = 1;  // B(0, 0), prior included
  double unexplained_ = 0;          // Q but for what the other terms explain
  Eigen::VectorXd eigenvalues_;     // e >= 0, of B without the intercept, the ridge and what the intercept explains
  Eigen::VectorXd squares_;         // of f in the eigenvectors' coordinates
};

// 1, 2 and 5 times the powers of ten from 10^-2 to 10^7, ascending.
absl::Span<const double> RidgeGrid();

// The ridge to use: e^(mean of log ridge), every ridge of the grid counting by its evidence, up to 100 for each of
// `count` exposures. Where the evidence is sharp it is the best one; where it is flat, a few hundred purchases that
// would as soon have no weights at all, it does not jump between the ends of the plateau from one company to the next.
// Beyond the bound every weight of a standardised feature is held at a hundredth of what the data say, so that a
// larger ridge would only explore nothing.
double MeanRidge(const RidgeEvidence& evidence, double count);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_EVIDENCE_H_
