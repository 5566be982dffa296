// What the ledger says at a tick: the delay rule, and the sums of mature and pending exposures under it.
//
// Cost: one pass over the bought exposures of the learning window for the laws, one over the pending exposures (three
// where the mode needs a posterior mean), and one over the live buckets, each in pages.
#ifndef SERVICE_LEARNING_LEDGER_SUMS_H_
#define SERVICE_LEARNING_LEDGER_SUMS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/model/context.h"
#include "bandit/model/sufficient_statistics.h"
#include "service/learning/delay_rule.h"
#include "service/learning/progress.h"
#include "service/learning/settings.h"
#include "storage/ledger/learning_store.h"

namespace suggest::learning {

ExposureView ViewOf(const storage::LedgerExposure& exposure, const bandit::FactoredContext& context);

// One ledger at one tick, in one transaction.
class Ledger {
 public:
  struct Scope {
    int64_t basis_id = 0;
    int64_t first_day = 0;
    absl::Time tick;
    int page_rows = 0;  // exposures held in memory at once
  };
  Ledger(storage::LearningTransaction* tx, const LearnerSettings& settings, const MoneyRules& money,
         const bandit::ContextLayout& layout, const Scope& scope)
      : tx_(tx), settings_(settings), money_(money), layout_(layout), scope_(scope) {}

  // The rule of the configured mode: laws estimated anew, models of late purchases taken over from `before` or trained.
  absl::StatusOr<DelayRule> EstimateRule(double base_rate, const DelayNuisance& before);

  struct Mature {
    bandit::SufficientStatistics sums;  // live buckets, discounted
    int64_t count = 0;
    std::string sha256;  // of the buckets
  };
  absl::StatusOr<Mature> SumBuckets();

  struct Pending {
    bandit::SufficientStatistics sums;  // discounted
    int64_t count = 0;
  };
  absl::StatusOr<Pending> SumPending(const DelayRule& rule, const Progress& progress);

 private:
  absl::Status EstimateLaws(double base_rate, DelayRule* rule);
  absl::Status Train(DelayRule* rule);

  storage::LearningTransaction* const tx_;
  const LearnerSettings settings_;
  const MoneyRules money_;
  const bandit::ContextLayout layout_;
  const Scope scope_;
};

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_LEDGER_SUMS_H_
