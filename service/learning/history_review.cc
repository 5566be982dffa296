#include "service/learning/history_review.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "service/learning/attribution.h"
#include "service/learning/posterior_sums.h"
#include "service/learning/training.h"

namespace suggest::learning {
namespace {

constexpr char kCustomers[] = "source.customers";
constexpr char kRecommendations[] = "source.recommendations";
constexpr char kSuggestions[] = "source.suggestions";
constexpr char kPurchases[] = "source.purchases";

// Keeps the rows for which `fault` answers an empty text, in their order; `name` names the others.
template <typename Row, typename Fault, typename Name>
void Keep(std::vector<Row>& rows, absl::string_view view, SetAsideRows& set_aside, Fault fault, Name name) {
  auto kept = rows.begin();
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    set_aside.CountRow(view);
    const std::string reason = fault(*row);
    if (!reason.empty()) {
      set_aside.Add(view, reason, name(*row));
      continue;
    }
    if (kept != row) *kept = std::move(*row);
    ++kept;
  }
  rows.erase(kept, rows.end());
}

// `unreadable`: what the extractor says, "feature "size", column "size": "NaN" is not finite".
void AddUnreadable(const std::vector<std::string>& unreadable, absl::string_view view, absl::string_view row,
                   SetAsideRows& set_aside) {
  for (const std::string& message : unreadable) {
    const size_t end = message.find("\": ", message.find(", column \""));
    const bool split = end != std::string::npos;
    set_aside.AddUnreadableValue(view, split ? message.substr(0, end + 1) : message,
                                 split ? absl::StrCat(row, ": ", message.substr(end + 3)) : row);
  }
}

class Review {
 public:
  Review(const config::v1::Config& config, const features::FeatureExtractor& extractor, History& history,
         SetAsideRows& set_aside)
      : config_(config),
        extractor_(extractor),
        money_(MoneyRulesOf(config)),
        history_(history),
        set_aside_(set_aside) {}

  void Run() {
    Customers();
    Recommendations();
    Suggestions();
    Purchases();
  }

 private:
  void Customers() {
    absl::flat_hash_set<std::pair<std::string, absl::Time>> seen;
    Keep(
        history_.customers, kCustomers, set_aside_,
        [&](const storage::CustomerRecord& row) -> std::string {
          if (row.customer_id.empty()) return "customer_id is empty";
          if (!seen.insert({row.customer_id, row.valid_from}).second) {
            return "another row has its customer_id and valid_from";
          }
          std::vector<std::string> unreadable;
          (void)extractor_.Customer(row.attributes, {}, kAnyTime, kAnyTime, &unreadable);
          AddUnreadable(unreadable, kCustomers, absl::StrCat("customer ", row.customer_id), set_aside_);
          const auto [first, fresh] = known_from_.try_emplace(row.customer_id, row.valid_from);
          if (!fresh) first->second = std::min(first->second, row.valid_from);
          return "";
        },
        [](const storage::CustomerRecord& row) { return row.customer_id; });
  }

  void Recommendations() {
    Keep(
        history_.recommendations, kRecommendations, set_aside_,
        [&](const storage::RecommendationRecord& row) -> std::string {
          if (row.recommendation_id.empty()) return "recommendation_id is empty";
          if (!catalogue_.insert(row.recommendation_id).second) return "another row has its recommendation_id";
          std::vector<std::string> unreadable;
          (void)extractor_.Recommendation(row.attributes, {}, kAnyTime, &unreadable);
          AddUnreadable(unreadable, kRecommendations, absl::StrCat("recommendation ", row.recommendation_id),
                        set_aside_);
          return "";
        },
        [](const storage::RecommendationRecord& row) { return row.recommendation_id; });
  }

  std::string FaultOf(const storage::HistoricalSuggestion& row) const {
    if (row.suggestion_id.empty()) return "suggestion_id is empty";
    if (!IsExposure(row.status, config_.learning().exposure_event()).ok()) {
      return absl::StrCat("the status '", row.status,
                          "' is none of SUGGESTED, KEPT, EDITED, DISCARDED, SENT, VIEWED, CLICKED");
    }
    if (!PossibleInstant(row.decided_at)) return "decided_at is not a time from 1900 to 9999";
    if (!catalogue_.contains(row.recommendation_id)) return "its recommendation is not in source.recommendations";
    const auto customer = known_from_.find(row.customer_id);
    if (customer == known_from_.end()) return "its customer is not in source.customers";
    if (customer->second > row.decided_at) return "its customer has no attributes valid at decided_at";
    return "";
  }

  void Suggestions() {
    absl::flat_hash_set<std::pair<std::string, std::string>> seen;
    Keep(
        history_.suggestions, kSuggestions, set_aside_,
        [&](const storage::HistoricalSuggestion& row) -> std::string {
          if (!seen.insert({row.customer_id, row.suggestion_id}).second) {
            return "another row has its customer_id and suggestion_id";
          }
          return FaultOf(row);
        },
        [](const storage::HistoricalSuggestion& row) { return row.suggestion_id; });
  }

  // What the replay counts as refused by itself.
  std::string RefusalOf(const storage::PurchaseRecord& row) const {
    if (!std::isfinite(row.amount)) return "the amount is no number";
    if (row.amount < 0) return "the amount is negative";
    if (!DeclaredValue(row.amount, row.currency, money_).ok()) {
      return absl::StrCat("the currency is neither ", money_.currency, " nor in money.conversion");
    }
    return "";
  }

  void Purchases() {
    absl::flat_hash_set<std::pair<std::string, std::string>> seen;
    Keep(
        history_.purchases, kPurchases, set_aside_,
        [&](const storage::PurchaseRecord& row) -> std::string {
          if (row.purchase_id.empty() || row.customer_id.empty()) return "purchase_id or customer_id is empty";
          if (!seen.insert({row.customer_id, row.purchase_id}).second) {
            return "another row has its customer_id and purchase_id";
          }
          if (row.purchased_at != absl::InfiniteFuture() && !PossibleInstant(row.purchased_at)) {
            return "purchased_at is not a time from 1900 to 9999";
          }
          for (const std::optional<absl::Time>& at : {row.visible_at, row.cancelled_at}) {
            if (at.has_value() && *at != absl::InfiniteFuture() && !PossibleInstant(*at)) {
              return "visible_at or cancelled_at is not a time from 1900 to 9999";
            }
          }
          if (const std::string refusal = RefusalOf(row); !refusal.empty()) {
            set_aside_.Add(kPurchases, refusal, row.purchase_id);
          }
          return "";
        },
        [](const storage::PurchaseRecord& row) { return row.purchase_id; });
  }

  // Whether a value can be read does not depend on the instant.
  static constexpr absl::Time kAnyTime = absl::UnixEpoch();

  const config::v1::Config& config_;
  const features::FeatureExtractor& extractor_;
  const MoneyRules money_;
  History& history_;
  SetAsideRows& set_aside_;
  absl::flat_hash_map<std::string, absl::Time> known_from_;  // by customer: the first valid_from
  absl::flat_hash_set<std::string> catalogue_;
};

}  // namespace

absl::Status ReviewHistory(const config::v1::Config& config, History* history, SetAsideRows* set_aside) {
  ASSIGN_OR_RETURN(const features::FeatureExtractor extractor,
                   features::FeatureExtractor::Create(
                       config.features(), CounterSettingsOf(config, PriorDelayLaw(LearnerSettingsOf(config)))));
  Review(config, extractor, *history, *set_aside).Run();
  return absl::OkStatus();
}

}  // namespace suggest::learning
