// Importance weights and likelihoods of the published ways to learn from delayed labels (M25 to M28). Pure functions.
//
// For one context: p = P(y = 1), e the time waited before the label was read, S = P(delay > e | y = 1), F = 1 - S.
// A method fixes what its stream shows, q, and weighs a row with label y by p(y)/q(y), so that q(y) w(y) = p(y):
//   ES-DFM   label at e, late conversions inserted again as positives: q(1) = p / (1 + p S)
//            (Yang, Li, Han, Zhuang, Zhan, Zeng, Tong: Capturing delayed feedback in conversion rate prediction via
//            elapsed-time sampling, AAAI 2021, eq. 9 and 10)
//   FNW      ES-DFM with e = 0, its own prediction as p (Ktena et al., RecSys 2019)
//   FNC      the same stream without weights; the fixed point q = p / (1 + p) is inverted afterwards (Ktena et al.)
//   FSIW     label at e, nothing inserted (Yasui, Morishita, Fujita, Shibata, WWW 2020)
//   DEFER    every row twice: at e, and with its final label (Gu et al., KDD 2021)
//   DFM      a likelihood with exponential delays instead of weights (Chapelle, KDD 2014)
#ifndef SERVICE_LAB_IMPORTANCE_WEIGHTS_H_
#define SERVICE_LAB_IMPORTANCE_WEIGHTS_H_

namespace suggest::lab {

struct LabelWeights {
  double positive = 1;  // of a row with label 1
  double negative = 1;

  bool operator==(const LabelWeights&) const = default;
};

// p_dp = p S: that a conversion comes after the label was read.
double DelayedPositiveProbability(double p, double late_share);
// p_rn = (1 - p) / (1 - p + p S): that a negative label is final.
double RealNegativeProbability(double p, double late_share);

// kPublished: 1 + p_dp and (1 + p_dp) p_rn. Each exposure then weighs 1 + p_dp in expectation: harmless to a gradient,
// but invented evidence in a posterior. kCount: 1 and p_rn; each exposure weighs 1.
enum class WeightForm { kPublished, kCount };

// Probabilities are clipped to [1e-3, 1 - 1e-3] (of f_dp: from below at 0), so 1 <= w+ < 2 and 0 < w- < 2.
LabelWeights EsDfmWeights(double delayed_positive, double real_negative, WeightForm form = WeightForm::kPublished);

// 1 + p and (1 + p)(1 - p).
LabelWeights FnwWeights(double p);

// p from the fixed point q = p / (1 + p) of the FNC stream; q is clipped so that p stays below 1.
double FncPrediction(double q);

// 1 / F and (1 - p) / (1 - p F), the first no larger than `cap`: 1 / F has no bound of its own.
LabelWeights FsiwWeights(double p, double share, double cap = 10);

// 1 / (1 - S / 2) and (1 - p) / (1 - p + p S / 2).
LabelWeights DeferWeights(double p, double late_share);

// The part of one look at one exposure in DFM's log likelihood, p = sigmoid(u), rate = exp(v), and its derivatives.
//   converted after `delay`:   log p + v - rate delay
//   not yet after `delay`:     log(1 - p + p exp(-rate delay))
struct DfmTerm {
  double log_likelihood = 0;
  double by_u = 0;
  double by_v = 0;
};
DfmTerm DfmLikelihood(double u, double v, double delay, bool converted);

// P(y = 1 | not converted after `elapsed`) under DFM: p e^(-rate t) / (1 - p + p e^(-rate t)).
double DfmPosterior(double p, double rate, double elapsed);

// Where a learner ends whose negatives weigh f_rn: the root of p (1 - f) = f_rn (1 - p + p S) f. Any f_dp cancels.
double FixedPoint(double p, double late_share, double real_negative);

}  // namespace suggest::lab

#endif  // SERVICE_LAB_IMPORTANCE_WEIGHTS_H_
