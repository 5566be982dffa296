#include "service/lab/simulation/truth.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "Eigen/Dense"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::simulation {
namespace {

constexpr double kHalfVariance = 0.14;  // of the log odds: the linear part's, and the item effects'
constexpr double kCustomerShare = 0.08;
constexpr double kRecommendationShare = 0.17;
constexpr double kPriceWeight = -5;  // before scaling, where the other six terms of the recommendation have N(0, 1)
constexpr double kMeanRate = 0.075;
constexpr double kTurnFrom = 60.0 / 365;  // of the year
constexpr double kTurnUntil = 240.0 / 365;
constexpr int kFirstGoalTerm = 1 + kCategories;
constexpr int kFirstCountTerm = kFirstGoalTerm + kGoals;
constexpr int kPurchasesTerm = kCustomerTerms - 1;
constexpr double kPurchasesCentre = 0.3;  // of log1p(purchases of 180 days), under the expert
constexpr double kPurchasesScale = 0.4;
constexpr int kPriceTerm = 1 + kKinds;

constexpr double kMedianDelayDays = 13;
constexpr double kPriceDelay = 0.25;  // log days per standard deviation of log price
constexpr double kDelaySd = 0.89;     // pooled with the price's share: log(60 / 13) / 1.645 = 0.93
constexpr double kRefundRate = 0.04;

constexpr double kKeepIntercept = 1.1;
constexpr double kKeepSlope = 0.3;
constexpr double kChoiceSlope = 0.5;

double Logistic(double x) {
  return 1 / (1 + PortableExp(-x));
}

// The factor of a weight that changes sign: 1 up to day 60 of a year of 365, -1 from day 240 on, a cosine between.
// cos(x) by Bhaskara's rational approximation, exact at the ends and the middle, within 0.002 between, and without
// libm.
double Turned(int day, int year_days) {
  const double year = static_cast<double>(day) / year_days;
  const double from_middle = std::clamp((year - kTurnFrom) / (kTurnUntil - kTurnFrom), 0.0, 1.0) - 0.5;  // cos -> -sin
  const double x = std::abs(from_middle);
  const double sine = 4 * x * (1 - x) * 4 / (5 - 4 * x * (1 - x));
  return from_middle < 0 ? sine : -sine;
}

// Mean and standard deviation of column `j` of `rows`; the latter is 1 for a constant column.
template <typename Rows>
std::pair<double, double> Moments(const Rows& rows, int j) {
  double sum = 0;
  double square = 0;
  for (const auto& row : rows) sum += row[j];
  const double mean = sum / rows.size();
  for (const auto& row : rows) square += (row[j] - mean) * (row[j] - mean);
  const double sd = std::sqrt(square / rows.size());
  return {mean, sd > 1e-9 ? sd : 1.0};
}

}  // namespace

Truth::Truth(const Company& company) : company_(company) {
  Standardise();
  std::vector<CustomerVector> customers;
  for (int c = 0; c < company.CustomersOn(0); ++c) customers.push_back(Terms(c, 0, c % 2));
  DrawWeights();
  ScaleWeights(customers);
  DrawItemEffects();
  SetIntercept(customers);
}

Truth::CustomerVector Truth::RawTerms(const Company& company, int customer, int day, int recent_purchases) {
  const Traits traits = company.TraitsOn(customer, day);
  CustomerVector terms = {};
  terms[0] = 1;
  terms[1 + traits.category] = 1;
  for (int g = 0; g < kGoals; ++g) terms[kFirstGoalTerm + g] = traits.goals[g] ? 1 : 0;
  int at = kFirstCountTerm;
  terms[at++] = PortableLog1p((day - company.joined_day(customer)) / 365.0);
  terms[at++] = PortableLog(traits.subscriptions);
  terms[at++] = PortableLog1p(traits.integrations);
  terms[at++] = PortableLog(traits.pages);
  terms[at++] = PortableLog(traits.sections);
  terms[at] = PortableLog1p(recent_purchases);
  return terms;
}

void Truth::Standardise() {
  std::vector<CustomerVector> rows;
  for (int c = 0; c < company_.CustomersOn(0); ++c) rows.push_back(RawTerms(company_, c, 0, 0));
  for (int j = 1; j < kCustomerTerms; ++j) std::tie(centre_[j], scale_[j]) = Moments(rows, j);
  scale_[0] = 1;
  centre_[kPurchasesTerm] = kPurchasesCentre;
  scale_[kPurchasesTerm] = kPurchasesScale;

  for (const Recommendation& r : company_.recommendations()) {
    RecommendationVector item = {};
    item[0] = 1;
    item[1 + r.kind] = 1;
    item[kPriceTerm] = PortableLog(r.price);
    item[kPriceTerm + 1] = PortableLog(r.effort_hours);
    items_.push_back(item);
  }
  for (int j = 1; j < kRecommendationTerms; ++j) {
    const auto [mean, sd] = Moments(items_, j);
    for (RecommendationVector& item : items_) item[j] = (item[j] - mean) / sd;
  }
}

void Truth::DrawWeights() {
  std::vector<std::pair<uint64_t, int>> lots;
  for (int i = 0; i < kCustomerTerms; ++i) {
    for (int j = 0; j < kRecommendationTerms; ++j) {
      if (i == 0 && j == 0) continue;
      weights_[i][j] = company_.draws().Normal(Purpose::kWeight, i, j);
      if (i == 0 && j == kPriceTerm) {
        weights_[i][j] = kPriceWeight;
      } else {
        lots.emplace_back(company_.draws().Bits(Purpose::kSignChange, i, j), i * kRecommendationTerms + j);
      }
    }
  }
  std::sort(lots.begin(), lots.end());
  for (size_t k = 0; k < lots.size() / 2; ++k) {
    flips_[lots[k].second / kRecommendationTerms][lots[k].second % kRecommendationTerms] = true;
  }
}

// Brings each group of weights to its share of the variance over all pairs of these customers and the catalogue.
void Truth::ScaleWeights(const std::vector<CustomerVector>& customers) {
  const auto group = [](int i, int j) { return j == 0 ? 0 : (i == 0 ? 1 : 2); };
  std::array<double, 3> sum = {};
  std::array<double, 3> square = {};
  for (const CustomerVector& c : customers) {
    for (const RecommendationVector& r : items_) {
      std::array<double, 3> part = {};
      for (int i = 0; i < kCustomerTerms; ++i) {
        for (int j = 0; j < kRecommendationTerms; ++j) part[group(i, j)] += c[i] * weights_[i][j] * r[j];
      }
      for (int g = 0; g < 3; ++g) sum[g] += part[g], square[g] += part[g] * part[g];
    }
  }
  const double pairs = static_cast<double>(customers.size() * items_.size());
  const std::array<double, 3> shares = {kCustomerShare, kRecommendationShare,
                                        1 - kCustomerShare - kRecommendationShare};
  for (int i = 0; i < kCustomerTerms; ++i) {
    for (int j = 0; j < kRecommendationTerms; ++j) {
      const int g = group(i, j);
      const double variance = square[g] / pairs - (sum[g] / pairs) * (sum[g] / pairs);
      weights_[i][j] *= std::sqrt(shares[g] * kHalfVariance / variance);
    }
  }
}

// What [1; x_r] leaves unexplained of these numbers over the catalogue.
Eigen::VectorXd Truth::Unexplained(const Eigen::VectorXd& draws) const {
  Eigen::MatrixXd terms(items_.size(), kRecommendationTerms);
  for (int r = 0; r < terms.rows(); ++r) {
    for (int j = 0; j < kRecommendationTerms; ++j) terms(r, j) = items_[r][j];
  }
  return draws - terms * terms.completeOrthogonalDecomposition().solve(draws);
}

void Truth::DrawItemEffects() {
  const int n = static_cast<int>(items_.size());
  const auto draw = [&](int stream) {
    Eigen::VectorXd draws(n);
    for (int r = 0; r < n; ++r) draws(r) = company_.draws().Normal(Purpose::kItemEffect, r, stream);
    return Unexplained(draws);
  };
  Eigen::VectorXd everybody = draw(0);
  everybody *= std::sqrt(kHalfVariance / 2 * n / everybody.squaredNorm());
  Eigen::MatrixXd by_category(n, kCategories);
  for (int k = 0; k < kCategories; ++k) by_category.col(k) = draw(1 + k);
  by_category.colwise() -= by_category.rowwise().mean().eval();
  by_category *= std::sqrt(kHalfVariance / 2 * n * kCategories / by_category.squaredNorm());
  item_effect_.resize(n);
  for (int r = 0; r < n; ++r) {
    for (int k = 0; k < kCategories; ++k) item_effect_[r][k] = everybody(r) + by_category(r, k);
  }
}

void Truth::SetIntercept(const std::vector<CustomerVector>& customers) {
  std::vector<CustomerView> views;
  for (size_t c = 0; c < customers.size(); ++c) views.push_back(Fold(customers[c], static_cast<int>(c), 0));
  double low = -8;
  double high = 2;
  for (int step = 0; step < 40; ++step) {
    intercept_ = (low + high) / 2;
    double sum = 0;
    for (const CustomerView& view : views) {
      for (size_t r = 0; r < items_.size(); ++r) sum += PurchaseProbability(view, static_cast<int>(r));
    }
    (sum / (views.size() * items_.size()) < kMeanRate ? low : high) = intercept_;
  }
}

Truth::CustomerVector Truth::Terms(int customer, int day, int recent_purchases) const {
  CustomerVector terms = RawTerms(company_, customer, day, recent_purchases);
  for (int j = 0; j < kCustomerTerms; ++j) terms[j] = (terms[j] - centre_[j]) / scale_[j];
  return terms;
}

CustomerView Truth::Fold(const CustomerVector& terms, int customer, int day) const {
  CustomerView view{customer, day, company_.category(customer), {}};
  const double turned = Turned(day, company_.options().year_days);
  for (int i = 0; i < kCustomerTerms; ++i) {
    for (int j = 0; j < kRecommendationTerms; ++j) {
      view.folded[j] += terms[i] * weights_[i][j] * (flips_[i][j] ? turned : 1);
    }
  }
  return view;
}

CustomerView Truth::View(int customer, int day, int recent_purchases) const {
  return Fold(Terms(customer, day, recent_purchases), customer, day);
}

double Truth::Weight(int customer_term, int recommendation_term, int day) const {
  const double weight = weights_[customer_term][recommendation_term];
  return flips_[customer_term][recommendation_term] ? weight * Turned(day, company_.options().year_days) : weight;
}

double Truth::LogOdds(const CustomerView& view, int recommendation) const {
  const RecommendationVector& item = items_[recommendation];
  return intercept_ + item_effect_[recommendation][view.category] +
         std::inner_product(item.begin(), item.end(), view.folded.begin(), 0.0);
}

double Truth::PurchaseProbability(const CustomerView& view, int recommendation) const {
  return Logistic(LogOdds(view, recommendation));
}

double Truth::SaleReward(int recommendation) const {
  return std::min(1.0, company_.recommendations()[recommendation].price / kRewardCap);
}

double Truth::LogDelayMean(int recommendation) const {
  return PortableLog(kMedianDelayDays) + kPriceDelay * items_[recommendation][kPriceTerm];
}

double Truth::ExpectedReward(const CustomerView& view, int recommendation) const {
  const double window = absl::ToDoubleHours(kAttributionWindow) / 24;
  const double paid_in_time = NormalCdf((PortableLog(window) - LogDelayMean(recommendation)) / kDelaySd);
  return PurchaseProbability(view, recommendation) * paid_in_time * (1 - kRefundRate) * SaleReward(recommendation);
}

std::optional<Sale> Truth::Outcome(const CustomerView& view, int recommendation) const {
  const Draws& draws = company_.draws();
  const int c = view.customer;
  const int d = view.day;
  if (draws.Uniform(Purpose::kPurchase, c, recommendation, d) >= PurchaseProbability(view, recommendation)) return {};
  const double log_days = LogDelayMean(recommendation) + kDelaySd * draws.Normal(Purpose::kDelay, c, recommendation, d);
  Sale sale;
  sale.delay = absl::Seconds(static_cast<int64_t>(PortableExp(log_days) * 86400));
  if (draws.Uniform(Purpose::kRefund, c, recommendation, d) < kRefundRate) {
    const double days = 3 + 20 * draws.Uniform(Purpose::kRefundDelay, c, recommendation, d);
    sale.refunded_after = absl::Seconds(static_cast<int64_t>(days * 86400));
  }
  return sale;
}

// z: the log odds less what is the customer's own, in standard deviations of the rest.
double Truth::Standing(const CustomerView& view, int recommendation) const {
  const double rest = std::sqrt(kHalfVariance * (2 - kCustomerShare));
  return (LogOdds(view, recommendation) - intercept_ - view.folded[0]) / rest;
}

double Truth::KeepProbability(const CustomerView& view, int recommendation) const {
  return Logistic(kKeepIntercept + kKeepSlope * Standing(view, recommendation));
}

bool Truth::Keeps(const CustomerView& view, int recommendation) const {
  return company_.draws().Uniform(Purpose::kKeep, view.customer, recommendation, view.day) <
         KeepProbability(view, recommendation);
}

std::vector<int> Truth::ExpertChoice(const CustomerView& view, const std::vector<int>& candidates, int count) const {
  std::vector<std::pair<double, int>> drawn;
  for (const int r : candidates) {
    const double gumbel = company_.draws().Gumbel(Purpose::kExpertChoice, view.customer, r, view.day);
    drawn.emplace_back(-(kChoiceSlope * Standing(view, r) + gumbel), r);
  }
  std::sort(drawn.begin(), drawn.end());
  std::vector<int> slate;
  for (size_t k = 0; k < drawn.size() && k < static_cast<size_t>(count); ++k) slate.push_back(drawn[k].second);
  return slate;
}

}  // namespace suggest::simulation
