#include "service/ctl/data_checks.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bandit/base/status_macros.h"
#include "bandit/delay/delay_law.h"
#include "features/extractor.h"
#include "service/common/config.h"
#include "service/ctl/command.h"
#include "storage/source/history_source.h"

namespace suggest::ctl {
namespace {

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
    if (++unreadable_ == 1) first_problem_ = absl::StrCat(id, ": ", reading.message());
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
                                         " rows cannot be read, first ", first_problem_));
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
  std::string first_problem_;
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
  if (row.amount < 0) return absl::StrCat("amount ", row.amount, " is negative");
  if (row.currency.empty() || row.currency == money.currency() || money.conversion().contains(row.currency)) return "";
  return absl::StrCat("currency \"", row.currency, "\" is neither ", money.currency(), " nor converted");
}

absl::Status CheckPurchases(storage::HistorySource& source, const config::v1::Money& money, int64_t total,
                            ProgressLine& progress, Checks& checks) {
  int64_t rows = 0;
  int64_t refused = 0;
  std::string first;
  RETURN_IF_ERROR(source.ForEachPurchase([&](const storage::PurchaseRecord& row) {
    progress.Update("doctor: purchases", ++rows, total);
    const std::string refusal = Refusal(row, money);
    if (!refusal.empty() && ++refused == 1) first = absl::StrCat(row.purchase_id, ": ", refusal);
    return absl::OkStatus();
  }));
  if (refused > 0) {
    checks.Warning("purchases", absl::StrCat(GroupDigits(refused), " of ", GroupDigits(rows),
                                             " rows will be refused, first ", first));
  } else {
    checks.Ok("purchases", absl::StrCat(GroupDigits(rows), " rows, all in ", money.currency(), " or converted"));
  }
  return absl::OkStatus();
}

absl::Status CheckAll(storage::Database& database, const config::v1::Config& config, absl::Time now,
                      ProgressLine& progress, Checks& checks) {
  ASSIGN_OR_RETURN(const FeatureExtractor extractor, MakeExtractor(config));
  ASSIGN_OR_RETURN(const std::unique_ptr<storage::HistorySource> source, storage::HistorySource::Open(database));
  ASSIGN_OR_RETURN(const storage::HistoryCounts counts, source->Counts());
  RETURN_IF_ERROR(CheckCustomers(*source, extractor, now, counts.customers, progress, checks));
  RETURN_IF_ERROR(CheckRecommendations(*source, extractor, now, checks));
  return CheckPurchases(*source, config.money(), counts.purchases, progress, checks);
}

}  // namespace

void CheckData(storage::Database& database, const config::v1::Config& config, absl::Time now, ProgressLine& progress,
               Checks& checks) {
  const absl::Status status = CheckAll(database, config, now, progress, checks);
  if (!status.ok()) checks.Failed("data", std::string(status.message()));
}

}  // namespace suggest::ctl
