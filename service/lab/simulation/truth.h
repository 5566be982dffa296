// What the made-up company's customers really buy, when they pay, and what its experts think: known to the simulator
// and to the oracle, to no policy.
//
//   P(bought | exposed) = logistic(l),   l_cr(t) = a + x_c' Theta(t) [1; x_r] + u_r + v_r,category(c)
//
// x_c = [1; 17 standardised terms of the customer]: category, goals, log age, log counts, purchases of the last 180
// days. x_r: 7 standardised terms of the recommendation: kind, log price, log effort. u_r + v_rk is the item's own
// effect, for everybody and for each business category: what no attribute tells (both are orthogonal to [1; x_r] over
// the catalogue, v sums to nothing over the categories). Variances over the pairs of day 0:
//   Var(x_c' Theta [1; x_r]) = 0.14 = Var(u_r) + Var(v_rk), the latter two alike: half of the truth lies outside the
//   model class, and the link bends the rest. Of the first half 8 % is the customer's alone, 17 % the recommendation's
//   (four fifths of it the price's: dearer is bought less, so that dear and cheap ones are worth about the same), 75 %
//   in interactions.
//   a puts the mean rate at 7.5 %; then about 90 % of the pairs buy at 3 to 15 %.
// Drift: Theta is constant in the history. Half of its weights, chosen by lot, turn from w to -w between day 60 and day
// 240 of the year, along a cosine, and stay there: what sells to whom is another thing by autumn. The
// price's own weight is negative and stays.
//
// Delay from exposure to payment: log-normal, median 13 days x (price / median price)^0.25 in units of a standard
// deviation of log price; over what is sold the median is 13 days and 95 % are paid by day 60. 4 % of the purchases are
// refunded 3 to 23 days later. The reward of an exposure is min(1, price / 100) when it is paid within 70 days and
// kept.
//
// Experts see some of the truth: with z the standardised log odds of the candidates for a customer at that time, they
// keep a suggestion with probability logistic(1.1 + 0.3 z), about three in four; and when they choose themselves they
// draw without replacement by weights e^(0.5 z). Keeping and buying are independent given the pair and the time.
//
// Outcomes are functions of (customer, recommendation, day), whoever suggested it: common random numbers.
// Threads: immutable after construction.
#ifndef SERVICE_LAB_SIMULATION_TRUTH_H_
#define SERVICE_LAB_SIMULATION_TRUTH_H_

#include <array>
#include <optional>
#include <vector>

#include "Eigen/Core"
#include "absl/time/time.h"
#include "service/lab/simulation/company.h"

namespace suggest::simulation {

constexpr int kCustomerTerms = 1 + kCategories + kGoals + 6;
constexpr int kRecommendationTerms = 1 + kKinds + 2;
constexpr int kRecentPurchaseDays = 180;
constexpr double kRewardCap = 100;
constexpr absl::Duration kAttributionWindow = absl::Hours(24 * 70);
inline constexpr char kCurrency[] = "EUR";

// A customer on a day, folded with that day's weights: the log odds of recommendation r are Recommendation terms .
// this.
struct CustomerView {
  int customer = 0;
  int day = 0;
  int category = 0;
  std::array<double, kRecommendationTerms> folded = {};
};

// What becomes of one exposure that ends in a purchase.
struct Sale {
  absl::Duration delay;                          // exposure to payment
  std::optional<absl::Duration> refunded_after;  // payment to refund
};

class Truth {
 public:
  // Keeps a reference: `company` must outlive it.
  explicit Truth(const Company& company);

  CustomerView View(int customer, int day, int recent_purchases) const;
  double LogOdds(const CustomerView& view, int recommendation) const;
  double PurchaseProbability(const CustomerView& view, int recommendation) const;

  // Of one exposure, over purchase, delay and refund.
  double ExpectedReward(const CustomerView& view, int recommendation) const;
  // Reward of a sale at full price: min(1, price / kRewardCap).
  double SaleReward(int recommendation) const;

  std::optional<Sale> Outcome(const CustomerView& view, int recommendation) const;

  double KeepProbability(const CustomerView& view, int recommendation) const;
  bool Keeps(const CustomerView& view, int recommendation) const;
  // The expert's own slate from `candidates`: at most `count` of them.
  std::vector<int> ExpertChoice(const CustomerView& view, const std::vector<int>& candidates, int count) const;

  // For the tests of calibration: Theta's entry on a day, its item effect, and the delay law's parameters.
  double Weight(int customer_term, int recommendation_term, int day) const;
  // u_r + v_rk.
  double ItemEffect(int recommendation, int category) const { return item_effect_[recommendation][category]; }
  double LogDelayMean(int recommendation) const;

 private:
  double Standing(const CustomerView& view, int recommendation) const;
  using CustomerVector = std::array<double, kCustomerTerms>;
  using RecommendationVector = std::array<double, kRecommendationTerms>;

  static CustomerVector RawTerms(const Company& company, int customer, int day, int recent_purchases);
  void Standardise();
  void DrawWeights();
  void ScaleWeights(const std::vector<CustomerVector>& customers);
  void DrawItemEffects();
  void SetIntercept(const std::vector<CustomerVector>& customers);
  CustomerVector Terms(int customer, int day, int recent_purchases) const;
  CustomerView Fold(const CustomerVector& terms, int customer, int day) const;
  Eigen::VectorXd Unexplained(const Eigen::VectorXd& draws) const;

  const Company& company_;
  CustomerVector centre_ = {};
  CustomerVector scale_ = {};
  std::vector<RecommendationVector> items_;
  std::array<RecommendationVector, kCustomerTerms> weights_ = {};
  std::array<std::array<bool, kRecommendationTerms>, kCustomerTerms> flips_ = {};
  std::vector<std::array<double, kCategories>> item_effect_;
  double intercept_ = 0;
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_TRUTH_H_
