#include "service/ctl/data_checks.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/delay_law.h"
#include "features/extractor.h"
#include "service/common/config.h"
#include "service/ctl/command.h"
#include "storage/postgres/errors.h"
#include "storage/source/history_source.h"
#include "storage/source/source_checks.h"
#include "storage/source/time_text.h"

namespace suggest::ctl {
namespace {

constexpr int kNamed = 3;  // rows that a finding names

using config::v1::Feature;
using features::FeatureExtractor;

// Doctor reads values, not counters: any valid settings do, so these are the ones before anything is learned.
absl::StatusOr<FeatureExtractor> MakeExtractor(const config::v1::Config& config) {
  const config::v1::Learning& learning = config.learning();
  const absl::Duration window = ToAbslDuration(learning.attribution_window());
  const bandit::DelayLaw law =
      bandit::DelayLaw::TruncatedExponential(ToAbslDuration(learning.prior_mean_delay()), window);
  return FeatureExtractor::Create(config.features(), {.maturity = window + ToAbslDuration(learning.grace()),
                                                      .delay_age_seconds = law.age_seconds(),
                                                      .delay_share = law.share()});
}

// What the rows of one view hold of the columns that one side of the schema reads.
class ColumnCount {
 public:
  ColumnCount(std::string check, std::vector<std::string> columns)
      : check_(std::move(check)), columns_(std::move(columns)), present_(columns_.size(), 0) {}

  int64_t rows() const { return rows_; }

  void AddRow(const std::string& id, const features::Attributes& attributes, const absl::Status& reading) {
    ++rows_;
    for (size_t i = 0; i < columns_.size(); ++i) {
      present_[i] += features::FindAttribute(attributes, columns_[i]) != nullptr;
    }
    if (reading.ok()) return;
    if (++unreadable_ <= kNamed) first_problems_.push_back(absl::StrCat(id, ": ", reading.message()));
  }

  void Report(Checks& checks) const {
    if (rows_ == 0) return checks.Warning(check_, absl::StrCat("source.", check_, " has no rows"));
    std::vector<std::string> absent;
    size_t scarcest = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (present_[i] == 0) absent.push_back(columns_[i]);
      if (present_[i] < present_[scarcest]) scarcest = i;
    }
    if (!absent.empty()) {
      checks.Failed(check_, absl::StrCat("no row of source.", check_, " has the attribute ",
                                         absl::StrJoin(absent, ", "), " that the schema reads"));
    }
    if (unreadable_ > 0) {
      checks.Failed(check_, absl::StrCat(GroupDigits(unreadable_), " of ", GroupDigits(rows_),
                                         " rows cannot be read, first ", absl::StrJoin(first_problems_, "; ")));
    }
    if (!absent.empty() || unreadable_ > 0) return;
    std::string message = absl::StrCat(GroupDigits(rows_), " rows, all of ", columns_.size(), " columns found");
    if (!columns_.empty()) {
      absl::StrAppend(&message, "; scarcest is ", columns_[scarcest], " in ", 100 * present_[scarcest] / rows_, " %");
    }
    checks.Ok(check_, std::move(message));
  }

 private:
  std::string check_;
  std::vector<std::string> columns_;
  std::vector<int64_t> present_;
  int64_t rows_ = 0;
  int64_t unreadable_ = 0;
  std::vector<std::string> first_problems_;
};

absl::Status CheckCustomers(storage::HistorySource& source, const FeatureExtractor& extractor, absl::Time now,
                            int64_t total, ProgressLine& progress, Checks& checks) {
  ColumnCount count("customers", extractor.Columns(Feature::CUSTOMER));
  RETURN_IF_ERROR(source.ForEachCustomer([&](const storage::CustomerRecord& row) {
    count.AddRow(row.customer_id, row.attributes, extractor.Customer(row.attributes, {}, now, now).status());
    progress.Update("doctor: customers", count.rows(), total);
    return absl::OkStatus();
  }));
  count.Report(checks);
  return absl::OkStatus();
}

absl::Status CheckRecommendations(storage::HistorySource& source, const FeatureExtractor& extractor, absl::Time now,
                                  Checks& checks) {
  ColumnCount count("recommendations", extractor.Columns(Feature::RECOMMENDATION));
  RETURN_IF_ERROR(source.ForEachRecommendation([&](const storage::RecommendationRecord& row) {
    count.AddRow(row.recommendation_id, row.attributes, extractor.Recommendation(row.attributes, {}, now).status());
    return absl::OkStatus();
  }));
  count.Report(checks);
  return absl::OkStatus();
}

// Why the ingest would refuse this purchase; empty if it would not.
std::string Refusal(const storage::PurchaseRecord& row, const config::v1::Money& money) {
  for (const absl::Time time :
       {row.purchased_at, row.visible_at.value_or(row.purchased_at), row.cancelled_at.value_or(row.purchased_at)}) {
    if (storage::IsPlausibleTime(time)) continue;
    return absl::StrCat("a time lies outside of the years ", storage::kFirstYear, " to ", storage::kLastYear);
  }
  if (!std::isfinite(row.amount)) return absl::StrCat("amount ", row.amount, " is no number");
  if (row.amount < 0) return absl::StrCat("amount ", row.amount, " is negative");
  if (row.currency.empty() || row.currency == money.currency() || money.conversion().contains(row.currency)) return "";
  return absl::StrCat("currency \"", row.currency, "\" is neither ", money.currency(), " nor converted");
}

absl::Status CheckPurchases(storage::HistorySource& source, const config::v1::Money& money, int64_t total,
                            ProgressLine& progress, Checks& checks) {
  int64_t rows = 0;
  int64_t refused = 0;
  std::vector<std::string> first;
  RETURN_IF_ERROR(source.ForEachPurchase([&](const storage::PurchaseRecord& row) {
    progress.Update("doctor: purchases", ++rows, total);
    const std::string refusal = Refusal(row, money);
    if (!refusal.empty() && ++refused <= kNamed) first.push_back(absl::StrCat(row.purchase_id, ": ", refusal));
    return absl::OkStatus();
  }));
  if (refused > 0) {
    checks.Warning("purchases", absl::StrCat(GroupDigits(refused), " of ", GroupDigits(rows),
                                             " rows will be refused, first ", absl::StrJoin(first, "; ")));
  } else {
    checks.Ok("purchases", absl::StrCat(GroupDigits(rows), " rows, all in ", money.currency(), " or converted"));
  }
  return absl::OkStatus();
}

storage::SourceExpectations Expectations(const config::v1::Config& config, absl::Time now) {
  storage::SourceExpectations expected;
  expected.now = now;
  expected.currencies.emplace_back(config.money().currency(), 1);
  for (const auto& [currency, rate] : config.money().conversion()) expected.currencies.emplace_back(currency, rate);
  expected.reward_cap = config.money().reward_cap();
  expected.base_rate = config.learning().base_rate();
  expected.attribution_window = ToAbslDuration(config.learning().attribution_window());
  expected.clock_skew_tolerance = ToAbslDuration(config.learning().clock_skew_tolerance());
  return expected;
}

// Runs `check` on a reading of the views of its own: an error ends its transaction, and must not end the other checks.
void CheckView(storage::Database& database, const std::string& view, Checks& checks,
               absl::FunctionRef<absl::Status(storage::HistorySource&, int64_t rows)> check) {
  const auto run = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t rows, storage::CountSourceRows(database, view));
    ASSIGN_OR_RETURN(const std::unique_ptr<storage::HistorySource> source, storage::HistorySource::Open(database));
    return check(*source, rows);
  };
  const absl::Status status = run();
  if (!status.ok()) {
    checks.Failed(view, absl::StrCat("source.", view, " cannot be read: ", storage::OperatorWords(status)));
  }
}

// Without a feature of the recommendation every recommendation has the same expected reward for a customer.
void CheckSides(const config::v1::FeatureSchema& schema, Checks& checks) {
  for (const Feature& feature : schema.features()) {
    if (feature.side() != Feature::CUSTOMER) return;
  }
  checks.Failed("features",
                "no feature is of side RECOMMENDATION or PAIR, so all recommendations look alike: add one, such as the "
                "recommendation's kind or price");
}

void ReportFindings(const std::vector<storage::SourceFinding>& findings, Checks& checks) {
  bool suggestions = false;
  for (const storage::SourceFinding& finding : findings) {
    suggestions |= finding.view == "suggestions";
    if (finding.failed) {
      checks.Failed(finding.view, finding.message);
    } else {
      checks.Warning(finding.view, finding.message);
    }
  }
  if (!suggestions)
    checks.Ok("suggestions", "keys, times, statuses and propensities of source.suggestions are in order");
}

}  // namespace

void CheckData(storage::Database& database, const config::v1::Config& config, absl::Time now, ProgressLine& progress,
               Checks& checks) {
  const absl::StatusOr<FeatureExtractor> extractor = MakeExtractor(config);
  if (!extractor.ok()) return checks.Failed("features", std::string(extractor.status().message()));
  CheckSides(config.features(), checks);
  CheckView(database, "customers", checks, [&](storage::HistorySource& source, int64_t rows) {
    return CheckCustomers(source, *extractor, now, rows, progress, checks);
  });
  CheckView(database, "recommendations", checks, [&](storage::HistorySource& source, int64_t) {
    return CheckRecommendations(source, *extractor, now, checks);
  });
  CheckView(database, "purchases", checks, [&](storage::HistorySource& source, int64_t rows) {
    return CheckPurchases(source, config.money(), rows, progress, checks);
  });
  ReportFindings(storage::CheckSourceRows(database, Expectations(config, now)), checks);
}

}  // namespace suggest::ctl
