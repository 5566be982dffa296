// Delay laws by stratum: one law for all, one for each stratum, and how they are estimated together (M21).
//
// A stratum is a class of exposures that buy on a schedule of their own (by a recommendation's type, its price band).
// One law for all, where slow and fast items are mixed, makes slow items look bad: the worst of mistakes here. A
// stratum too many costs little, because each is shrunk to the global law, and that to the configured prior, by the
// same n0 pseudo-exposures, per age bin j:
//   global   dA_j  = (M_j  + n0 r0 dF0_j) / (N_j  + n0)        F0, r0 = prior law and mean reward
//   stratum  dA_sj = (M_sj + n0 dA_j)     / (N_sj + n0)        F_s(a_j) = sum_{i<=j} dA_si / sum dA_si
// (mean cumulative function: delay_law.h). Every law is monotone, in [1e-3, 1] from the first instant, 1 from W on,
// also with no purchase, no exposure, or a stratum of one exposure that bought.
#ifndef BANDIT_DELAY_DELAY_LAWS_H_
#define BANDIT_DELAY_DELAY_LAWS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_law.h"

namespace suggest::bandit {

// Immutable.
class DelayLaws {
 public:
  using Strata = absl::btree_map<std::string, DelayLaw>;

  explicit DelayLaws(DelayLaw global) : global_(std::move(global)) {}
  // Errors: INVALID_ARGUMENT for a stratum without a name, or of another window than the global law's.
  static absl::StatusOr<DelayLaws> Create(DelayLaw global, Strata strata);

  // The law of this stratum; the global one when it has none (a new stratum, or ""). Valid as long as this is.
  const DelayLaw& Of(absl::string_view stratum) const;

  const DelayLaw& global() const { return global_; }
  const Strata& strata() const { return strata_; }
  absl::Duration window() const { return global_.window(); }

 private:
  friend class DelayLawsEstimator;
  DelayLaw global_;
  Strata strata_;
};

// A time in which the pipeline showed nothing: what was bought after `begin` became visible at `end`, in one batch.
// Counted as (begin, end]: `end` is the instant of that batch.
struct Outage {
  absl::Time begin;
  absl::Time end;
};

// Not thread-safe. AddExposure is O(outages), Estimate O(strata x bins); memory 3 doubles a bin and stratum.
class DelayLawsEstimator {
 public:
  // Outages may come in any order and may overlap. REQUIRES: window > 0, bins >= 1.
  explicit DelayLawsEstimator(absl::Duration window, const std::vector<Outage>& outages = {},
                              int bins = DelayLaw::kDefaultBins);

  // An exposure watched from exposed_at until `now`, outages apart. `weight`: how many such, or the forgetting factor.
  // Stratum "": only the global law hears of it.
  void AddExposure(absl::string_view stratum, absl::Time exposed_at, absl::Time now, double weight = 1);

  // `mass`: change of its reward that became visible at that instant, times the exposure's weight; negative for a
  // refund. What became visible in an outage is left out.
  void AddReward(absl::string_view stratum, absl::Time exposed_at, absl::Time visible_at, double mass);

  // `strength` = n0 >= 0, `prior_reward` = r0 >= 0.
  DelayLaws Estimate(const DelayLaw& prior, double strength, double prior_reward) const;

 private:
  DelayLawEstimator* Of(absl::string_view stratum);

  absl::Duration window_;
  int bins_;
  std::vector<Outage> outages_;  // in order, disjoint
  DelayLawEstimator global_;
  absl::btree_map<std::string, DelayLawEstimator> strata_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_DELAY_DELAY_LAWS_H_
