// A drive against a stand-in for the service that chooses the first candidates and runs on a clock of its own.
#include "service/lab/simulation/drive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/source/csv.h"
#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::HasSubstr;

CompanyOptions SmallCompany() {
  CompanyOptions options;
  options.customers_before = 60;
  options.customers_at_start = 80;
  options.customers_at_end = 120;
  return options;
}

class FakeService : public DriveTarget {
 public:
  explicit FakeService(absl::Time start) : now_(start) {}

  absl::StatusOr<v1::SuggestResponse> Suggest(const v1::SuggestRequest& request) override {
    EXPECT_TRUE(requests_.insert(request.customer_id() + request.request_id()).second) << "request id used twice";
    EXPECT_TRUE(customers_.contains(request.customer_id())) << request.customer_id() << " is not in the table";
    if (!suggest_.ok()) return suggest_;
    const std::set<std::string> excluded(request.excluded_ids().begin(), request.excluded_ids().end());
    v1::SuggestResponse response;
    response.set_model_version(7);
    for (int r = 1; r <= 40 && response.suggestions_size() < request.count(); ++r) {
      const std::string id = absl::StrCat("r", r < 10 ? "0" : "", r);
      if (excluded.contains(id) && !ignore_exclusions_) continue;
      v1::Suggestion* suggestion = response.add_suggestions();
      suggestion->set_recommendation_id(id);
      suggestion->set_suggestion_id(absl::StrCat(request.customer_id(), "/", request.request_id(), ".", r));
      suggested_.insert(suggestion->suggestion_id());
    }
    return response;
  }
  absl::Status RecordFeedback(const v1::RecordFeedbackRequest& request) override {
    EXPECT_TRUE(suggested_.contains(request.suggestion_id()));
    ++feedback_[request.kind()];
    if (request.kind() == v1::RecordFeedbackRequest::KEPT) kept_.insert(request.suggestion_id());
    return absl::OkStatus();
  }
  absl::Status IngestRewards() override {
    ++ingests_;
    return ingest_;
  }
  absl::Status Import(storage::ImportKind kind, std::string csv) override {
    auto reader = storage::CsvReader::FromString(std::move(csv), "import");
    EXPECT_THAT(reader, suggest::testing::IsOk());
    std::vector<std::string> fields;
    while (*(*reader)->Next(fields)) {
      if (kind == storage::ImportKind::kCustomers) customers_.insert(fields[0]);
      if (kind == storage::ImportKind::kPurchases) purchases_[fields[0]] = fields;
    }
    return absl::OkStatus();
  }
  absl::Time Now() override { return now_; }
  void WaitUntil(absl::Time time) override { now_ = std::max(now_, time); }

  absl::Time now_;
  absl::Status suggest_;
  absl::Status ingest_;
  bool ignore_exclusions_ = false;
  std::set<std::string> customers_, requests_, suggested_, kept_;
  std::map<int, int64_t> feedback_;
  std::map<std::string, std::vector<std::string>> purchases_;
  int64_t ingests_ = 0;
};

class DriveTest : public ::testing::Test {
 protected:
  DriveTest() : company_(SmallCompany()), service_(company_.Midnight(0)) {
    options_.company = SmallCompany();
    options_.days = 60;
    for (int c = 0; c < company_.CustomersOn(-1); ++c) service_.customers_.insert(company_.CustomerId(c));
  }

  Company company_;
  FakeService service_;
  DriveOptions options_;
};

TEST_F(DriveTest, PlaysEveryContactAndReportsWhatHappened) {
  ASSERT_OK_AND_ASSIGN(const auto report, Drive(options_, service_));
  int64_t contacts = 0;
  for (int day = 0; day < 60; ++day) contacts += static_cast<int64_t>(company_.ContactsOn(day).size());
  EXPECT_EQ(report.decisions(), contacts);
  EXPECT_EQ(report.kept(), service_.feedback_[v1::RecordFeedbackRequest::KEPT]);
  EXPECT_EQ(report.discarded(), service_.feedback_[v1::RecordFeedbackRequest::DISCARDED]);
  EXPECT_EQ(report.kept() + report.discarded(), report.suggestions());
  EXPECT_EQ(report.customers(), static_cast<int64_t>(service_.customers_.size()));
  EXPECT_EQ(report.ingests(), 61);  // at the start of each day and at the end
  EXPECT_EQ(report.model_version(), 7);
  EXPECT_GT(report.expected_reward(), 0);
  EXPECT_LT(report.expected_reward(), report.best_reward());
  EXPECT_EQ(service_.now_, company_.Midnight(60));
  EXPECT_THAT(FormatDrive(report), HasSubstr(absl::StrCat(contacts, " decisions")));
}

TEST_F(DriveTest, BillsOnlyWhatHappenedAndNamesKeptSuggestions) {
  ASSERT_OK_AND_ASSIGN(const auto report, Drive(options_, service_));
  EXPECT_EQ(static_cast<int64_t>(service_.purchases_.size()), report.purchases());
  EXPECT_GT(report.purchases(), 5);
  int of_the_drive = 0;
  for (const auto& [id, row] : service_.purchases_) {
    absl::Time paid;
    ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, row[3], &paid, nullptr));
    EXPECT_GE(paid, company_.Midnight(0) - absl::Seconds(1));
    EXPECT_LT(paid, company_.Midnight(60));
    if (row[6].empty() || row[6][0] == 'h') continue;  // not known, or a suggestion of the history
    ++of_the_drive;
    EXPECT_TRUE(service_.kept_.contains(row[6])) << row[6];
  }
  EXPECT_GT(of_the_drive, 0);
}

TEST_F(DriveTest, LeavesIngestsToOthersWhenTold) {
  options_.ingest_every_days = 0;
  ASSERT_OK(Drive(options_, service_));
  EXPECT_EQ(service_.ingests_, 0);
}

TEST_F(DriveTest, AnIngestThatAnotherRunKeepsOutIsLeftToIt) {
  service_.ingest_ = absl::AbortedError("another run");
  ASSERT_OK_AND_ASSIGN(const auto report, Drive(options_, service_));
  EXPECT_EQ(report.ingests(), 0);
}

TEST_F(DriveTest, CountsContactsWithoutCandidate) {
  service_.suggest_ = absl::FailedPreconditionError("no candidate is eligible");
  ASSERT_OK_AND_ASSIGN(const auto report, Drive(options_, service_));
  EXPECT_EQ(report.decisions(), 0);
  EXPECT_GT(report.refused(), 0);
}

TEST_F(DriveTest, StopsWithTheServicesErrorAndSaysWhatItWasDoing) {
  service_.suggest_ = absl::UnavailableError("connection refused");
  EXPECT_THAT(Drive(options_, service_), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("Suggest for c")));
  service_.suggest_ = absl::OkStatus();
  service_.requests_.clear();
  service_.now_ = company_.Midnight(0);
  service_.ingest_ = absl::FailedPreconditionError("no model");
  EXPECT_THAT(Drive(options_, service_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ingest: no model")));
}

TEST_F(DriveTest, AServiceThatOffersWhatWasExcludedIsFoundOut) {
  service_.ignore_exclusions_ = true;
  EXPECT_THAT(Drive(options_, service_), StatusIs(absl::StatusCode::kInternal, HasSubstr("which was excluded")));
}

TEST_F(DriveTest, RefusesAClockOutsideTheYear) {
  service_.now_ = company_.Midnight(365);
  EXPECT_THAT(Drive(options_, service_), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("day 365")));
  service_.now_ = company_.Midnight(-1);
  EXPECT_THAT(Drive(options_, service_), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("day -1")));
}

}  // namespace
}  // namespace suggest::simulation
