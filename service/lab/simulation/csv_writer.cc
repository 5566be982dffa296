#include "service/lab/simulation/csv_writer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "bandit/base/status_macros.h"

namespace suggest::simulation {
namespace {

constexpr double kBillingKnows = 0.7;

std::string TimeText(absl::Time at) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", at, absl::UTCTimeZone());
}

std::string HistoricalId(size_t choice) {
  return absl::StrFormat("h%06d", choice + 1);
}

std::string Quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

void AppendRow(const std::vector<std::string>& fields, std::string& csv) {
  for (size_t i = 0; i < fields.size(); ++i) absl::StrAppend(&csv, i == 0 ? "" : ",", Quoted(fields[i]));
  csv += '\n';
}

void AppendRecord(std::vector<std::string> keys, const Fields& fields, std::string& csv) {
  for (const auto& [column, value] : fields) keys.push_back(value);
  AppendRow(keys, csv);
}

void AppendHeader(std::vector<std::string> keys, const Fields& fields, std::string& csv) {
  for (const auto& [column, value] : fields) keys.push_back(column);
  AppendRow(keys, csv);
}

absl::Status WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.good() ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
}

}  // namespace

Fields CustomerFields(const Company& company, int customer, int day) {
  const Traits traits = company.TraitsOn(customer, day);
  std::vector<std::string> goals;
  for (int g = 0; g < kGoals; ++g) {
    if (traits.goals[g]) goals.push_back(GoalName(g));
  }
  return {{"category", CategoryName(traits.category)},         {"goals", absl::StrJoin(goals, ";")},
          {"joined_at", TimeText(company.JoinedAt(customer))}, {"subscriptions", absl::StrCat(traits.subscriptions)},
          {"integrations", absl::StrCat(traits.integrations)}, {"pages", absl::StrCat(traits.pages)},
          {"sections", absl::StrCat(traits.sections)}};
}

Fields RecommendationFields(const Recommendation& recommendation) {
  return {{"kind", KindName(recommendation.kind)},
          {"price", absl::StrCat(recommendation.price)},
          {"effort_hours", absl::StrCat(recommendation.effort_hours)}};
}

google::protobuf::Struct ToAttributes(const Fields& fields) {
  google::protobuf::Struct attributes;
  for (const auto& [column, value] : fields) {
    if (!value.empty()) (*attributes.mutable_fields())[column].set_string_value(value);
  }
  return attributes;
}

std::string CustomersCsv(const Company& company, int first_day, int last_day, Rows rows) {
  constexpr int kStep = Company::kTraitsStepDays;
  std::string csv;
  AppendHeader({"customer_id", "valid_from"}, CustomerFields(company, 0, company.joined_day(0)), csv);
  for (int c = 0; c < company.options().customers_at_end; ++c) {
    const int joined = company.joined_day(c);
    const int in_force = joined + std::max(0, first_day - joined) / kStep * kStep;
    Fields previous;
    for (int day = in_force; day <= last_day; day += kStep) {
      Fields fields = CustomerFields(company, c, day);
      const bool wanted = day >= first_day || rows == Rows::kWithInForce;
      if (day == first_day && day > joined && rows == Rows::kChanges) {
        previous = CustomerFields(company, c, day - kStep);
      }
      if (wanted && fields != previous) {
        const absl::Time from = day == joined ? company.JoinedAt(c) : company.Midnight(day);
        AppendRecord({company.CustomerId(c), TimeText(from)}, fields, csv);
      }
      previous = std::move(fields);
    }
  }
  return csv;
}

std::string RecommendationsCsv(const Company& company) {
  std::string csv;
  AppendHeader({"recommendation_id", "title", "active_from", "repeatable"},
               RecommendationFields(company.recommendations()[0]), csv);
  for (const Recommendation& r : company.recommendations()) {
    const bool always = r.active_from_day <= -company.options().history_days;
    AppendRecord({r.id, r.title, always ? "" : TimeText(company.Midnight(r.active_from_day)), "false"},
                 RecommendationFields(r), csv);
  }
  return csv;
}

std::string SuggestionsCsv(const Company& company, const History& history) {
  std::string csv;
  AppendRow({"suggestion_id", "customer_id", "recommendation_id", "decided_at", "status"}, csv);
  for (size_t i = 0; i < history.choices.size(); ++i) {
    const ExpertChoice& choice = history.choices[i];
    AppendRow(
        {HistoricalId(i), company.CustomerId(choice.customer), company.recommendations()[choice.recommendation].id,
         TimeText(choice.at), choice.exposure >= 0 ? "kept" : "discarded"},
        csv);
  }
  return csv;
}

std::string PurchasesCsv(const Company& company, const std::vector<Exposure>& exposures,
                         const std::vector<std::string>& suggestion_ids, absl::Time now) {
  std::string csv;
  AppendRow({"purchase_id", "customer_id", "recommendation_id", "purchased_at", "amount", "currency", "suggestion_id",
             "cancelled_at"},
            csv);
  for (size_t i = 0; i < exposures.size(); ++i) {
    const Exposure& exposure = exposures[i];
    if (exposure.purchased_at >= now) continue;
    const Recommendation& bought = company.recommendations()[exposure.recommendation];
    AppendRow({absl::StrFormat("p%06d", exposure.id + 1), company.CustomerId(exposure.customer), bought.id,
               TimeText(exposure.purchased_at), absl::StrFormat("%.2f", bought.price), kCurrency, suggestion_ids[i],
               exposure.refunded_at < now ? TimeText(exposure.refunded_at) : ""},
              csv);
  }
  return csv;
}

bool BillingKnowsSuggestion(const Company& company, const Exposure& exposure) {
  return company.draws().Uniform(Purpose::kBillingId, exposure.id) < kBillingKnows;
}

std::vector<std::string> HistorySuggestionIds(const Company& company, const History& history) {
  std::vector<std::string> ids(history.world.exposures().size());
  for (size_t i = 0; i < history.choices.size(); ++i) {
    const int64_t exposure = history.choices[i].exposure;
    if (exposure < 0 || !BillingKnowsSuggestion(company, history.world.exposures()[exposure])) continue;
    ids[exposure] = HistoricalId(i);
  }
  return ids;
}

std::map<std::string, std::string> HistoryFiles(const Company& company, const History& history) {
  return {{"customers.csv", CustomersCsv(company, -company.options().history_days, -1, Rows::kWithInForce)},
          {"recommendations.csv", RecommendationsCsv(company)},
          {"suggestions.csv", SuggestionsCsv(company, history)},
          {"purchases.csv", PurchasesCsv(company, history.world.exposures(), HistorySuggestionIds(company, history),
                                         company.options().year_start)}};
}

absl::Status WriteHistory(const Company& company, const History& history, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", directory, ": ", error.message()));
  for (const auto& [name, text] : HistoryFiles(company, history)) {
    RETURN_IF_ERROR(WriteFile(std::filesystem::path(directory) / name, text));
  }
  return absl::OkStatus();
}

}  // namespace suggest::simulation
