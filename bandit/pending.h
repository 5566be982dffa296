// How an exposure that is not mature yet counts: a weight w in B and a target g in f (M10).
//
// F is the share of purchases that would be visible by this age (delay_law.h), z the reward seen so far.
//   kFakeNegative  (1, z)   counts whole at once; biased low until maturity, then exact.
//   kWait          (0, 0)   unbiased, stale by the attribution window.
//   kExposure      (F, z)   unbiased and calibrated: E[g] = p F matches w = F (Vernade, Cappe, Perchet 2017, linear
//                           form). z counts whole, not F times it.
// Once mature, an exposure is (1, r) in every mode.
#ifndef BANDIT_PENDING_H_
#define BANDIT_PENDING_H_

namespace suggest::bandit {

enum class PendingMode { kFakeNegative, kWait, kExposure };

struct PendingTarget {
  double weight = 0;
  double target = 0;

  bool operator==(const PendingTarget&) const = default;
};

// `share` = F(age) in [0, 1]; `reward_seen` = z in [0, 1].
PendingTarget Target(PendingMode mode, double share, double reward_seen);

}  // namespace suggest::bandit

#endif  // BANDIT_PENDING_H_
