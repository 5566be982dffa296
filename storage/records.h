// The rows that storage takes and gives, as plain values.
#ifndef STORAGE_RECORDS_H_
#define STORAGE_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"
#include "suggest/model/v1/decision.pb.h"

namespace suggest::storage {

using Attributes = google::protobuf::Struct;

// The longest id of a customer, a recommendation, a suggestion or a purchase, in bytes.
inline constexpr size_t kLongestIdBytes = 256;

// The customer's attributes from valid_from on, until the next row of the same customer.
struct CustomerRecord {
  std::string customer_id;
  absl::Time valid_from = absl::InfinitePast();
  Attributes attributes;
};

struct RecommendationRecord {
  std::string recommendation_id;
  std::string title;
  std::optional<absl::Time> active_from;   // nullopt = always was
  std::optional<absl::Time> active_until;  // exclusive; nullopt = no end
  bool repeatable = false;                 // may be suggested again after a purchase
  Attributes attributes;
  std::string attributes_json;  // the same as text; numbers as KeepNumberTexts leaves them
};

struct PurchaseRecord {
  std::string purchase_id;
  std::string customer_id;
  std::string recommendation_id;
  absl::Time purchased_at;
  double amount = 0;
  std::string currency;                  // empty = the declared one
  std::string suggestion_id;             // empty = not known
  std::optional<absl::Time> visible_at;  // when the service could first see it
  std::optional<absl::Time> cancelled_at;
};

// A suggestion of the time before this service.
struct HistoricalSuggestion {
  std::string suggestion_id;
  std::string customer_id;
  std::string recommendation_id;
  absl::Time decided_at;
  std::string status;  // upper case, e.g. "SENT"; empty = not known
  std::optional<double> propensity;
};

struct DecisionRecord {
  std::string decision_id;  // UUIDv7 text, see decision_id.h
  std::string customer_id;
  std::string request_id;
  absl::Time decided_at;  // the millisecond in decision_id
  int policy = 0;         // suggest.v1.Policy
  int64_t model_version = 0;
  std::string catalogue_version;  // SHA-256, 32 raw bytes
  uint64_t seed = 0;
  bool explore = false;
  std::string fallback_reason;                  // empty = the configured policy answered
  int propensity_status = 0;                    // suggest.v1.PropensityStatus
  std::vector<std::string> recommendation_ids;  // in rank order
  suggest::model::v1::DecisionInputs inputs;
  bool delivered = true;  // false: the answer did not reach the caller, as far as we know
};

struct FeedbackRecord {
  std::string customer_id;
  std::string suggestion_id;
  int kind = 0;  // suggest.v1.RecordFeedbackRequest.Kind
  absl::Time occurred_at;
};

// Counts of one customer with one recommendation on one UTC day (suggest.history_days).
struct HistoryDay {
  std::string recommendation_id;
  int64_t day = 0;  // days since 1970-01-01 UTC
  int64_t exposures = 0;
  int64_t conversions = 0;                              // of exposures of this day
  int64_t purchases = 0;                                // that happened on this day
  absl::Time last_exposed_at = absl::InfinitePast();    // InfinitePast = none
  absl::Time last_purchased_at = absl::InfinitePast();  // InfinitePast = none
};

// What a decision needs to know about a customer.
struct CustomerState {
  // Without a change to the tables it is the same until then: the next valid_from, visible_at or cancelled_at.
  absl::Time valid_until = absl::InfiniteFuture();
  std::optional<Attributes> attributes;  // nullopt = the customer is unknown at that time
  std::vector<HistoryDay> history;       // by (recommendation_id, day)
  std::vector<std::string> bought;       // recommendation ids, ascending, each once; cancelled purchases not counted
};

}  // namespace suggest::storage

#endif  // STORAGE_RECORDS_H_
