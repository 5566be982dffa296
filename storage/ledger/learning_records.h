// The rows of the learner's ledger, as plain values. Written by the ingester and the warm start, read by verify.
#ifndef STORAGE_LEDGER_LEARNING_RECORDS_H_
#define STORAGE_LEDGER_LEARNING_RECORDS_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/records.h"
#include "suggest/model/v1/decision.pb.h"

namespace suggest::storage {

// What became of a purchase. Stored as this number; never renumber.
enum class PurchaseStatus {
  kAttributed = 1,
  kOrphan = 2,   // no exposure
  kLate = 3,     // after the window of the last exposure
  kEarly = 4,    // before the only exposure, beyond the clock skew
  kFuture = 5,   // dated after the tick: tried again
  kRefused = 6,  // negative or no amount, a currency that is not converted, or a time that cannot be
};

// The one row of learner state besides sums.
struct LearnerState {
  int64_t basis_id = 0;  // 0 = no warm start yet
  std::string currency;
  double reward_cap = 0;
  int64_t first_live_day = INT32_MIN;           // days before it were forgotten for good
  bool unpublished = false;                     // something was booked since the current version
  absl::Time last_tick = absl::InfinitePast();  // of the last run that came to its end
};

// A suggestion of the decision log that became an exposure and is not in the ledger yet.
struct NewExposure {
  std::string customer_id;
  std::string suggestion_id;
  std::string recommendation_id;
  absl::Time exposed_at;
  int64_t basis_id = 0;  // of the model version that decided; 0 = unknown
  int rank = 0;          // from 1
  int64_t model_version = 0;
  std::string catalogue_version;
  model::v1::DecisionInputs inputs;
};

// Parts of a context as in bandit::FactoredContext; all empty for a repeat or a foreign basis. Contexts are rounded to
// float where they are encoded, so nothing is lost here.
struct StoredContext {
  std::vector<float> customer;
  std::vector<float> recommendation;
  std::vector<float> pair;

  bool empty() const { return customer.empty(); }
};

struct LedgerExposure {
  std::string customer_id;
  std::string suggestion_id;
  std::string recommendation_id;
  absl::Time exposed_at;
  int64_t day = 0;        // UTC day of exposed_at
  int64_t basis_id = 0;   // 0 = teaches nothing: its context is not of a known basis
  std::string continues;  // not empty: a repeat of that exposure
  double reward = 0;
  bool mature = false;
  bool historical = false;  // from the warm start
  // When its first purchase became visible, be it refunded since.
  std::optional<absl::Time> bought_at = std::nullopt;
  std::string stratum = "";  // of the delay law
  StoredContext context;
};

struct PurchaseState {
  std::string customer_id;
  std::string purchase_id;
  std::string recommendation_id;
  absl::Time purchased_at;
  absl::Time visible_at;
  double amount = 0;
  std::string currency;
  std::string named_suggestion_id;  // as billing gave it; may be empty
  std::optional<absl::Time> cancelled_at;
  PurchaseStatus status = PurchaseStatus::kOrphan;
  double value = 0;           // in the declared currency; 0 when refused
  std::string suggestion_id;  // of the exposure it counts for; empty unless attributed
  std::string reason;

  bool counts() const { return status == PurchaseStatus::kAttributed && !cancelled_at.has_value(); }
};

// A purchase as the source shows it at a tick, and as it was booked.
struct PurchaseChange {
  PurchaseRecord purchase;  // visible_at always set; cancelled_at only when <= the tick
  int64_t copies = 1;       // rows of the source that show it
  std::string fault = "";   // not empty: which of its times cannot be; it is refused, and purchased_at is -infinity
  std::optional<PurchaseState> booked;
};

// Booked purchases of a window, and how many of them the source shows no more.
struct VanishedCount {
  int64_t booked = 0;
  int64_t vanished = 0;
};

// One entry of the append-only reward ledger.
struct RewardEntry {
  std::string customer_id;
  std::string suggestion_id;
  std::string purchase_id;
  double value_change = 0;
};

// A mature day's sums as bandit::SufficientStatistics::Parts, without depending on it.
struct BucketRow {
  int64_t day = 0;
  std::vector<double> lower;
  std::vector<double> moment;
  double weight = 0;
  double count = 0;
  double reward_sum = 0;
  double reward_square_sum = 0;
};

struct HistoryKey {
  std::string customer_id;
  std::string recommendation_id;
  int64_t day = 0;
};

// (customer_id, id): keys of ledger rows, and cursors over them. Empty strings come before every key.
struct LedgerKey {
  std::string customer_id;
  std::string id;
  auto operator<=>(const LedgerKey&) const = default;
};

// Exposures of about one instant, for the delay law: of one stratum, day and hour, and of ages in one even part of the
// attribution window.
struct ExposureGroup {
  std::string stratum;
  int64_t day = 0;
  absl::Time exposed_at;  // mean
  int64_t count = 0;
};

// A time without a run of the ingester: (begins, ends].
struct OutageRow {
  absl::Time begins;
  absl::Time ends;
};

// What a purchase gave an exposure, or its refund took from it, for the delay law.
struct VisibleValue {
  LedgerKey exposure;
  std::string stratum;
  int64_t day = 0;
  absl::Time exposed_at;
  absl::Time visible_at;
  double value = 0;
};

struct ModelRow {
  int64_t version = 0;
  int64_t parent_version = 0;
  int64_t basis_id = 0;
  int format = 1;
  absl::Time created_at;
  absl::Time data_cut;
  std::string origin;
  int dimension = 0;
  int64_t exposures = 0;
  int64_t pending_exposures = 0;
  double reward_sum = 0;
  double noise_variance = 0;
  double condition_number = 0;
  std::string sha256;  // 32 bytes
  std::string bytes;
};

}  // namespace suggest::storage

#endif  // STORAGE_LEDGER_LEARNING_RECORDS_H_
