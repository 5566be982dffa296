#include "service/learning/settings.h"

#include "service/common/config.h"

namespace suggest::learning {
namespace {

struct ModeName {
  bandit::DelayMode mode;
  config::v1::Learning::DelayMode name;
};
constexpr ModeName kModes[] = {
    {bandit::DelayMode::kExposure, config::v1::Learning::EXPOSURE},
    {bandit::DelayMode::kEsDfmLabel, config::v1::Learning::ES_DFM_LABEL},
    {bandit::DelayMode::kExpectedLabel, config::v1::Learning::EXPECTED_LABEL},
    {bandit::DelayMode::kFakeNegative, config::v1::Learning::FAKE_NEGATIVE},
    {bandit::DelayMode::kWait, config::v1::Learning::WAIT},
};

}  // namespace

bandit::DelayMode DelayModeOf(config::v1::Learning::DelayMode mode) {
  for (const ModeName& known : kModes) {
    if (known.name == mode) return known.mode;
  }
  return bandit::DelayMode::kExposure;
}

config::v1::Learning::DelayMode ToConfig(bandit::DelayMode mode) {
  for (const ModeName& known : kModes) {
    if (known.mode == mode) return known.name;
  }
  return config::v1::Learning::DELAY_MODE_UNSPECIFIED;
}

LearnerSettings LearnerSettingsOf(const config::v1::Config& config) {
  const config::v1::Learning& learning = config.learning();
  LearnerSettings settings;
  settings.window = ToAbslDuration(learning.attribution_window());
  settings.grace = ToAbslDuration(learning.grace());
  settings.forgetting.window_days = ToAbslDuration(learning.learning_window()) / absl::Hours(24);
  settings.forgetting.discount_per_day = learning.discount_per_day();
  settings.delay_mode = DelayModeOf(learning.delay_mode());
  settings.prior_mean_delay = ToAbslDuration(learning.prior_mean_delay());
  settings.prior_delay_strength = learning.prior_delay_strength();
  settings.ridge_by_evidence = learning.ridge() == 0;
  const config::v1::EsDfm& es_dfm = learning.es_dfm();
  settings.es_dfm = {.refresh_period = ToAbslDuration(es_dfm.refresh_period()),
                     .ridge = es_dfm.ridge(),
                     .max_rows = es_dfm.max_rows()};
  return settings;
}

MoneyRules MoneyRulesOf(const config::v1::Config& config) {
  MoneyRules rules;
  rules.currency = config.money().currency();
  rules.reward_cap = config.money().reward_cap();
  rules.conversion = {config.money().conversion().begin(), config.money().conversion().end()};
  return rules;
}

bandit::Prior PriorOf(const config::v1::Config& config, double base_rate) {
  const config::v1::Learning& learning = config.learning();
  return {.ridge = learning.ridge(),
          .intercept_ridge = learning.intercept_ridge(),
          .base_rate = learning.base_rate() > 0 ? learning.base_rate() : base_rate};
}

bandit::NoiseModel NoiseOf(const config::v1::Config& config, double base_rate) {
  const config::v1::Learning& learning = config.learning();
  const double rate = PriorOf(config, base_rate).base_rate;
  const double beta = (learning.noise_alpha() - 1) * rate * (1 - rate);
  return {.fixed_variance = learning.noise_variance(),
          .alpha = learning.noise_alpha(),
          .beta = learning.noise_beta() > 0 ? learning.noise_beta() : beta};
}

}  // namespace suggest::learning
