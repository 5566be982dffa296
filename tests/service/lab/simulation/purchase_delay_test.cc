#include "service/lab/simulation/purchase_delay.h"

#include <gtest/gtest.h>

#include <cmath>

namespace suggest::simulation {
namespace {

constexpr double kWeek = 168;

double StandardNormal(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

// Mean by the trapezoidal rule over quantiles: the distribution's own definition, not the formula that was solved.
double MeanOfQuantiles(const PurchaseDelay& delay) {
  constexpr int kPoints = 200'000;
  double sum = 0;
  for (int i = 0; i < kPoints; ++i) sum += delay.Quantile((i + 0.5) / kPoints);
  return sum / kPoints;
}

TEST(PurchaseDelayTest, ExponentialHasTheClosedFormAndTheMean) {
  for (const double share : {0.08, 1.0 / 3, 0.45}) {
    const auto delay = PurchaseDelay::Exponential(kWeek, share);
    EXPECT_NEAR(MeanOfQuantiles(delay), share * kWeek, 1e-3);
    EXPECT_NEAR(delay.Mean(), share * kWeek, 1e-9);
    // The scale from the median, then the whole curve from the scale.
    const double a = delay.Cdf(10);
    const double b = delay.Cdf(20);
    const double ratio = b / a - 1;  // e^(-10/s)
    const double whole = 1 - std::pow(ratio, kWeek / 10);
    for (const double h : {0.5, 10.0, 42.0, 100.0, 167.0}) {
      EXPECT_NEAR(delay.Cdf(h), (1 - std::pow(ratio, h / 10)) / whole, 1e-12) << share << " " << h;
    }
  }
}

TEST(PurchaseDelayTest, ExponentialOfScaleIsTheFormula) {
  const auto delay = PurchaseDelay::ExponentialOfScale(kWeek, 100);
  for (const double h : {1.0, 42.0, 150.0}) {
    EXPECT_NEAR(delay.Cdf(h), (1 - std::exp(-h / 100)) / (1 - std::exp(-1.68)), 1e-14);
  }
}

TEST(PurchaseDelayTest, LogNormalHasTheClosedFormAndTheMean) {
  const auto delay = PurchaseDelay::LogNormal(kWeek, 1.0 / 3);
  EXPECT_NEAR(MeanOfQuantiles(delay), kWeek / 3, 0.01);
  EXPECT_NEAR(delay.Mean(), kWeek / 3, 1e-9);
  // A log-normal of sigma 2 cut at W: the location that puts F(10) where it is must give every other point.
  double low = -20, high = 20;
  const auto cut = [](double hours, double location) {
    return StandardNormal((std::log(hours) - location) / 2) / StandardNormal((std::log(kWeek) - location) / 2);
  };
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (cut(10, middle) > delay.Cdf(10) ? low : high) = middle;
  }
  for (const double h : {0.1, 1.0, 42.0, 100.0, 160.0}) EXPECT_NEAR(delay.Cdf(h), cut(h, low), 1e-9) << h;
}

TEST(PurchaseDelayTest, QuantileIsTheInverseAndStaysInTheWindow) {
  for (const auto& delay : {PurchaseDelay::Exponential(kWeek, 0.08), PurchaseDelay::LogNormal(kWeek, 0.45)}) {
    for (const double u : {1e-6, 0.01, 0.5, 0.99, 1 - 1e-9}) {
      EXPECT_NEAR(delay.Cdf(delay.Quantile(u)), u, 1e-9) << u;
      EXPECT_GT(delay.Quantile(u), 0);
      EXPECT_LE(delay.Quantile(u), kWeek);
    }
    EXPECT_EQ(delay.Cdf(0), 0);
    EXPECT_EQ(delay.Cdf(-1), 0);
    EXPECT_EQ(delay.Cdf(kWeek), 1);
    EXPECT_EQ(delay.Cdf(2 * kWeek), 1);
  }
}

}  // namespace
}  // namespace suggest::simulation
