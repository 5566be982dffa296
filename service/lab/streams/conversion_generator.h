// Makes click logs in the layout of conversion_log.h from a truth that is known.
//
//   logit P(conversion) = intercept + sum_j w_j(t) x_j
// over 17 inputs x_j of mean 0 and variance 1: eight integers n = floor(exp(2 + u)) - 1 with u normal, x = u; nine
// categories of 8 to 64 levels, each level having an x of its own, drawn once. w_j follows an Ornstein-Uhlenbeck
// process with stationary spread `effect` and time constant `drift_days`. The delay is log-normal with a median of
// `median_delay_hours` times exp(0.8 x_0), so that it depends on the click, and spread `delay_spread`; beyond
// `attribution_days` it is drawn again, evenly. One integer in 50 and one category in 50 is missing (x = 0).
// With the defaults about 35 % of the conversions come within 15 minutes, and a fifth to a quarter of the clicks
// convert.
//
// Deterministic by seed, and on any machine: counter-based numbers, logarithms and exponentials of our own.
#ifndef SERVICE_LAB_STREAMS_CONVERSION_GENERATOR_H_
#define SERVICE_LAB_STREAMS_CONVERSION_GENERATOR_H_

#include <array>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bandit/base/random.h"
#include "service/lab/streams/conversion_log.h"

namespace suggest::streams {

struct GeneratorOptions {
  uint64_t seed = 1;
  int days = 60;
  int clicks_per_hour = 300;
  double intercept = -1.6;
  double effect = 0.45;
  double drift_days = 150;  // 0 = no drift
  double median_delay_hours = 0.8;
  double delay_spread = 2.8;
  int attribution_days = 30;
};

struct GeneratedClick {
  int64_t at = 0;
  int64_t converted_at = kNever;
  double probability = 0;  // the truth
  std::array<std::string, kFeatures> features;
};

// Clicks in order of time.
class ConversionGenerator {
 public:
  // REQUIRES: days, clicks_per_hour, attribution_days >= 1; spreads and medians > 0.
  explicit ConversionGenerator(const GeneratorOptions& options);

  bool Done() const { return hour_ == 24 * options_.days; }
  // The clicks of the next hour. REQUIRES: !Done().
  std::vector<GeneratedClick> NextHour();

 private:
  GeneratedClick NextClick();
  double DelaySeconds(double x0);

  const GeneratorOptions options_;
  bandit::CounterRng rng_;
  std::array<double, kFeatures> weights_ = {};
  std::array<std::vector<double>, kCategoryColumns> levels_;  // x of each level
  std::array<std::vector<std::string>, kCategoryColumns> names_;
  int hour_ = 0;
};

// The log as ReadConversionLog would read it from the written file.
ConversionLog GenerateLog(const GeneratorOptions& options, int bits, const ReadProgress& progress = {});

// Writes the file; returns the number of clicks. Errors: UNAVAILABLE when it cannot be written whole.
absl::StatusOr<int64_t> WriteGeneratedLog(const GeneratorOptions& options, const std::string& file,
                                          const ReadProgress& progress = {});

}  // namespace suggest::streams

#endif  // SERVICE_LAB_STREAMS_CONVERSION_GENERATOR_H_
