// What learning is told, as plain values: read from the configuration once, or written by hand in the simulator.
#ifndef SERVICE_LEARNING_SETTINGS_H_
#define SERVICE_LEARNING_SETTINGS_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "bandit/delay/pending.h"
#include "bandit/model/day_buckets.h"
#include "bandit/model/posterior.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::learning {

struct EsDfmSettings {
  absl::Duration refresh_period = absl::Hours(24);
  double ridge = 2;
  int max_rows = 20000;
};

struct LearnerSettings {
  absl::Duration window = absl::Hours(24 * 70);  // W: exposed_at <= purchased_at < exposed_at + W counts
  absl::Duration grace = absl::Hours(24);        // mature at W + grace
  bandit::Forgetting forgetting;                 // learning window in days, discount per day
  bandit::DelayMode delay_mode = bandit::DelayMode::kExposure;
  absl::Duration prior_mean_delay = absl::Hours(24 * 70) / 4;
  double prior_delay_strength = 100;  // exposures behind the prior delay law
  EsDfmSettings es_dfm;
  bool ridge_by_evidence = false;  // the prior's ridge is not configured

  absl::Duration maturity() const { return window + grace; }
};

struct MoneyRules {
  std::string currency;                      // the declared one
  double reward_cap = 1;                     // net value that is worth reward 1
  std::map<std::string, double> conversion;  // units of `currency` per unit of another
};

// The mode by its name in the configuration, and back. An unspecified one is kExposure.
bandit::DelayMode DelayModeOf(config::v1::Learning::DelayMode mode);
config::v1::Learning::DelayMode ToConfig(bandit::DelayMode mode);

// REQUIRES (all four): a configuration with defaults that is valid.
LearnerSettings LearnerSettingsOf(const config::v1::Config& config);
MoneyRules MoneyRulesOf(const config::v1::Config& config);
// `base_rate` stands in where the configuration leaves it to the history. The ridge is 0 where the configuration leaves
// it to the evidence: NextRidge (ridge.h) gives it.
bandit::Prior PriorOf(const config::v1::Config& config, double base_rate);
// noise_beta 0 becomes (alpha - 1) base_rate (1 - base_rate): the variance of a purchase at the base rate.
bandit::NoiseModel NoiseOf(const config::v1::Config& config, double base_rate);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_SETTINGS_H_
