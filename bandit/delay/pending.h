// How an exposure that is not mature yet counts: a weight w in B and a target g in f (M10, M20 to M23).
//
// F is the share of purchases that would be visible by this age (delay_law.h), z the reward seen so far.
//   kExposure       (F, z)           unbiased and calibrated: E[g] = E[r] F matches w = F (Vernade, Cappe, Perchet, UAI
//                                    2017, linear form). z counts whole, not F times it, and w is F for those that
//                                    bought too: full weight for them alone would bias again.
//   kEsDfmLabel     (1, z | m u)     u = P(a purchase still comes | context, age, none by now) = 1 - f_rn (es_dfm.h)
//   kExpectedLabel  (1, z | m q)     q = p (1 - F) / (1 - p F), the same probability by Bayes' rule from the
//                                    model's own p: one step of EM for censored labels (Dempster, Laird, Rubin 1977;
//                                    Chapelle 2014)
//   kFakeNegative   (1, z)           biased low until maturity
//   kWait           (0, 0)           unbiased, stale by the attribution window
// "z | x" is z when a purchase was seen, else x. Once mature, an exposure is (1, r) in every mode.
//
// Rewards are not only 0 and 1. r = Y V: whether a purchase comes (Y, probability p), and what it is worth (V in (0,
// 1], mean `mean_reward`, here m). b'mu estimates E[Y V] = p m, so p = b'mu / m; an exposure without a purchase has the
// expected reward m P(Y | none by now). With m = 1 this is the usual case. It takes for granted that V depends neither
// on the delay nor on the context given a purchase; where dear things sell slower, a price band belongs in the stratum.
// `exposure` needs none of this: E[z] = E[r] F holds for any V whose mean does not depend on the delay.
//
// An imputed target is conditional on no purchase by this age. The unconditional expectation counts the early purchases
// twice: with p = .2, F = .5 a group's mean target is .1 + .9 x .2 = .28 instead of .1 + .9 x .1111 = .20.
#ifndef BANDIT_DELAY_PENDING_H_
#define BANDIT_DELAY_PENDING_H_

namespace suggest::bandit {

enum class DelayMode { kExposure, kEsDfmLabel, kExpectedLabel, kFakeNegative, kWait };

// Probabilities that enter an imputation are kept inside [kMinProbability, 1 - kMinProbability].
inline constexpr double kMinProbability = 1e-3;
double ClipProbability(double probability);

// What is known of a pending exposure. A mode reads only what it needs.
struct PendingFacts {
  double share = 0;                 // F(age) of its stratum, [0, 1]
  double reward_seen = 0;           // z, [0, 1]
  bool purchase_seen = false;       // also when it was refunded whole; z > 0 says it too
  double purchase_probability = 0;  // p: PurchaseProbability(b'mu, mean_reward). kExpectedLabel
  double late_probability = 0;      // u: LateCorrector or, before it is trained, LateProbability(p, F). kEsDfmLabel
  double mean_reward = 1;           // of a purchase, (0, 1]. kEsDfmLabel and kExpectedLabel
};

struct PendingTarget {
  double weight = 0;
  double target = 0;

  bool operator==(const PendingTarget&) const = default;
};

PendingTarget Target(DelayMode mode, const PendingFacts& facts);

// p of an expected reward b'mu, clipped. 0 < mean_reward <= 1, else it counts as 1.
double PurchaseProbability(double expected_reward, double mean_reward);

// P(a purchase comes | none by the age at which a share F of them is visible) = p (1 - F) / (1 - p F). In [0, p]; p is
// clipped, so the quotient is always defined.
double LateProbability(double purchase_probability, double share);

// Whether the mode's targets depend on b: then each pending exposure needs its own context in a pass over them all.
bool NeedsContext(DelayMode mode);

}  // namespace suggest::bandit

#endif  // BANDIT_DELAY_PENDING_H_
