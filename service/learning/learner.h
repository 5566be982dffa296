// The learner in memory: what the ingester does with rows of the database, done with objects. Replay and the simulator
// use it; the ingester shares its functions, so that all three learn the same from the same events.
//
//   mature part   per UTC day of exposure, stored sums (w = 1, g = r); corrected exactly when a reward changes later
//   pending part  from the list of pending exposures at each Step, never accumulated: (w, g) by the delay rule
//                 (delay_rule.h), whose laws are estimated from the exposures of the learning window
//   posterior     prior + sum over live days of gamma^age (mature + pending)
//
// Events bring their own visibility times, so there are no outages here.
//
// Cost of Step: O(pending d^2) at worst; exposures of one instant and stratum have one weight, so where 16 or more
// share them (the monthly run) their matrix is summed once and Step costs O(instants d^2 + pending d). Not thread-safe.
#ifndef SERVICE_LEARNING_LEARNER_H_
#define SERVICE_LEARNING_LEARNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/delay/delay_laws.h"
#include "bandit/model/context.h"
#include "bandit/model/day_buckets.h"
#include "bandit/model/posterior.h"
#include "service/learning/delay_rule.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/ridge.h"
#include "service/learning/settings.h"

namespace suggest::learning {

class Learner {
 public:
  Learner(const LearnerSettings& settings, const bandit::ContextLayout& layout, const bandit::Prior& prior,
          const bandit::NoiseModel& noise);

  // A new exposure with reward 0. `id`: any number not used before.
  // Errors: INVALID_ARGUMENT for a context that does not fit the layout; ALREADY_EXISTS for a known id.
  // `stratum`: of the delay laws; empty for none.
  absl::Status BookExposure(int64_t id, absl::Time exposed_at, bandit::FactoredContext context,
                            absl::string_view stratum = "");

  // The exposure's whole reward is now `reward` in [0, 1], visible since visible_at. Call it again when it changes: by
  // another purchase, or by a refund. An exposure that was forgotten changes nothing.
  // Errors: NOT_FOUND for an id that was never booked; INVALID_ARGUMENT for a reward outside [0, 1].
  absl::Status SetReward(int64_t id, double reward, absl::Time visible_at);

  // Makes mature what is due at `tick`, forgets days that left the window, estimates the delay law, and solves.
  // What was booked must have been visible at `tick`. REQUIRES: ticks do not go back.
  // An exposure that is booked for a forgotten day teaches nothing.
  // Errors: INTERNAL when the posterior cannot be solved; Step may be called again.
  absl::StatusOr<bandit::Posterior> Step(absl::Time tick);

  // Of the last Step; the prior's law before it.
  const bandit::DelayLaw& delay_law() const { return rule_.laws.global(); }
  const DelayRule& delay_rule() const { return rule_; }
  int64_t mature_exposures() const { return mature_count_; }
  int64_t pending_exposures() const { return pending_count_; }
  const RidgeChoice& ridge() const { return ridge_; }

 private:
  struct Entry {
    absl::Time exposed_at;
    bandit::FactoredContext context;
    double reward = 0;
    bool mature = false;
    std::string stratum;
    std::optional<absl::Time> bought_at;
    std::vector<std::pair<absl::Time, double>> changes;  // of the reward: visible at, by how much
  };
  struct Place {
    int64_t day;
    size_t index;
  };
  struct Gram {
    size_t rows;
    bandit::SufficientStatistics sums;
  };
  using Crowd = std::pair<absl::Time, std::string>;  // instant and stratum

  static ExposureView ViewOf(const Entry& entry);

  void Forget(int64_t first_live_day);
  absl::Status Mature(absl::Time tick);
  void EstimateDelayLaws(absl::Time tick);
  absl::Status Train(absl::Time tick);
  absl::StatusOr<bandit::SufficientStatistics> SumPending(const DelayRule& rule, absl::Time tick);
  absl::Status AddCrowd(const Crowd& instant, const std::vector<const Entry*>& crowd, PendingSums& pending);

  LearnerSettings settings_;
  bandit::ContextLayout layout_;
  bandit::Prior prior_;
  bandit::NoiseModel noise_;
  RidgeChoice ridge_;  // of the last Step
  bandit::DelayLaw prior_law_;
  DelayRule rule_;
  bandit::DayBuckets mature_;
  absl::btree_map<int64_t, std::vector<Entry>> days_;  // live exposures by day
  absl::flat_hash_map<int64_t, Place> places_;         // by id; the day may be forgotten
  absl::btree_map<Crowd, Gram> grams_;                 // crowded instants that are not mature
  int64_t first_live_day_ = INT64_MIN;                 // days before it are forgotten for good
  int64_t first_pending_day_ = INT64_MAX;              // days before it are mature
  int64_t mature_count_ = 0;
  int64_t pending_count_ = 0;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_LEARNER_H_
