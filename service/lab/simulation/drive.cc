#include "service/lab/simulation/drive.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/status_macros.h"
#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/expert.h"
#include "service/lab/simulation/slate_values.h"
#include "service/lab/simulation/truth.h"
#include "service/lab/simulation/world.h"

namespace suggest::simulation {
namespace {

absl::Status During(absl::string_view what, const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

class Driver {
 public:
  Driver(const DriveOptions& options, DriveTarget& target)
      : options_(options),
        target_(target),
        company_(options.company),
        truth_(company_),
        history_(PlayHistory(company_, truth_)),
        world_(history_.world),
        suggestion_ids_(HistorySuggestionIds(company_, history_)) {
    billed_until_ = company_.options().year_start;
  }

  absl::StatusOr<model::v1::DriveReport> Run() {
    const int first = company_.Day(target_.Now());
    if (first < 0 || first >= company_.options().year_days) {
      return absl::FailedPreconditionError(
          absl::StrCat("the clock shows ", absl::FormatTime(target_.Now(), absl::UTCTimeZone()), ", day ", first,
                       " of the simulated company, expected 0 to ", company_.options().year_days - 1));
    }
    const int last = std::min(first + options_.days, company_.options().year_days);
    for (int day = first; day < last; ++day) {
      target_.WaitUntil(company_.Midnight(day));
      RETURN_IF_ERROR(StartDay(day, day == first ? 0 : day, (day - first) % std::max(1, options_.ingest_every_days)));
      for (const Contact& contact : company_.ContactsOn(day)) {
        target_.WaitUntil(contact.at);
        RETURN_IF_ERROR(Serve(contact));
      }
      if (options_.progress) options_.progress(day + 1 - first, last - first);
    }
    target_.WaitUntil(company_.Midnight(last));
    RETURN_IF_ERROR(StartDay(last, last, 0));
    report_.set_customers(company_.CustomersOn(last));
    report_.set_simulated_days(last - first);
    return report_;
  }

 private:
  // Customers that changed since `changed_from`, payments since the last time, and an ingest when the count is round.
  absl::Status StartDay(int day, int changed_from, int ingest_count) {
    RETURN_IF_ERROR(During(
        "new and changed customers",
        target_.Import(storage::ImportKind::kCustomers, CustomersCsv(company_, changed_from, day, Rows::kChanges))));
    RETURN_IF_ERROR(Bill());
    if (options_.ingest_every_days == 0 || ingest_count != 0) return absl::OkStatus();
    const absl::Status ingested = target_.IngestRewards();
    if (ingested.ok()) report_.set_ingests(report_.ingests() + 1);
    return absl::IsAborted(ingested) ? absl::OkStatus() : During("ingest", ingested);
  }

  // Payments and refunds that happened since the last time.
  absl::Status Bill() {
    const absl::Time now = target_.Now();
    const auto fresh = [&](absl::Time at) { return billed_until_ <= at && at < now; };
    std::vector<Exposure> exposures;
    std::vector<std::string> ids;
    for (const Exposure& exposure : world_.exposures()) {
      if (!fresh(exposure.purchased_at) && !fresh(exposure.refunded_at)) continue;
      exposures.push_back(exposure);
      ids.push_back(suggestion_ids_[exposure.id]);
      report_.set_purchases(report_.purchases() + fresh(exposure.purchased_at));
      report_.set_refunds(report_.refunds() + fresh(exposure.refunded_at));
    }
    billed_until_ = now;
    if (exposures.empty()) return absl::OkStatus();
    return During("purchases",
                  target_.Import(storage::ImportKind::kPurchases, PurchasesCsv(company_, exposures, ids, now)));
  }

  absl::Status Serve(const Contact& contact) {
    const std::vector<int> candidates = world_.Candidates(contact.customer, contact.at);
    absl::StatusOr<v1::SuggestResponse> response = target_.Suggest(RequestOf(contact, candidates));
    if (absl::IsFailedPrecondition(response.status())) {
      report_.set_refused(report_.refused() + 1);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(During(absl::StrCat("Suggest for ", company_.CustomerId(contact.customer)), response.status()));
    report_.set_decisions(report_.decisions() + 1);
    report_.set_model_version(response->model_version());

    const CustomerView view = world_.View(contact.customer, contact.at);
    const SlateValues values(truth_, view, candidates);
    report_.set_best_reward(report_.best_reward() + values.Sum(values.Best(company_.options().slate_size)));
    for (const v1::Suggestion& suggestion : response->suggestions()) {
      RETURN_IF_ERROR(Judge(view, candidates, values, suggestion));
    }
    return absl::OkStatus();
  }

  v1::SuggestRequest RequestOf(const Contact& contact, const std::vector<int>& candidates) const {
    v1::SuggestRequest request;
    request.set_customer_id(company_.CustomerId(contact.customer));
    request.set_count(company_.options().slate_size);
    request.set_request_id(absl::StrCat("contact-", company_.Day(contact.at)));
    request.set_fresh(true);
    for (int r = 0; r < static_cast<int>(company_.recommendations().size()); ++r) {
      if (std::binary_search(candidates.begin(), candidates.end(), r)) continue;
      request.add_excluded_ids(company_.recommendations()[r].id);
    }
    return request;
  }

  // The expert keeps or discards; the customer sees what was kept.
  absl::Status Judge(const CustomerView& view, const std::vector<int>& candidates, const SlateValues& values,
                     const v1::Suggestion& suggestion) {
    const auto found = std::find_if(candidates.begin(), candidates.end(), [&](int r) {
      return company_.recommendations()[r].id == suggestion.recommendation_id();
    });
    if (found == candidates.end()) {
      return absl::InternalError(absl::StrCat("Suggest returned '", suggestion.recommendation_id(), "' to ",
                                              company_.CustomerId(view.customer), ", which was excluded"));
    }
    report_.set_suggestions(report_.suggestions() + 1);
    report_.set_expected_reward(report_.expected_reward() + values.Of(*found));
    const bool kept = truth_.Keeps(view, *found);
    v1::RecordFeedbackRequest feedback;
    feedback.set_customer_id(company_.CustomerId(view.customer));
    feedback.set_suggestion_id(suggestion.suggestion_id());
    feedback.set_kind(kept ? v1::RecordFeedbackRequest::KEPT : v1::RecordFeedbackRequest::DISCARDED);
    RETURN_IF_ERROR(During("RecordFeedback", target_.RecordFeedback(feedback)));
    if (!kept) {
      report_.set_discarded(report_.discarded() + 1);
      return absl::OkStatus();
    }
    report_.set_kept(report_.kept() + 1);
    const Exposure& exposure = world_.Expose(view, *found, target_.Now());
    suggestion_ids_.push_back(BillingKnowsSuggestion(company_, exposure) ? suggestion.suggestion_id() : "");
    return absl::OkStatus();
  }

  const DriveOptions& options_;
  DriveTarget& target_;
  Company company_;
  Truth truth_;
  History history_;
  World world_;
  std::vector<std::string> suggestion_ids_;  // by exposure, what billing knows
  absl::Time billed_until_;
  model::v1::DriveReport report_;
};

}  // namespace

absl::StatusOr<model::v1::DriveReport> Drive(const DriveOptions& options, DriveTarget& target) {
  return Driver(options, target).Run();
}

std::string FormatDrive(const model::v1::DriveReport& report) {
  const double share = report.best_reward() > 0 ? report.expected_reward() / report.best_reward() : 0;
  return absl::StrFormat(
      "%.0f days, %d customers, %d decisions, %d suggestions: %d kept, %d discarded; %d contacts without a candidate\n"
      "%d purchases, %d refunds, %d ingests; model version %d answered last\n"
      "expected reward under the truth: %.1f of the best slates' %.1f (%.1f %%)\n",
      report.simulated_days(), report.customers(), report.decisions(), report.suggestions(), report.kept(),
      report.discarded(), report.refused(), report.purchases(), report.refunds(), report.ingests(),
      report.model_version(), report.expected_reward(), report.best_reward(), 100 * share);
}

}  // namespace suggest::simulation
