#include "service/lab/simulation/first_report.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/mutex.h"
#include "bandit/base/status_macros.h"
#include "service/lab/simulation/csv_writer.h"
#include "service/lab/simulation/estimates.h"
#include "service/lab/simulation/in_memory_service.h"
#include "service/lab/simulation/parallel.h"
#include "service/learning/warm_start.h"

namespace suggest::simulation {
namespace {

constexpr int kBestThree = 3;
constexpr int kPromisedDays = 28;  // each customer is looked at once

std::string HistoricalChoiceId(size_t choice) {
  return absl::StrFormat("h%06d", choice + 1);
}

// A row per change of attributes, in force at the start of the history or later.
void AddCustomers(const Company& company, learning::History* history) {
  for (int c = 0; c < company.CustomersOn(-1); ++c) {
    Fields previous;
    for (int day = company.joined_day(c); day < 0; day += Company::kTraitsStepDays) {
      Fields fields = CustomerFields(company, c, day);
      if (fields == previous) continue;
      const absl::Time from = day == company.joined_day(c) ? company.JoinedAt(c) : company.Midnight(day);
      history->customers.push_back(
          {.customer_id = company.CustomerId(c), .valid_from = from, .attributes = ToAttributes(fields)});
      previous = std::move(fields);
    }
  }
}

void AddRecommendations(const Company& company, learning::History* history) {
  for (const Recommendation& r : company.recommendations()) {
    storage::RecommendationRecord record;
    record.recommendation_id = r.id;
    record.title = r.title;
    if (r.active_from_day > -company.options().history_days) record.active_from = company.Midnight(r.active_from_day);
    record.attributes = ToAttributes(RecommendationFields(r));
    history->recommendations.push_back(std::move(record));
  }
}

void AddPurchases(const Company& company, const History& past, learning::History* history) {
  const std::vector<std::string> ids = HistorySuggestionIds(company, past);
  const std::vector<Exposure>& exposures = past.world.exposures();
  const absl::Time now = company.options().year_start;
  for (size_t i = 0; i < exposures.size(); ++i) {
    const Exposure& exposure = exposures[i];
    if (exposure.purchased_at >= now) continue;
    const Recommendation& bought = company.recommendations()[exposure.recommendation];
    storage::PurchaseRecord purchase;
    purchase.purchase_id = absl::StrFormat("p%06d", exposure.id + 1);
    purchase.customer_id = company.CustomerId(exposure.customer);
    purchase.recommendation_id = bought.id;
    purchase.purchased_at = exposure.purchased_at;
    purchase.amount = bought.price;
    purchase.currency = kCurrency;
    purchase.suggestion_id = ids[i];
    if (exposure.refunded_at < now) purchase.cancelled_at = exposure.refunded_at;
    history->purchases.push_back(std::move(purchase));
  }
}

learning::TruthOf TruthOfSuggestions(const Company& company, const Truth& truth, const History& past) {
  absl::flat_hash_map<std::string, const ExpertChoice*> choices;
  for (size_t i = 0; i < past.choices.size(); ++i) choices[HistoricalChoiceId(i)] = &past.choices[i];
  return [&company, &truth, &past, choices = std::move(choices)](const learning::ReplayedExposure& exposure) {
    const ExpertChoice& choice = *choices.at(exposure.suggestion_id);
    const double reward = truth.ExpectedReward(past.world.View(choice.customer, choice.at), choice.recommendation);
    return learning::TrueExpectation{.chance = reward / truth.SaleReward(choice.recommendation), .reward = reward};
  };
}

// What the model promises for the three best candidates of each customer, and what they bring.
absl::Status CompareBestThree(const Company& company, const Truth& truth, const History& past,
                              const config::v1::Config& config, model::v1::FirstReport* report) {
  ASSIGN_OR_RETURN(const std::unique_ptr<InMemoryService> service,
                   InMemoryService::WarmStart(company, config, past, absl::Hours(24)));
  RETURN_IF_ERROR(service->Tick(company.Midnight(0)));
  report->set_ridge(service->ridge());
  bandit::PolicySettings greedy;
  greedy.kind = bandit::PolicyKind::kGreedy;
  double promised = 0, observed = 0;
  int64_t slots = 0;
  for (int day = 0; day < kPromisedDays; ++day) {
    for (const Contact& contact : company.ContactsOn(day)) {
      const std::vector<int> candidates = past.world.Candidates(contact.customer, contact.at);
      ASSIGN_OR_RETURN(const bandit::DecisionProblem problem,
                       service->Problem(contact.customer, contact.at, candidates));
      ASSIGN_OR_RETURN(const bandit::Slate slate, bandit::ChooseSlate(problem, greedy, kBestThree, 1));
      const CustomerView view = past.world.View(contact.customer, contact.at);
      for (const bandit::ScoredCandidate& item : slate.items) {
        promised += std::clamp(item.mean, 0.0, 1.0);
        observed += truth.ExpectedReward(view, item.candidate);
        ++slots;
      }
    }
  }
  report->set_best_three_promised(promised / static_cast<double>(slots));
  report->set_best_three_observed(observed / static_cast<double>(slots));
  return absl::OkStatus();
}

void Summarise(model::v1::FirstReports* reports) {
  std::vector<double> aucs, saved, truths;
  double promised = 0, observed = 0;
  int below = 0;
  for (const model::v1::FirstReport& report : reports->companies()) {
    const model::v1::HeldOut& held_out = report.held_out();
    aucs.push_back(held_out.auc());
    truths.push_back(held_out.truth().auc());
    saved.push_back(held_out.base_rate_log_loss() - held_out.log_loss());
    below += saved.back() > 0 ? 1 : 0;
    promised += report.best_three_promised();
    observed += report.best_three_observed();
  }
  reports->set_log_loss_below_base_rate(below);
  reports->set_promised_over_observed(promised / observed);
  *reports->mutable_auc() = MeanOf(aucs);
  *reports->mutable_log_loss_saved() = MeanOf(saved);
  *reports->mutable_truth_auc() = MeanOf(truths);
}

}  // namespace

learning::History ToLearningHistory(const Company& company, const History& past) {
  learning::History history;
  AddCustomers(company, &history);
  AddRecommendations(company, &history);
  for (size_t i = 0; i < past.choices.size(); ++i) {
    const ExpertChoice& choice = past.choices[i];
    history.suggestions.push_back({.suggestion_id = HistoricalChoiceId(i),
                                   .customer_id = company.CustomerId(choice.customer),
                                   .recommendation_id = company.recommendations()[choice.recommendation].id,
                                   .decided_at = choice.at,
                                   .status = choice.exposure >= 0 ? "KEPT" : "DISCARDED",
                                   .propensity = std::nullopt});
  }
  AddPurchases(company, past, &history);
  return history;
}

absl::StatusOr<model::v1::FirstReport> MakeFirstReport(const CompanyOptions& options,
                                                       const config::v1::Config& config) {
  const Company company(options);
  const Truth truth(company);
  const History past = PlayHistory(company, truth);
  learning::WarmStartOptions warm_start;
  warm_start.truth = TruthOfSuggestions(company, truth, past);
  ASSIGN_OR_RETURN(const model::v1::WarmStartReport told,
                   learning::EvaluateHistory(ToLearningHistory(company, past), config, warm_start, nullptr));
  model::v1::FirstReport report;
  report.set_seed(options.seed);
  *report.mutable_held_out() = told.held_out();
  RETURN_IF_ERROR(CompareBestThree(company, truth, past, config, &report));
  return report;
}

absl::StatusOr<model::v1::FirstReports> MakeFirstReports(const FirstReportOptions& options,
                                                         const config::v1::Config& config) {
  if (options.seeds.empty()) return absl::InvalidArgumentError("seeds: there is no company to report on");
  const int count = static_cast<int>(options.seeds.size());
  std::vector<model::v1::FirstReport> made(options.seeds.size());
  Mutex mutex;
  int64_t done = 0;
  RETURN_IF_ERROR(ForEachInParallel(count, options.jobs, [&](int i) -> absl::Status {
    CompanyOptions company;
    company.seed = options.seeds[i];
    ASSIGN_OR_RETURN(made[i], MakeFirstReport(company, config));
    MutexLock lock(mutex);
    ++done;
    if (options.progress) options.progress(done, count);
    return absl::OkStatus();
  }));
  model::v1::FirstReports reports;
  for (model::v1::FirstReport& report : made) *reports.add_companies() = std::move(report);
  Summarise(&reports);
  return reports;
}

std::string FormatFirstReports(const model::v1::FirstReports& reports) {
  std::string text =
      "seed   ridge   AUC  features  truth   log loss  base rate   value skill  slope  best three promised  observed\n";
  for (const model::v1::FirstReport& report : reports.companies()) {
    const model::v1::HeldOut& held_out = report.held_out();
    absl::StrAppendFormat(&text, "%4d %7g %5.3f     %5.3f  %5.3f    %7.4f    %7.4f       %7.4f  %5.2f  %19.4f  %8.4f\n",
                          report.seed(), report.ridge(), held_out.auc(), held_out.features().auc(),
                          held_out.truth().auc(), held_out.log_loss(), held_out.base_rate_log_loss(),
                          held_out.value().skill(), held_out.value().slope(), report.best_three_promised(),
                          report.best_three_observed());
  }
  absl::StrAppendFormat(&text,
                        "log loss below the base rate's in %d of %d companies, by %.4f ± %.4f; AUC %.3f ± %.3f, of the "
                        "truth %.3f ± %.3f\n"
                        "best three: promised over observed %.3f\n",
                        reports.log_loss_below_base_rate(), reports.companies_size(), reports.log_loss_saved().mean(),
                        reports.log_loss_saved().standard_error(), reports.auc().mean(), reports.auc().standard_error(),
                        reports.truth_auc().mean(), reports.truth_auc().standard_error(),
                        reports.promised_over_observed());
  return text;
}

}  // namespace suggest::simulation
